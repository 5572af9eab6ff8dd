"""The training loop: section 5, under a strategy of tf.distribute.

A step is done when its weights are; what then may happen happens in this order:
checkpoint, evaluation, signals. So a run that is killed at any moment goes on
from a checkpoint as if nothing had been: steps, dropout and the place in the
data are in it, and an evaluation that is due there and was not finished is
done first.
"""

import logging
import pathlib
import signal
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from t2t_repro import averaging
from t2t_repro import run_directory
from t2t_repro.data import batching
from t2t_repro.data import records
from t2t_repro.data.batching import Batch
from t2t_repro.errors import UsageError
from t2t_repro.evaluations import History
from t2t_repro.run_directory import Run
from t2t_repro.train import evaluation
from t2t_repro.train import failures
from t2t_repro.train import memory
from t2t_repro.train import options as train_options
from t2t_repro.train import profiling
from t2t_repro.train import recovery
from t2t_repro.train import run_shapes
from t2t_repro.train import schedule
from t2t_repro.train import warm_start
from t2t_repro.train import workers
from t2t_repro.train.options import TrainOptions
from t2t_repro.train.signals import StoppedError
from t2t_repro.train.signals import StopSignals
from t2t_repro.train.skips import Skips
from t2t_repro.train.state import State
from t2t_repro.train.step import StepResult
from t2t_repro.train.step import TrainStep
from t2t_repro.train.summaries import Summaries
from t2t_repro.train.workers import make_strategy

