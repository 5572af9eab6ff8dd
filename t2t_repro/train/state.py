"""All that decides how a run goes on: saved as one checkpoint, restored whole.

Weights, moments and counters are the step's variables; the place in the data
is three whole numbers. Nothing else is needed: every order of the data follows
from the seed, dropout from seed and step, early stopping from the evaluations.
"""

import pathlib
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence

import numpy as np

from t2t_repro import checkpoints
from t2t_repro.data.batching import Position
from t2t_repro.errors import InputError
from t2t_repro.train import recovery
from t2t_repro.train.step import OPTIONAL
from t2t_repro.train.step import TrainStep

_POSITION = "data_position"


class State:
    """A run's step and place in the data, and their checkpoints.

    Attributes:
      position: of the next batch; to be moved on with every step.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        step: TrainStep,
        staying: Callable[[Sequence[int]], Collection[int]],
        is_chief: bool,
    ):
        """Begins at the first batch.

        Args:
          folder: run directory.
          step: with the variables.
          staying: which of the checkpoints' steps, oldest first, stay.
          is_chief: whether this process writes them.
        """
        self._folder, self._step = folder, step
        self._staying, self._is_chief = staying, is_chief
        self._saved_step: int | None = None
        self.position = Position()

    @property
    def steps_done(self) -> int:
        """Updates so far."""
        return int(self._step.updates_done.numpy())

    def save(self, is_interim: bool = False) -> str:
        """Writes a checkpoint and removes those that need not stay.

        Args:
          is_interim: see `checkpoints.mark_interim`.

        Returns:
          Its prefix; what is saved already, or is the chief's to write, is
          not written.

        Raises:
          InputError: there is no room for it, or no permission.
        """
        done = self.steps_done
        if self._saved_step == done or not self._is_chief:
            return checkpoints.path_of(self._folder, done)
        if is_interim:
            checkpoints.mark_interim(self._folder, done)
        prefix = checkpoints.save(
            self._folder,
            done,
            {
                **self._step.variables(),
                _POSITION: np.array(self.position, np.int64),
            },
        )
        self._saved_step = done
        if not is_interim:
            for old in self._not_staying(done):
                checkpoints.remove(self._folder, old)
        return prefix

    def _not_staying(self, done: int) -> set[int]:
        folder = self._folder
        interim = {s for s in checkpoints.interim_steps(folder) if s < done}
        found = [s for s in checkpoints.steps(folder) if s not in interim]
        return interim | (set(found) - set(self._staying(found)))

    def restore(self) -> str | None:
        """Goes back to the newest checkpoint that is whole.

        Returns:
          Its prefix; None where there is no checkpoint at all.

        Raises:
          InputError: every checkpoint is damaged, or one is of another model.
        """
        prefix = recovery.restore_newest(
            self._folder, self._restore_from, self._is_chief
        )
        if prefix is not None:
            self._saved_step = self.steps_done
        return prefix

    def _restore_from(self, prefix: str) -> str:
        needed = {
            name: variable
            for name, variable in self._step.variables().items()
            if name not in OPTIONAL
        }
        rest = self._step.restore_optional(
            checkpoints.restore(prefix, needed, allow_unused=True)
        )
        if rest.keys() != {_POSITION}:
            raise InputError(
                f"{prefix} does not hold what training needs to go on, or more"
                f" ({', '.join(sorted(rest)[:3])}): it is of another program."
            )
        self.position = Position(*(int(i) for i in rest[_POSITION]))
        return prefix
