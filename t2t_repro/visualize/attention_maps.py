"""The attention maps of a sentence, by kind, with labels for rows and columns.

Which maps there are is the model's matter: all that its layers put into
`Mode.maps`. Section 3.2.3 has three kinds: the encoder attends to the source,
the decoder to what is written so far, and to the encoder's output. The
decoder's input is shifted right: at position i it reads target i - 1, or
nothing at the start, and predicts target i. Rows of its maps are therefore
named by what they predict, columns of its self-attention by what is read
there, `<start>` first.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np

from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.text.encoder import TextEncoder
from t2t_repro.text.subwords import SubwordEncoder
from t2t_repro.text.words import WordEncoder

# The Transformer's kinds; another family's are called by their places.
_NAMES = {
    "encoder/self_attention": "encoder",
    "decoder/self_attention": "decoder",
    "decoder/encdec_attention": "encoder-decoder",
}
_LAYER = re.compile(r"/layer_\d+")

# The decoder's input before the first target, a vector of zeros; and id 1.
_START = "<start>"
_END = "<end>"

_INSIDE = "\u00b7"
_SPACE = "\u2423"
_WORD_BEGINS = "\u2581"
# tensor2tensor's escapes: of a backslash, an underscore and a character that
# the vocabulary lacks.
_ESCAPE = re.compile(r"\\(\\|u|\d+;)")


@dataclasses.dataclass(frozen=True)
class AttentionMaps:
    """One kind of attention in all layers.

    Attributes:
      name: of the kind.
      query_title: what a row is.
      key_title: what a column is.
      queries: label of each row.
      keys: label of each column.
      weights: `[layers, heads, query, key]` float32; rows sum to 1.
      places: the model's name of each layer's map.
    """

    name: str
    query_title: str
    key_title: str
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    weights: np.ndarray
    places: tuple[str, ...]


def of_sentence(
    loaded: LoadedRun, line: str, target: str | None = None
) -> tuple[str, list[AttentionMaps]]:
    """Translates a line; see `LoadedRun.attention`.

    Returns:
      The translation as the model writes it, and its maps.
    """
    attention = loaded.attention(line, target)
    labels = (
        piece_labels(loaded.encoder, pieces)
        for pieces in (attention.source, attention.target)
    )
    return attention.text, by_kind(attention.maps, *labels)


def by_kind(
    maps: Mapping[str, np.ndarray],
    source: Sequence[str],
    target: Sequence[str],
) -> list[AttentionMaps]:
    """Puts the maps of one sentence together, in the order of the model.

    Args:
      maps: `[heads, query, key]` by place, such as
        `decoder/layer_0/self_attention` or `decoder/attention`: what begins
        with `encoder` and what ends in `self_attention` attends to its own
        side, all others to the source.
      source: a label for each source position.
      target: a label for each target position: what it predicts.

    Returns:
      One for each kind; none where the model has no attention.
    """
    source, target = tuple(source), tuple(target)
    kinds: dict[str, list[str]] = {}
    for place in maps:
        kinds.setdefault(_LAYER.sub("", place), []).append(place)
    found = []
    for kind, places in kinds.items():
        query_title, queries = "step that predicts", target
        key_title, keys = "attends to source", source
        if kind.startswith("encoder"):
            query_title, queries = "source position", source
        elif kind.endswith("self_attention"):
            key_title = "attends to what was written"
            keys = (_START, *target[:-1])
        found.append(
            AttentionMaps(
                name=_NAMES.get(kind, kind),
                query_title=query_title,
                key_title=key_title,
                queries=queries,
                keys=keys,
                weights=np.stack([maps[place] for place in places]),
                places=tuple(places),
            )
        )
    return found


def piece_labels(encoder: TextEncoder, pieces: Sequence[str]) -> list[str]:
    """Labels of a sentence's pieces, of which the last is its end.

    A vocabulary marks where words are: SentencePiece with U+2581 in front of
    one, tensor2tensor's subwords with an underscore behind it. Here a piece
    that goes on inside a word has a middle dot in front instead, and any other
    none, so that labels read like the sentence. What could not be seen is
    named. Whole words are their own labels.
    """
    if isinstance(encoder, WordEncoder):
        return [*pieces[:-1], _END]
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
    return [*found, _END]


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
