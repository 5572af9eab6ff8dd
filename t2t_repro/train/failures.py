"""A training that fails: one sentence with its cause and the way on.

Memory that is too small is found before the training. The batch shape that
needs the most runs once, with sentences that are all padding: loss and
gradients are 0 and the weights keep every bit, but forward pass, backward pass,
collectives and Adam hold all the memory that they ever will. Where that is too
much, smaller batches are tried until one runs, so that the advice has been
tried, too. tensor2tensor ran out of memory at whatever step the first long
batch came.
"""

import logging
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro import checkpoints
from t2t_repro.data.batching import Batch, Position, TrainingBatches
from t2t_repro.data.shapes import BatchShape
from t2t_repro.errors import InputError
from t2t_repro.hparam import HParams
from t2t_repro.run_directory import Run
from t2t_repro.train import cluster
from t2t_repro.train.step import TrainStep

# XLA words it as an internal error at times.
_OUT_OF_MEMORY = ("out of memory", "oom when", "resource_exhausted")
_NO_SPACE = "no space left"
# How TensorFlow names a worker.
_TASK = re.compile(r"/task:(\d+)")
_MOST_NAMED = 5  # rows

logger = logging.getLogger("t2t_repro")


def largest_batch(
    shapes: Sequence[BatchShape], hparams: HParams, vocab_size: int
) -> BatchShape:
    """The shape whose step needs the most memory, by its largest tensors.

    It need not be the one of the longest sentences: where few sentences fit
    beside a long source, there are fewer logits of targets.
    """
    return max(shapes, key=lambda s: hparams.activations(s, vocab_size))


def rehearse(step: TrainStep, run: Run, batches: TrainingBatches) -> None:
    """Takes a step that changes nothing; moments must be fresh, all 0.

    Raises:
      InputError: there is not enough memory; with a batch that fits.
    """
    vocab_size = run.encoder().vocab_size
    shape = largest_batch(batches.shapes, run.hparams, vocab_size)
    logger.info(
        "trying the largest batch, %d rows of %d source and %d target"
        " pieces: a minute or more for a large model",
        *shape,
    )
    rows = shape.batch
    while rows and not _fits(step, shape._replace(batch=rows), batches.parts):
        rows //= 2
    if rows < shape.batch:
        raise out_of_memory(shape, run.hparams, rows, was_tried=True)


def _fits(step: TrainStep, shape: BatchShape, parts: int) -> bool:
    counters = {
        name: (variable, variable.numpy())
        for name, variable in step.variables().items()
        if not variable.shape.rank
    }
    inputs = np.zeros([parts, shape.batch, shape.source], np.int32)
    targets = np.zeros([parts, shape.batch, shape.target], np.int32)
    try:
        # Fetched, or a GPU would still be at it.
        step(inputs, targets).loss.numpy()
    except tf.errors.OpError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        for variable, value in counters.values():
            variable.assign(value)
    return True


def is_out_of_memory(error: tf.errors.OpError) -> bool:
    """Whether an error of TensorFlow is about memory, the host's or a GPU's."""
    words = str(error).lower()
    return any(word in words for word in _OUT_OF_MEMORY) or (
        isinstance(error, tf.errors.ResourceExhaustedError)
        and _NO_SPACE not in words
    )


def out_of_memory(
    shape: BatchShape, hparams: HParams, rows: int, was_tried: bool
) -> InputError:
    """Says which batch did not fit, and how many `rows` of it do.

    Without `was_tried` that is only likely.
    """
    columns = max(shape.source, shape.target)
    what = (
        f"out of memory with a batch of {shape.batch} rows of up to"
        f" {shape.source} source and {shape.target} target pieces"
        f" (batch_size={hparams.batch_size})"
    )
    if not rows:
        return InputError(
            f"{what}, and not even one such row fits: give"
            f" --hparams=max_length={columns // 2}, or a smaller model."
        )
    size = rows * columns
    parts = -(-hparams.accumulate_steps * hparams.batch_size // size)
    return InputError(
        f"{what}; {rows} {'fit' if was_tried else 'should fit'}: give"
        f" --hparams=batch_size={size},optimizer_multistep_accumulate_steps="
        f"{parts}, which trains on as many tokens a step, in another"
        " --output_dir if this run has begun."
    )


def too_large(batch: Batch, hparams: HParams) -> InputError:
    """`out_of_memory` at a step of this batch."""
    _, rows, source = batch.inputs.shape
    shape = BatchShape(rows, source, batch.targets.shape[2])
    return out_of_memory(shape, hparams, rows // 2, was_tried=False)


def not_finite(
    step: TrainStep,
    batch: Batch,
    position: Position,
    number: int,
    folder: pathlib.Path,
) -> InputError:
    """Says what was not finite in the step of this number.

    The step's weights are those before; `position` is the batch's in the data.
    """
    return InputError(
        f"step {number} is not finite: {diagnosis(step, batch)}. Its batch is"
        f" batch {position.batch} from file {position.file} of epoch"
        f" {position.epoch}. No weight was changed. {_last_checkpoint(folder)}:"
        " give a smaller learning rate or more warm-up in a new run, or pass"
        " over such batches with --nan_policy=skip."
    )


def diagnosis(step: TrainStep, batch: Batch) -> str:
    """A clause about what was not finite in the step that was just done."""
    for path, weight in step.weights.items():
        if not _finite(weight):
            return f"the weight {path} was not finite before the step"
    count = len(batch.inputs)
    for part, found in enumerate(step.micro_batches(*batch), start=1):
        clause = of_micro_batch(f"micro-batch {part} of {count}", *found)
        if clause:
            return clause
    return (
        f"each of the {count} micro-batches alone has a finite loss"
        " and finite gradients: only their sum, or XLA's program, has not"
    )


def of_micro_batch(
    name: str, token_losses: Any, gradients: Mapping[str, Any]
) -> str | None:
    """A clause about what is not finite in a micro-batch; None: nothing.

    Its losses are `[batch, target]`, its gradients by path of the weight.
    """
    bad = [path for path, value in gradients.items() if not _finite(value)]
    if not bad and _finite(token_losses):
        return None
    return (
        f"the loss of {name} is {_finiteness(np.asarray(token_losses))}, and of"
        f" {len(gradients)} gradients {len(bad)} are not"
        f"{', first that of ' + bad[0] if bad else ''}"
    )


def _finite(value: Any) -> bool:
    return bool(np.isfinite(np.asarray(value)).all())


def _finiteness(token_losses: np.ndarray) -> str:
    """Whether a loss `[batch, target]` is finite; if not, of which rows."""
    rows = np.flatnonzero(~np.isfinite(token_losses).all(axis=1)) + 1
    if not rows.size:
        return f"finite ({token_losses.sum():.4g})"
    named = ", ".join(str(row) for row in rows[:_MOST_NAMED])
    more = ", ..." if rows.size > _MOST_NAMED else ""
    return (
        f"not finite in {rows.size} of its {len(token_losses)} rows"
        f" ({named}{more}; the first is 1)"
    )


def of_training(
    error: tf.errors.OpError, folder: pathlib.Path
) -> InputError | None:
    """A sentence for an error of a step, a collective or an event file.

    None where it is none that a user can mend.
    """
    if cluster.is_loss_of_worker(error):
        lost = ", ".join(sorted(set(_TASK.findall(str(error))))) or "unknown"
        return InputError(
            f"another worker of TF_CONFIG has gone (number: {lost}), and the"
            f" steps need all of them. {_last_checkpoint(folder)}: start all"
            " workers again with the same command, and training goes on from"
            " there."
        )
    if _NO_SPACE in str(error).lower():
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
