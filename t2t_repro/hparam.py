"""Hyperparameters: one frozen, typed record a model family.

Names are tensor2tensor's. `HParams` is what every family has: the size of its
vectors, optimizer, schedule and batches; a family adds its fields, its checks
and its costs in a subclass (models/*_hparams.py). The records hold no numbers
of their own: every set in `hparams/` names all of them.
"""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from t2t_repro.errors import InputError, UsageError, nearest

# Sentences, source positions, target positions.
Shape = tuple[int, int, int]

# TensorFlow's shapes and NumPy's ids are of 32 bits.
_LARGEST = 2**31 - 1

_TRUE_WORDS = {"true": True, "1": True, "false": False, "0": False}


@dataclasses.dataclass(frozen=True, kw_only=True)
class HParams:
    """What decides how any model is trained; see `hparams/` for the values.

    Names and meanings are tensor2tensor's unless a line says "ours".

    Attributes:
      MODEL: registered name of the model that a set of this record is for.
      LATER: fields that came after the first runs, with what those did.
      POSITIVE: fields that must be above 0; a subclass names all of its own.
      NOT_NEGATIVE: fields of 0 or above.
      RATES: fields from 0 up to, not including, 1.
      CHOICES: the words that a field may be.
    """

    # Vectors and embeddings.
    hidden_size: int  # d_model
    num_hidden_layers: int  # N
    shared_embedding_and_softmax_weights: bool
    shared_embedding: bool  # source and target share, the softmax does not
    multiply_embedding_mode: str  # "sqrt_depth" or "none"

    label_smoothing: float  # epsilon_ls

    # Optimizer and schedule.
    optimizer: str  # "adam" or "sgd"
    optimizer_adam_beta1: float
    optimizer_adam_beta2: float
    optimizer_adam_epsilon: float
    # "noam" is the paper's formula (ours, times learning_rate_constant),
    # "legacy" tensor2tensor's first one, else its product of factors such as
    # "constant*linear_warmup*rsqrt_decay*rsqrt_hidden_size"; its staircase of
    # an exponential decay is a factor here, "staircase_decay".
    learning_rate_schedule: str
    learning_rate_constant: float
    learning_rate_warmup_steps: int
    learning_rate: float  # read by "legacy" only
    learning_rate_decay_rate: float  # read by "staircase_decay" only
    learning_rate_decay_steps: int  # by that, and "single_cycle_cos_decay"
    clip_grad_norm: float  # 0: no clipping
    optimizer_multistep_accumulate_steps: int  # 0 or 1: no accumulation

    # Batches.
    batch_size: int  # tokens per replica: sentences x max(source, target)
    max_length: int  # longer training pairs are dropped and counted
    batch_shapes: int  # ours: how many (batch, source, target) shapes

    MODEL: ClassVar[str] = ""
    LATER: ClassVar[Mapping[str, Any]] = {
        "optimizer": "adam",
        "learning_rate_decay_rate": 1.0,
        "learning_rate_decay_steps": 1,
    }
    POSITIVE: ClassVar[tuple[str, ...]] = (
        "hidden_size",
        "num_hidden_layers",
        "learning_rate_warmup_steps",
        "learning_rate_decay_steps",
        "batch_size",
        "max_length",
        "batch_shapes",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        "optimizer_adam_epsilon",
        "learning_rate_constant",
        "learning_rate",
        "learning_rate_decay_rate",
        "clip_grad_norm",
        "optimizer_multistep_accumulate_steps",
    )
    RATES: ClassVar[tuple[str, ...]] = (
        "label_smoothing",
        "optimizer_adam_beta1",
        "optimizer_adam_beta2",
    )
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "multiply_embedding_mode": ("sqrt_depth", "none"),
        "optimizer": ("adam", "sgd"),
    }

    def __post_init__(self) -> None:
        """Refuses values that no model can be built from."""
        for name in self.POSITIVE:
            if getattr(self, name) <= 0:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)}: expected a value"
                    " above 0."
                )
        for name in self.NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)}: expected 0 or a"
                    " value above it."
                )
        for name, allowed in self.CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)!r}: expected one of"
                    f" {', '.join(map(repr, allowed))}."
                )
        for name in self.RATES:
            if not 0.0 <= getattr(self, name) < 1.0:
                raise UsageError(
                    f"hparam {name}={getattr(self, name)}: expected a rate"
                    " from 0 up to, not including, 1."
                )

    @property
    def source_shares(self) -> bool:
        """Whether source and target have one embedding (section 3.4)."""
        return (
            self.shared_embedding_and_softmax_weights or self.shared_embedding
        )

    @property
    def accumulate_steps(self) -> int:
        """Micro-batches per optimizer step, at least 1."""
        return max(1, self.optimizer_multistep_accumulate_steps)

    def check_targets(self, longest: int) -> None:
        """Refuses targets that the family cannot write; most write any.

        Args:
          longest: ids of the longest, its end of sentence included.

        Raises:
          UsageError: it is too long.
        """

    @property
    def is_sum_over_sentences(self) -> bool:
        """Whether a batch's loss is that of its parts, added up."""
        return True

    @property
    def is_packed(self) -> bool:
        """Whether a row of a training batch holds several pairs.

        Then the family's models can read such rows, see `Mode.is_packed`.
        """
        return False

    def architecture(self) -> dict[str, Any]:
        """What a report says of the family's own fields, in the paper's words.

        Returns:
          By name, such as `d_ff`; nothing where the paper has no word for it.
        """
        return {}

    def activations(self, shape: Shape, vocab_size: int) -> int:
        """Numbers that a training step keeps for its backward pass, about.

        What decides which of a run's batch shapes needs the most memory.

        Args:
          shape: sentences, source and target positions.
          vocab_size: ids there are.
        """
        rows, source, target = shape
        width = 10 * self.hidden_size * self.num_hidden_layers
        return rows * ((source + target) * width + 2 * target * vocab_size)

    def forward_flops(self, shape: Shape, vocab_size: int) -> int:
        """Operations of the matrix products of a forward pass.

        A product and a sum count as two; the backward pass takes twice as many.

        Args:
          shape: sentences, source and target positions.
          vocab_size: of the softmax.

        Raises:
          UsageError: the family has no formula.
        """
        raise self._no_formula()

    def decoding_flops(self, shape: Shape, vocab_size: int, beams: int) -> int:
        """Operations that a cached search cannot do without.

        Args:
          shape: sentences, source positions and ids generated for each.
          vocab_size: of the softmax.
          beams: hypotheses of each, 1 where it is greedy.

        Raises:
          UsageError: the family has no formula.
        """
        raise self._no_formula()

    def _no_formula(self) -> UsageError:
        return UsageError(
            f"the model {self.MODEL} has no formula for its operations: take"
            " one that has (transformer)."
        )

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed.

        Raises:
          UsageError: an unknown field, or a value out of range.
        """
        types = field_types(type(self))
        for name in changes:
            if name not in types:
                raise UsageError(
                    f"unknown hparam {name!r}.{_hint(name, type(self))}"
                )
        return dataclasses.replace(self, **changes)

    def override(self, text: str) -> Self:
        """A copy changed by `--hparams`, such as `"batch_size=2048,pos=emb"`.

        Raises:
          UsageError: unknown field, wrong type, or a value out of range.
        """
        return self.replace(**parse_fields("--hparams", type(self), text))

    def to_json(self) -> str:
        """Flat JSON, one field a line, keys sorted, as tensor2tensor writes."""
        return json.dumps(dataclasses.asdict(self), indent=0, sort_keys=True)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], origin: str) -> Self:
        """Reads the fields back from a parsed `hparams.json`.

        Args:
          values: field name to JSON value; all fields, but for `LATER`, and
            no others.
          origin: what to call the source in messages, such as the file's path.

        Raises:
          InputError: a field is missing, unknown, of the wrong type or out of
            range.
        """
        types = field_types(cls)
        values = {**cls.LATER, **values}
        for name in sorted(types.keys() ^ values.keys()):
            verb = "lacks" if name in types else "has the unknown"
            raise InputError(
                f"{origin} {verb} hparam {name!r}: it was written by another"
                " version of this program, or damaged."
            )
        try:
            return cls(
                **{
                    name: _from_json(name, types[name], value)
                    for name, value in values.items()
                }
            )
        except UsageError as error:
            # The same mistakes, but here a file and not a flag holds them.
            raise InputError(f"{origin}: {error}") from None


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
                f"{flag}: unknown name {name!r}.{_hint(name, record)}"
            )
        if name in values:
            raise UsageError(f"{flag}: {name} is given twice.")
        values[name] = parse_value(f"{flag}: {name}", types[name], value)
    return values


def _hint(name: str, record: type) -> str:
    """What a name that is no field may mean: another family's, or a slip."""
    families = [
        family.MODEL
        for family in _records(HParams)
        if name in family.__annotations__  # its own, not those it inherits
    ]
    if families and issubclass(record, HParams):
        return f" It belongs to the model {' and '.join(sorted(families))}."
    return nearest(name, field_types(record))


def _records(record: Any) -> Iterator[Any]:
    """The records of all families that are known by now."""
    family: Any
    for family in record.__subclasses__():
        if dataclasses.is_dataclass(family):
            yield family
        yield from _records(family)


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
