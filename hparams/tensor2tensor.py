"""tensor2tensor's own recipes, with the numbers of its last release, 1.15.7.

They go by its names where it versioned them. `transformer_big_v3` and
`transformer_parsing_base_v3` are its `transformer_big` and
`transformer_parsing_base`: those plain names are the paper's here.

All of them differ from the paper in this:

* positions are all sines before all cosines (`pos="timing"`), not in turn;
* a learned vector of the target's kind is added to the source
  (`use_target_space_embedding`);
* `batch_size` is 4096 tokens a replica where nothing else is said.

`_v1` has the paper's layers, dropout and schedule. From `_v2` on the norms
stand before the sub-layers and attention and ReLU have dropout; `_v3` changes
beta2 and writes the schedule as a product of factors. Projections have no
biases in any of them. `batch_shapes` is ours: tensor2tensor padded each batch
to its own longest pair.
"""

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.registry import register_hparams

from .transformer import transformer_base


@register_hparams
def transformer_base_v1() -> TransformerHParams:
    """The paper's model and schedule, in tensor2tensor's form."""
    return transformer_base().replace(
        pos="timing",
        use_target_space_embedding=True,
        learning_rate_schedule="legacy",  # noam, times 10 * learning_rate
        learning_rate=0.1,
        batch_size=4096,
    )


@register_hparams
def transformer_base_v2() -> TransformerHParams:
    """Norm before each sub-layer, more dropout, twice the rate and warm-up."""
    return transformer_base_v1().replace(
        layer_preprocess_sequence="n",
        layer_postprocess_sequence="da",
        attention_dropout=0.1,
        relu_dropout=0.1,
        learning_rate=0.2,
        learning_rate_warmup_steps=8000,
    )


@register_hparams
def transformer_base_v3() -> TransformerHParams:
    """tensor2tensor's `transformer_base`: v2 with another beta2.

    The schedule is v2's but for counting from update 0, so that the first
    update changes nothing.
    """
    return transformer_base_v2().replace(
        optimizer_adam_beta2=0.997,
        learning_rate_schedule=(
            "constant*linear_warmup*rsqrt_decay*rsqrt_hidden_size"
        ),
        learning_rate_constant=2.0,
    )


@register_hparams
def transformer_big_v3() -> TransformerHParams:
    """tensor2tensor's `transformer_big`."""
    return transformer_base_v3().replace(
        hidden_size=1024,
        filter_size=4096,
        num_heads=16,
        layer_prepostprocess_dropout=0.3,
        batch_size=2048,
    )


@register_hparams
def transformer_base_single_gpu() -> TransformerHParams:
    """For one replica: a quarter of the batch, a slower schedule."""
    return transformer_base_v3().replace(
        batch_size=1024,
        learning_rate_schedule="constant*linear_warmup*rsqrt_decay",
        learning_rate_constant=0.1,
        learning_rate_warmup_steps=16000,
    )


@register_hparams
def transformer_big_single_gpu() -> TransformerHParams:
    """`transformer_big_v3` for one replica: less dropout, longer warm-up."""
    return transformer_big_v3().replace(
        layer_prepostprocess_dropout=0.1,
        learning_rate_warmup_steps=16000,
    )


@register_hparams
def transformer_small() -> TransformerHParams:
    """2 layers, 256 wide."""
    return transformer_base_v3().replace(
        num_hidden_layers=2,
        hidden_size=256,
        filter_size=1024,
        num_heads=4,
    )


@register_hparams
def transformer_parsing_base_v3() -> TransformerHParams:
    """tensor2tensor's `transformer_parsing_base`: 6 layers, not the paper's 4.

    Its learning_rate is kept though no factor of the schedule reads it.
    """
    return transformer_base_v3().replace(
        hidden_size=1024,
        layer_prepostprocess_dropout=0.2,
        attention_dropout=0.2,
        shared_embedding_and_softmax_weights=False,
        learning_rate=0.05,
        learning_rate_warmup_steps=16000,
        max_length=512,
    )
