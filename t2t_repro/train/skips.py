"""Steps that were passed over, counted on TensorBoard as `skipped_steps`.

With `--nan_policy=skip` a step whose loss or gradient is not finite changes
nothing and is counted; in float16 so are those whose loss scale was too large.
A run without any has no such tag.
"""

import logging
import pathlib
from typing import Any

import tensorflow as tf

from t2t_repro.train.step import StepResult
from t2t_repro.train.step import TrainStep

_COUNTER = "adam/updates_skipped"

logger = logging.getLogger("t2t_repro")


class Skips:
    """Follows a run from step to step."""

    def __init__(self, folder: pathlib.Path, step: TrainStep):
        """Opens no file yet.

        Args:
          folder: run directory.
          step: keeps the count, in checkpoints too.
        """
        self._folder, self._step = folder, step
        self._writer: Any = None

    def step(self, number: int, result: StepResult) -> None:
        """Takes note of a step.

        Args:
          number: updates done, this one included.
          result: what it gave.
        """
        if result.is_finite:
            return
        count = int(self._step.variables()[_COUNTER].numpy())
        logger.warning(
            "step %d is not finite and was skipped: %d skipped so far",
            number,
            count,
        )
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(
                str(self._folder / "train"), filename_suffix=".skips"
            )
        with self._writer.as_default(step=number):
            tf.summary.scalar("skipped_steps", count)
        self._writer.flush()
