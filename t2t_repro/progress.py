"""How far a long task is, and how long it will take: a bar, or lines in a log.

On a terminal tqdm draws the bar; elsewhere a line is logged now and then. (The
trainer has its own, `train.summaries`: its steps take pauses.)
"""

import contextlib
import logging
import sys
import time
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeVar

import tqdm
from tqdm.contrib import logging as tqdm_logging

_SECONDS_BETWEEN = 30.0  # two lines in a log
_SECONDS_AT_ONCE = 1.0  # below it, nobody waits

_Item = TypeVar("_Item")

logger = logging.getLogger("t2t_repro")


class Progress:
    """Counts what is done; to be entered when the work begins."""

    def __init__(
        self,
        task: str,
        unit: str,
        total: int | None = None,
        with_bar: bool = True,
    ):
        """Says nothing yet.

        Args:
          task: such as `translating`.
          unit: of what is counted, such as `lines`.
          total: how many there are, where that is known.
          with_bar: whether standard error, if a terminal, gets a bar.
        """
        self._task, self._unit, self._total = task, unit, total
        self._with_bar = with_bar
        self._stack = contextlib.ExitStack()
        self._done = 0

    def __enter__(self) -> "Progress":
        """Starts the clock, and the bar."""
        self._bar = self._stack.enter_context(
            tqdm.tqdm(
                desc=self._task,
                total=self._total,
                unit=f" {self._unit}",
                leave=False,
                disable=not (self._with_bar and sys.stderr.isatty()),
            )
        )
        if not self._bar.disable:
            # What is logged meanwhile appears above the bar.
            self._stack.enter_context(
                tqdm_logging.logging_redirect_tqdm([logger])
            )
        self._begin = self._said = time.monotonic()
        return self

    def update(self, count: int = 1) -> None:
        """So many more are done."""
        self._done += count
        self._bar.update(count)
        now = time.monotonic()
        if self._bar.disable and now - self._said >= _SECONDS_BETWEEN:
            self._said = now
            logger.info("%s", self._line(now - self._begin))

    def track(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Passes items on, each of which is done when the next is wanted."""
        for item in items:
            yield item
            self.update()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Ends the bar; says how fast it went, if it came to the end."""
        self._stack.close()
        seconds = time.monotonic() - self._begin
        if kind is None and seconds >= _SECONDS_AT_ONCE:
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
