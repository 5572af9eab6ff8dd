"""Text files, one sentence to a line.

Line 17 of a translation is compared with line 17 of its reference, so only
`"\\n"` ends a line. Python's text mode also stops at `"\\r"`, and
`str.splitlines` at U+2028, U+0085 and others, all of which occur *inside*
sentences of the WMT corpora and would shift every later pair by one. What
Windows adds is no text: the `"\\r"` of `"\\r\\n"` and a byte-order mark in
front are left out. Lines are neither stripped nor normalised.
"""

import codecs
import contextlib
import functools
import gzip
import itertools
import logging
import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from t2t_repro import files
from t2t_repro.errors import InputError

Path = str | os.PathLike[str]
LinePairs = Iterator[tuple[str, str]]  # source and target line by line

# The path that stands for standard input or output.
STANDARD = "-"

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A few bytes of a packed file can stand for gigabytes without a line end.
_LONGEST_LINE = 2**24

logger = logging.getLogger("t2t_repro")


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 text file; see `iterate_lines`.

    A last line without its end counts as a line; an empty file has none.
    """
    return list(iterate_lines(path))


def iterate_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 text file without their ends, one in memory.

    Args:
      path: the file, opened at the first `next`; unpacked on the way when its
        name ends in `.gz`; `-` is standard input.
    """
    name = "standard input" if path == STANDARD else os.fspath(path)
    with _named_failure("read", name), _open(path) as stream:
        yield from decoded(stream, name)


def decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a file open in binary mode, which messages call `name`."""
    ends, has_mark = 0, False
    for number, line in _numbered(stream, name):
        if number == 1 and line.startswith(codecs.BOM_UTF8):
            has_mark, line = True, line.removeprefix(codecs.BOM_UTF8)
            if not line:
                break
        if line.endswith(b"\r\n"):
            ends += 1
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(_not_utf8(line, number, name, error)) from error
        yield without_end(text)
    if ends or has_mark:
        _say_what_was_left_out(name, ends, has_mark)


def find(path: pathlib.Path) -> pathlib.Path | None:
    """The file, or else the same packed as `.gz`, if either is there."""
    packed = pathlib.Path(f"{path}.gz")
    return next((p for p in (path, packed) if p.exists()), None)


def paired_lines(source: Path, target: Path) -> LinePairs:
    """Two files that are translations line by line; see `pair_up`."""
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
) -> LinePairs:
    """Pairs two sequences of lines, whose names stand in messages."""
    for number, (source, target) in enumerate(
        itertools.zip_longest(sources, targets)
    ):
        if source is None or target is None:
            short, long = source_name, target_name
            if target is None:
                short, long = long, short
            raise InputError(
                f"{short} ends after line {number} but {long} goes on: give"
                " both the same number of lines."
            )
        yield source, target


def without_end(line: str) -> str:
    """The line without the `"\\n"` or `"\\r\\n"` at its end, if it has one."""
    if line.endswith("\n"):
        return line[:-1].removesuffix("\r")
    return line


def _numbered(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Cuts a binary stream at `b"\\n"` and nowhere else; lines keep it."""
    blocks = iter(lambda: stream.readline(_LONGEST_LINE + 1), b"")
    for number, line in enumerate(blocks, start=1):
        if len(line) > _LONGEST_LINE:
            raise InputError(
                f"{name}, line {number}, has more than"
                f" {_LONGEST_LINE // 2**20} MB: give text with a sentence a"
                " line."
            )
        yield number, line


def _not_utf8(
    line: bytes, number: int, name: str, error: UnicodeDecodeError
) -> str:
    is_utf16 = number == 1 and line.startswith(_UTF16_MARKS)
    remedy = (
        "It is UTF-16, as some editors of Windows write it: convert the file"
        " (iconv -f UTF-16 -t UTF-8)."
        if is_utf16
        else "Convert the file to UTF-8 (iconv -t UTF-8)."
    )
    return (
        f"{name}, line {number}, is not UTF-8: byte"
        f" 0x{line[error.start]:02x} at column {error.start + 1}. {remedy}"
    )


# A file is often read more than once, and this is said once.
@functools.cache
def _say_what_was_left_out(name: str, ends: int, has_mark: bool) -> None:
    what = [
        f"{ends} lines end in CRLF, whose CR is no text" if ends else "",
        "the byte-order mark in front is no text" if has_mark else "",
    ]
    logger.info("%s: %s", name, "; ".join(filter(None, what)))


def write_lines_atomically(path: Path, lines: Iterable[str]) -> None:
    """Writes a text file, packed when its name ends in `.gz`.

    It appears whole or not at all (`files.replacing`); a pipe or device
    (`/dev/stdout`) cannot be replaced and is written directly.

    Raises:
      InputError: the file cannot be written.
      ValueError: a line contains `"\\n"` and would become two.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with _named_failure("write", path), open(path, "wb") as stream:
            _write(stream, path, lines)
        return
    with (
        _named_failure("write", path),
        files.replacing(path) as temporary,
        open(temporary, "wb") as stream,
    ):
        _write(stream, path, lines)


def _open(path: Path) -> BinaryIO:
    if path == STANDARD:
        return open(0, "rb", closefd=False)
    if _is_packed(path):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return open(path, "rb")


def _write(stream: BinaryIO, path: Path, lines: Iterable[str]) -> None:
    if not _is_packed(path):
        _write_lines(stream, lines)
        return
    # Neither a name nor a time inside, so that equal lines give equal bytes.
    with gzip.GzipFile(
        filename="", mode="wb", fileobj=stream, mtime=0
    ) as packed:
        _write_lines(cast(BinaryIO, packed), lines)


def _write_lines(stream: BinaryIO, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines, start=1):
        if "\n" in line:
            raise ValueError(f"line {number} has a line end inside: {line!r}")
        stream.write(line.encode("utf-8") + b"\n")


def _is_packed(path: Path) -> bool:
    return os.fspath(path).endswith(".gz")


@contextlib.contextmanager
def _named_failure(verb: str, path: Path) -> Iterator[None]:
    """Turns the system's complaint about a file into one that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot {verb} {os.fspath(path)}: {reason}."
        ) from error
