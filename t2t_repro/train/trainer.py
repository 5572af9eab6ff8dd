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
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from t2t_repro import averaging, run_directory
from t2t_repro.data import batching, records
from t2t_repro.data.batching import Batch
from t2t_repro.errors import UsageError
from t2t_repro.evaluations import History
from t2t_repro.run_directory import Run
from t2t_repro.train import (
    batch_shapes,
    cluster,
    evaluation,
    failures,
    learning_rate,
    profiling,
    recovery,
    signals,
    warm_start,
)
from t2t_repro.train import options as train_options
from t2t_repro.train.cluster import make_strategy
from t2t_repro.train.options import TrainOptions
from t2t_repro.train.step import StepResult, TrainStep
from t2t_repro.train.summaries import Summaries

logger = logging.getLogger("t2t_repro")


def run(
    planned: Run,
    data_dir: pathlib.Path,
    options: TrainOptions,
    strategy: tf.distribute.Strategy | None = None,
) -> None:
    """Does what `options.schedule` says; see `Trainer` for the arguments.

    Raises:
      InputError: something is missing, damaged or impossible.
    """
    if options.schedule == "evaluate":
        evaluation.evaluate_newest(
            planned, data_dir, options.eval_steps, options.eval_bleu_sentences
        )
    else:
        Trainer(planned, data_dir, options, strategy).train()


