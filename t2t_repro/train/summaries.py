"""What a run shows: its progress, and TensorBoard's events.

Tags keep tensor2tensor's names where it has them. Training events lie in the
run directory itself, evaluation events in `eval/`, as there. How graph,
hparams, text and pictures are written is in `visualize.board`.
"""

import contextlib
import dataclasses
import math
import pathlib
import resource
import sys
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_repro.decode.api import LoadedRun
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.run_directory import Run
from t2t_repro.train.evaluation import Evaluation
from t2t_repro.train.progress import Progress
from t2t_repro.train.step import StepResult
from t2t_repro.visualize import board
from t2t_repro.visualize.board import Sample
from t2t_repro.visualize.looking import look_at_pair

_REPORT_EVERY = 100  # steps, as in tensor2tensor
_SAMPLES = 10
# A larger picture is of no use: its sentence is left out.
_MOST_PIECES = 80
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
        self._train = tf.summary.create_file_writer(str(folder))
        self._eval = tf.summary.create_file_writer(str(folder / "eval"))
        self._progress = Progress(first_step, last_step, pause_every)
        self._pending: list[StepResult] = []
        self._padded_tokens = 0
        self._waited = 0.0
        self._since = time.monotonic()

    def begin(self, run: Run, model: Any) -> None:
        """Writes the hparams and, at the first step, the model's graph.

        From now on weight norms are reported, and `samples` looks inside.

        Args:
          run: as it lies in the run directory.
          model: the live one.
        """
        self._inside = LoadedRun(run, model, DecodeOptions())
        with self._train.as_default(step=self._first_step):
            board.write_hparams(run)
            if self._first_step == 0:
                board.write_graph(model)
        self._train.flush()
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
            for tag, value in dataclasses.asdict(figures).items():
                tf.summary.scalar(tag, value)
        self._eval.flush()
        self._progress.say(
            f"dev nll {figures.nll:.4f}",
            f"perplexity {figures.perplexity:.3f}",
            f"token accuracy {figures.token_accuracy:.4f}",
            f"BLEU {figures.bleu:.2f}",
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
        """Writes translations and, of one of them, pictures of attention.

        Pictures are large: they are written at the first, second, fourth,
        eighth time and so on, and at the last step. They are of a source of
        middle length and its reference, so that they differ by step alone.

        Args:
          step: updates done.
          samples: the same sources each time.
        """
        self._looks += 1
        with self._eval.as_default(step=step):
            board.write_samples(samples[:_SAMPLES], step)
            is_due = self._looks.bit_count() == 1 or step >= self._last_step
            if self._inside is not None and is_due and samples:
                by_length = sorted(samples, key=lambda s: len(s.source))
                middle = by_length[len(samples) // 2]
                stacks = look_at_pair(
                    self._inside, middle.source, middle.reference
                )
                if max(len(stack.queries) for stack in stacks) <= _MOST_PIECES:
                    board.write_attention(stacks, step)
        self._eval.flush()

    def close(self) -> None:
        """Ends bar and files."""
        if self._inside is not None and self._step >= self._last_step:
            with self._train.as_default():
                board.write_end()
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
        weights = self._inside.model.weights_by_path()
        return board.weight_norms(
            {path: weight.value for path, weight in weights.items()}
        )


def _memory() -> dict[str, float]:
    """The most memory held so far, in GiB: the process', and each GPU's."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
    found = {"memory/host_peak_gib": peak / 2**30}
    for number, _ in enumerate(tf.config.list_logical_devices("GPU")):
        info = tf.config.experimental.get_memory_info(f"GPU:{number}")
        found[f"memory/gpu_{number}_peak_gib"] = info["peak"] / 2**30
    return found