logger = logging.getLogger("t2t_repro")


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
          InputError: missing or damaged data, no whole checkpoint, or not
            enough memory.
          UsageError: impossible options.
        """
        self._run, self._data_dir = run, data_dir
        self._options = options
        schedule.check(run.hparams)
        for split in ("train", "dev"):
            # What is missing shows before a model is built.
            records.shard_paths(data_dir, run.open_problem().name, split)
        self._early_stopping = options.early_stopping()
        self._profiler = profiling.Profiler(
            run.folder, profiling.parse(options.profile)
        )
        self._place = workers.place()
        self._strategy = strategy or make_strategy(options.worker_gpu)
        self._agreement = workers.Agreement(self._strategy)
        self.replicas = self._strategy.num_replicas_in_sync
        if self._place.is_chief:
            recovery.clean(run.folder)
        self._batches = run_shapes.batches(
            run, data_dir, self.replicas, options.random_seed
        )
        keras.utils.set_random_seed(options.random_seed)
        if options.deterministic:
            tf.config.experimental.enable_op_determinism()
        with self._strategy.scope():
            self.model = run.new_model()
            self.step = TrainStep(
                run.hparams,
                self.model,
                self._strategy,
                options.random_seed,
                _xla(options.xla),
                options.nan_policy,
                options.precision,
            )
        memory.rehearse(self.step, run, self._batches)
        self._state = State(
            run.folder, self.step, self._staying, self._place.is_chief
        )
        self._warm_start: warm_start.WarmStart | None = None
        self._restore()
        self._check_workers()
        self._history = History(
            run.folder, self.steps_done, options.eval_early_stopping_metric
        )
        self._evaluator = evaluation.of_run(
            run,
            self.model,
            data_dir,
            options.eval_steps,
            options.eval_bleu_sentences,
        )

    @property
    def steps_done(self) -> int:
        """Updates so far."""
        return self._state.steps_done

    def train(self) -> None:
        """Trains to `train_steps`, evaluating and saving on the way.

        Raises:
          InputError: a step failed, or a checkpoint could not be written.
          StoppedError: a signal came; everything is saved.
        """
        options = self._options
        if self.steps_done >= options.train_steps:
            logger.info("step %d is reached already.", self.steps_done)
        elif self._early_stopping.is_enough(self._history):
            logger.info("%s", self._early_stopping.explain(self._history))
        else:
            self._train_on()
        if options.average_last and self._place.is_chief:
            prefix = averaging.average_last(
                self._run.folder,
                options.average_last,
                # By time, the last one alone comes sooner than the others.
                options.allow_unequal_spacing
                or options.save_checkpoints_secs > 0,
                options.local_eval_frequency,
            )
            logger.info("wrote %s", prefix)

    def _train_on(self) -> None:
        # All that can be wrong with the user's input has been found by now.
        if self._place.is_chief:
            self._make_run()
        self._log_start()
        folder = self._run.folder
        if not self._place.is_chief:
            # The others' curves are the chief's, their speed need not be.
            folder = folder / "workers" / str(self._place.index)
        summaries = Summaries(
            folder,
            self.steps_done,
            self._options.train_steps,
            self._options.local_eval_frequency * self._options.evaluates,
        )
        if self._place.is_chief:
            summaries.begin(self._run, self.model)
        try:
            with StopSignals() as signals:
                self._take_steps(summaries, signals)
        except tf.errors.OpError as error:
            known = failures.of_training(error, self._run.folder)
            raise known or error from error
        finally:
            self._profiler.close()
            summaries.close()

    def _make_run(self) -> None:
        if self._warm_start is not None:
            warm_start.keep(self._run.folder, self._warm_start)
            # Before hparams.json makes it a run, which could begin cold.
            self.save()
        # Before it is a run: one that has no record is of an older version.
        train_options.keep(self._run.folder, self._options)
        if not run_directory.exists(self._run.folder):
            self._run = run_directory.create(self._run)
        run_shapes.keep(
            self._run, self._data_dir, self._batches.shapes, self.replicas
        )

    def _take_steps(self, summaries: Summaries, signals: StopSignals) -> None:
        options = self._options
        skips = Skips(self._run.folder, self.step)
        is_over = self._evaluate(summaries, signals)
        self._heed(signals)
        if is_over:
            return
        saved_at = time.monotonic()
        for waited, (position, batch) in _timed(
            batching.prefetch(self._batches.stream(self._state.position))
        ):
            with self._profiler.step(self.steps_done + 1):
                result = self._take_step(batch)
            self._state.position = position
            done = self.steps_done
            is_last = done >= options.train_steps
            summaries.step(done, result, batch.targets.size, waited, is_last)
            skips.step(done, result)
            begin = time.monotonic()
            by_time = options.save_checkpoints_secs
            if (
                begin - saved_at >= by_time
                if by_time
                else self._options.is_due(done)
            ) or is_last:
                with summaries.timed("checkpoint"):
                    self.save()
                saved_at = begin
            is_over = self._evaluate(summaries, signals, batch)
            summaries.pause(time.monotonic() - begin)
            self._heed(signals)
            if is_last or is_over:
                self.save()
                return

    def _take_step(self, batch: Batch) -> StepResult:
        try:
            result = self.step(batch.inputs, batch.targets)
            is_finite = bool(result.is_finite)
        except tf.errors.OpError as error:
            if not memory.is_out_of_memory(error):
                raise
            raise failures.out_of_memory(batch, self._run.hparams) from error
        if not is_finite and self._options.nan_policy == "stop":
            raise failures.not_finite(
                self.step,
                batch,
                self._state.position,
                self.steps_done + 1,
                self._run.folder,
            )
        return result

    def _staying(self, found: Sequence[int]) -> set[int]:
        options = self._options
        best = self._history.best(options.keep_best, found)
        return options.staying(found) | set(best)

    def _evaluate(
        self,
        summaries: Summaries,
        signals: StopSignals,
        batch: Batch | None = None,
    ) -> bool:
        """Evaluates if it is time and not yet done.

        Args:
          summaries: are told of it.
          signals: end it.
          batch: the last one trained on, if any was.

        Returns:
          Whether early stopping ends the run.
        """
        done = self.steps_done
        if (
            not self._options.evaluates
            or not done
            or not self._options.is_due(done)
        ):
            return False
        if self._place.is_chief and done not in self._history:
            with summaries.timed("evaluation"):
                figures = self._evaluator.evaluate(lambda: signals.number)
            if figures is not None:
                self._history.add(done, figures)
                summaries.evaluation(done, figures)
                summaries.samples(done, self._evaluator.samples)
                if batch is not None:
                    summaries.training_figures(
                        done, *self._evaluator.measure(batch)
                    )
        is_enough = self._early_stopping.is_enough(self._history)
        if is_enough:
            logger.info("%s", self._early_stopping.explain(self._history))
        # The chief alone knows.
        return bool(self._agreement.on(int(is_enough)))

    def _heed(self, signals: StopSignals) -> None:
        """Saves and leaves where a signal came, here or to another worker."""
        number = self._agreement.on(signals.number)
        if not number:
            return
        # Had it been due, it would have been saved.
        self._state.save(is_interim=True)
        raise StoppedError(
            number,
            f"stopped by {signal.Signals(number).name} after step"
            f" {self.steps_done}, which is saved: the same command goes on.",
        )

    def save(self) -> str:
        """Writes a checkpoint; see `State.save`."""
        return self._state.save()

    def _restore(self) -> None:
        folder, origin = self._run.folder, self._options.warm_start_from
        prefix = self._state.restore()
        if prefix is None:
            if origin:
                self._warm_start = warm_start.load(
                    origin, self._run, self.step.weights
                )
            return
        logger.info("going on from %s", prefix)
        if origin:
            # As in tensor2tensor, so that the same command goes on.
            logger.warning(
                "--warm_start_from=%s is ignored: %s has a checkpoint already,"
                " and training goes on from that",
                origin,
                folder,
            )

    def _check_workers(self) -> None:
        """Finds workers that went on from different checkpoints, or none."""
        if not self._agreement.is_same(self.steps_done):
            raise UsageError(
                "the workers of TF_CONFIG do not stand at the same step (this"
                f" one: {self.steps_done}): {self._run.folder} must be one"
                " folder that all of them see. Give an --output_dir on a"
                " shared file system."
            )

    def _log_start(self) -> None:
        hparams = self._run.hparams
        parts = self.replicas * hparams.accumulate_steps
        batch = " x ".join(
            f"{count} {name}"
            for count, name in (
                (self.replicas, "replicas"),
                (hparams.accumulate_steps, "micro-batches"),
                (hparams.batch_size, "tokens"),
            )
            if count > 1
        )
        if parts > 1:
            batch += f" = {hparams.batch_size * parts} tokens"
        logger.info(
            "%s with %d weights, %s a step, XLA %s, TensorFlow %s, Keras %s",
            self._run.model,
            self.model.count_params(),
            batch,
            _xla(self._options.xla),
            tf.__version__,
            keras.__version__,
        )
        logger.info(
            "loss, of training, includes label_smoothing=%s and dropout; nll,"
            " of the dev data, includes neither",
            hparams.label_smoothing,
        )
        logger.info(
            "batch shapes (sentences, source, target): %s",
            ", ".join(str(tuple(s)) for s in self._batches.shapes),
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
