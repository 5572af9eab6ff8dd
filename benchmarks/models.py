"""Which model is measured, from the flags: a named set, and changes to it."""

import dataclasses
from typing import Any

from absl import flags

from t2t_repro import registry
from t2t_repro.models.transformer_hparams import TransformerHParams

_SHORT = {"base": "transformer_base", "big": "transformer_big"}


def define_flags(values: flags.FlagValues, default: str = "base") -> None:
    """`--model` and `--hparams`."""
    flags.DEFINE_string(
        "model",
        default,
        "base, big, or the name of any hparams set",
        flag_values=values,
    )
    flags.DEFINE_string(
        "hparams",
        "",
        "changes to the set, such as num_hidden_layers=2",
        flag_values=values,
    )


def hparams(values: flags.FlagValues) -> TransformerHParams:
    """The set that the flags name.

    Raises:
      UsageError: there is none of that name, or no such field.
    """
    name = _SHORT.get(values.model, values.model)
    return registry.hparams(name).override(values.hparams)


def for_peers(given: TransformerHParams) -> dict[str, Any]:
    """The sizes that a peer's program needs, under the hparams' names."""
    fields = ("hidden_size", "filter_size", "num_heads")
    return {
        **{name: getattr(given, name) for name in fields},
        "layers": given.encoder_layers,
        "dropout": given.layer_prepostprocess_dropout,
    }


def is_paper_shaped(given: TransformerHParams) -> bool:
    """Whether peers can build the same: the paper's form, equal stacks."""
    plain = dataclasses.replace(
        given, attention_key_channels=0, attention_value_channels=0
    )
    return (
        plain.key_channels == given.key_channels
        and plain.value_channels == given.value_channels
        and given.encoder_layers == given.decoder_layers
        and given.layer_postprocess_sequence == "dan"
        and given.shared_embedding_and_softmax_weights
    )
