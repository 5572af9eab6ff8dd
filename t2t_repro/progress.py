"""How far a long task or a training is, and how long it will take.

On a terminal tqdm draws a bar; elsewhere a line is logged now and then.
"""

import collections
import contextlib
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import tqdm

with warnings.catch_warnings():
    # In a notebook without widgets it would say so; the bars are plain text.
    warnings.simplefilter("ignore", tqdm.TqdmWarning)
    from tqdm.contrib import logging as tqdm_logging

_LINE_SECONDS = 30.0  # between two lines in a log, at least
_SHORTEST_SECONDS = 1.0  # a task below it is not reported
_RECENT_STEPS = 100
_FEWEST_STEPS = 20  # for a median
_TRAINING_BAR = "{percentage:3.0f}%|{bar}| step {n_fmt} of {total_fmt}{postfix}"

_Item = TypeVar("_Item")

logger = logging.getLogger("t2t_repro")


def _open_bar(
    stack: contextlib.ExitStack, with_bar: bool = True, **options: Any
) -> tqdm.tqdm:
    """A bar on a terminal, which log lines go above; else a disabled one."""
    disable = not (with_bar and sys.stderr.isatty())
    bar = stack.enter_context(tqdm.tqdm(disable=disable, **options))
    if not bar.disable:
        stack.enter_context(tqdm_logging.logging_redirect_tqdm([logger]))
    return bar


class Progress:
    """Counts what is done of a task; a context manager around the work."""

    def __init__(
        self,
        task: str,
        unit: str,
        total: int | None = None,
        with_bar: bool = True,
    ):
        """Takes the task, such as `translating`, and its unit, as `lines`."""
        self._task, self._unit, self._total = task, unit, total
        self._with_bar = with_bar
        self._stack = contextlib.ExitStack()
        self._done = 0

    def __enter__(self) -> "Progress":
        """Starts the clock, and the bar."""
        self._bar = _open_bar(
            self._stack,
            self._with_bar,
            desc=self._task,
            total=self._total,
            unit=f" {self._unit}",
            leave=False,
        )
        self._begin = self._said = time.monotonic()
        return self

    def update(self, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        self._bar.update(count)
        now = time.monotonic()
        if self._bar.disable and now - self._said >= _LINE_SECONDS:
            self._said = now
            logger.info("%s", self._line(now - self._begin))

    def track(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Passes items on, each of which is done when the next is wanted."""
        for item in items:
            yield item
            self.update()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Ends the bar; logs the speed, if the task was completed."""
        self._stack.close()
        seconds = time.monotonic() - self._begin
        if kind is None and seconds >= _SHORTEST_SECONDS:
            rate = self._done / max(seconds, 1e-9)
            logger.info(
                "%s: %d %s in %.1f s, %.1f %s/s",
                *(self._task, self._done, self._unit, seconds),
                *(rate, self._unit),
            )

    def _line(self, seconds: float) -> str:
        """`translating: 200 of 1000 lines (20 %), 4.0 lines/s, 03:20 left`."""
        rate = self._done / seconds
        of_all = share = left = ""
        if self._total and self._done <= self._total:
            of_all = f" of {self._total}"
            share = f" ({100 * self._done / self._total:.0f} %)"
            if rate:
                more = (self._total - self._done) / rate
                left = f", {tqdm.tqdm.format_interval(more)} left"
        return (
            f"{self._task}: {self._done}{of_all} {self._unit}{share},"
            f" {rate:.1f} {self._unit}/s{left}"
        )


class TrainingProgress:
    """Follows a run from step to step.

    Steps and the pauses between them (evaluations, checkpoints) are predicted
    apart. A step takes the median of the last ones, as the first of each batch
    shape is traced; a pause takes as long as the last one. The first pause is
    traced too: until there is a second, the pauses to come are only counted.
    """

    def __init__(self, first_step: int, last_step: int, pause_every: int = 0):
        """Shows the bar; `pause_every` is in steps, 0: there are no pauses."""
        self._first_step, self._last_step = first_step, last_step
        self._step = first_step
        self._pause_every = pause_every
        self._durations: collections.deque[float] = collections.deque(
            maxlen=_RECENT_STEPS
        )
        self._pauses: list[float] = []
        self._loss = ""
        self._since = time.monotonic()
        self._line_at = self._since - _LINE_SECONDS  # the first comes soon
        self._stack = contextlib.ExitStack()
        self._bar = _open_bar(
            self._stack,
            total=last_step,
            initial=first_step,
            bar_format=_TRAINING_BAR,
        )

    def step(self, step: int) -> None:
        """Records a step; logs a line if there was none for long."""
        now = time.monotonic()
        self._durations.append(now - self._since)
        self._since, self._step = now, step
        shown = ", ".join(filter(None, (self._loss, self.left())))
        self._bar.set_postfix_str(shown, refresh=False)
        self._bar.update()
        if self._bar.disable and now - self._line_at >= _LINE_SECONDS:
            self.log()

    def pause(self, seconds: float) -> None:
        """Records time that was not training after a step."""
        self._since += seconds
        if self._pause_every and self._step % self._pause_every == 0:
            self._pauses.append(seconds)

    def report(self, loss: float, *figures: str) -> None:
        """Logs how the training goes; the bar has its loss alone."""
        self._loss = f"loss {loss:.4f}"
        if self._bar.disable:
            self.log(self._loss, *figures, self.left())

    def log(self, *figures: str) -> None:
        """Logs a line about the last step; without figures, the time left."""
        place = f"step {self._step}"
        if self._first_step < self._last_step:
            share = self._step / self._last_step
            place += f" of {self._last_step} ({share:.1%})"
        parts = filter(None, (place, *(figures or (self.left(),))))
        logger.info("%s", ", ".join(parts))
        self._line_at = time.monotonic()

    def left(self) -> str:
        """How long it will still take; empty while that is not known."""
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
