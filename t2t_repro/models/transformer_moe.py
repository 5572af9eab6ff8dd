"""The Transformer with mixtures of experts: "conditional computation".

Section 1 of the paper names it (Shazeer et al. 2017, arXiv:1701.06538). As in
tensor2tensor's `transformer_moe` experts stand where the feed-forward layer of
some layers was. The loss that wants them used alike is of one micro-batch of
one replica, so that two replicas learn a little otherwise than one.

Between LSTMs, where that article has them, there are none: a decoder that is
fed its attention goes position by position, and neither places nor a loss of
all tokens can be had within such a loop.
"""

import dataclasses
from typing import Any

import keras
from keras import ops

from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.mixture_of_experts import (
    MixtureOfExperts,
    NoisyTopK,
    TopTwo,
)
from t2t_repro.models.transformer import Encoded, Transformer
from t2t_repro.models.transformer_moe_hparams import TransformerMoeHParams

_GATES = {"local_moe": NoisyTopK, "local_moe_tpu": TopTwo}


class TransformerMoe(Transformer):
    """Encoder and decoder stacks with experts in some layers."""

    hparams: TransformerMoeHParams

    def make_feed_forward(self, stack: str, number: int) -> keras.layers.Layer:
        """Experts where the hparams want them."""
        hparams = self.hparams
        if number not in hparams.expert_layers[stack]:
            return super().make_feed_forward(stack, number)
        gate = _GATES[hparams.ffn_layer](
            hparams.moe_num_experts,
            hparams.moe_k,
            hparams.moe_loss_coef,
            hparams.moe_overhead_train,
            "gate",
        )
        return MixtureOfExperts(
            gate,
            hparams.moe_num_experts,
            (*hparams.expert_sizes, hparams.hidden_size),
            is_scaled=hparams.ffn_layer == "local_moe",
            rate=hparams.relu_dropout,
            name="experts",
        )

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Encoded:
        """The encoder stack; see `Transformer.encode`."""
        return super().encode(inputs, _without_padding(mode, inputs))

    def decode(
        self, targets: Any, encoded: Encoded, mode: Mode = EVALUATION
    ) -> Any:
        """The decoder stack; see `Transformer.decode`."""
        return super().decode(targets, encoded, _without_padding(mode, targets))


def _without_padding(mode: Mode, ids: Any) -> Mode:
    return dataclasses.replace(mode, present=ops.not_equal(ids, 0))
