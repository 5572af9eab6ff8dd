"""A training that failed: one sentence with its cause and the way on."""

import pathlib
import re

import tensorflow as tf

from t2t_repro import checkpoints
from t2t_repro.data.batching import Batch
from t2t_repro.data.batching import Position
from t2t_repro.data.shapes import BatchShape
from t2t_repro.errors import InputError
from t2t_repro.hparam import HParams
from t2t_repro.train import memory
from t2t_repro.train import workers
from t2t_repro.train.step import TrainStep

# How TensorFlow names a worker.
_TASK = re.compile(r"/task:(\d+)")


def not_finite(
    step: TrainStep,
    batch: Batch,
    position: Position,
    number: int,
    folder: pathlib.Path,
) -> InputError:
    """Names what was not finite, and where it came from.

    Args:
      step: that was not; its weights are those before.
      batch: that it was given.
      position: of the batch in the data.
      number: of the step.
      folder: run directory.
    """
    return InputError(
        f"step {number} is not finite: {step.diagnose(*batch)}. Its batch is"
        f" batch {position.batch} from file {position.file} of epoch"
        f" {position.epoch}. No weight was changed. {_last_checkpoint(folder)}:"
        " give a smaller learning rate or more warm-up in a new run, or pass"
        " over such batches with --nan_policy=skip."
    )


def out_of_memory(batch: Batch, hparams: HParams) -> InputError:
    """Says which batch was too much, and which should not be.

    Args:
      batch: that a step was given.
      hparams: of the run.
    """
    _, rows, source = batch.inputs.shape
    shape = BatchShape(rows, source, batch.targets.shape[2])
    return memory.too_much(shape, hparams, rows // 2, was_tried=False)


def of_training(
    error: tf.errors.OpError, folder: pathlib.Path
) -> InputError | None:
    """Words what TensorFlow reports besides.

    Args:
      error: raised by a step, a collective or an event file.
      folder: run directory.

    Returns:
      None where it is none that a user can mend.
    """
    if workers.is_loss_of_worker(error):
        lost = ", ".join(sorted(set(_TASK.findall(str(error))))) or "unknown"
        return InputError(
            f"another worker of TF_CONFIG has gone (number: {lost}), and the"
            f" steps need all of them. {_last_checkpoint(folder)}: start all"
            " workers again with the same command, and training goes on from"
            " there."
        )
    if "no space left" in str(error).lower():
        return InputError(
            f"no space left in {folder}. {_last_checkpoint(folder)}: make room"
            " and run the command again."
        )
    return None


def _last_checkpoint(folder: pathlib.Path) -> str:
    done = checkpoints.steps(folder)
    if not done:
        return "There is no checkpoint yet"
    return f"The last checkpoint is {checkpoints.path_of(folder, done[-1])}"
