"""The Transformer's hyperparameter sets.

A plain name is the paper (arXiv:1706.03762v5), exactly. Section and table
numbers are the paper's; where the paper is silent the comment says whose value
was taken. The paper's other sets stand in `table3.py` (variations) and
`transformer_parsing.py` (section 6.3); tensor2tensor's later recipes, which it
gave the plain names, stand in `tensor2tensor.py` under versioned ones.

How long to train is no hparam: 100,000 steps for base, 300,000 for big
(section 5.2) are `--train_steps`.
"""

from typing import Any

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.registry import register_hparams


@register_hparams
def transformer_base() -> TransformerHParams:
    """The base model of Table 3, for 8 replicas as in section 5.2."""
    return TransformerHParams(
        # Section 3 and Table 3, first row.
        hidden_size=512,
        filter_size=2048,
        num_heads=8,
        num_hidden_layers=6,
        num_encoder_layers=0,
        num_decoder_layers=0,
        attention_key_channels=0,
        attention_value_channels=0,
        attention_bias=False,  # section 3.2.2: QW, KW, VW without a bias
        ffn_activation="relu",  # equation 2
        logits_bias=False,  # section 3.4: the embedding's matrix alone
        decoder_start="zero",  # not in the paper; tensor2tensor's
        layer_preprocess_sequence="none",  # section 3.1: post-norm
        layer_postprocess_sequence="dan",  # LayerNorm(x + Dropout(f(x)))
        norm_epsilon=1e-6,  # not in the paper; tensor2tensor's
        pos="timing_interleaved",  # section 3.5
        shared_embedding_and_softmax_weights=True,  # section 3.4
        shared_embedding=False,
        multiply_embedding_mode="sqrt_depth",  # section 3.4
        use_target_space_embedding=False,
        # Section 5.4.
        layer_prepostprocess_dropout=0.1,
        attention_dropout=0.0,
        relu_dropout=0.0,
        label_smoothing=0.1,
        # Section 5.3.
        optimizer="adam",
        optimizer_adam_beta1=0.9,
        optimizer_adam_beta2=0.98,
        optimizer_adam_epsilon=1e-9,
        learning_rate_schedule="noam",
        learning_rate_constant=1.0,
        learning_rate_warmup_steps=4000,
        learning_rate=0.1,
        learning_rate_decay_rate=1.0,
        learning_rate_decay_steps=1,
        clip_grad_norm=0.0,
        optimizer_multistep_accumulate_steps=0,
        # Section 5.1: about 25,000 tokens of each language over 8 replicas.
        batch_size=3125,
        max_length=256,  # not in the paper; tensor2tensor's
        batch_shapes=8,
        pack_dataset=False,  # padded, "by approximate sequence length"
    )


@register_hparams
def transformer_big() -> TransformerHParams:
    """The big model of Table 3, last row, English-German."""
    return transformer_base().replace(
        hidden_size=1024,
        filter_size=4096,
        num_heads=16,
        layer_prepostprocess_dropout=0.3,
    )


@register_hparams
def transformer_big_enfr() -> TransformerHParams:
    """The big model for English-French: section 6.1, P_drop 0.1 for 0.3.

    tensor2tensor's set of this name is another model (d_ff 8192, embedding and
    softmax apart).
    """
    return transformer_big().replace(layer_prepostprocess_dropout=0.1)


@register_hparams
def transformer_base_one_gpu() -> TransformerHParams:
    """Base with the paper's whole batch on one replica.

    4 x 6,250 tokens make the 25,000 of section 5.1; how they are split is ours.
    """
    return transformer_base().replace(
        batch_size=6250, optimizer_multistep_accumulate_steps=4
    )


@register_hparams
def transformer_big_one_gpu() -> TransformerHParams:
    """Big with the paper's whole batch on one replica.

    8 x 3,125 tokens: one replica takes the turns of the paper's eight.
    """
    return transformer_big().replace(optimizer_multistep_accumulate_steps=8)


