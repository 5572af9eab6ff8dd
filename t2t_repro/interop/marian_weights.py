"""MarianMT / OPUS-MT models of the transformers library: their weights.

One table says which weight is which, and is read in both directions. Three
layouts differ:

* matrices are transposed, as PyTorch multiplies from the other side;
* the sinusoids have all sines before all cosines, at the paper's rates, so
  that the width of every weight is in another order;
* embeddings have their rows in the order of the model's ids (`text.marian`).

Moving numbers is all that is done to them: there and back is the same bits.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from t2t_repro.errors import InputError
from t2t_repro.hparam import HParams
from t2t_repro.interop.conversion import Conversion
from t2t_repro.layers.embedding import sinusoids
from t2t_repro.models.transformer_hparams import TransformerHParams

Tensors = Mapping[str, np.ndarray]

# What the logit of an id is lowered by that must not be generated: beyond any
# that a model gives, and finite in 16 bits.
_NEVER = -1000.0

# Our weight, theirs, and what its axes are here: w, the width of the model; s
# and t, the ids of source and target; . another. A bias has the last of them.
_NAMES = (
    (r"embedding/matrix", "model.shared", "tw"),
    (r"source_embedding/matrix", "model.encoder.embed_tokens", "sw"),
    (r"target_embedding/matrix", "model.decoder.embed_tokens", "tw"),
    (r"softmax/matrix", "lm_head", "tw"),
    (r"(.+)/self_attention/query", r"\1.self_attn.q_proj", "w."),
    (r"(.+)/self_attention/key", r"\1.self_attn.k_proj", "w."),
    (r"(.+)/self_attention/value", r"\1.self_attn.v_proj", "w."),
    (r"(.+)/self_attention/output", r"\1.self_attn.out_proj", ".w"),
    (r"(.+)/encdec_attention/query", r"\1.encoder_attn.q_proj", "w."),
    (r"(.+)/encdec_attention/key", r"\1.encoder_attn.k_proj", "w."),
    (r"(.+)/encdec_attention/value", r"\1.encoder_attn.v_proj", "w."),
    (r"(.+)/encdec_attention/output", r"\1.encoder_attn.out_proj", ".w"),
    (r"(.+)/feed_forward/inner", r"\1.fc1", "w."),
    (r"(.+)/feed_forward/outer", r"\1.fc2", ".w"),
    (
        r"(.+)/self_attention_residual/norm_after",
        r"\1.self_attn_layer_norm",
        "w",
    ),
    (
        r"(.+)/encdec_attention_residual/norm_after",
        r"\1.encoder_attn_layer_norm",
        "w",
    ),
    (r"(.+)/feed_forward_residual/norm_after", r"\1.final_layer_norm", "w"),
)
_LOGITS_BIAS = "logits_bias/bias"
_THEIR_LOGITS_BIAS = "final_logits_bias"  # [1, vocabulary]
# Written by some versions of transformers beside the weights; computed here.
_POSITIONS = tuple(
    f"model.{stack}.embed_positions.weight" for stack in ("encoder", "decoder")
)
# A single matrix for both languages and the softmax may be under any of these.
_SHARED = (
    "model.shared.weight",
    "lm_head.weight",
    "model.decoder.embed_tokens.weight",
    "model.encoder.embed_tokens.weight",
)


def their_name(path: str, hparams: HParams) -> tuple[str, str]:
    """The name of a weight in transformers, and its axes as in `_NAMES`.

    Raises:
      InputError: MarianMT has no such weight.
    """
    if path == _LOGITS_BIAS:
        return _THEIR_LOGITS_BIAS, "t"
    if path == "target_embedding/matrix" and hparams.shared_embedding:
        path = "embedding/matrix"
    place, _, kind = path.rpartition("/")
    for ours, theirs, axes in _NAMES:
        match = re.fullmatch(ours, path if kind == "matrix" else place)
        if match:
            name = re.sub(
                r"^(encoder|decoder)/layer_",
                r"model.\1.layers.",
                match.expand(theirs),
            )
            is_bias = kind == "bias"
            return (
                f"{name}.{'bias' if is_bias else 'weight'}",
                axes[-1] if is_bias else axes,
            )
    raise InputError(
        f"MarianMT has no weight {path}: take a run without the hparam that"
        " makes it."
    )


def convert(
    tensors: Tensors, model: Any, encoder: Any, origin: str
) -> Conversion:
    """Finds every weight of a model among MarianMT's tensors.

    Args:
      tensors: by transformers' names.
      model: of the hparams that the model's config.json gave.
      encoder: its vocabulary, a `text.marian.MarianEncoder`.
      origin: what to call the file in messages.

    Raises:
      InputError: a tensor is missing, or of another shape, or the positions
        are no sinusoids.
    """
    found: dict[str, np.ndarray] = {}
    sources: dict[str, list[str]] = {}
    for path, weight in model.weights_by_path().items():
        name, axes = their_name(path, model.hparams)
        name = _present(name, path, tensors, model.hparams)
        if name not in tensors:
            raise InputError(
                f"{origin} has no {name} (our {path}): it is of another model"
                " than its config.json says, or no MarianMT model."
            )
        sources[path] = [name]
        found[path] = _ours(
            tensors[name],
            name,
            path,
            axes,
            tuple(weight.shape),
            encoder,
            origin,
        )
    for name in _POSITIONS:
        _check_positions(tensors.get(name), name, model.hparams, origin)
    used = {name for names in sources.values() for name in names}
    return Conversion(
        weights=found,
        moments={},
        step=0,
        sources=sources,
        ignored=sorted(tensors.keys() - used - set(_POSITIONS)),
    )


def tensors(
    weights: Tensors, hparams: TransformerHParams, encoder: Any
) -> dict[str, np.ndarray]:
    """The same numbers as MarianMT has them, by its names.

    Biases that the model lacks are zeros, as is the padding's vector where the
    decoder begins with zeros; the padding's logit is then one that never wins.

    Args:
      weights: by path, as in checkpoints.
      hparams: such as `check` passes.
      encoder: with `source_rows` and `target_rows`, as `text.marian` has them.
    """
    weights = dict(weights)
    starts_with_zero = hparams.decoder_start == "zero"
    if _LOGITS_BIAS not in weights:
        weights[_LOGITS_BIAS] = np.zeros(len(encoder.target_rows), np.float32)
    if starts_with_zero:
        bias = weights[_LOGITS_BIAS].copy()
        bias[0] = _NEVER
        weights[_LOGITS_BIAS] = bias
    for path in list(weights):
        if (
            path.endswith("attention/query/kernel")
            and not hparams.attention_bias
        ):
            for part in ("query", "key", "value", "output"):
                place = path.replace("/query/kernel", f"/{part}/bias")
                weights[place] = np.zeros(hparams.hidden_size, np.float32)
    found = {}
    for path, weight in weights.items():
        name, axes = their_name(path, hparams)
        if starts_with_zero and path.endswith("embedding/matrix"):
            weight = np.concatenate([np.zeros_like(weight[:1]), weight[1:]])
        found[name] = _theirs(weight, path, axes, encoder)
    return found


def _present(
    name: str, path: str, names: Iterable[str], hparams: HParams
) -> str:
    """A weight's name in this file: what is shared has several."""
    if name == "model.shared.weight":
        return next((n for n in _SHARED if n in names), name)
    if path == "softmax/matrix" and name not in names:
        return "model.decoder.embed_tokens.weight"
    return name


