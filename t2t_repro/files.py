"""Files that appear whole or not at all, locks, hashes, JSON."""

import contextlib
import datetime
import fcntl
import hashlib
import json
import logging
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Any

from t2t_repro.errors import InputError

Path = str | os.PathLike[str]

# Ours has some ten levels. Deeper ones would end what walks them by recursion.
_DEEPEST_JSON = 50

logger = logging.getLogger("t2t_repro")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[pathlib.Path]:
    """Lends an empty file in the same folder; success renames it to `path`.

    Whatever goes wrong inside, an earlier file of that name is untouched and
    the temporary one is removed. What a killed process left of this path is
    removed as well, and said; a file that another one is writing is not.
    """
    target = pathlib.Path(os.path.realpath(path))
    _remove_leftovers(target)
    temporary, lock = _new_part(target)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(lock)


def _new_part(target: pathlib.Path) -> tuple[pathlib.Path, int]:
    """Makes a temporary file, locked for as long as its descriptor is open."""
    while True:
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        lock = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        # Some network folders have no locks: nothing is removed there.
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Before the lock, another process may have taken it for a leftover.
        if os.fstat(lock).st_nlink:
            return part, lock
        os.close(lock)


def _remove_leftovers(target: pathlib.Path) -> None:
    """Removes temporary files of the target that no process holds locked."""
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.part")
    parts: list[pathlib.Path] = []
    with contextlib.suppress(OSError):
        parts = [p for p in target.parent.iterdir() if name.fullmatch(p.name)]
    for part in sorted(parts):
        # OSError: it is locked, or already gone, or not ours to open.
        with contextlib.suppress(OSError), open(part, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = os.fstat(file.fileno()).st_size
            part.unlink()
            logger.info(
                "removed %s (%d bytes), which a process that was killed had"
                " left",
                part,
                size,
            )


def replace_file(path: Path, data: bytes | str) -> None:
    """Writes a whole file at once through `replacing`; text as UTF-8."""
    content = data.encode() if isinstance(data, str) else data
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def temporary_folder() -> Iterator[pathlib.Path]:
    """Lends a folder among the system's temporary ones, gone afterwards.

    Also when SIGTERM or SIGHUP would end the process meanwhile, unless the
    program has its own way with them: here they end it with 128 + their number.
    """

    def end(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    # Only the main thread may set a handler.
    is_main = threading.current_thread() is threading.main_thread()
    replaced = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if is_main and signal.getsignal(number) is signal.SIG_DFL
    ]
    try:
        for number in replaced:
            signal.signal(number, end)
        with tempfile.TemporaryDirectory() as folder:
            yield pathlib.Path(folder)
    finally:
        for number in replaced:
            signal.signal(number, signal.SIG_DFL)


def absolute(path: Path) -> pathlib.Path:
    """The path with `~` expanded, independent of the working directory."""
    return pathlib.Path(path).expanduser().absolute()


def make_folder(path: Path) -> pathlib.Path:
    """Makes a folder and its parents, unless it is there."""
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


@contextlib.contextmanager
def locked(path: Path, remedy: str = "") -> Iterator[None]:
    """Holds a lock file, which the system releases however the process ends.

    Over NFS the lock holds between machines; where the file system knows no
    locks, that is said and there is none.

    Args:
      path: the lock file, there only meanwhile, as is its folder if it is new.
      remedy: what to do when another process holds it; without, this one
        waits.
    """
    target = absolute(path)
    folders = [target.parent, *target.parent.parents]
    new = [folder for folder in folders if not folder.exists()]
    make_folder(target.parent)
    try:
        file = _lock(target, remedy)
        now = datetime.datetime.now().astimezone()
        file.truncate(0)
        file.write(
            f"process {os.getpid()} on {socket.gethostname()} since"
            f" {now:%Y-%m-%d %H:%M:%S %Z}\n"
        )
        file.flush()
        try:
            yield
        finally:
            # Before it is released: nobody can hold it any more.
            target.unlink(missing_ok=True)
            file.close()
    finally:
        with contextlib.suppress(OSError):  # something was put there
            for folder in new:
                folder.rmdir()


def _lock(target: pathlib.Path, remedy: str) -> IO[str]:
    while True:
        file = open(target, "a+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(200).strip() or "another process"
            if remedy:
                file.close()
                raise InputError(
                    f"{target.parent} is in use by {holder}: {remedy}."
                ) from None
            logger.info("waiting for %s, in use by %s", target.parent, holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            logger.warning(
                "%s cannot be locked (%s): make sure that no second process"
                " writes there",
                target.parent,
                error.strerror,
            )
            return file
        # The one who held it may have removed it meanwhile.
        if target.exists() and os.path.samestat(
            os.fstat(file.fileno()), os.stat(target)
        ):
            return file
        file.close()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from error


def size_text(count: int) -> str:
    """Bytes as people say them: `512 bytes`, `18.2 kB`, `2.6 MB`."""
    for unit, name in ((10**6, "MB"), (1000, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object; InputError for anything else."""
    try:
        data = pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{os.fspath(path)} does not exist.") from None
    except OSError as error:
        raise InputError(
            f"cannot read {os.fspath(path)}: {error.strerror}."
        ) from error
    return json_object(data, path)


def json_object(data: bytes, path: Path) -> dict[str, Any]:
    """The JSON object that bytes of a file are; InputError for others."""
    try:
        value = json.loads(data)
        if _is_deep(value):
            raise RecursionError(f"more than {_DEEPEST_JSON} levels")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{os.fspath(path)} is not JSON ({error}): it is damaged, restore"
            " it from a copy."
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{os.fspath(path)} does not hold a JSON object.")
    return value


def _is_deep(value: Any, levels: int = _DEEPEST_JSON) -> bool:
    if not levels:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, dict | list) and any(
        _is_deep(part, levels - 1) for part in inner
    )
