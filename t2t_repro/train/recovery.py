"""Saving and restoring a run: leftovers of kills, damaged checkpoints.

A kill leaves at most a hidden folder that was being filled, or a data file
whose index had not come yet: neither ever counted, and both are removed. A
checkpoint that did count and cannot be read any more is named and moved to
`damaged/`, nothing of it is deleted, and the one before it is used.
tensor2tensor ended with TensorFlow's error there.
"""

import logging
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import numpy as np

from t2t_repro import checkpoints, run_directory
from t2t_repro.data.batching import Position
from t2t_repro.errors import InputError
from t2t_repro.train.step import OPTIONAL, TrainStep

# What `files.replacing` leaves of the files that a training itself writes.
_WRITTEN = (
    run_directory.HPARAMS,
    run_directory.PROBLEM,
    run_directory.TRAIN,
    run_directory.BATCH_SHAPES,
    run_directory.EVALUATIONS,
    run_directory.WARM_START,
)
_TEMPORARY = re.compile(
    rf"^\.({'|'.join(map(re.escape, _WRITTEN))})\.[0-9a-f]{{8}}\.part$"
)

_Restored = TypeVar("_Restored")

logger = logging.getLogger("t2t_repro")


class Checkpointer:
    """Saves and restores all that decides how a run goes on.

    Weights, moments and counters are the step's variables; the place in the
    data is three whole numbers. Nothing else is needed: every order of the data
    follows from the seed, dropout from seed and step, early stopping from the
    evaluations.

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

        `staying` chooses of the checkpoints' steps, oldest first, those that
        stay; a process that is not the chief writes nothing.
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
        """Writes a checkpoint and removes those that need not stay; its prefix.

        Nothing is written where it is saved already, or is the chief's to
        write. For `is_interim` see `checkpoints.mark_interim`.

        Raises:
          InputError: there is no room for it, or no permission.
        """
        done = self.steps_done
        if self._saved_step == done or not self._is_chief:
            return checkpoints.path_of(self._folder, done)
        if is_interim:
            checkpoints.mark_interim(self._folder, done)
        position = np.array(self.position, np.int64)
        prefix = checkpoints.save(
            self._folder,
            done,
            {**self._step.variables(), checkpoints.POSITION: position},
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
        """Goes back to the newest checkpoint that is whole; its prefix.

        Returns:
          None where there is no checkpoint at all.

        Raises:
          InputError: every checkpoint is damaged, or one is of another model.
        """
        prefix = restore_newest(
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
        if rest.keys() != {checkpoints.POSITION}:
            raise InputError(
                f"{prefix} does not hold what training needs to go on, or more"
                f" ({', '.join(sorted(rest)[:3])}): it is of another program."
            )
        self.position = Position(*map(int, rest[checkpoints.POSITION]))
        return prefix


def clean(folder: pathlib.Path) -> list[str]:
    """Removes what killed trainings left half-written; returns its names.

    No training must be running in the folder.
    """
    removed = []
    for path in sorted(folder.glob(".*.part")):
        step = checkpoints.step_of_partial(path.name)
        if step is not None:
            removed += _remove_unindexed(folder, step)
            shutil.rmtree(path)
            removed.append(path.name)
        elif _TEMPORARY.match(path.name):
            path.unlink()
            removed.append(path.name)
    newest = max(checkpoints.steps(folder), default=0)
    for step in checkpoints.steps_with_files(folder):
        # Half of an old checkpoint that was being removed.
        if step < newest:
            removed += _remove_unindexed(folder, step)
    if removed:
        logger.info(
            "removed what a killed training left half-written: %s",
            ", ".join(removed),
        )
    return removed


def restore_newest(
    folder: pathlib.Path,
    restore: Callable[[str], _Restored],
    may_write: bool = True,
) -> _Restored | None:
    """Calls `restore` with the prefix of the newest checkpoint that is whole.

    Without `may_write`, damaged ones are skipped and not moved.

    Returns:
      What `restore` returned; None where there is no checkpoint at all.

    Raises:
      InputError: every checkpoint is damaged, or one is of another model.
    """
    damaged: list[tuple[int, str]] = []
    for step in reversed(checkpoints.steps_with_files(folder)):
        prefix = checkpoints.path_of(folder, step)
        try:
            if not os.path.exists(f"{prefix}.index"):
                raise checkpoints.DamagedError(prefix, "it has no index")
            restored = restore(prefix)
        except checkpoints.DamagedError as error:
            damaged.append((step, error.reason))
            continue
        for bad, reason in damaged if may_write else []:
            _set_aside(folder, bad)
            logger.warning(
                "the checkpoint %s is damaged (%s): its files lie in %s now,"
                " and training goes on from step %d",
                checkpoints.path_of(folder, bad),
                reason,
                folder / run_directory.DAMAGED,
                step,
            )
        return restored
    if damaged:
        found = "; ".join(f"model.ckpt-{step}: {why}" for step, why in damaged)
        raise InputError(
            f"no checkpoint in {folder} is whole: {found}. Restore"
            " one from a copy, or begin in another --output_dir."
        )
    return None


def _remove_unindexed(folder: pathlib.Path, step: int) -> list[str]:
    found = checkpoints.files_of(folder, step)
    if any(path.suffix == ".index" for path in found):
        return []
    for path in found:
        path.unlink()
    return [path.name for path in found]


def _set_aside(folder: pathlib.Path, step: int) -> None:
    place = folder / run_directory.DAMAGED
    place.mkdir(exist_ok=True)
    for path in checkpoints.files_of(folder, step):
        target, again = place / path.name, 1
        while target.exists():
            target, again = place / f"{path.name}.{again}", again + 1
        os.replace(path, target)
