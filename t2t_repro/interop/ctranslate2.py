"""The Transformer in CTranslate2's format (optional extra `ctranslate2`).

CTranslate2 runs such a model on CPU or GPU without TensorFlow, in 8 bits if
asked to. Every number is carried over as it is: encodings of positions as a
table, the epsilon of the norms in its configuration, and the decoder begins
with a zero vector. What differs is the search: its `length_penalty` divides by
n^p, the paper's alpha by ((5 + n) / 6)^alpha (docs/serving.md has the client
that ranks by the latter), its limit on the length is one for all sentences,
and a hypothesis ends only where its end is among the best `beam_size`
continuations.

Left out: attention with d_k or d_v other than d_model / h, and stacks whose
norms stand neither all before nor all after their sub-layers; MarianMT's
details, for which CTranslate2 has a converter of its own.
"""

import importlib
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from t2t_repro.errors import InputError, UsageError
from t2t_repro.hparam import HParams
from t2t_repro.layers.embedding import sinusoids
from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID, PAD_ID

Weights = Mapping[str, np.ndarray]

# Rows of the table of positions, more than any default of a decoder reaches.
POSITIONS = 2048
# Id 2 of a SentencePiece vocabulary. tensor2tensor's has no unknown piece.
_UNKNOWN = "<unk>"

# A layer's parts: CTranslate2's name, ours, and which of our products stand
# beside each other in each of its own.
_PARTS = (
    (
        "self_attention",
        "self_attention",
        (("query", "key", "value"), ("output",)),
    ),
    (
        "attention",
        "encdec_attention",
        (("query",), ("key", "value"), ("output",)),
    ),
    ("ffn", "feed_forward", (("inner",), ("outer",))),
)
# A matrix `[vocabulary, hidden]` by its use: the first of ours that there is.
_EMBEDDINGS = {
    "encoder": ("embedding", "source_embedding", "target_embedding"),
    "decoder": ("embedding", "target_embedding"),
    "softmax": ("embedding", "softmax"),
}


def check(
    hparams: HParams,
    asked: str = "--format=ctranslate2",
    instead: str = "take --format=saved_model or keras_weights",
) -> TransformerHParams:
    """Makes sure that the model can be expressed; returns its hparams.

    Args:
      hparams: of a run.
      asked: what a user gave to come here.
      instead: what to do where it cannot.

    Raises:
      InputError: CTranslate2 is not installed.
      UsageError: an hparam has no counterpart there; it is named.
    """

    def without_counterpart(what: str) -> UsageError:
        return UsageError(
            f"{asked}: the run has {what}, which CTranslate2 cannot express:"
            f" {instead}."
        )

    # Of its variants nothing there knows.
    if type(hparams) is not TransformerHParams:
        raise without_counterpart(f"the model {hparams.MODEL}")
    norms = (
        hparams.layer_preprocess_sequence,
        hparams.layer_postprocess_sequence,
    )
    if norms not in (("none", "dan"), ("n", "da")):
        raise without_counterpart(
            f"layer_preprocess_sequence={norms[0]} with"
            f" layer_postprocess_sequence={norms[1]}"
        )
    for name, only in (
        ("ffn_activation", "relu"),
        ("logits_bias", False),
        ("decoder_start", "zero"),
    ):
        if getattr(hparams, name) != only:
            raise without_counterpart(
                f"{name}={getattr(hparams, name)} of MarianMT (its own"
                " ct2-transformers-converter takes what --format=huggingface"
                " writes)"
            )
    if hparams.free_widths:
        raise without_counterpart(hparams.free_widths)
    # Last: nobody shall install it for a model that cannot use it.
    try:
        importlib.import_module("ctranslate2")
    except ImportError as error:
        raise InputError(
            f"{asked} needs the package ctranslate2: install it with"
            " pip install 't2t_repro[ctranslate2]'."
        ) from error
    return hparams


def export(run: Run, model: Any, folder: pathlib.Path) -> None:
    """Writes the model and its vocabulary; raises as `check` does."""
    hparams = check(run.hparams)
    encoder = run.encoder()
    pieces = encoder.pieces(range(encoder.vocab_size))
    described(hparams, model, pieces).save(str(folder))
    run.copy_vocabulary(folder)


def described(
    hparams: TransformerHParams, model: Any, pieces: list[str]
) -> Any:
    """The `specification` of a model, ready to be saved."""
    weights = {
        path: np.asarray(weight.value)
        for path, weight in model.weights_by_path().items()
    }
    spec = specification(hparams, weights, pieces)
    spec.validate()
    spec.optimize()
    return spec


