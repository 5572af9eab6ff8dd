"""Raw files by URL, with hashes: checked before use, wherever they came from.

A file that lies in `tmp_dir` already is used after its hash was checked, so
files placed by hand work too. A file without a published hash is taken as it
is; `t2t_repro.data.generate` records the hash it has.
"""

import functools
import logging
import os
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

from t2t_repro import files
from t2t_repro.data import transfer
from t2t_repro.errors import InputError
from t2t_repro.text.encoder import file_sha256
from t2t_repro.text.lines import iterate_lines

logger = logging.getLogger("t2t_repro")


class RemoteFile(NamedTuple):
    """A file of a corpus.

    Attributes:
      url: where it is published.
      name: what it is called in `tmp_dir`.
      sha256: of its bytes, in hexadecimal, where known.
      size: in bytes, where known.
    """

    url: str
    name: str
    sha256: str | None = None
    size: int | None = None


def fetch(file: RemoteFile, tmp_dir: str | os.PathLike[str]) -> pathlib.Path:
    """Finds the file in `tmp_dir` or downloads it there.

    What comes lies in `<name>.part` until it is whole and its hash is right. A
    broken download of a file with a known hash is continued by the next call.

    Raises:
      InputError: the network said no, or the bytes are not the expected ones;
        the message says where to place the file by hand.
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


def _download(file: RemoteFile, path: pathlib.Path) -> None:
    part = path.with_name(f"{path.name}.part")
    if file.sha256 is None:
        # Nothing would tell whether the rest belongs to this beginning.
        part.unlink(missing_ok=True)
    size = f" ({files.size_text(file.size)})" if file.size else ""
    logger.info("fetching %s%s", file.url, size)
    while True:
        goes_on = part.exists()
        _transfer(file, part, path)
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


def _transfer(file: RemoteFile, part: pathlib.Path, path: pathlib.Path) -> None:
    try:
        transfer.download(file.url, part)
    except transfer.TransferError as error:
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


def paired_lines(
    source: str | os.PathLike[str], target: str | os.PathLike[str]
) -> Iterator[tuple[str, str]]:
    """Streams two files that are translations line by line.

    Raises:
      InputError: one has more lines than the other, or is not UTF-8.
    """
    return pair_up(
        iterate_lines(source),
        iterate_lines(target),
        os.fspath(source),
        os.fspath(target),
    )


def pair_up(
    sources: Iterator[str],
    targets: Iterator[str],
    source_name: str,
    target_name: str,
) -> Iterator[tuple[str, str]]:
    """Streams two sequences of lines as pairs.

    Args:
      sources: lines of one language.
      targets: line by line their translations.
      source_name: what a message calls the first.
      target_name: what a message calls the second.

    Raises:
      InputError: one has more lines than the other.
    """
    number = 0
    for number, line in enumerate(sources, start=1):
        other = next(targets, None)
        if other is None:
            raise InputError(
                f"{target_name} ends after line {number - 1} but"
                f" {source_name} goes on: give both the same number of"
                " lines."
            )
        yield line, other
    if next(targets, None) is not None:
        raise InputError(
            f"{source_name} ends after line {number} but"
            f" {target_name} goes on: give both the same number of"
            " lines."
        )