def _ours(
    tensor: np.ndarray,
    name: str,
    path: str,
    axes: str,
    shape: tuple[int, ...],
    encoder: Any,
    origin: str,
) -> np.ndarray:
    """One weight in float32, its axes in the order that we have them."""
    expected = []
    for kind, size in zip(axes, shape, strict=True):
        rows = _rows(kind, encoder)
        expected.append(size if rows is None else int(rows.max()) + 1)
    if path == _LOGITS_BIAS:
        expected = [1, *expected]
    if path.endswith("/kernel"):
        expected.reverse()
    if list(tensor.shape) != expected:
        raise InputError(
            f"{origin} has shape {tensor.shape} for {name}, config.json and"
            f" vocab.json make it {tuple(expected)}: they are not of one model."
        )
    if tensor.dtype.kind != "f":
        raise InputError(
            f"{origin} has {name} as {tensor.dtype}, not in floating point: it"
            " is no MarianMT model."
        )
    value = np.asarray(tensor, np.float32)
    if path == _LOGITS_BIAS:
        value = value[0]
    if path.endswith("/kernel"):
        value = value.T
    for axis, kind in enumerate(axes):
        rows = _rows(kind, encoder)
        if kind == "w":
            value = value.take(_width_order(value.shape[axis]), axis)
        elif rows is not None:
            fill = np.float32(_NEVER if path == _LOGITS_BIAS else 0.0)
            absent = (rows < 0).reshape(-1, *[1] * (value.ndim - 1))
            value = np.where(absent, fill, value.take(rows, axis, mode="clip"))
    return np.ascontiguousarray(value)


def _theirs(
    value: np.ndarray, path: str, axes: str, encoder: Any
) -> np.ndarray:
    """The inverse of `_ours`."""
    for axis, kind in enumerate(axes):
        rows = _rows(kind, encoder)
        if kind == "w":
            order = np.argsort(_width_order(value.shape[axis]))
            value = value.take(order, axis)
        elif rows is not None:
            present = np.flatnonzero(rows >= 0)
            order = np.empty(len(present), np.int64)
            order[rows[present]] = present
            value = value.take(order, axis)
    if path.endswith("/kernel"):
        value = value.T
    return value[None] if path == _LOGITS_BIAS else value


def _rows(axis: str, encoder: Any) -> np.ndarray | None:
    """`[vocabulary]`: the model's own number of each of our ids, or -1."""
    rows = {"s": encoder.source_rows, "t": encoder.target_rows}.get(axis)
    return None if rows is None else np.asarray(rows)


def _width_order(width: int) -> np.ndarray:
    """Where each of our channels, sine and cosine in turn, lies there."""
    return np.arange(width).reshape(2, -1).T.ravel()


def _check_positions(
    table: np.ndarray | None, name: str, hparams: HParams, origin: str
) -> None:
    if table is None:
        return
    width = hparams.hidden_size
    if table.ndim != 2 or table.shape[1] != width:
        raise InputError(
            f"{origin} has shape {table.shape} for {name}, config.json makes it"
            f" (positions, {width}): they are not of one model."
        )
    ours = np.asarray(sinusoids(np.arange(len(table)), width, True))
    theirs = np.asarray(table, np.float32).take(_width_order(width), 1)
    # Angles of a thousand are rounded in float32.
    if not np.allclose(theirs, ours, atol=1e-3):
        raise InputError(
            f"{origin} has learned positions ({name}): only a model with the"
            " sinusoids of MarianMT can be imported."
        )
