"""Sets of the Transformer with mixtures of experts.

tensor2tensor's first ones, of its version 1.0: later ones replace attention
too. Then the Transformer's small ones, whose experts together are as wide as
the feed-forward layer was: k experts of filter_size / k each. So a token meets
as many weights as in the Transformer of the same size, but for the gate's.
"""

import dataclasses

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.models.transformer_moe_hparams import TransformerMoeHParams
from t2t_repro.registry import register_hparams

from .tensor2tensor import transformer_base_v1
from .transformer import transformer_multi30k, transformer_tiny


def _with_experts(
    dense: TransformerHParams, hidden_size: int
) -> TransformerMoeHParams:
    """Two of eight experts in every layer.

    The coefficient is that of tensor2tensor's `basic_params1`. How many experts
    there are and what they take are ours.
    """
    return TransformerMoeHParams(
        **dataclasses.asdict(dense),
        ffn_layer="local_moe",
        moe_layers_encoder="all",
        moe_layers_decoder="all",
        moe_num_experts=8,
        moe_k=2,
        moe_hidden_sizes=str(hidden_size),
        moe_loss_coef=0.01,
        moe_overhead_train=1.5,
    )


@register_hparams
def transformer_moe_base() -> TransformerMoeHParams:
    """tensor2tensor 1.0's: 64 experts in the third of five layers.

    Its experts take all that come; here, twice their equal share.
    """
    dense = transformer_base_v1().replace(
        num_hidden_layers=5, label_smoothing=0.0, max_length=2001
    )
    return _with_experts(dense, 2048).replace(
        moe_layers_encoder="2",
        moe_layers_decoder="2",
        moe_num_experts=64,
        moe_overhead_train=2.0,
    )


@register_hparams
def transformer_moe_1b() -> TransformerMoeHParams:
    """tensor2tensor 1.0's model of a billion weights: 128 experts, twice."""
    return transformer_moe_base().replace(
        moe_layers_encoder="1+3",
        moe_layers_decoder="1+3",
        moe_num_experts=128,
    )


@register_hparams
def transformer_moe_multi30k() -> TransformerMoeHParams:
    """`transformer_multi30k` with experts of 128: two make its 256.

    Norms come first, as in tensor2tensor's later experts: behind the
    sub-layers they let an encoder of experts forget which word is which
    (docs/rivals.md).
    """
    norms_first = transformer_multi30k().replace(
        layer_preprocess_sequence="n", layer_postprocess_sequence="da"
    )
    return _with_experts(norms_first, 128)


@register_hparams
def transformer_moe_tiny() -> TransformerMoeHParams:
    """`transformer_tiny` with four experts of 256, for tests and a look."""
    return _with_experts(transformer_tiny(), 256).replace(moe_num_experts=4)
