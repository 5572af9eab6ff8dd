"""The folder of an export: whole or not at all, and never another's.

tensor2tensor wrote each export into a new folder named by the time; so does
this where no other is asked for. `export.json` says what was exported from
what, and marks the folder as one that may be replaced when a user says so.
"""

import contextlib
import json
import pathlib
import secrets
import shutil
import time
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from t2t_repro import files
from t2t_repro.errors import UsageError
from t2t_repro.run_directory import Run

_MARK = "export.json"


def default_folder(run: Run) -> pathlib.Path:
    """tensor2tensor's place: `output_dir/export/<seconds since 1970>`."""
    return run.folder / "export" / str(int(time.time()))


def check(folder: pathlib.Path, overwrite: bool) -> None:
    """Makes sure that nothing would be lost.

    Args:
      folder: of the new export.
      overwrite: whether an earlier export there may go.

    Raises:
      UsageError: something stands there that is not to be replaced.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / _MARK).is_file():
        raise UsageError(
            f"--export_dir={folder} exists and is no export: name a folder that"
            " is empty or does not exist yet."
        )
    if not overwrite:
        raise UsageError(
            f"--export_dir={folder} holds an export already: name another"
            " folder, or give --overwrite."
        )


@contextlib.contextmanager
def new_folder(
    folder: pathlib.Path, description: Mapping[str, Any], overwrite: bool
) -> Iterator[pathlib.Path]:
    """Lends a folder beside the wanted one; success gives it its name.

    Whatever goes wrong inside, an earlier export is untouched.

    Args:
      folder: of the export.
      description: goes into `export.json`.
      overwrite: see `check`, which is asked first.

    Yields:
      An empty folder to write into.

    Raises:
      InputError: the place is not writable.
      UsageError: see `check`.
    """
    check(folder, overwrite)
    files.make_folder(folder.parent)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        files.make_folder(partial)
        yield partial
        text = json.dumps(dict(description), indent=1, sort_keys=True)
        files.replace_file(partial / _MARK, text + "\n")
        # Once more: someone else may have written there meanwhile.
        check(folder, overwrite)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
