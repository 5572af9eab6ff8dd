"""Which checkpoints may be averaged: equally spaced ones (section 6.1).

The paper averages the last 5 (base) or 20 (big), written every 10 minutes. An
average whose members crowd in one place is nearly that one checkpoint, and
looks like any other: with two checkpoints written per interval, users of
tensor2tensor lost BLEU and did not see why. So a set counts as equally spaced

* by step, when all distances in steps are the same, or
* by time, when the checkpoints were written at equal distances, a quarter more
  or less (a checkpoint waits for the end of a step or an evaluation).

The last checkpoint of a run may lie closer to the one before it. It is not left
out silently: the refusal names it and says how to average without it. One that
lies between two regular ones, where earlier versions went on after a signal,
is left out.
"""

import collections
from collections.abc import Sequence

from t2t_repro.errors import InputError

_TIME_TOLERANCE = 1.25
# Files that lie closer together in time were copied, not trained.
_LEAST_SECONDS = 30.0


def is_equal(steps: Sequence[int], times: Sequence[float]) -> bool:
    """Whether checkpoints are equally spaced by step or by time.

    Args:
      steps: in ascending order.
      times: when each was written, in seconds.
    """
    gaps = _gaps(steps)
    if len(set(gaps)) <= 1:
        return True
    seconds = _gaps(times)
    shortest, longest = min(seconds), max(seconds)
    return shortest >= _LEAST_SECONDS and longest <= _TIME_TOLERANCE * shortest


def regular(steps: Sequence[int], every: int = 0) -> list[int]:
    """Without the checkpoints that lie between two regular ones.

    Args:
      steps: of all checkpoints, in ascending order.
      every: steps from one to the next; 0: the most common distance, where
        one is common.
    """
    if not every:
        counts = collections.Counter(_gaps(steps))
        every = max(counts, key=lambda gap: (counts[gap], gap), default=1)
        if counts[every] < 2:
            return list(steps)
    return [step for step in steps if step % every == 0 or step == steps[-1]]


def check(
    steps: Sequence[int], times: Sequence[float], first: int, last: int
) -> None:
    """Refuses a part of a run's checkpoints that is not equally spaced.

    Args:
      steps: of all checkpoints, in ascending order.
      times: when each was written, in seconds.
      first: index of the part's first checkpoint.
      last: index of its last one.

    Raises:
      InputError: it is not; the steps are named, and what could be averaged.
    """
    window = slice(first, last + 1)
    if is_equal(steps[window], times[window]):
        return
    raise InputError(
        "the checkpoints to average are not equally spaced: steps"
        f" {_listed(steps[window])} are {_listed(_gaps(steps[window]))} apart."
        f" {_remedy(steps, times, first, last)}"
        " --allow_unequal_spacing averages them as they are."
    )


def _remedy(
    steps: Sequence[int], times: Sequence[float], first: int, last: int
) -> str:
    count = last + 1 - first
    for end in range(last, count - 1, -1):
        window = slice(end - count, end)
        if is_equal(steps[window], times[window]):
            return (
                f"Steps {_listed(steps[window])} are: t2t-avg-all --n={count}"
                f" --max_steps={steps[end - 1]} averages up to there."
            )
    # Two checkpoints have one distance, which proves nothing.
    for begin in range(first + 1, last - 1):
        if is_equal(steps[begin : last + 1], times[begin : last + 1]):
            return f"The last {last + 1 - begin} are: average so many."
    return "Save at equal distances (--local_eval_frequency)."


def _gaps(values: Sequence) -> list:
    return [
        after - before
        for before, after in zip(values, values[1:], strict=False)
    ]


def _listed(values: Sequence) -> str:
    return ", ".join(map(str, values))
