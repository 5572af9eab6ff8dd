"""The mean of several checkpoints (section 6.1), and of which it may be taken.

The paper averages the last 5 (base) or 20 (big), written every 10 minutes. An
average of checkpoints that crowd in one place is nearly one of them, and looks
like any other: with two checkpoints written per interval, users of
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
import logging
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_repro import checkpoints
from t2t_repro.errors import InputError

_TIME_TOLERANCE = 1.25
# Files that lie closer together in time were copied, not trained.
_LEAST_SECONDS = 30.0

logger = logging.getLogger("t2t_repro")


def average_last(
    folder: pathlib.Path,
    count: int,
    allow_unequal_spacing: bool = False,
    every: int = 0,
) -> str:
    """Averages the `count` newest checkpoints into `averaged.ckpt-STEP`.

    STEP is that of the newest. For `every` see `regular`.

    Returns:
      The average's prefix.

    Raises:
      InputError: there are fewer than `count`, or unequally spaced ones.
    """
    found = without_interim(folder, checkpoints.steps(folder))
    if not allow_unequal_spacing and not is_equal(
        found[-count:], checkpoints.times(folder, found[-count:])
    ):
        found = regular(found, every)
    newest = found[-count:]
    if len(newest) < count:
        raise InputError(
            f"{folder} has {len(newest)} checkpoints, an average of {count} was"
            " asked for: train on, or ask for fewer."
        )
    if not allow_unequal_spacing:
        first, last = len(found) - count, len(found) - 1
        check(found, checkpoints.times(folder, found), first, last)
    logger.info("averaging the checkpoints of steps %s", newest)
    return checkpoints.save(
        folder, newest[-1], average(folder, newest), "averaged"
    )


def without_interim(folder: pathlib.Path, steps: Sequence[int]) -> list[int]:
    """Without the checkpoints that a signal saved."""
    interim = checkpoints.interim_steps(folder)
    return [step for step in steps if step not in interim]


def average(folder: pathlib.Path, window: Sequence[int]) -> dict[str, Any]:
    """The mean of the weights of the checkpoints of these steps, oldest first.

    Floats are summed in float64 and returned in float32; whole numbers, such
    as the step, are those of the newest. The optimizer's moments, which
    tensor2tensor averaged too, are left out: nothing resumes from an average.

    Returns:
      The means, and the steps themselves for `averaged_steps`.

    Raises:
      InputError: a checkpoint is damaged, or they are of different models.
    """
    sums: dict[str, np.ndarray] = {}
    prefixes = [checkpoints.path_of(folder, step) for step in window]
    for prefix in prefixes:
        values = checkpoints.read(prefix, slots=False)
        # It may be an average itself.
        values.pop(checkpoints.AVERAGED_STEPS, None)
        if sums and sums.keys() != values.keys():
            other = min(sums.keys() ^ values.keys())
            raise InputError(
                f"{prefix} and {prefixes[0]} are of different models: only one"
                f" of them has {other}."
            )
        for name, value in values.items():
            if name in sums and sums[name].shape != value.shape:
                raise InputError(
                    f"{prefix} and {prefixes[0]} are of different models:"
                    f" {name} has shapes {value.shape} and {sums[name].shape}."
                )
            if np.issubdtype(value.dtype, np.floating):
                share = value.astype(np.float64) / len(prefixes)
                sums[name] = sums.get(name, 0.0) + share
            else:
                sums[name] = value
    means = {
        name: value.astype(np.float32) if value.dtype == np.float64 else value
        for name, value in sums.items()
    }
    return {**means, checkpoints.AVERAGED_STEPS: np.array(window, np.int64)}


def is_equal(steps: Sequence[int], times: Sequence[float]) -> bool:
    """Whether checkpoints, oldest first, are equally spaced by step or time.

    Times are in seconds.
    """
    if len(set(_gaps(steps))) <= 1:
        return True
    seconds = _gaps(times)
    shortest, longest = min(seconds), max(seconds)
    return shortest >= _LEAST_SECONDS and longest <= _TIME_TOLERANCE * shortest


def regular(steps: Sequence[int], every: int = 0) -> list[int]:
    """Without the checkpoints, oldest first, that lie between regular ones.

    `every` is the steps from one to the next; 0: the most common distance,
    where most of the checkpoints are multiples of it.
    """
    guess = 0
    if not every:
        counts = collections.Counter(_gaps(steps))
        guess = max(counts, key=lambda gap: (counts[gap], gap), default=1)
    found = [
        step
        for step in steps
        if step % (every or guess) == 0 or step == steps[-1]
    ]
    return found if every or 2 * len(found) > len(steps) else list(steps)


def check(
    steps: Sequence[int], times: Sequence[float], first: int, last: int
) -> None:
    """Refuses a part of a run's checkpoints that is not equally spaced.

    Steps and times in seconds are of all checkpoints, oldest first; the part
    goes from index `first` to `last`.

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