def specification(
    hparams: TransformerHParams, weights: Weights, pieces: list[str]
) -> Any:
    """The model as CTranslate2 describes it.

    Args:
      hparams: such as `check` passes.
      weights: by path, as in checkpoints.
      pieces: by id.

    Returns:
      A `ctranslate2.specs.TransformerSpec`, to be validated and saved.
    """
    specs = importlib.import_module("ctranslate2.specs")
    spec = specs.TransformerSpec.from_config(
        (hparams.encoder_layers, hparams.decoder_layers),
        hparams.num_heads,
        pre_norm=hparams.layer_preprocess_sequence == "n",
    )
    for side, embeddings in (
        (spec.encoder, spec.encoder.embeddings[0]),
        (spec.decoder, spec.decoder.embeddings),
    ):
        name = "encoder" if side is spec.encoder else "decoder"
        embeddings.weight = _embedding(weights, name)
        side.scale_embeddings = hparams.multiply_embedding_mode == "sqrt_depth"
        side.position_encodings.encodings = _positions(hparams, weights, name)
        if hparams.layer_preprocess_sequence == "n":
            _set_norm(side.layer_norm, weights, f"{name}_norm")
        for index, layer in enumerate(side.layer):
            _set_layer(layer, weights, f"{name}/layer_{index}")
    spec.decoder.start_from_zero_embedding = True
    spec.decoder.projection.weight = _embedding(weights, "softmax")
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.add_source_eos = True
    spec.config.eos_token = pieces[EOS_ID]
    # A piece that no text has: its vector is not used, see above.
    spec.config.decoder_start_token = pieces[PAD_ID]
    spec.config.bos_token = pieces[PAD_ID]
    spec.config.unk_token = _UNKNOWN if _UNKNOWN in pieces else pieces[PAD_ID]
    spec.config.layer_norm_epsilon = hparams.norm_epsilon
    return spec


def _embedding(weights: Weights, use: str) -> np.ndarray:
    paths = (f"{name}/matrix" for name in _EMBEDDINGS[use])
    return next(weights[path] for path in paths if path in weights)


def _positions(
    hparams: TransformerHParams, weights: Weights, stack: str
) -> np.ndarray:
    """What is added at each position, `[positions, hidden]`."""
    positions = np.arange(POSITIONS)
    if hparams.pos == "none":
        table = np.zeros((POSITIONS, hparams.hidden_size), np.float32)
    elif hparams.pos == "emb":
        learned = weights[f"{stack}_positions/table"]
        table = learned[np.minimum(positions, len(learned) - 1)]
    else:
        interleaved = hparams.pos == "timing_interleaved"
        table = np.asarray(
            sinusoids(positions, hparams.hidden_size, interleaved)
        )
    if stack == "encoder" and hparams.use_target_space_embedding:
        # Added to every source position alike.
        table = table + weights["target_space_embedding/matrix"][0]
    return table


def _set_layer(layer: Any, weights: Weights, path: str) -> None:
    """One encoder or decoder layer."""
    for theirs, ours, products in _PARTS:
        place = f"{path}/{ours}"
        if f"{place}/{products[0][0]}/kernel" not in weights:
            continue  # an encoder attends to itself alone
        part = getattr(layer, theirs)
        linears = (
            (part.linear_0, part.linear_1) if theirs == "ffn" else part.linear
        )
        for linear, names in zip(linears, products, strict=True):
            _set_linear(linear, weights, [f"{place}/{name}" for name in names])
        # The one norm of a sub-layer, before it or after.
        norm = f"{place}_residual/norm_before"
        if f"{norm}/scale" not in weights:
            norm = f"{place}_residual/norm_after"
        _set_norm(part.layer_norm, weights, norm)


def _set_linear(linear: Any, weights: Weights, paths: list[str]) -> None:
    """Several of our products beside each other; its rows are outputs."""
    kernels = [weights[f"{path}/kernel"] for path in paths]
    linear.weight = np.ascontiguousarray(np.concatenate(kernels, axis=1).T)
    if f"{paths[0]}/bias" in weights:
        linear.bias = np.concatenate(
            [weights[f"{path}/bias"] for path in paths]
        )


def _set_norm(norm: Any, weights: Weights, path: str) -> None:
    norm.gamma = weights[f"{path}/scale"]
    norm.beta = weights[f"{path}/bias"]
