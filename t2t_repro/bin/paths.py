"""Files that flags name: several to read, or one that shall be written."""

import os
import pathlib
from collections.abc import Sequence

from absl import flags

from t2t_repro import files
from t2t_repro.errors import UsageError
from t2t_repro.text import lines


def several(given: Sequence[str]) -> list[str]:
    """The paths of a flag that may be repeated.

    Args:
      given: its values, each with commas between paths; a name that exists may
        itself have a comma.

    Returns:
      Some may be empty.
    """
    return [
        path
        for names in given
        for path in ([names] if os.path.exists(names) else names.split(","))
    ]


def to_write(values: flags.FlagValues, flag: str) -> pathlib.Path:
    """The path of a flag, where nothing of the user's is lost.

    To be asked before any work is done.

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
    require_parent(flag, given)
    return target


def require_parent(flag: str, given: str) -> None:
    """Raises UsageError when the folder of a file to be written is missing."""
    parent = files.absolute(given).parent
    if not parent.is_dir():
        raise UsageError(
            f"--{flag}={given}: the folder {parent} does not exist."
        )


def can_be_read_twice(path: str) -> bool:
    """Whether it is no pipe; what does not exist is, to be named so."""
    return os.path.isfile(path) or not (
        path == lines.STANDARD or os.path.exists(path)
    )
