"""Files that appear whole or not at all, and JSON read with clear errors."""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator
from typing import Any

from t2t_repro.errors import InputError

Path = str | os.PathLike[str]

# Ours has some ten levels. Deeper ones would end what walks them by recursion.
_DEEPEST_JSON = 50


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[pathlib.Path]:
    """Lends a temporary name in the same folder; success renames it to `path`.

    Whatever goes wrong inside, an earlier file of that name is untouched and
    the temporary one is removed.

    Yields:
      The path to write to.
    """
    target = pathlib.Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def replace_file(path: Path, data: bytes | str) -> None:
    """Writes a whole file at once through `replacing`; text as UTF-8."""
    content = data.encode() if isinstance(data, str) else data
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def absolute(path: Path) -> pathlib.Path:
    """The path with `~` expanded, independent of the working directory."""
    return pathlib.Path(path).expanduser().absolute()


def make_folder(path: Path) -> pathlib.Path:
    """Makes a folder and its parents, unless it is there.

    Raises:
      InputError: a file is in the way, or the place is not writable.
    """
    folder = absolute(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder {path}: {error.strerror}."
        ) from error
    return folder


@contextlib.contextmanager
def filling(path: Path) -> Iterator[None]:
    """Makes a new folder, or takes an empty one, that is filled or left so.

    Whatever goes wrong inside, what was put there is removed.

    Args:
      path: a folder that is empty or does not exist.

    Raises:
      InputError: see `make_folder`.
    """
    folder = absolute(path)
    is_new = not folder.exists()
    make_folder(folder)
    try:
        yield
    except BaseException:
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()
        if is_new:
            folder.rmdir()
        raise


def size_text(count: int) -> str:
    """Bytes as people say them: `512 bytes`, `18.2 kB`, `2.6 MB`."""
    for unit, name in ((10**6, "MB"), (1000, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
      InputError: the file is missing, or holds something else, or lists in
        lists without end.
    """
    try:
        value = json.loads(pathlib.Path(path).read_bytes())
        if _is_deep(value):
            raise RecursionError(f"more than {_DEEPEST_JSON} levels")
    except FileNotFoundError:
        raise InputError(f"{os.fspath(path)} does not exist.") from None
    except OSError as error:
        raise InputError(
            f"cannot read {os.fspath(path)}: {error.strerror}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{os.fspath(path)} is not JSON ({error}): it is damaged, restore"
            " it from a copy."
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{os.fspath(path)} does not hold a JSON object.")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST_JSON):
        inner: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                inner.extend(part.values())
            elif isinstance(part, list):
                inner.extend(part)
        level = inner
    return bool(level)
