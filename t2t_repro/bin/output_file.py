"""A file that a command shall write, asked about before any work is done."""

import pathlib

from absl import flags

from t2t_repro import files
from t2t_repro.errors import UsageError


def of_flag(values: flags.FlagValues, flag: str) -> pathlib.Path:
    """The path of a flag, where nothing of the user's is lost.

    Args:
      values: with `--overwrite`.
      flag: its name.

    Raises:
      UsageError: the file exists, or its folder does not.
    """
    given: str = values[flag].value or ""
    target = files.absolute(given)
    if target.is_dir() or (target.exists() and not values.overwrite):
        raise UsageError(
            f"--{flag}={given} exists: remove it, take another name or, if it"
            " is a file that this command wrote, give --overwrite."
        )
    if not target.parent.is_dir():
        raise UsageError(
            f"--{flag}={given}: the folder {target.parent} does not exist."
        )
    return target