@register_hparams
def transformer_tiny() -> TransformerHParams:
    """A 2-layer model for tests and the demo; tensor2tensor's sizes."""
    return transformer_base().replace(
        hidden_size=128,
        filter_size=512,
        num_heads=4,
        num_hidden_layers=2,
        learning_rate_warmup_steps=400,
        batch_size=2048,
    )


@register_hparams
def transformer_multi30k() -> TransformerHParams:
    """4+4 layers, 128 wide: a published small recipe for 29,000 sentences.

    Sizes and dropout follow Wu et al. 2021 (arXiv:2105.14462); batches are
    small because 29,000 sentences give few updates an epoch.
    """
    return transformer_base().replace(
        hidden_size=128,
        filter_size=256,
        num_heads=4,
        num_hidden_layers=4,
        layer_prepostprocess_dropout=0.3,
        learning_rate_warmup_steps=1000,
        batch_size=1024,
        max_length=128,
    )


# By what small models learn soonest, as docs/small_corpora.md has measured.
NORMS_FIRST: dict[str, Any] = {
    "layer_preprocess_sequence": "n",
    "layer_postprocess_sequence": "da",
    "learning_rate_schedule": "constant*linear_warmup*single_cycle_cos_decay",
    "learning_rate_constant": 0.003,
    "learning_rate_warmup_steps": 1000,
    # Without XLA, as on a processor, a further shape costs no program.
    "batch_shapes": 24,
}


@register_hparams
def transformer_multi30k_v2() -> TransformerHParams:
    """The same model with norms first, and a rate that falls to 0.

    Behind the sub-layers, norms let so small a model forget for its first
    thousands of updates which word is which: see docs/small_corpora.md, also
    for rate, dropout and length, which were chosen by dev data. 20,000 updates.
    """
    return transformer_multi30k().replace(
        **NORMS_FIRST,
        layer_prepostprocess_dropout=0.25,
        learning_rate_decay_steps=19000,
        batch_size=2048,
    )


@register_hparams
def transformer_multi30k_record() -> TransformerHParams:
    """`transformer_multi30k_v2` in 7,000 updates, for `make record`."""
    return transformer_multi30k_v2().replace(
        layer_prepostprocess_dropout=0.2,
        learning_rate_warmup_steps=500,
        learning_rate_decay_steps=6500,
    )


@register_hparams
def transformer_low_resource() -> TransformerHParams:
    """For small text, or a processor: `transformer_multi30k`, ready sooner.

    Few layers and dropout 0.3 are what Araabi and Monz 2020 (arXiv:2011.02266)
    and Wu et al. 2021 found for 5,000 to 30,000 sentences. Warm-up and shapes
    are ours: a few thousand updates are a whole training there.
    """
    return transformer_multi30k().replace(
        learning_rate_warmup_steps=400,
        # The highest rate is 1.1e-3, about FLORES's (arXiv:1902.01382); without
        # this, so short a warm-up would end at 4.4e-3.
        learning_rate_constant=0.25,
        batch_shapes=4,
    )


@register_hparams
def transformer_demo() -> TransformerHParams:
    """`transformer_tiny` for the toy corpus: minutes on two CPU cores.

    A small grammar needs no dropout, and few batch shapes start up faster. Half
    the learning rate gets more sentences right to the letter.
    """
    return transformer_tiny().replace(
        layer_prepostprocess_dropout=0.0,
        learning_rate_constant=0.5,
        batch_size=1024,
        batch_shapes=3,
        max_length=64,
    )


@register_hparams
def transformer_babi() -> TransformerHParams:
    """For bAbI, beside the memory network: two layers, 64 wide.

    A thousand questions are learnt by heart without dropout; the schedule is
    `transformer_low_resource`'s. Ours, not tuned.
    """
    return transformer_low_resource().replace(
        hidden_size=64,
        filter_size=128,
        num_hidden_layers=2,
        layer_prepostprocess_dropout=0.1,
        label_smoothing=0.0,
        batch_size=2048,
        max_length=2048,
    )
