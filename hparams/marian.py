"""Models of the transformers library that go on here: MarianMT, OPUS-MT.

`t2t-import-checkpoint --marian` takes the sizes from the model; how training
goes on stands here.
"""

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.registry import register_hparams

from .transformer import transformer_base


@register_hparams
def transformer_marian() -> TransformerHParams:
    """OPUS-MT's model (Tiedemann and Thottingal 2020), to be fine-tuned.

    The base model's sizes with Marian's details. The optimizer is that of the
    library's `Trainer` (transformers 5.24.0, `TrainingArguments`), but for its
    linear decay, which would have to know the number of steps.
    """
    return transformer_base().replace(
        # MarianMT in transformers: config.json of opus-mt-en-de.
        ffn_activation="swish",
        attention_bias=True,
        logits_bias=True,
        decoder_start="padding",
        norm_epsilon=1e-5,  # torch.nn.LayerNorm's default
        # TrainingArguments: learning_rate, adam_beta1, adam_beta2,
        # adam_epsilon, max_grad_norm.
        learning_rate_schedule="constant",
        learning_rate_constant=5e-5,
        optimizer_adam_beta1=0.9,
        optimizer_adam_beta2=0.999,
        optimizer_adam_epsilon=1e-8,
        clip_grad_norm=1.0,
        # Ours: a sentence pair of a thousand pieces fits, and so do the logits
        # of 58,101 ids.
        batch_size=2048,
    )
