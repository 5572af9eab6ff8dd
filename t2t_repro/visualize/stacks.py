"""The three attentions of a sentence, each with what its rows and columns are.

Section 3.2.3: the encoder looks at the source, the decoder at what is written
so far, and at the encoder's output. The decoder's input is shifted right: at
position i it reads target i - 1, or nothing at the start, and predicts target
i. Rows of its maps are therefore named by what they predict, columns of its
self-attention by what stands there to be read, `<start>` first.
"""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from t2t_repro.visualize.pieces import START

ENCODER, DECODER, CROSS = "encoder", "decoder", "encoder-decoder"

# Where the model keeps the maps of each: see `layers.attention.Mode`.
_PLACES = {
    ENCODER: "encoder/layer_{}/self_attention",
    DECODER: "decoder/layer_{}/self_attention",
    CROSS: "decoder/layer_{}/encdec_attention",
}


@dataclasses.dataclass(frozen=True)
class Stack:
    """One attention in all layers.

    Attributes:
      name: `ENCODER`, `DECODER` or `CROSS`.
      query_title: what a row is.
      key_title: what a column is.
      queries: label of each row.
      keys: label of each column.
      weights: `[layers, heads, query, key]` float32; rows sum to 1.
    """

    name: str
    query_title: str
    key_title: str
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    weights: np.ndarray

    def place(self, layer: int) -> str:
        """The model's name of a layer's map."""
        return _PLACES[self.name].format(layer)


def stacks(
    maps: Mapping[str, np.ndarray],
    source: Sequence[str],
    target: Sequence[str],
) -> list[Stack]:
    """Puts the maps of one sentence together.

    Args:
      maps: `[heads, query, key]` by place, of every layer.
      source: a label for each source position.
      target: a label for each target position: what it predicts.

    Returns:
      The three attentions, in the order of figure 1.
    """
    read = (START, *target[:-1])
    source, target = tuple(source), tuple(target)
    return [
        Stack(
            ENCODER,
            "source position",
            "looks at source",
            source,
            source,
            _weights(maps, ENCODER),
        ),
        Stack(
            DECODER,
            "step that predicts",
            "looks at what was written",
            target,
            read,
            _weights(maps, DECODER),
        ),
        Stack(
            CROSS,
            "step that predicts",
            "looks at source",
            target,
            source,
            _weights(maps, CROSS),
        ),
    ]


def _weights(maps: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """`[layers, heads, query, key]` of one attention."""
    layers: list[np.ndarray] = []
    while (place := _PLACES[name].format(len(layers))) in maps:
        layers.append(np.asarray(maps[place], np.float32))
    return np.stack(layers)
