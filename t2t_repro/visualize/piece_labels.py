"""Pieces of a vocabulary as a person reads them, for labels.

A vocabulary marks where words are: SentencePiece with U+2581 in front of one,
tensor2tensor's subwords with an underscore behind it. Here a piece that goes on
inside a word has a middle dot in front instead, and any other none, so that
labels read like the sentence. What could not be seen is named.
"""

import re
from collections.abc import Sequence

from t2t_repro.text.encoder import TextEncoder
from t2t_repro.text.subword_encoder import SubwordEncoder

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
    """Labels of a sentence's pieces, of which the last is its end."""
    is_subwords = isinstance(encoder, SubwordEncoder)
    text_of = _subword_text if is_subwords else _sentencepiece_text
    found, before = [], ""
    for piece in pieces[:-1]:
        visible = "".join(
            c if c.isprintable() else f"\\u{{{ord(c):x}}}"
            for c in text_of(piece)
        )
        # A mark at either border is no letter; nor is a full stop, which
        # stands beside a word and is no part of it.
        goes_on = before[-1:].isalnum() and piece[:1].isalnum()
        found.append((_INSIDE if goes_on else "") + (visible or _SPACE))
        before = piece
    return [*found, END]


def _sentencepiece_text(piece: str) -> str:
    return piece.removeprefix(_WORD_BEGINS).replace(_WORD_BEGINS, _SPACE)


def _subword_text(piece: str) -> str:
    return _ESCAPE.sub(_unescape, piece.removesuffix("_")).strip(" ")


def _unescape(match: re.Match[str]) -> str:
    escaped = match[1]
    if escaped in ("u", "\\"):
        return "_" if escaped == "u" else "\\"
    number = int(escaped[:-1])
    return chr(number) if number <= 0x10FFFF else match[0]
