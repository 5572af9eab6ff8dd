"""What a run shows: a progress bar or plain lines, and TensorBoard scalars.

Tags keep tensor2tensor's names where it has them. Training events lie in the
run directory itself, evaluation events in `eval/`, as there.
"""

import dataclasses
import logging
import pathlib
import sys
import time

import tensorflow as tf
import tqdm

from t2t_repro.train.evaluation import Evaluation
from t2t_repro.train.step import StepResult

_REPORT_EVERY = 100  # steps, as in tensor2tensor

logger = logging.getLogger("t2t_repro")


class Summaries:
    """Follows a run from step to step."""

    def __init__(self, folder: pathlib.Path, first_step: int, last_step: int):
        """Opens the event files.

        Args:
          folder: run directory.
          first_step: updates already done.
          last_step: updates to reach.
        """
        self._train = tf.summary.create_file_writer(str(folder))
        self._eval = tf.summary.create_file_writer(str(folder / "eval"))
        # A bar on a terminal, lines in a file.
        self._bar = tqdm.tqdm(
            total=last_step,
            initial=first_step,
            unit="step",
            disable=not sys.stderr.isatty(),
        )
        self._pending: list[StepResult] = []
        self._padded_tokens = 0
        self._waited = 0.0
        self._since = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Leaves out time that was not training, such as an evaluation."""
        self._since += seconds

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
        self._pending.append(result)
        self._padded_tokens += padded_tokens
        self._waited += waited
        self._bar.update()
        if step % _REPORT_EVERY and not is_last:
            return
        scalars = self._scalars()
        with self._train.as_default(step=step):
            for tag, value in scalars.items():
                tf.summary.scalar(tag, value)
        self._train.flush()
        line = (
            f"step {step}  loss {scalars['loss']:.4f}"
            f"  lr {scalars['learning_rate']:.2e}"
            f"  {scalars['target_tokens/sec']:.0f} target tokens/s"
            f"  {scalars['step_seconds']:.3f} s/step"
            f"  waiting for input {scalars['input_wait_fraction']:.1%}"
        )
        self._bar.set_postfix_str(f"loss {scalars['loss']:.3f}")
        if self._bar.disable:
            logger.info(line)
        self._pending, self._padded_tokens, self._waited = [], 0, 0.0
        self._since = time.monotonic()

    def evaluation(self, step: int, figures: Evaluation) -> None:
        """Writes dev figures at a step."""
        with self._eval.as_default(step=step):
            for tag, value in dataclasses.asdict(figures).items():
                tf.summary.scalar(tag, value)
        self._eval.flush()
        self.say(
            f"step {step}  dev nll {figures.nll:.4f}"
            f"  perplexity {figures.perplexity:.3f}"
            f"  token accuracy {figures.token_accuracy:.4f}"
            f"  bleu {figures.bleu:.2f}"
        )

    def say(self, line: str) -> None:
        """A line above the bar."""
        if self._bar.disable:
            logger.info(line)
        else:
            self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Ends bar and files."""
        self._bar.close()
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
            "loss": sum(losses) / count,
            "learning_rate": float(self._pending[-1].learning_rate),
            "gradient_norm": sum(norms) / count,
            "global_step/sec": count / elapsed,
            "step_seconds": elapsed / count,
            "target_tokens/sec": tokens / elapsed,
            "padding_efficiency": tokens / max(self._padded_tokens, 1),
            "input_wait_fraction": self._waited / elapsed,
        }
