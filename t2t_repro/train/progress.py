"""How far a training is and how long it will take: a bar, or lines in a file.

Steps and the pauses between them, evaluations and checkpoints, are foreseen
apart. A step takes the median of the last ones: the first of each batch shape
is traced, which says nothing about those to come. A pause takes as long as the
last one; the first, which traces as well, is not counted on, and until there is
a second the pauses to come are named instead.
"""

import collections
import contextlib
import logging
import statistics
import sys
import time

import tqdm
from tqdm.contrib import logging as tqdm_logging

_RECENT_STEPS = 100
_FEWEST_STEPS = 20  # from here on the median means something
_LINE_SECONDS = 30.0  # between two lines, at most
_BAR = "{percentage:3.0f}%|{bar}| step {n_fmt} of {total_fmt}{postfix}"

logger = logging.getLogger("t2t_repro")


class Progress:
    """Follows a run from step to step."""

    def __init__(self, first_step: int, last_step: int, pause_every: int = 0):
        """Shows the bar, where standard error is a terminal.

        Args:
          first_step: updates already done.
          last_step: updates to reach.
          pause_every: steps from one evaluation or checkpoint to the next; 0:
            there are none.
        """
        self._first_step, self._last_step = first_step, last_step
        self._step = first_step
        self._pause_every = pause_every
        self._durations: collections.deque[float] = collections.deque(
            maxlen=_RECENT_STEPS
        )
        self._pauses: list[float] = []
        self._loss = ""
        self._since = time.monotonic()
        self._line_at = self._since - _LINE_SECONDS  # the first one comes soon
        self._stack = contextlib.ExitStack()
        self._bar = self._stack.enter_context(
            tqdm.tqdm(
                total=last_step,
                initial=first_step,
                bar_format=_BAR,
                disable=not sys.stderr.isatty(),
            )
        )
        if not self._bar.disable:
            # What is logged meanwhile appears above the bar.
            self._stack.enter_context(
                tqdm_logging.logging_redirect_tqdm([logger])
            )

    def step(self, step: int) -> None:
        """Takes note of a step; says so if nothing was said for long."""
        now = time.monotonic()
        self._durations.append(now - self._since)
        self._since, self._step = now, step
        shown = ", ".join(filter(None, (self._loss, self.left())))
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update()
        if self._bar.disable and now - self._line_at >= _LINE_SECONDS:
            self.say()

    def pause(self, seconds: float) -> None:
        """Takes note of time that was not training after a step."""
        self._since += seconds
        if self._pause_every and self._step % self._pause_every == 0:
            self._pauses.append(seconds)

    def report(self, loss: float, *figures: str) -> None:
        """Says how the training goes; in the bar, its loss alone."""
        self._loss = f"loss {loss:.4f}"
        if self._bar.disable:
            self.say(self._loss, *figures, self.left())

    def say(self, *figures: str) -> None:
        """A line about the last step; without figures, with the time left."""
        place = f"step {self._step}"
        if self._first_step < self._last_step:
            share = self._step / self._last_step
            place += f" of {self._last_step} ({share:.1%})"
        said = filter(None, (place, *(figures or (self.left(),))))
        logger.info("%s", ", ".join(said))
        self._line_at = time.monotonic()

    def left(self) -> str:
        """How long it will still take; nothing while that is not known."""
        if len(self._durations) < _FEWEST_STEPS:
            return ""
        seconds = statistics.median(self._durations) * (
            self._last_step - self._step
        )
        pauses = self._pauses_left()
        if not pauses:
            return f"{duration(seconds)} left"
        if len(self._pauses) < 2:
            word = "evaluation" if pauses == 1 else "evaluations"
            return f"{duration(seconds)} + {pauses} {word} left"
        return f"{duration(seconds + pauses * self._pauses[-1])} left"

    def close(self) -> None:
        """Ends the bar."""
        self._stack.close()

    def _pauses_left(self) -> int:
        """How many will come, one that is due after this step included."""
        if not self._pause_every:
            return 0
        # The last step has one, whether it is a multiple or not.
        of_all = -(-self._last_step // self._pause_every)
        return of_all - max(self._step - 1, 0) // self._pause_every


def duration(seconds: float) -> str:
    """`45 s`, `14 min`, `3 h 20 min` or `2 d 5 h`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min"
    return f"{hours // 24} d {hours % 24} h"
