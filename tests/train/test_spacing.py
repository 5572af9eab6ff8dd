"""Equally spaced checkpoints, by step or by time."""

import pytest

from t2t_repro.errors import InputError
from t2t_repro.train import spacing

_COPIED = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]


def _check(steps, count, times=None):
    last = len(steps) - 1
    spacing.check(steps, times or _COPIED[: len(steps)], last + 1 - count, last)


def _refusal(steps, count, times=None):
    with pytest.raises(InputError) as raised:
        _check(steps, count, times)
    return str(raised.value)


@pytest.mark.parametrize(
    ("steps", "times", "equal"),
    [
        ([7], [0], True),
        ([3, 9], [0, 1], True),  # one distance
        ([100, 200, 300], [0, 1, 50], True),
        ([100, 200, 290], [0, 100, 190.0], True),  # 100 s and 90 s
        ([100, 200, 290], [0, 125, 225.0], True),  # 125 s and 100 s: 1.25
        ([100, 200, 290], [0, 126, 226.0], False),
        ([100, 200, 290], [0, 29, 58.0], False),  # too close: copied
        ([249_001, 250_000, 250_001], [0, 0.1, 0.2], False),
    ],
)
def test_equal_by_step_or_by_time(steps, times, equal):
    assert spacing.is_equal(steps, times) is equal


def test_ten_minutes_apart_as_in_the_paper():
    steps = [1500, 2998, 4501, 6002, 7499]
    _check(steps, 5, [600.0 * i + (i % 2) for i in range(5)])
    assert "1498, 1503" in _refusal(steps, 5)


def test_only_the_part_is_looked_at():
    _check([1, 2, 1000, 1500, 2000], 3)


def test_the_last_checkpoint_of_a_run_may_be_too_many():
    message = _refusal([500, 1000, 1500, 2000, 2100], 4)
    assert "steps 1000, 1500, 2000, 2100 are 500, 500, 100 apart" in message
    assert "Steps 500, 1000, 1500, 2000 are" in message
    assert "--n=4 --max_steps=2000" in message
    assert "--allow_unequal_spacing" in message


def test_fewer_are_advised_where_so_many_never_were_equal():
    # 20, 30, 40, 50 are; the last two alone would prove nothing.
    message = _refusal([1, 20, 30, 40, 50], 5)
    assert "The last 4 are: average so many." in message
    assert "The last" not in _refusal([1, 20, 30], 3)
