"""The Transformer with restricted self-attention: section 4, Table 1.

A position of the encoder sees the r positions around it, one of the decoder
the last r. Attention to the encoder is whole, as the paper proposes nothing
else. A decoder's cache forgets what no later position can see, so that a step
costs the same at any position.
"""

import functools
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode, MultiHeadAttention
from t2t_repro.layers.restricted_attention import (
    RestrictedAttention,
    Window,
    window_bias,
)
from t2t_repro.models.transformer import Memory, State, Transformer
from t2t_repro.models.transformer_layers import attention
from t2t_repro.models.transformer_packing import segmentation
from t2t_repro.models.transformer_restricted_hparams import (
    TransformerRestrictedHParams,
)


class TransformerRestricted(Transformer):
    """Encoder and decoder stacks that look at neighbours."""

    hparams: TransformerRestrictedHParams

    def make_self_attention(self, stack: str) -> MultiHeadAttention:
        """One that sees the window of its stack."""
        kind = functools.partial(RestrictedAttention, self._window(stack))
        return attention(self.hparams, "self_attention", kind)

    def encoder_bias(self, inputs: Any, mode: Mode) -> Any:
        """Hides padding, and what is no neighbour; see `window_bias`."""
        present = ops.not_equal(inputs, 0)
        segments = segmentation(inputs) if mode.is_packed else present
        return window_bias(segments, self._window("encoder"))

    def decoder_bias(self, targets: Any, mode: Mode) -> Any:
        """Hides what comes later or lies too far back."""
        one = ops.ones_like(targets)
        segments = segmentation(targets) if mode.is_packed else one
        return window_bias(segments, self._window("decoder"))

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Memory,
        state: State,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, State]:
        """One position of every beam; see `Seq2Seq.step`.

        Of cache and ancestors the last r - 1 positions are kept, which are
        all that the next one sees.
        """
        x, state = super().step(ids, position, memory, state, mode)
        kept = self._window("decoder").before
        cache = keras.tree.map_structure(
            lambda entries: _last(entries, kept * ids.shape[1]), state.cache
        )
        ancestors = tuple(_last(beams, kept) for beams in state.ancestors)
        return x, State(cache, ancestors)

    def _window(self, stack: str) -> Window:
        return Window(*self.hparams.windows[stack])


def _last(x: Any, count: int) -> Any:
    """The last `count` of axis 2, or all there are."""
    first = ops.maximum(ops.shape(x)[2] - count, 0)
    return x[:, :, first:]
