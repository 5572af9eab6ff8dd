"""The interface of all vocabularies, and their reserved ids.

As in tensor2tensor, ids 0 and 1 never stand for text.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

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


def of_targets(encoder: TextEncoder) -> TextEncoder:
    """What cuts target lines into the ids of a vocabulary.

    The vocabulary itself, unless it has `targets`, another encoder with the
    same ids: Marian's cut each language in its own way.
    """
    return getattr(encoder, "targets", encoder)


def until_end(ids: Iterable[int]) -> list[int]:
    """The ids before the first end of sentence, padding left out."""
    kept = []
    for number in ids:
        if number == EOS_ID:
            break
        if number != PAD_ID:
            kept.append(int(number))
    return kept
