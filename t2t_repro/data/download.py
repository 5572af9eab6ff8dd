"""Raw files by URL, with hashes: checked before use, wherever they came from.

The transfer itself is keras.utils.get_file's. A file that lies in `tmp_dir`
already is used after its hash was checked, so files placed by hand work too.
"""

import logging
import os
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

from t2t_repro import files
from t2t_repro.errors import InputError
from t2t_repro.text.encoder import file_sha256
from t2t_repro.text.lines import iterate_lines

_TRIES = 3

logger = logging.getLogger("t2t_repro")


class RemoteFile(NamedTuple):
    """A file of a corpus.

    Attributes:
      url: where it is published.
      name: what it is called in `tmp_dir`.
      sha256: of its bytes, in hexadecimal.
    """

    url: str
    name: str
    sha256: str


def fetch(file: RemoteFile, tmp_dir: str | os.PathLike[str]) -> pathlib.Path:
    """Finds the file in `tmp_dir` or downloads it there.

    Raises:
      InputError: the network said no, or the bytes are not the expected ones;
        the message says where to place the file by hand.
    """
    path = pathlib.Path(tmp_dir).expanduser() / file.name
    if not path.exists():
        files.make_folder(path.parent)
        _download(file, path)
    found = file_sha256(path)
    if found != file.sha256:
        raise InputError(
            f"{path} has SHA-256 {found}, expected {file.sha256}: it is damaged"
            f" or another version. Remove it, or put the file from {file.url}"
            " in its place."
        )
    return path


def _download(file: RemoteFile, path: pathlib.Path) -> None:
    import keras  # slow to import, and wanted only when something is missing

    logger.info("fetching %s", file.url)
    reason = ""
    for _ in range(_TRIES):
        try:
            with files.replacing(path) as temporary:
                keras.utils.get_file(
                    temporary.name,
                    origin=file.url,
                    cache_dir=str(temporary.parent),
                    cache_subdir="",
                    file_hash=file.sha256,
                    hash_algorithm="sha256",
                )
            return
        except Exception as error:  # get_file raises bare Exception itself
            reason = " ".join(str(error).split())
    raise InputError(
        f"cannot fetch {file.url} ({reason}). Get it elsewhere, place it at"
        f" {path} (SHA-256 {file.sha256}) and run this again."
    )


def paired_lines(
    source: str | os.PathLike[str], target: str | os.PathLike[str]
) -> Iterator[tuple[str, str]]:
    """Streams two files that are translations line by line.

    Raises:
      InputError: one has more lines than the other, or is not UTF-8.
    """
    sources, targets = iterate_lines(source), iterate_lines(target)
    number = 0
    for number, line in enumerate(sources, start=1):
        other = next(targets, None)
        if other is None:
            raise InputError(
                f"{os.fspath(target)} ends after line {number - 1} but"
                f" {os.fspath(source)} goes on: give both the same number of"
                " lines."
            )
        yield line, other
    if next(targets, None) is not None:
        raise InputError(
            f"{os.fspath(source)} ends after line {number} but"
            f" {os.fspath(target)} goes on: give both the same number of"
            " lines."
        )
