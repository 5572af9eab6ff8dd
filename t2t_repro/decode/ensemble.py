"""Several models that search as one, of any families.

Every step takes the mean of the models' log probabilities, as Sutskever et al.
2014 and Vinyals et al. 2015 combined theirs. To a search an ensemble is one
model more: its encoded sources, memories and states are those of its members,
side by side. The members have one vocabulary.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import EVALUATION, Mode


class Ensemble:
    """What search, scoring and looking inside ask of a `Seq2Seq`.

    Attributes:
      members: the models.
      vocab_size: theirs.
    """

    def __init__(self, models: Sequence[Any]):
        """Takes two or more models with one vocabulary."""
        self.members = tuple(models)
        self.vocab_size = models[0].vocab_size

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Any:
        """A tuple of what the members make of `[batch, source]` ids."""
        return tuple(
            model.encode(inputs, self._mode(i, mode))
            for i, model in enumerate(self.members)
        )

    def start(self, encoded: Any, beams: int) -> tuple[Any, Any]:
        """The members' memories, and their states."""
        started = [
            model.start(own, beams)
            for model, own in zip(self.members, encoded, strict=True)
        ]
        memories, states = zip(*started, strict=True)
        return memories, states

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Any,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """The members' outputs, `[batch, beams, hidden]` each, and states."""
        stepped = [
            model.step(ids, position, memory[i], state[i], self._mode(i, mode))
            for i, model in enumerate(self.members)
        ]
        outputs, states = zip(*stepped, strict=True)
        return outputs, states

    def reorder(self, state: Any, parents: Any) -> Any:
        """The members' states, of beams that continue others."""
        return tuple(
            model.reorder(own, parents)
            for model, own in zip(self.members, state, strict=True)
        )

    def __call__(
        self, inputs: Any, targets: Any, mode: Mode = EVALUATION
    ) -> Any:
        """Teacher-forced outputs, `[batch, target, hidden]` each."""
        return tuple(
            model(inputs, targets, mode=self._mode(i, mode))
            for i, model in enumerate(self.members)
        )

    def output_kernel(self) -> Any:
        """The members' kernels."""
        return tuple(model.output_kernel() for model in self.members)

    def logits(self, outputs: Any, kernels: Any = None) -> Any:
        """Scores of every id: the mean of the members' log probabilities.

        Args:
          outputs: `[..., hidden]` of each member.
          kernels: what `output_kernel` gave.

        Returns:
          `[..., vocabulary]` float32; what reads it normalises it again, so
          that a step's probabilities are the members' geometric mean.
        """
        log_probs = [
            tf.nn.log_softmax(
                tf.cast(
                    model.logits(own, kernels[i] if kernels else None),
                    tf.float32,
                )
            )
            for i, (model, own) in enumerate(
                zip(self.members, outputs, strict=True)
            )
        ]
        return tf.add_n(log_probs) / len(log_probs)

    def _mode(self, member: int, mode: Mode) -> Mode:
        """The mode of a member, whose maps have places of their own."""
        if mode.maps is None:
            return mode
        return dataclasses.replace(mode, maps=_Places(mode.maps, member))


def refuse(model: Any, asked: str) -> None:
    """Raises UsageError for an ensemble, where one model is wanted.

    Args:
      model: a `Seq2Seq`, or several as one.
      asked: what a user gave to come here.
    """
    if isinstance(model, Ensemble):
        raise UsageError(
            f"{asked} searches with one model: leave it out, or give"
            " --output_dir instead of --output_dirs."
        )


class _Places(dict[str, Any]):
    """Hands maps on, under `model_0/` and so on."""

    def __init__(self, maps: dict[str, Any], member: int):
        super().__init__()
        self._maps, self._member = maps, member

    def __setitem__(self, place: str, weights: Any) -> None:
        self._maps[f"model_{self._member}/{place}"] = weights

    def __getitem__(self, place: str) -> Any:
        return self._maps[f"model_{self._member}/{place}"]
