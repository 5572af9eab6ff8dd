"""Raw files by URL: checked before use, resumed and retried on slow servers.

A file that lies in `tmp_dir` already is used after its hash was checked, so
files placed by hand work too. A file without a published hash is taken as it
is; `t2t_repro.data.generate` records the hash it has.

The WMT archives are gigabytes. keras.utils.get_file removes what it has when a
connection breaks and starts anew; this continues with an HTTP range request.
Left out: several connections at once, mirrors.
"""

import contextlib
import functools
import http.client
import logging
import os
import pathlib
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from t2t_repro import files
from t2t_repro.errors import InputError
from t2t_repro.files import file_sha256

_TRIES = 5
_FIRST_WAIT = 2.0  # seconds, doubled each time: half a minute in all
_TIMEOUT = 60.0
_BLOCK = 2**20
_REPORT_EVERY = 30.0
_PARTIAL, _BEYOND_THE_END = 206, 416
# Too busy, or broken on the way; any other status will be the same next time.
_PASSING = {408, 425, 429, 500, 502, 503, 504}

logger = logging.getLogger("t2t_repro")


class RemoteFile(NamedTuple):
    """A file of a corpus."""

    url: str  # http, https, ftp or file
    name: str  # in `tmp_dir`
    sha256: str | None = None
    size: int | None = None  # in bytes


class TransferError(Exception):
    """The other side, or the way there, failed; the message says how."""


class _Passing(TransferError):
    """A failure that another try may not meet."""


def fetch(file: RemoteFile, tmp_dir: str | os.PathLike[str]) -> pathlib.Path:
    """Finds the file in `tmp_dir` or downloads it there.

    What comes lies in `<name>.part` until it is whole and its hash is right. A
    broken download of a file with a known hash is continued by the next call.
    """
    path = pathlib.Path(tmp_dir).expanduser() / file.name
    if not path.exists():
        files.make_folder(path.parent)
        _download(file, path)
    elif file.sha256 is not None:
        found = content_hash(path)
        if found != file.sha256:
            raise InputError(
                f"{path} has SHA-256 {found}, expected {file.sha256}: it is"
                " damaged or another version. Remove it, or put the file from"
                f" {file.url} in its place."
            )
    return path