class Trainer:
    """One run, from its newest checkpoint to `train_steps`."""

    def __init__(
        self,
        run: Run,
        data_dir: pathlib.Path,
        options: TrainOptions,
        strategy: tf.distribute.Strategy | None = None,
    ):
        """Builds model, step, data and evaluator, with fresh weights.

        The run directory is only read; `restore` and `train` do the rest.

        Args:
          run: there already or only planned.
          data_dir: TFRecord files of the run's problem.
          options: what the run is told besides its hparams.
          strategy: of several workers; None: of this machine alone.

        Raises:
          InputError: missing or damaged data.
          UsageError: impossible options.
        """
        self._run, self._data_dir = run, data_dir
        self._options = options
        learning_rate.check(run.hparams)
        for split in ("train", "dev"):
            # What is missing shows before a model is built.
            records.shard_paths(data_dir, run.open_problem().name, split)
        self._early_stopping = options.early_stopping()
        self._profiler = profiling.Profiler(
            run.folder, profiling.parse(options.profile)
        )
        self._worker = cluster.this_worker()
        self._strategy = strategy or make_strategy(options.worker_gpu)
        self._agreement = cluster.Agreement(self._strategy)
        self.replicas = self._strategy.num_replicas_in_sync
        self._batches = batch_shapes.batches(
            run, data_dir, self.replicas, options.random_seed
        )
        self.model, self.step = self._new_model()
        self._checkpointer = recovery.Checkpointer(
            run.folder, self.step, self._staying, self._worker.is_chief
        )
        self._warm_start: warm_start.WarmStart | None = None
        self._evaluator = evaluation.Evaluator(
            run,
            self.model,
            data_dir,
            options.eval_steps,
            options.eval_bleu_sentences,
        )
        self._history: History  # from `restore` on

    def _new_model(self) -> tuple[Any, TrainStep]:
        options = self._options
        keras.utils.set_random_seed(options.random_seed)
        if options.deterministic:
            tf.config.experimental.enable_op_determinism()
        with self._strategy.scope():
            model = self._run.new_model()
            step = TrainStep(
                self._run.hparams,
                model,
                self._strategy,
                options.random_seed,
                options.xla,
                options.nan_policy,
                options.precision,
                max(options.worker_cpu, 1),
            )
        return model, step

    @property
    def steps_done(self) -> int:
        """Updates so far."""
        return self._checkpointer.steps_done

    def restore(self) -> None:
        """Goes back to the newest checkpoint, or starts warm or fresh.

        What a killed training left half-written is removed first, and the
        largest batch is tried where there is something left to train.

        Raises:
          InputError: no whole checkpoint, or not enough memory.
          UsageError: the workers do not see the same run directory.
        """
        folder, origin = self._run.folder, self._options.warm_start_from
        if self._worker.is_chief:
            recovery.clean(folder)
        newest = max(run_directory.checkpoint_steps(folder), default=0)
        # Workers whose folders differ find that out below, all together.
        if self._worker.count > 1 or newest < self._options.train_steps:
            failures.rehearse(self.step, self._run, self._batches)
        prefix = self._checkpointer.restore()
        if prefix is not None:
            logger.info("going on from %s", prefix)
        if prefix is not None and origin:  # so that the same command goes on
            logger.warning(
                "--warm_start_from=%s is ignored: %s has a checkpoint already,"
                " and training goes on from that",
                origin,
                folder,
            )
        elif origin:
            self._warm_start = warm_start.load(
                origin, self._run, self.step.weights
            )
        if not self._agreement.is_same(self.steps_done):
            raise UsageError(
                "the workers of TF_CONFIG do not stand at the same step (this"
                f" one: {self.steps_done}): {folder} must be one"
                " folder that all of them see. Give an --output_dir on a"
                " shared file system."
            )
        self._history = History(
            folder, self.steps_done, self._options.eval_early_stopping_metric
        )

    def train(self) -> None:
        """Restores, then trains to `train_steps`, evaluating and saving.

        Raises:
          InputError: see `restore`; or a step failed, or a checkpoint could
            not be written.
          StoppedError: a signal came; everything is saved.
        """
        options = self._options
        self.restore()
        if self.steps_done >= options.train_steps:
            logger.info("step %d is reached already.", self.steps_done)
        elif not self._is_enough():
            self._train_on()
        if options.average_last and self._worker.is_chief:
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
        # All mistakes in the user's input have been found by now.
        folder, worker = self._run.folder, self._worker
        if worker.is_chief:
            self._make_run()
        self._log_start()
        summaries = Summaries(
            # The others' curves are the chief's, their speed need not be.
            folder if worker.is_chief else folder / f"workers/{worker.index}",
            self.steps_done,
            self._options.train_steps,
            self._options.local_eval_frequency * self._options.evaluates,
        )
        if worker.is_chief:
            summaries.begin(self._run, self.model)
        try:
            with signals.StopSignals() as stop:
                self._take_steps(summaries, stop)
        except tf.errors.OpError as error:
            known = failures.of_training(error, folder)
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
        batch_shapes.keep(
            self._run, self._data_dir, self._batches.shapes, self.replicas
        )

    def _take_steps(
        self, summaries: Summaries, stop: signals.StopSignals
    ) -> None:
        options = self._options
        is_over = self._evaluate(summaries, stop)
        self._stop_on_signal(stop)
        if is_over:
            return
        saved_at = time.monotonic()
        for waited, (position, batch) in _timed(
            batching.prefetch(self._batches.stream(self._checkpointer.position))
        ):
            with self._profiler.step(self.steps_done + 1):
                result = self._take_step(batch)
            self._checkpointer.position = position
            done = self.steps_done
            is_last = done >= options.train_steps
            summaries.step(done, result, batch.targets.size, waited, is_last)
            if not result.is_finite:
                summaries.skipped(done, int(self.step.updates_skipped.numpy()))
            begin = time.monotonic()
            by_time = options.save_checkpoints_secs
            is_due = (
                begin - saved_at >= by_time if by_time else options.is_due(done)
            )
            if is_due or is_last:
                with summaries.timed("checkpoint"):
                    self.save()
                saved_at = begin
            is_over = self._evaluate(summaries, stop, batch)
            summaries.pause(time.monotonic() - begin)
            self._stop_on_signal(stop)
            if is_last or is_over:
                self.save()
                return

    def _take_step(self, batch: Batch) -> StepResult:
        try:
            result = self.step(batch.inputs, batch.targets)
            is_finite = bool(result.is_finite)
        except tf.errors.OpError as error:
            if not failures.is_out_of_memory(error):
                raise
            raise failures.too_large(batch, self._run.hparams) from error
        if not is_finite and self._options.nan_policy == "stop":
            raise failures.not_finite(
                self.step,
                batch,
                self._checkpointer.position,
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
        stop: signals.StopSignals,
        batch: Batch | None = None,
    ) -> bool:
        """Evaluates if that is due and not yet done, the last batch as well.

        Returns:
          Whether early stopping ends the run.
        """
        done, options = self.steps_done, self._options
        if not options.evaluates or not done or not options.is_due(done):
            return False
        if self._worker.is_chief and done not in self._history:
            with summaries.timed("evaluation"):
                figures = self._evaluator.evaluate(lambda: stop.number)
            if figures is not None:
                self._history.add(done, figures)
                summaries.evaluation(done, figures)
                summaries.samples(done, self._evaluator.samples)
                if batch is not None:
                    summaries.training_figures(
                        done, *self._evaluator.measure(batch)
                    )
        # The chief alone knows.
        return bool(self._agreement.on(int(self._is_enough())))

    def _is_enough(self) -> bool:
        """Whether early stopping ends the run, which is logged."""
        is_enough = self._early_stopping.is_enough(self._history)
        if is_enough:
            logger.info("%s", self._early_stopping.explain(self._history))
        return is_enough

    def _stop_on_signal(self, stop: signals.StopSignals) -> None:
        """Saves and stops if a signal came, here or to another worker."""
        number = self._agreement.on(stop.number)
        if not number:
            return
        # Had it been due, it would have been saved.
        self._checkpointer.save(is_interim=True)
        raise signals.StoppedError(
            number,
            f"stopped by {signal.Signals(number).name} after step"
            f" {self.steps_done}, which is saved: the same command goes on.",
        )

    def save(self) -> str:
        """Writes a checkpoint; see `Checkpointer.save`."""
        return self._checkpointer.save()

    def _log_start(self) -> None:
        hparams = self._run.hparams
        parts = self.replicas * hparams.accumulate_steps
        counts = {
            "replicas": self.replicas,
            "micro-batches": hparams.accumulate_steps,
            "tokens": hparams.batch_size,
        }
        cores = self._options.worker_cpu
        batch = " x ".join(f"{n} {name}" for name, n in counts.items() if n > 1)
        if parts > 1:
            batch += f" = {hparams.batch_size * parts} tokens"
        logger.info(
            "%s with %d weights, %s a step%s, XLA %s, TensorFlow %s, Keras %s",
            self._run.model,
            self.model.count_params(),
            batch,
            f" in parts on {cores} cores" if cores > 1 else "",
            self.step.xla,
            tf.__version__,
            keras.__version__,
        )
        logger.info(
            "loss, of training, includes label_smoothing=%s and dropout; nll,"
            " of the dev data, includes neither",
            hparams.label_smoothing,
        )
        logger.info(
            "batch shapes (rows, source, target): %s",
            ", ".join(str(tuple(s)) for s in self._batches.shapes),
        )
        if line := learning_rate.remark(hparams, self._options.train_steps):
            logger.info(line)


def _timed(items: Iterator[Any]) -> Iterator[tuple[float, Any]]:
    """Pairs each item with the seconds that it was waited for."""
    begin = time.monotonic()
    for item in items:
        yield time.monotonic() - begin, item
        begin = time.monotonic()
