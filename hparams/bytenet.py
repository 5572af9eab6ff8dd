"""Sets of ByteNet: Kalchbrenner et al. 2016, arXiv:1610.10099v2.

The paper translates characters; these sets take whatever ids a problem has.
"""

from t2t_repro.models.bytenet_hparams import ByteNetHParams
from t2t_repro.registry import register_hparams

from .recipes import ADAM, MULTI30K, PLAIN, TINY


@register_hparams
def bytenet_wmt_ende() -> ByteNetHParams:
    """English-German (BLEU 23.75): 30 blocks on each side, d = 800."""
    return ByteNetHParams(
        # Section 6.
        hidden_size=800,
        num_hidden_layers=30,
        dilation_rates=5,  # 1, 2, 4, 8, 16 in six sets
        kernel_width=3,
        length_ratio=1.2,
        length_extra=0,
        multiply_embedding_mode="none",
        dropout=0.0,  # not in the paper
        label_smoothing=0.0,  # not in the paper
        # Section 6: Adam with learning rate 0.0003; its moments are Adam's own.
        learning_rate_constant=0.0003,
        clip_grad_norm=0.0,
        # Not in the paper: room for sentences of 500 characters.
        batch_size=8192,
        max_length=512,
        **PLAIN,
        **ADAM,
    )


@register_hparams
def bytenet_multi30k() -> ByteNetHParams:
    """About as many parameters as `transformer_multi30k`, and its recipe.

    Ten blocks of d = 88 on each side have 1.1 million weights, input and
    output of the decoder 0.2; the Transformer's four and four layers have 1.3.
    """
    return bytenet_wmt_ende().replace(
        hidden_size=88,
        num_hidden_layers=10,
        multiply_embedding_mode="sqrt_depth",
        **MULTI30K,
    )


@register_hparams
def bytenet_tiny() -> ByteNetHParams:
    """Five blocks, one of each dilation, for tests and a first look."""
    return bytenet_multi30k().replace(
        hidden_size=64, num_hidden_layers=5, dropout=0.1, **TINY
    )
