"""The training loop: section 5, under tf.distribute.MirroredStrategy."""

import dataclasses
import logging
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2t_repro import registry
from t2t_repro import run_directory
from t2t_repro.data import batching
from t2t_repro.data import records
from t2t_repro.data.batching import Batch
from t2t_repro.data.batching import Position
from t2t_repro.data.shapes import choose_shapes
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.run_directory import Run
from t2t_repro.train import checkpoints
from t2t_repro.train import run_shapes
from t2t_repro.train import schedule
from t2t_repro.train import warm_start
from t2t_repro.train.evaluation import Evaluator
from t2t_repro.train.step import TrainStep
from t2t_repro.train.summaries import Summaries

# Dev data is short: few shapes, so that evaluation is traced quickly.
_EVALUATION_SHAPES = 4
_POSITION = "data_position"

logger = logging.getLogger("t2t_repro")


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What a run is told besides its hparams; tensor2tensor's flag names.

    Attributes:
      train_steps: updates to reach.
      eval_steps: dev batches per evaluation, 0 for all.
      local_eval_frequency: steps between evaluations, and between checkpoints
        unless these go by time.
      save_checkpoints_secs: seconds between checkpoints; 0: by steps.
      keep_checkpoint_max: how many checkpoints stay.
      average_last: checkpoints to average at the end; 0: none.
      allow_unequal_spacing: average checkpoints at any distance.
      random_seed: of weights, order of data and dropout.
      xla: "off", "attention", "replica" or "auto".
      worker_gpu: GPUs to use; 0: all of them, or the CPU.
      eval_bleu_sentences: dev sentences translated per evaluation.
      warm_start_from: a run directory or checkpoint that a new run has its
        first weights from; None: fresh ones.
    """

    train_steps: int = 250_000
    eval_steps: int = 100
    local_eval_frequency: int = 1000
    save_checkpoints_secs: int = 0
    keep_checkpoint_max: int = 20
    average_last: int = 0
    allow_unequal_spacing: bool = False
    random_seed: int = 1
    xla: str = "auto"
    worker_gpu: int = 0
    eval_bleu_sentences: int = 200
    warm_start_from: str | None = None

    @property
    def kept(self) -> int:
        """Checkpoints that stay: never fewer than the average needs."""
        return max(self.keep_checkpoint_max, self.average_last)


class Trainer:
    """One run, from its newest checkpoint to `train_steps`."""

    def __init__(
        self,
        run: Run,
        data_dir: pathlib.Path,
        options: TrainOptions,
        strategy: tf.distribute.Strategy | None = None,
    ):
        """Builds the model; restores the newest checkpoint, or starts warm.

        Args:
          run: the run directory.
          data_dir: TFRecord files of the run's problem.
          options: see there.
          strategy: instead of one over the machine's GPUs.

        Raises:
          InputError: missing or damaged data or checkpoint.
          UsageError: impossible options.
        """
        self._run, self._options = run, options
        schedule.check(run.hparams)
        self._strategy = strategy or make_strategy(options.worker_gpu)
        self.replicas = self._strategy.num_replicas_in_sync
        self._batches = self._training_batches(data_dir)
        keras.utils.set_random_seed(options.random_seed)
        with self._strategy.scope():
            self.model = run.new_model()
            self.step = TrainStep(
                run.hparams,
                self.model,
                self._strategy,
                options.random_seed,
                _xla(options.xla),
            )
        self._position = Position()
        self._warm_start: warm_start.WarmStart | None = None
        self._restore()
        self._evaluator = self._make_evaluator(data_dir)

    @property
    def steps_done(self) -> int:
        """Updates so far."""
        return int(self.step.updates_done.numpy())

    def train(self) -> None:
        """Trains to `train_steps`, evaluating and saving on the way."""
        options = self._options
        _check_spacing(options)
        if self.steps_done >= options.train_steps:
            logger.info("step %d is reached already.", self.steps_done)
        else:
            self._train_on()
        if options.average_last:
            prefix = checkpoints.average_last(
                self._run.folder,
                options.average_last,
                # By time, the last one alone comes sooner than the others.
                options.allow_unequal_spacing
                or options.save_checkpoints_secs > 0,
            )
            logger.info("wrote %s", prefix)

    def _train_on(self) -> None:
        options = self._options
        # All that can be wrong with the user's input has been found by now.
        if self._warm_start is not None:
            warm_start.keep(self._run.folder, self._warm_start)
            # Before hparams.json makes it a run, which could begin cold.
            self.save()
        if not run_directory.exists(self._run.folder):
            self._run = run_directory.create(self._run)
        run_shapes.keep(
            self._run.folder,
            self._run.hparams,
            self._batches.shapes,
            self.replicas,
        )
        self._log_start()
        summaries = Summaries(
            self._run.folder, self.steps_done, options.train_steps
        )
        saved_at = time.monotonic()
        try:
            for waited, (position, batch) in _timed(
                batching.prefetch(self._batches.stream(self._position))
            ):
                result = self.step(batch.inputs, batch.targets)
                self._position = position
                done = self.steps_done
                is_last = done >= options.train_steps
                summaries.step(
                    done, result, batch.targets.size, waited, is_last
                )
                is_due = is_last or done % options.local_eval_frequency == 0
                by_time = options.save_checkpoints_secs
                begin = time.monotonic()
                is_time = begin - saved_at >= by_time if by_time else is_due
                if is_last or is_time:
                    self.save()
                    saved_at = time.monotonic()
                if is_due:
                    summaries.evaluation(done, self._evaluator.evaluate())
                summaries.pause(time.monotonic() - begin)
                if is_last:
                    break
        finally:
            summaries.close()

    def save(self) -> str:
        """Writes a checkpoint of everything that decides the future."""
        prefix = checkpoints.save(
            self._run.folder,
            self.steps_done,
            {
                **self.step.variables(),
                _POSITION: np.array(self._position, np.int64),
            },
        )
        checkpoints.remove_old(self._run.folder, self._options.kept)
        return prefix

    def _restore(self) -> None:
        done = checkpoints.steps(self._run.folder)
        origin = self._options.warm_start_from
        if not done:
            if origin:
                self._warm_start = warm_start.load(
                    origin, self._run, self.step.weights
                )
            return
        if origin:
            # As in tensor2tensor, so that the same command goes on.
            logger.warning(
                "--warm_start_from=%s is ignored: %s has a checkpoint of step"
                " %d already, and training goes on from that",
                origin,
                self._run.folder,
                done[-1],
            )
        prefix = checkpoints.path_of(self._run.folder, done[-1])
        rest = checkpoints.restore(
            prefix, self.step.variables(), allow_unused=True
        )
        if rest.keys() != {_POSITION}:
            raise InputError(
                f"{prefix} does not hold what training needs to go on, or more"
                f" ({', '.join(sorted(rest)[:3])}): it is of another program."
            )
        self._position = Position(*(int(i) for i in rest[_POSITION]))
        logger.info("going on from %s", prefix)

    def _training_batches(
        self, data_dir: pathlib.Path
    ) -> batching.TrainingBatches:
        problem = registry.problem(self._run.problem)
        hparams = self._run.hparams
        paths = records.shard_paths(data_dir, problem.name, "train")
        return batching.TrainingBatches(
            paths,
            run_shapes.of_run(
                self._run, paths, problem.is_reversed, self.replicas
            ),
            parts=self.replicas * hparams.accumulate_steps,
            seed=self._options.random_seed,
            is_reversed=problem.is_reversed,
        )

    def _make_evaluator(self, data_dir: pathlib.Path) -> Evaluator:
        problem = registry.problem(self._run.problem)
        paths = records.shard_paths(data_dir, problem.name, "dev")
        pairs = records.read_pairs(paths)
        if not len(pairs):
            raise InputError(f"{paths[0]} holds no pairs: generate data again.")
        if problem.is_reversed:
            pairs = pairs.reversed()
        shapes = choose_shapes(
            pairs.lengths(), self._run.hparams.batch_size, _EVALUATION_SHAPES
        )
        batches: list[Batch] = list(batching.evaluation_batches(pairs, shapes))
        if self._options.eval_steps:
            batches = batches[: self._options.eval_steps]
        return Evaluator(
            self.model,
            self._run.encoder(),
            batches,
            pairs,
            self._options.eval_bleu_sentences,
        )

    def _log_start(self) -> None:
        hparams = self._run.hparams
        parts = self.replicas * hparams.accumulate_steps
        logger.info(
            "%s: %d weights, %d replicas x %d micro-batches x %d tokens = %d"
            " tokens a step, XLA %s, TensorFlow %s, Keras %s",
            self._run.model,
            self.model.count_params(),
            self.replicas,
            hparams.accumulate_steps,
            hparams.batch_size,
            hparams.batch_size * parts,
            _xla(self._options.xla),
            tf.__version__,
            keras.__version__,
        )
        logger.info(
            "batch shapes (sentences, source, target): %s",
            ", ".join(str(tuple(s)) for s in self._batches.shapes),
        )


def make_strategy(worker_gpu: int) -> tf.distribute.MirroredStrategy:
    """MirroredStrategy over the GPUs, or over the CPU where there is none.

    Args:
      worker_gpu: GPUs to use, 0 for all.

    Raises:
      UsageError: fewer GPUs are there.
    """
    found = len(tf.config.list_logical_devices("GPU"))
    if worker_gpu > found:
        raise UsageError(
            f"--worker_gpu={worker_gpu}, but TensorFlow sees {found} GPUs here:"
            " ask for at most that many, or leave the flag out."
        )
    count = worker_gpu or found
    devices = [f"GPU:{i}" for i in range(count)] or ["CPU:0"]
    return tf.distribute.MirroredStrategy(devices)


def _check_spacing(options: TrainOptions) -> None:
    """Finds out before training what would spoil the average after it.

    Raises:
      UsageError: the last checkpoint would be nearer than the others.
    """
    if (
        options.average_last > 2
        and not options.save_checkpoints_secs
        and not options.allow_unequal_spacing
        and options.train_steps % options.local_eval_frequency
    ):
        raise UsageError(
            f"--train_steps={options.train_steps} is no multiple of"
            f" --local_eval_frequency={options.local_eval_frequency}, so the"
            f" last {options.average_last} checkpoints would not be equally"
            " spaced: change one, or give --allow_unequal_spacing."
        )


def _xla(choice: str) -> str:
    """Resolves "auto": XLA pays on GPUs, TensorFlow's kernels win on CPU."""
    if choice != "auto":
        return choice
    return "replica" if tf.config.list_logical_devices("GPU") else "off"


def _timed(items: Iterator[Any]) -> Iterator[tuple[float, Any]]:
    """Pairs each item with the seconds that it was waited for."""
    while True:
        begin = time.monotonic()
        item = next(items, None)
        if item is None:
            return
        yield time.monotonic() - begin, item
