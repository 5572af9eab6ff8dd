"""What a run reports: its progress, and TensorBoard's events.

Tags keep tensor2tensor's names where it has them. Training events lie in
`train/`, evaluation events in `eval/`: what both have, such as `nll`, is one
chart of TensorBoard's, under these names. tensor2tensor's training events, and
ours of before, lie in the run directory itself, where only the hparams are now.
How hparams, text, pictures and histograms are written: `visualize.tensorboard`.
"""

import contextlib
import logging
import pathlib
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from t2t_repro import files, run_directory
from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.evaluations import Evaluation, History, perplexity
from t2t_repro.progress import TrainingProgress
from t2t_repro.run_directory import Run
from t2t_repro.train.step import StepResult
from t2t_repro.visualize import attention_maps, tensorboard
from t2t_repro.visualize.tensorboard import Sample

_SAMPLES = 10
# Without the end of sentence: so many have legible labels in a picture, and
# more than the second number none that is of use.
_LEGIBLE_PIECES, _MOST_PIECES = 10, 80
# ru_maxrss counts bytes there, and kilobytes elsewhere.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024

logger = logging.getLogger("t2t_repro")


class Summaries:
    """Follows a run from step to step."""

    def __init__(
        self,
        folder: pathlib.Path,
        first_step: int,
        last_step: int,
        pause_every: int = 0,
    ):
        """Opens the event files; see `TrainingProgress`."""
        self._step, self._last_step = first_step, last_step
        self._live: LoadedRun | None = None
        self._sampled = 0
        self._folder = folder
        self._train, self._eval = (
            tf.summary.create_file_writer(str(files.make_folder(folder / name)))
            for name in ("train", "eval")
        )
        self._progress = TrainingProgress(first_step, last_step, pause_every)
        self._pending: list[StepResult] = []
        self._padded_tokens = 0
        self._waited = 0.0
        self._since = time.monotonic()

    def begin(self, run: Run, model: Any) -> None:
        """Writes the hparams.

        From now on the live model's weight norms are reported, and `samples`
        shows its attention.
        """
        self._live = LoadedRun(run, model, DecodeOptions())
        with self._of_run():
            tensorboard.write_hparams(run)
        self._since = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Leaves out time that was not training, such as an evaluation."""
        self._since += seconds
        self._progress.pause(seconds)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Writes how long it took, as `seconds/<name>`."""
        begin = time.monotonic()
        yield
        seconds = time.monotonic() - begin
        _write(self._train, self._step, {f"seconds/{name}": seconds})

    def step(
        self,
        step: int,
        result: StepResult,
        padded_tokens: int,
        waited: float,
        is_last: bool,
    ) -> None:
        """Records a step; every hundredth, and the last one, is reported.

        Args:
          step: updates done, this one included.
          result: its scalars, not yet fetched from the device.
          padded_tokens: target positions computed, padding included.
          waited: seconds for which the step waited for its batch.
          is_last: whether it is the last one.
        """
        self._step = step
        self._pending.append(result)
        self._padded_tokens += padded_tokens
        self._waited += waited
        self._progress.step(step)
        if step % run_directory.REPORT_EVERY and not is_last:
            return
        scalars = self._scalars()
        _write(self._train, step, scalars)
        self._progress.report(
            scalars["loss"],
            f"learning rate {scalars['learning_rate']:.2e}",
            f"{scalars['target_tokens/sec']:.0f} target tokens/s",
            f"{scalars['step_seconds']:.3f} s/step",
        )
        self._pending, self._padded_tokens, self._waited = [], 0, 0.0
        self._since = time.monotonic()

    def skipped(self, step: int, count: int) -> None:
        """Reports a step that is not finite and changed nothing.

        `count` is how many there were so far; a run without any has no tag.
        """
        logger.warning(
            "step %d is not finite and was skipped: %d skipped so far",
            step,
            count,
        )
        _write(self._train, step, {"skipped_steps": count})

    def evaluation(self, step: int, figures: Evaluation) -> None:
        """Writes dev figures at a step."""
        _, scores = History(self._folder, step).of(figures.metric)
        scalars = figures.figures()
        scalars[f"{figures.metric}_best"] = max([*scores, figures.score])
        if figures.sentences_per_second is not None:
            scalars["decode_sentences/sec"] = figures.sentences_per_second
        _write(self._eval, step, scalars)
        self._progress.log(
            f"dev nll {figures.nll:.4f}",
            f"perplexity {figures.perplexity:.3f}",
            f"token accuracy {figures.token_accuracy:.4f}",
            f"{figures.metric.upper()} {figures.score:.2f}",
        )

    def training_figures(self, step: int, nll: float, accuracy: float) -> None:
        """Writes what dev figures compare with: a training batch, no dropout.

        The nll is a mean over its tokens, without label smoothing.
        """
        scalars = {
            "nll": nll,
            "perplexity": perplexity(nll),
            "token_accuracy": accuracy,
        }
        _write(self._train, step, scalars)

    def samples(self, step: int, samples: Sequence[Sample]) -> None:
        """Writes translations of the same sources each time, by length.

        Pictures of attention and histograms of weights are large: they are
        written at the first, second, fourth, eighth time and so on, and at the
        last step. The pictures are of one source and its reference, so that
        they differ by step alone.
        """
        self._sampled += 1
        count = min(_SAMPLES, len(samples))
        spread = [
            samples[i * (len(samples) - 1) // max(count - 1, 1)]
            for i in range(count)
        ]
        is_due = self._sampled.bit_count() == 1 or step >= self._last_step
        with self._eval.as_default(step=step):
            tensorboard.write_samples(spread, step)
            if self._live is not None and is_due and samples:
                self._write_model(self._live, step, samples)
        self._eval.flush()

    def _write_model(
        self, live: LoadedRun, step: int, samples: Sequence[Sample]
    ) -> None:
        tensorboard.write_histograms(_weights(live), step)
        encode = live.run.encoder().encode
        lengths = {
            sample: max(
                len(encode(sample.source)), len(encode(sample.reference))
            )
            for sample in samples
        }
        # The longest whose picture has room for its words, or the shortest.
        shown = min(lengths, key=lengths.__getitem__)
        for sample, length in lengths.items():
            if lengths[shown] < length <= _LEGIBLE_PIECES:
                shown = sample
        if lengths[shown] <= _MOST_PIECES:
            _, attentions = attention_maps.of_sentence(
                live, shown.source, shown.reference
            )
            tensorboard.write_attention(attentions, step)

    def close(self) -> None:
        """Ends bar and files."""
        if self._live is not None and self._step >= self._last_step:
            with self._of_run():
                tensorboard.write_end()
        self._progress.close()
        self._train.close()
        self._eval.close()

    def _scalars(self) -> dict[str, float]:
        """Means over the steps since the last report."""
        losses = [float(result.loss) for result in self._pending]
        tokens = sum(float(result.tokens) for result in self._pending)
        norms = [float(result.gradient_norm) for result in self._pending]
        # Fetching the scalars has waited for the device: now it is the time.
        elapsed = max(time.monotonic() - self._since, 1e-9)
        count = len(self._pending)
        return {
            **self._norms(),
            **_memory(),
            "loss": sum(losses) / count,
            "learning_rate": float(self._pending[-1].learning_rate),
            "gradient_norm": sum(norms) / count,
            "global_step/sec": count / elapsed,
            "step_seconds": elapsed / count,
            "step_time/input_wait": self._waited / count,
            "step_time/training": (elapsed - self._waited) / count,
            "target_tokens/sec": tokens / elapsed,
            "padding_efficiency": tokens / max(self._padded_tokens, 1),
            "input_wait_fraction": self._waited / elapsed,
        }

    def _norms(self) -> dict[str, float]:
        if self._live is None:
            return {}
        return tensorboard.weight_norms(_weights(self._live))

    @contextlib.contextmanager
    def _of_run(self) -> Iterator[None]:
        """Events of the whole run, in a file of their own.

        TensorBoard names a trial by the folder that its hparams lie in.
        """
        writer = tf.summary.create_file_writer(str(self._folder))
        with writer.as_default(step=self._step):
            yield
        writer.close()


def _write(writer: Any, step: int, scalars: Mapping[str, float]) -> None:
    with writer.as_default(step=step):
        for tag, value in scalars.items():
            tf.summary.scalar(tag, value)
    writer.flush()


def _weights(live: LoadedRun) -> dict[str, Any]:
    weights = live.model.weights_by_path()
    return {path: weight.value for path, weight in weights.items()}


def _memory() -> dict[str, float]:
    """The most memory held so far, in GiB: the process', and each GPU's."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
    found = {"memory/host_peak_gib": peak / 2**30}
    for number, _ in enumerate(tf.config.list_logical_devices("GPU")):
        info = tf.config.experimental.get_memory_info(f"GPU:{number}")
        found[f"memory/gpu_{number}_peak_gib"] = info["peak"] / 2**30
    return found
