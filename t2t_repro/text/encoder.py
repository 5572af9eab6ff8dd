"""The interface of all vocabularies, and their reserved ids.

As in tensor2tensor, ids 0 and 1 never stand for text.
"""

import hashlib
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Protocol

from t2t_repro.errors import InputError

PAD_ID = 0
EOS_ID = 1


class TextEncoder(Protocol):
    """A lossless map between one line of text and ids."""

    @property
    def vocab_size(self) -> int:
        """Number of ids, padding and end of sentence included."""

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without the end of sentence."""

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """`encode` of many lines at once."""

    def decode(self, ids: Iterable[int]) -> str:
        """The line; ids from the first end of sentence on are ignored."""

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The text of each id alone, for labels."""


def file_sha256(path: str | pathlib.Path) -> str:
    """SHA-256 in hexadecimal; InputError for a file that cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from error


def until_end(ids: Iterable[int]) -> list[int]:
    """The ids before the first end of sentence, padding left out."""
    kept = []
    for number in ids:
        if number == EOS_ID:
            break
        if number != PAD_ID:
            kept.append(int(number))
    return kept
