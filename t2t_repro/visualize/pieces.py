"""Pieces of a vocabulary as a person reads them, for labels.

A vocabulary marks where words are: SentencePiece with U+2581 in front of one,
tensor2tensor's subwords with an underscore behind it. Here a piece that goes on
inside a word has a middle dot in front instead, and any other none, so that
labels read like the sentence. What could not be seen is named.
"""

import re
from collections.abc import Sequence

from t2t_repro.text.encoder import TextEncoder
from t2t_repro.text.subwords import SubwordEncoder

# The decoder's input before the first target, a vector of zeros; and id 1.
START = "<start>"
END = "<end>"

_INSIDE = "\u00b7"
_SPACE = "\u2423"
_WORD_BEGINS = "\u2581"
# tensor2tensor's escapes: of a backslash, an underscore and a character that
# the vocabulary lacks.
_ESCAPE = re.compile(r"\\(\\|u|\d+;)")


def labels(encoder: TextEncoder, pieces: Sequence[str]) -> list[str]:
    """Labels of a sentence's pieces.

    Args:
      encoder: whose pieces they are.
      pieces: of `encoder.pieces`; the last one is the end of sentence.

    Returns:
      As many labels; the last is `END`.
    """
    inner = pieces[:-1]
    if isinstance(encoder, SubwordEncoder):
        return [*_of_subwords(inner), END]
    return [*_of_sentencepiece(inner), END]


def _of_sentencepiece(pieces: Sequence[str]) -> list[str]:
    found, before = [], ""
    for piece in pieces:
        text = piece.removeprefix(_WORD_BEGINS).replace(_WORD_BEGINS, _SPACE)
        found.append(_label(text, _goes_on(before, piece)))
        before = piece
    return found


def _of_subwords(pieces: Sequence[str]) -> list[str]:
    found, before = [], ""
    for piece in pieces:
        text = _ESCAPE.sub(_unescape, piece.removesuffix("_")).strip(" ")
        found.append(_label(text, _goes_on(before, piece)))
        before = piece
    return found


def _goes_on(before: str, piece: str) -> bool:
    """Whether a piece goes on with the word of the one before.

    A mark at either border is no letter; nor is a full stop, which stands
    beside a word and is no part of it.
    """
    return before[-1:].isalnum() and piece[:1].isalnum()


def _label(text: str, goes_on: bool) -> str:
    visible = "".join(
        c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text
    )
    return (_INSIDE if goes_on else "") + (visible or _SPACE)


def _unescape(match: re.Match[str]) -> str:
    escaped = match[1]
    if escaped in ("u", "\\"):
        return "_" if escaped == "u" else "\\"
    number = int(escaped[:-1])
    return chr(number) if number <= 0x10FFFF else match[0]
