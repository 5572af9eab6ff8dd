"""Hyperparameters: one frozen, typed record under tensor2tensor's field names.

The record holds no numbers of its own: every set in `hparams/` names all of
them. What tensor2tensor had and the Transformer of the paper does not need
(mixture of experts, video, TPU) has no field here.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.errors import nearest

# TensorFlow's shapes and NumPy's ids are of 32 bits.
_LARGEST = 2**31 - 1

_TRUE_WORDS = {"true": True, "1": True, "false": False, "0": False}


@dataclasses.dataclass(frozen=True, kw_only=True)
class HParams:
    """All that decides what is trained; see `hparams/` for the values.

    Names and meanings are tensor2tensor's unless a line says "ours".
    """

    # Model. The paper's symbol stands behind each.
    hidden_size: int  # d_model
    filter_size: int  # d_ff
    num_heads: int  # h
    num_hidden_layers: int  # N
    num_encoder_layers: int  # 0: num_hidden_layers
    num_decoder_layers: int  # 0: num_hidden_layers
    attention_key_channels: int  # h * d_k; 0: hidden_size
    attention_value_channels: int  # h * d_v; 0: hidden_size
    attention_bias: bool  # ours: biases in the four projections
    layer_preprocess_sequence: str  # "none", or "n" = norm before
    layer_postprocess_sequence: str  # "dan" = dropout, add, norm; or "da"
    norm_epsilon: float
    # "timing_interleaved" is the paper's (ours), "timing" tensor2tensor's
    # concatenated halves, "emb" learned positions, "none" no positions.
    pos: str
    shared_embedding_and_softmax_weights: bool
    shared_embedding: bool  # source and target share, the softmax does not
    multiply_embedding_mode: str  # "sqrt_depth" or "none"
    use_target_space_embedding: bool

    # Regularisation.
    layer_prepostprocess_dropout: float  # P_drop
    attention_dropout: float
    relu_dropout: float
    label_smoothing: float  # epsilon_ls

    # Optimizer and schedule.
    optimizer_adam_beta1: float
    optimizer_adam_beta2: float
    optimizer_adam_epsilon: float
    # "noam" is the paper's formula (ours, times learning_rate_constant),
    # "legacy" tensor2tensor's first one, else its product of factors such as
    # "constant*linear_warmup*rsqrt_decay*rsqrt_hidden_size".
    learning_rate_schedule: str
    learning_rate_constant: float
    learning_rate_warmup_steps: int
    learning_rate: float  # read by "legacy" only
    clip_grad_norm: float  # 0: no clipping
    optimizer_multistep_accumulate_steps: int  # 0 or 1: no accumulation

    # Batches.
    batch_size: int  # tokens per replica: sentences x max(source, target)
    max_length: int  # longer training pairs are dropped and counted
    batch_shapes: int  # ours: how many (batch, source, target) shapes

    def __post_init__(self) -> None:
        """Refuses values that no model can be built from."""
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)}: expected a value"
                    " above 0."
                )
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)}: expected 0 or a"
                    " value above it."
                )
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)!r}: expected one of"
                    f" {', '.join(map(repr, allowed))}."
                )
        for name in _RATES:
            if not 0.0 <= getattr(self, name) < 1.0:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)}: expected a rate"
                    " from 0 up to, not including, 1."
                )
        for name in ("key_channels", "value_channels"):
            if getattr(self, name) % self.num_heads:
                raise UsageError(
                    f"hparam num_heads={self.num_heads} does not divide"
                    f" {getattr(self, name)} {name.replace('_', ' ')}: change"
                    f" num_heads, hidden_size or attention_{name}."
                )
        if self.hidden_size % 2 and self.pos.startswith("timing"):
            raise UsageError(
                f"hparam hidden_size={self.hidden_size}: sines and cosines"
                " come in pairs, give an even value."
            )

    @property
    def encoder_layers(self) -> int:
        """Number of encoder layers, N."""
        return self.num_encoder_layers or self.num_hidden_layers

    @property
    def decoder_layers(self) -> int:
        """Number of decoder layers, N."""
        return self.num_decoder_layers or self.num_hidden_layers

    @property
    def key_channels(self) -> int:
        """h * d_k."""
        return self.attention_key_channels or self.hidden_size

    @property
    def value_channels(self) -> int:
        """h * d_v."""
        return self.attention_value_channels or self.hidden_size

    @property
    def accumulate_steps(self) -> int:
        """Micro-batches per optimizer step, at least 1."""
        return max(1, self.optimizer_multistep_accumulate_steps)

    def replace(self, **changes: Any) -> "HParams":
        """A copy with some fields changed.

        Raises:
          UsageError: an unknown field, or a value out of range.
        """
        types = field_types(HParams)
        for name in changes:
            if name not in types:
                raise UsageError(
                    f"unknown hparam {name!r}.{nearest(name, types)}"
                )
        return dataclasses.replace(self, **changes)

    def override(self, text: str) -> "HParams":
        """A copy changed by `--hparams`, such as `"batch_size=2048,pos=emb"`.

        Raises:
          UsageError: unknown field, wrong type, or a value out of range.
        """
        return self.replace(**parse_fields("--hparams", HParams, text))

    def to_json(self) -> str:
        """Flat JSON, one field a line, keys sorted, as tensor2tensor writes."""
        return json.dumps(dataclasses.asdict(self), indent=0, sort_keys=True)


_POSITIVE = (
    "hidden_size",
    "filter_size",
    "num_heads",
    "num_hidden_layers",
    "norm_epsilon",
    "learning_rate_warmup_steps",
    "batch_size",
    "max_length",
    "batch_shapes",
)
_NOT_NEGATIVE = (
    "num_encoder_layers",
    "num_decoder_layers",
    "attention_key_channels",
    "attention_value_channels",
    "optimizer_adam_epsilon",
    "learning_rate_constant",
    "learning_rate",
    "clip_grad_norm",
    "optimizer_multistep_accumulate_steps",
)
_RATES = (
    "layer_prepostprocess_dropout",
    "attention_dropout",
    "relu_dropout",
    "label_smoothing",
    "optimizer_adam_beta1",
    "optimizer_adam_beta2",
)
_CHOICES = {
    "layer_preprocess_sequence": ("none", "n"),
    "layer_postprocess_sequence": ("dan", "da"),
    "pos": ("timing_interleaved", "timing", "emb", "none"),
    "multiply_embedding_mode": ("sqrt_depth", "none"),
}


def parse_fields(flag: str, record: type, text: str) -> dict[str, Any]:
    """Reads `"a=1,b=0.1"` by the type of each field of a dataclass.

    Args:
      flag: where the text comes from, for messages: `"--hparams"`.
      record: the dataclass; fields are bool, int, float or str.
      text: comma-separated `name=value` pairs; may be empty.

    Returns:
      The values by field name.

    Raises:
      UsageError: not of that form, unknown field, wrong type, or twice.
    """
    types = field_types(record)
    values: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise UsageError(f"{flag}: {pair!r} is not of the form name=value.")
        if name not in types:
            raise UsageError(
                f"{flag}: unknown name {name!r}.{nearest(name, types)}"
            )
        if name in values:
            raise UsageError(f"{flag}: {name} is given twice.")
        values[name] = parse_value(f"{flag}: {name}", types[name], value)
    return values


def field_types(record: type) -> dict[str, type]:
    """Types of a dataclass by field name."""
    return {f.name: f.type for f in dataclasses.fields(record)}  # type: ignore


def parse_value(what: str, kind: type, text: str) -> bool | int | float | str:
    """Reads one value.

    Args:
      what: named in the message.
      kind: bool, int, float or str.
      text: what the user wrote.

    Raises:
      UsageError: the text is of another type.
    """
    given = text if len(text) <= 40 else f"{text[:40]}..."
    try:
        if kind is bool:
            return _TRUE_WORDS[text.lower()]
        if kind is int:
            whole = int(text)
            if abs(whole) > _LARGEST:
                raise UsageError(
                    f"{what}={given}: expected at most {_LARGEST}."
                )
            return whole
        if kind is float:
            number = float(text)
            if not math.isfinite(number):
                raise ValueError(text)
            return number
    except (KeyError, ValueError):
        raise UsageError(
            f"{what}={given}: expected {_KIND_WORDS[kind]}."
        ) from None
    return text


def from_mapping(values: Mapping[str, Any], origin: str) -> HParams:
    """Reads the fields back from a parsed `hparams.json`.

    Args:
      values: field name to JSON value; all fields and no others.
      origin: what to call the source in messages, such as the file's path.

    Raises:
      InputError: a field is missing, unknown, of the wrong type or out of
        range.
    """
    types = field_types(HParams)
    for name in sorted(types.keys() ^ values.keys()):
        verb = "lacks" if name in types else "has the unknown"
        raise InputError(
            f"{origin} {verb} hparam {name!r}: it was written by another"
            " version of this program, or damaged."
        )
    try:
        return HParams(
            **{
                name: _from_json(name, types[name], value)
                for name, value in values.items()
            }
        )
    except UsageError as error:
        # The same mistakes, but here a file and not a flag holds them.
        raise InputError(f"{origin}: {error}") from None


def _from_json(name: str, kind: type, value: Any) -> Any:
    if isinstance(value, str):
        return parse_value(name, kind, value)
    if kind is str:
        given = json.dumps(value)[:40]
        raise UsageError(f"hparam {name}={given!r}: expected text.")
    return parse_value(name, kind, json.dumps(value))


_KIND_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
}
