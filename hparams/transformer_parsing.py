"""Constituency parsing: section 6.3 of the paper, Table 4.

The paper gives the sizes (4 layers, d_model 1024) and says that the rest is
the base model's for English-German, except for dropout of attention and
residual, the learning rate and the beam, which were chosen on section 22 of
the Wall Street Journal. The chosen beam is published (21, alpha 0.3, at most
300 ids beyond the input: all three are `--decode_hparams`); dropout and
learning rate are not. Here dropout is tensor2tensor's, and the learning rate
stays the base model's.
"""

from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.registry import register_hparams

from .transformer import NORMS_FIRST, transformer_base


@register_hparams
def transformer_parsing_base() -> TransformerHParams:
    """The paper's parser for 40,000 sentences of the Wall Street Journal.

    tensor2tensor's set of this name is another model; see
    `transformer_parsing_base_v3`.
    """
    return transformer_base().replace(
        num_hidden_layers=4,
        hidden_size=1024,
        # Not in the paper; tensor2tensor's transformer_parsing_base.
        layer_prepostprocess_dropout=0.2,
        attention_dropout=0.2,
        # Not in the paper; tensor2tensor's. A linearised tree has two or three
        # tokens a word, so that base's 256 would drop trees.
        max_length=512,
    )


@register_hparams
def transformer_parsing_base_semisupervised() -> TransformerHParams:
    """The paper's parser for 17 million sentences parsed by machine."""
    return transformer_parsing_base().replace(
        # Not in the paper; tensor2tensor's transformer_parsing_big. So much
        # text needs no more dropout than English-German.
        layer_prepostprocess_dropout=0.1,
        attention_dropout=0.1,
    )


@register_hparams
def transformer_parsing_sample() -> TransformerHParams:
    """The paper's 4 layers, 128 wide: a choice of ours, not a tuned one.

    For the 3,396 training sentences of the Penn Treebank that are free to all,
    best with their recombined copies: small enough for two processor cores.
    """
    return transformer_base().replace(
        num_hidden_layers=4,
        hidden_size=128,
        filter_size=512,
        num_heads=4,
        layer_prepostprocess_dropout=0.1,
        attention_dropout=0.1,
        learning_rate_warmup_steps=2000,
        batch_size=2048,
        # In ids, with the words in the target.
        max_length=320,
    )


@register_hparams
def transformer_parsing_sample_v2() -> TransformerHParams:
    """The same model with norms first, and a rate that falls to 0.

    As `transformer_multi30k_v2`, for the same reason; 14,000 updates.
    """
    return transformer_parsing_sample().replace(
        **NORMS_FIRST,
        layer_prepostprocess_dropout=0.2,
        learning_rate_decay_steps=13000,
    )