def content_hash(path: pathlib.Path) -> str:
    """SHA-256 of a file, computed again only when the file has changed."""
    status = path.stat()
    return _hash_of(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _hash_of(path: pathlib.Path, size: int, time: int) -> str:
    return file_sha256(path)


def plan(
    name: str, sources: Iterable[dict[str, Any]], tmp_dir: pathlib.Path
) -> list[str]:
    """What would be fetched (`t2t-datagen --dry_run`): a line a file, a sum.

    `name` and `sources` are the problem's. A file counts as present when
    something has its name: hashes are checked when it is read.
    """
    by_url: dict[str, dict[str, Any]] = {}
    lines: list[str] = []
    missing: list[int | None] = []
    for source in sources:
        if source.get("url"):
            by_url.setdefault(source["url"], source)
        else:
            what = source.get("corpus") or source.get("file", "text")
            lines.append(f"by hand  {source['split']}: {what} -> {tmp_dir}")
    for url, source in by_url.items():
        path = tmp_dir / (source.get("file") or url.rsplit("/", 1)[-1])
        size = source.get("size")
        if not path.exists():
            missing.append(size)
        elif not size and path.is_file():
            size = path.stat().st_size
        lines.append(
            f"{'present' if path.exists() else 'missing'}"
            f"  {files.size_text(size) if size else 'size unknown'}"
            f"  {url} -> {path}"
            + (f" (through {source['through']})" if "through" in source else "")
        )
    known = [size for size in missing if size]
    sizes = [files.size_text(sum(known))] if known else []
    if len(known) < len(missing):
        sizes.append(f"{len(missing) - len(known)} of unknown size")
    lines.append(
        f"{name}: {len(missing)} of {len(by_url)} files to fetch"
        + (f", {' and '.join(sizes)}" if sizes else "")
    )
    return lines


def _download(file: RemoteFile, path: pathlib.Path) -> None:
    part = path.with_name(f"{path.name}.part")
    if file.sha256 is None:
        # Nothing would tell whether the rest belongs to this beginning.
        part.unlink(missing_ok=True)
    size = f" ({files.size_text(file.size)})" if file.size else ""
    logger.info("fetching %s%s", file.url, size)
    while True:
        goes_on = part.exists()
        _download_part(file, part, path)
        found = content_hash(part)
        if file.sha256 in (None, found):
            break
        part.unlink()
        # A beginning may be another version's: once more, from the start.
        if not goes_on:
            raise InputError(
                f"{file.url} has SHA-256 {found}, expected {file.sha256}: it"
                " is no longer the same file. Get the right one elsewhere and"
                f" place it at {path}."
            )
    with open(part, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(part, path)


def _download_part(
    file: RemoteFile, part: pathlib.Path, path: pathlib.Path
) -> None:
    try:
        transfer(file.url, part)
    except TransferError as error:
        if file.sha256 is None:
            part.unlink(missing_ok=True)
        kept = part.stat().st_size if part.exists() else 0
        again = f" ({kept} bytes are kept, it goes on there)" if kept else ""
        known = f" (SHA-256 {file.sha256})" if file.sha256 else ""
        reason = " ".join(str(error).split())
        raise InputError(
            f"cannot fetch {file.url} ({reason}). Get it elsewhere, place it by"
            f" hand at {path}{known} and run this again{again}."
        ) from error
    except OSError as error:
        part.unlink(missing_ok=True)
        size = f"{file.size} bytes" if file.size else "unknown size"
        raise InputError(
            f"cannot write {path} ({size}): {error.strerror}. Make room, or"
            " give another --tmp_dir."
        ) from error


def transfer(url: str, part: pathlib.Path) -> None:
    """Writes the bytes behind a URL, going on after those that are there.

    Raises:
      TransferError: the network or the server said no; `part` keeps what came.
      OSError: the file cannot be written.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            _try(url, part)
            return
        except _Passing as error:
            if attempt == _TRIES:
                raise
            wait = _FIRST_WAIT * 2 ** (attempt - 1)
            logger.info("%s: %s; again in %g s", url, error, wait)
            time.sleep(wait)


def _try(url: str, part: pathlib.Path) -> None:
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "t2t_repro"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with _network_errors(part):
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    with response:
        # A server that knows no ranges sends everything again.
        goes_on = getattr(response, "status", None) == _PARTIAL
        length = response.headers.get("Content-Length") or ""
        total = int(length) + done * goes_on if length.isdigit() else None
        reported = time.monotonic()
        with open(part, "ab" if goes_on else "wb") as file:
            while block := _read(response, part):
                file.write(block)
                if time.monotonic() - reported > _REPORT_EVERY:
                    reported = time.monotonic()
                    of_all = f" of {total / 1e6:.0f}" if total else ""
                    done_now = file.tell() / 1e6
                    logger.info("%s: %.0f%s MB", url, done_now, of_all)
    size = part.stat().st_size
    if total is not None and size != total:
        raise _Passing(f"it ended after {size} of {total} bytes")


def _read(response: Any, part: pathlib.Path) -> bytes:
    with _network_errors(part):
        return response.read(_BLOCK)


@contextlib.contextmanager
def _network_errors(part: pathlib.Path) -> Iterator[None]:
    """Tells failures of the network from those of the disk."""
    try:
        yield
    except urllib.error.HTTPError as error:
        reason = f"HTTP {error.code} {error.reason}"
        if error.code == _BEYOND_THE_END:
            part.unlink(missing_ok=True)  # it was no beginning of this
        elif error.code not in _PASSING:
            raise TransferError(reason) from error
        raise _Passing(reason) from error
    except urllib.error.URLError as error:
        # Of a file:// URL, the reason is text or the error of the file.
        if isinstance(error.reason, FileNotFoundError | str):
            raise TransferError(str(error.reason)) from error
        raise _Passing(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Passing(str(error) or type(error).__name__) from error
