"""What a search may be held to: outputs of a given form and no others.

A constraint is an automaton. It moves with every id that a hypothesis takes,
and says in every step which ids may come next. To a search it is what a model
is: for each sentence it has a memory that stays, for each hypothesis a state,
which changes places with it. `ANYTHING` allows all. tensor2tensor had no such
thing.

Log probabilities are not shared out anew among the ids that are left: a score
is what the model gives those ids. Where many ids can only mean one, a
constraint may count them as that one (`merged`).
"""

from typing import Any, Protocol

import tensorflow as tf


class Constraint(Protocol):
    """The automaton: pure functions, traced with the search.

    Memories and states are nests of tensors whose first axis is the batch, so
    that sentences can leave it. Every state that can be reached allows an id,
    and leads to an end of sentence within the limit. Hypotheses that are
    forbidden or over are moved all the same, by any id: they must not fail.
    """

    def shortest(self, inputs: tf.Tensor) -> tf.Tensor:
        """The fewest ids that an output takes, the end of sentence included.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.

        Returns:
          `[batch]` int32; no limit may be below it.
        """

    def start(
        self, inputs: tf.Tensor, limits: tf.Tensor, beams: int
    ) -> tuple[Any, Any]:
        """Before the first id.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.
          limits: `[batch]` int32, most ids to generate.
          beams: hypotheses of each sentence.

        Returns:
          The memory, a nest of `[batch, ...]`, and the state, a nest of
          `[batch, beams, ...]`.
        """

    def allowed(self, memory: Any, state: Any) -> tf.Tensor | None:
        """`[batch, beams, vocabulary]` bool, what may come next; None: all."""

    def merged(self, memory: Any, state: Any, logits: tf.Tensor) -> tf.Tensor:
        """`[batch, beams, vocabulary]` logits, those of one meaning as one.

        The sum of all probabilities stays as it is.
        """

    def advance(self, memory: Any, state: Any, ids: tf.Tensor) -> Any:
        """The state behind `[batch, beams]` int32 ids, one of each."""


class _Anything:
    """A `Constraint` that allows every output."""

    def shortest(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.zeros_like(inputs[:, 0])

    def start(
        self, inputs: tf.Tensor, limits: tf.Tensor, beams: int
    ) -> tuple[Any, Any]:
        del inputs, limits, beams
        return (), ()

    def allowed(self, memory: Any, state: Any) -> None:
        del memory, state

    def merged(self, memory: Any, state: Any, logits: tf.Tensor) -> tf.Tensor:
        del memory, state
        return logits

    def advance(self, memory: Any, state: Any, ids: tf.Tensor) -> Any:
        del memory, ids
        return state


ANYTHING = _Anything()
