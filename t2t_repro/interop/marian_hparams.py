"""MarianMT / OPUS-MT models of the transformers library: their hparams.

Such a model is the paper's Transformer, norms behind the sub-layers, with other
details: biases in the attention and behind the softmax, an epsilon of 1e-5 in
the norms, mostly swish for ReLU, and a decoder that begins with the vector of
the padding. The table says which field of config.json is which hparam, and is
read in both directions; how training goes on is `transformer_marian`'s.

Left out: encoders and decoders of different width or heads, and Marian's other
forms (norms before, a norm of the embedding), which no OPUS-MT model has.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_repro import registry
from t2t_repro.errors import InputError, UsageError
from t2t_repro.hparam import HParams
from t2t_repro.models.transformer_hparams import TransformerHParams

HPARAMS_SET = "transformer_marian"

# Our hparam and the names of config.json that must all have its value.
_FIELDS = (
    ("hidden_size", ("d_model",)),
    ("filter_size", ("encoder_ffn_dim", "decoder_ffn_dim")),
    ("num_heads", ("encoder_attention_heads", "decoder_attention_heads")),
    ("num_encoder_layers", ("encoder_layers",)),
    ("num_decoder_layers", ("decoder_layers",)),
    ("ffn_activation", ("activation_function",)),
    ("layer_prepostprocess_dropout", ("dropout",)),
    ("attention_dropout", ("attention_dropout",)),
    ("relu_dropout", ("activation_dropout",)),
)
_SIZES = (
    "hidden_size",
    "filter_size",
    "num_heads",
    "num_encoder_layers",
    "num_decoder_layers",
)
_ACTIVATIONS = {"silu": "swish"}  # two names of one function
# With another value the network is one that this program does not have.
_NETWORK = {
    "model_type": "marian",
    "normalize_before": False,
    "normalize_embedding": False,
    "add_final_layer_norm": False,
    "is_encoder_decoder": True,
}
# What each kind of sharing is: share_encoder_decoder_embeddings and
# tie_word_embeddings, then our shared_embedding_and_softmax_weights and
# shared_embedding. Where only the decoder's matrix is the softmax's, ours are
# two that begin alike.
_SHARING = {
    (True, True): (True, False),
    (True, False): (False, True),
    (False, True): (False, False),
    (False, False): (False, False),
}


def hparams(config: Mapping[str, Any], origin: str) -> TransformerHParams:
    """What a parsed `config.json` is here; training is `transformer_marian`'s.

    Raises:
      InputError: a field is missing, or makes a network that this program
        does not have; its value is named.
    """
    for name, only in _NETWORK.items():
        if config.get(name, only) != only:
            raise InputError(
                f"{origin}: {name}={repr(config[name])[:40]}: only a MarianMT"
                f" model with {name}={only!r} can be imported."
            )
    if config.get("decoder_start_token_id") != config.get("pad_token_id"):
        raise InputError(
            f"{origin}: decoder_start_token_id"
            f"={str(config.get('decoder_start_token_id'))[:40]} is not the"
            " padding's id: expected a decoder that begins with the padding,"
            " as that of every OPUS-MT model."
        )
    fields = {ours: _field(config, theirs, origin) for ours, theirs in _FIELDS}
    for name in _SIZES:
        if type(fields[name]) is not int or fields[name] < 1:
            raise InputError(
                f"{origin}: {dict(_FIELDS)[name][0]}={str(fields[name])[:40]}:"
                " expected a whole number above 0."
            )
    activation = fields["ffn_activation"]
    sharing = _SHARING[
        config.get("share_encoder_decoder_embeddings", True) is True,
        config.get("tie_word_embeddings", True) is True,
    ]
    layers = max(fields["num_encoder_layers"], fields["num_decoder_layers"])
    base = registry.hparams(HPARAMS_SET)
    values = dataclasses.asdict(base) | fields
    values |= {
        "ffn_activation": _ACTIVATIONS.get(str(activation), activation),
        "num_hidden_layers": layers,
        "multiply_embedding_mode": (
            "sqrt_depth" if config.get("scale_embedding") is True else "none"
        ),
        "shared_embedding_and_softmax_weights": sharing[0],
        "shared_embedding": sharing[1],
    }
    if not sharing[0] and not sharing[1]:
        # It would give ids of the other language a share.
        values["label_smoothing"] = 0.0
    return TransformerHParams.from_mapping(values, origin)


def config(hparams: TransformerHParams) -> dict[str, Any]:
    """The part of `config.json` that hparams say; `check` goes before."""
    values: dict[str, Any] = dict(_NETWORK)
    ours = {
        **{name: getattr(hparams, name) for name, _ in _FIELDS},
        "num_encoder_layers": hparams.encoder_layers,
        "num_decoder_layers": hparams.decoder_layers,
    }
    for name, theirs in _FIELDS:
        values |= dict.fromkeys(theirs, ours[name])
    is_one = hparams.shared_embedding_and_softmax_weights
    return values | {
        "num_hidden_layers": hparams.encoder_layers,
        "scale_embedding": hparams.multiply_embedding_mode == "sqrt_depth",
        "share_encoder_decoder_embeddings": is_one or hparams.shared_embedding,
        "tie_word_embeddings": is_one,
        "static_position_embeddings": True,
    }


def check(hparams: HParams) -> TransformerHParams:
    """Makes sure that a model can be one of Marian's; returns its hparams.

    Raises:
      UsageError: an hparam has no counterpart there; it is named.
    """
    # Of its variants nothing there knows.
    if type(hparams) is not TransformerHParams:
        raise _no_counterpart(f"the model {hparams.MODEL}")
    for name, only in (
        ("layer_preprocess_sequence", "none"),
        ("layer_postprocess_sequence", "dan"),
        ("pos", "timing_interleaved"),
        ("use_target_space_embedding", False),
    ):
        if getattr(hparams, name) != only:
            raise _no_counterpart(
                f"{name}={getattr(hparams, name)} (it needs {only})"
            )
    if hparams.free_widths:
        raise _no_counterpart(hparams.free_widths)
    return hparams


def _field(config: Mapping[str, Any], names: Sequence[str], origin: str) -> Any:
    for name in names:
        if name not in config:
            raise InputError(
                f"{origin} lacks {name!r}: it is no config.json of a MarianMT"
                " model, or it is damaged."
            )
    values = [config[name] for name in names]
    if any(value != values[0] for value in values):
        listed = ", ".join(
            f"{n}={str(v)[:20]}" for n, v in zip(names, values, strict=True)
        )
        raise InputError(
            f"{origin}: {listed}: only a model with one value for encoder and"
            " decoder can be imported."
        )
    return values[0]


def _no_counterpart(what: str) -> UsageError:
    return UsageError(
        f"--format=huggingface: the run has {what}, which a MarianMT model"
        " cannot express: take --format=saved_model or keras_weights."
    )
