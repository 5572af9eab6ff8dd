"""Running out of memory in the first minute, with a way out.

Before training, the batch shape that needs the most runs once, with sentences
that are all padding: loss and gradients are 0 and the weights keep every bit,
but forward pass, backward pass, collectives and Adam hold all the memory that
they ever will. Where that is too much, smaller batches are tried until one
runs, so that the advice has been tried, too. tensor2tensor ran out of memory
at whatever step the first long batch came.
"""

import logging
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from t2t_repro.data.batching import TrainingBatches
from t2t_repro.data.shapes import BatchShape
from t2t_repro.errors import InputError
from t2t_repro.hparam import HParams
from t2t_repro.run_directory import Run
from t2t_repro.train.step import TrainStep

# XLA words it as an internal error at times.
_WORDS = ("out of memory", "oom when", "resource_exhausted")

logger = logging.getLogger("t2t_repro")


def hungriest(
    shapes: Sequence[BatchShape], hparams: HParams, vocab_size: int
) -> BatchShape:
    """The shape whose step needs the most memory, by its largest tensors.

    It need not be the one of the longest sentences: where few sentences fit
    beside a long source, there are fewer logits of targets.

    Args:
      shapes: of the run.
      hparams: of the run.
      vocab_size: ids there are.
    """

    return max(shapes, key=lambda s: hparams.activations(s, vocab_size))


def rehearse(step: TrainStep, run: Run, batches: TrainingBatches) -> None:
    """Takes a step that changes nothing; call it before weights are restored.

    Args:
      step: with fresh moments, all 0.
      run: that is to be trained.
      batches: its training data.

    Raises:
      InputError: there is not enough memory; with a batch that fits.
    """
    vocab_size = run.encoder().vocab_size
    shape = hungriest(batches.shapes, run.hparams, vocab_size)
    logger.info(
        "trying the largest batch, %d sentences of %d source and %d target"
        " pieces: a minute or more for a large model",
        *shape,
    )
    if not _fits(step, shape, batches.parts):
        rows = shape.batch // 2
        while rows and not _fits(
            step, shape._replace(batch=rows), batches.parts
        ):
            rows //= 2
        raise too_much(shape, run.hparams, rows, was_tried=True)


def is_out_of_memory(error: tf.errors.OpError) -> bool:
    """Whether an error of TensorFlow is about memory, the host's or a GPU's."""
    words = str(error).lower()
    return any(word in words for word in _WORDS) or (
        isinstance(error, tf.errors.ResourceExhaustedError)
        and "no space left" not in words
    )


def too_much(
    shape: BatchShape, hparams: HParams, rows: int, was_tried: bool
) -> InputError:
    """Says what did not fit, and what does.

    Args:
      shape: that did not.
      hparams: of the run.
      rows: sentences of these lengths that do; 0: not one.
      was_tried: whether that is known or only likely.
    """
    columns = max(shape.source, shape.target)
    what = (
        f"out of memory with a batch of {shape.batch} sentences of up to"
        f" {shape.source} source and {shape.target} target pieces"
        f" (batch_size={hparams.batch_size})"
    )
    if not rows:
        return InputError(
            f"{what}, and not even one such sentence fits: give"
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


def _fits(step: TrainStep, shape: BatchShape, parts: int) -> bool:
    try:
        _run(step, shape, parts)
    except tf.errors.OpError as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _run(step: TrainStep, shape: BatchShape, parts: int) -> None:
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
    finally:
        for variable, value in counters.values():
            variable.assign(value)
