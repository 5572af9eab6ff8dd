"""What a run shows: its progress, and TensorBoard's events.

Tags keep tensor2tensor's names where it has them. Training events lie in
`train/`, evaluation events in `eval/`: what both have, such as `nll`, is one
chart of TensorBoard's, under these names. tensor2tensor's training events, and
ours of before, lie in the run directory itself, where only the hparams are now.
How hparams, text, pictures and histograms are written: `visualize.tensorboard`.
"""

import contextlib
import math
import pathlib
import resource
import sys
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_repro import files
from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.evaluations import History
from t2t_repro.run_directory import Run
from t2t_repro.train.evaluation import Evaluation
from t2t_repro.train.progress import Progress
from t2t_repro.train.step import StepResult
from t2t_repro.visualize import attention_maps
from t2t_repro.visualize import tensorboard
from t2t_repro.visualize.tensorboard import Sample

_REPORT_EVERY = 100  # steps, as in tensor2tensor
_SAMPLES = 10
# Without the end of sentence: so many have legible labels in a picture, and
# more than the second number none that is of use.
_LEGIBLE_PIECES, _MOST_PIECES = 10, 80
# ru_maxrss counts bytes there, and kilobytes elsewhere.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Summaries:
    """Follows a run from step to step."""

    def __init__(
        self,
        folder: pathlib.Path,
        first_step: int,
        last_step: int,
        pause_every: int = 0,
    ):
        """Opens the event files.

        Args:
          folder: run directory.
          first_step: updates already done.
          last_step: updates to reach.
          pause_every: as in `Progress`.
        """
        self._first_step, self._last_step = first_step, last_step
        self._step = first_step
        self._inside: LoadedRun | None = None
        self._looks = 0
        self._folder = folder
        self._train, self._eval = (
            tf.summary.create_file_writer(str(files.make_folder(folder / name)))
            for name in ("train", "eval")
        )
        self._progress = Progress(first_step, last_step, pause_every)
        self._pending: list[StepResult] = []
        self._padded_tokens = 0
        self._waited = 0.0
        self._since = time.monotonic()

    def begin(self, run: Run, model: Any) -> None:
        """Writes the hparams.

        From now on weight norms are reported, and `samples` looks inside.

        Args:
          run: as it lies in the run directory.
          model: the live one.
        """
        self._inside = LoadedRun(run, model, DecodeOptions())
        with self._of_run():
            tensorboard.write_hparams(run)
        self._since = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Leaves out time that was not training, such as an evaluation."""
        self._since += seconds
        self._progress.pause(seconds)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Writes how long something beside the training took.

        Args:
          name: such as `evaluation`; the tag is `seconds/<name>`.
        """
        begin = time.monotonic()
        yield
        with self._train.as_default(step=self._step):
            tf.summary.scalar(f"seconds/{name}", time.monotonic() - begin)

    def step(
        self,
        step: int,
        result: StepResult,
        padded_tokens: int,
        waited: float,
        is_last: bool,
    ) -> None:
        """Takes note of a step; every hundredth is reported.

        Args:
          step: updates done, this one included.
          result: its scalars, not yet fetched from the device.
          padded_tokens: target positions computed, padding included.
          waited: seconds for which the step waited for its batch.
          is_last: report in any case.
        """
        self._step = step
        self._pending.append(result)
        self._padded_tokens += padded_tokens
        self._waited += waited
        self._progress.step(step)
        if step % _REPORT_EVERY and not is_last:
            return
        scalars = self._scalars()
        with self._train.as_default(step=step):
            for tag, value in scalars.items():
                tf.summary.scalar(tag, value)
        self._train.flush()
        self._progress.report(
            scalars["loss"],
            f"learning rate {scalars['learning_rate']:.2e}",
            f"{scalars['target_tokens/sec']:.0f} target tokens/s",
            f"{scalars['step_seconds']:.3f} s/step",
        )
        self._pending, self._padded_tokens, self._waited = [], 0, 0.0
        self._since = time.monotonic()

    def evaluation(self, step: int, figures: Evaluation) -> None:
        """Writes dev figures at a step."""
        with self._eval.as_default(step=step):
            for tag, value in figures.figures().items():
                tf.summary.scalar(tag, value)
            _, scores = History(self._folder, step).of(figures.metric)
            best = max([*scores, figures.score])
            tf.summary.scalar(f"{figures.metric}_best", best)
        self._eval.flush()
        self._progress.say(
            f"dev nll {figures.nll:.4f}",
            f"perplexity {figures.perplexity:.3f}",
            f"token accuracy {figures.token_accuracy:.4f}",
            f"{figures.metric.upper()} {figures.score:.2f}",
        )

    def training_figures(self, step: int, nll: float, accuracy: float) -> None:
        """Writes what dev figures compare with: training data, no dropout.

        Args:
          step: updates done.
          nll: mean over the tokens of a training batch, without smoothing.
          accuracy: share of its tokens whose id had the highest score.
        """
        with self._train.as_default(step=step):
            tf.summary.scalar("nll", nll)
            # Beyond this the exponential says nothing and may overflow.
            tf.summary.scalar("perplexity", math.exp(min(nll, 50.0)))
            tf.summary.scalar("token_accuracy", accuracy)

    def samples(self, step: int, samples: Sequence[Sample]) -> None:
        """Writes translations and, now and then, a look inside the model.

        Pictures of attention and histograms of weights are large: they are
        written at the first, second, fourth, eighth time and so on, and at the
        last step. The pictures are of one source and its reference, so that
        they differ by step alone.

        Args:
          step: updates done.
          samples: the same sources each time, by length.
        """
        self._looks += 1
        count = min(_SAMPLES, len(samples))
        spread = [
            samples[i * (len(samples) - 1) // max(count - 1, 1)]
            for i in range(count)
        ]
        is_due = self._looks.bit_count() == 1 or step >= self._last_step
        with self._eval.as_default(step=step):
            tensorboard.write_samples(spread, step)
            if self._inside is not None and is_due and samples:
                self._look_inside(self._inside, step, samples)
        self._eval.flush()

    def _look_inside(
        self, inside: LoadedRun, step: int, samples: Sequence[Sample]
    ) -> None:
        tensorboard.write_histograms(_values(inside), step)
        encode = inside.run.encoder().encode
        lengths = {
            sample: max(
                map(len, map(encode, (sample.source, sample.reference)))
            )
            for sample in samples
        }
        # The longest whose picture has room for its words, or the shortest.
        legible = [s for s, n in lengths.items() if n <= _LEGIBLE_PIECES]
        shown = (
            max(legible, key=lengths.__getitem__)
            if legible
            else min(lengths, key=lengths.__getitem__)
        )
        if lengths[shown] <= _MOST_PIECES:
            _, attentions = attention_maps.of_sentence(
                inside, shown.source, shown.reference
            )
            tensorboard.write_attention(attentions, step)

    def close(self) -> None:
        """Ends bar and files."""
        if self._inside is not None and self._step >= self._last_step:
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
        if self._inside is None:
            return {}
        return tensorboard.weight_norms(_values(self._inside))

    @contextlib.contextmanager
    def _of_run(self) -> Iterator[None]:
        """Events of the whole run, in a file of their own.

        TensorBoard names a trial by the folder that its hparams lie in.
        """
        writer = tf.summary.create_file_writer(str(self._folder))
        with writer.as_default(step=self._step):
            yield
        writer.close()


def _values(inside: LoadedRun) -> dict[str, Any]:
    weights = inside.model.weights_by_path()
    return {path: weight.value for path, weight in weights.items()}


def _memory() -> dict[str, float]:
    """The most memory held so far, in GiB: the process', and each GPU's."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
    found = {"memory/host_peak_gib": peak / 2**30}
    for number, _ in enumerate(tf.config.list_logical_devices("GPU")):
        info = tf.config.experimental.get_memory_info(f"GPU:{number}")
        found[f"memory/gpu_{number}_peak_gib"] = info["peak"] / 2**30
    return found
