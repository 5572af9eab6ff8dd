"""Which model is measured, from the flags: a named set, and changes to it."""

from typing import Any

from absl import flags

from t2t_repro import registry
from t2t_repro.hparam import HParams

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


def hparams(values: flags.FlagValues) -> HParams:
    """The set that the flags name.

    Raises:
      UsageError: there is none of that name, or no such field.
    """
    name = _SHORT.get(values.model, values.model)
    return registry.hparams(name).override(values.hparams)


def for_peers(given: HParams) -> dict[str, Any]:
    """The sizes that a peer's program needs."""
    said = given.architecture()
    return {
        "hidden_size": given.hidden_size,
        "filter_size": said["d_ff"],
        "num_heads": said["h"],
        "layers": said["encoder_layers"],
        "dropout": said["residual_dropout"],
    }


def is_paper_shaped(given: HParams) -> bool:
    """Whether peers can build the same: the paper's form, equal stacks."""
    said = given.architecture()
    return (
        "d_k" in said
        and said["d_k"] * said["h"] == given.hidden_size
        and said["d_v"] * said["h"] == given.hidden_size
        and said["encoder_layers"] == said["decoder_layers"]
        and said["normalisation"] == "after each sub-layer"
        and given.shared_embedding_and_softmax_weights
    )
