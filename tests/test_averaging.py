"""Averages, and of which checkpoints: equally spaced ones, by step or time."""

import os

import numpy as np
import pytest

from t2t_repro import averaging, checkpoints
from t2t_repro.errors import InputError

_COPIED = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]


def _check(steps, count, times=None):
    last = len(steps) - 1
    averaging.check(
        steps, times or _COPIED[: len(steps)], last + 1 - count, last
    )


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
    assert averaging.is_equal(steps, times) is equal


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


def _values(number):
    return {
        "a/kernel": np.full((2, 3), number, np.float32),
        "adam/m/a/kernel": np.zeros((2, 3), np.float32),
        "global_step": np.int64(number),
    }


def _save(folder, *steps):
    for step in steps:
        checkpoints.save(folder, step, _values(step))


def _averaged(folder, count, **options):
    return checkpoints.read(averaging.average_last(folder, count, **options))


def test_average_takes_floats_and_leaves_moments_and_counters(tmp_path):
    for step in (1, 2, 6):
        checkpoints.save(tmp_path, step, _values(step))
    prefix = averaging.average_last(tmp_path, 2)
    assert prefix == f"{tmp_path}/averaged.ckpt-6"
    values = checkpoints.read(prefix)
    assert values.keys() == {"a/kernel", "global_step", "averaged_steps"}
    np.testing.assert_array_equal(values["a/kernel"], np.full((2, 3), 4.0))
    assert values["a/kernel"].dtype == np.float32
    assert values["global_step"] == 6
    assert checkpoints.averaged_steps(prefix) == [2, 6]
    assert checkpoints.averaged_steps(f"{tmp_path}/model.ckpt-6") == []


def test_averages_can_be_averaged(tmp_path):
    for step, parts in ((2, [1, 2]), (4, [1, 2, 4])):
        members = {"averaged_steps": np.array(parts, np.int64)}
        checkpoints.save(tmp_path, step, {**_values(step), **members})
    means = _averaged(tmp_path, 2)
    np.testing.assert_array_equal(means["a/kernel"], np.full((2, 3), 3.0))
    np.testing.assert_array_equal(means["averaged_steps"], [2, 4])


def test_average_is_summed_in_float64(tmp_path):
    # (2^24 + 1 + 1) / 3 = 5592406. In float32 the thirds would be summed in
    # steps of a half, 5592405.5 + 1/3 = 5592406.0, + 1/3 = 5592406.5.
    for step, value in enumerate((2.0**24, 1.0, 1.0), start=1):
        checkpoints.save(tmp_path, step, {"w": np.float32(value)})
    assert _averaged(tmp_path, 3)["w"] == np.float32(5_592_406)


def test_average_of_unequal_steps_must_be_asked_for(tmp_path):
    for step in (1, 2, 6):
        checkpoints.save(tmp_path, step, _values(step))
    with pytest.raises(InputError, match="steps 1, 2, 6 are 1, 4 apart"):
        averaging.average_last(tmp_path, 3)
    assert checkpoints.steps(tmp_path, "averaged") == []
    means = _averaged(tmp_path, 3, allow_unequal_spacing=True)
    np.testing.assert_array_equal(means["a/kernel"], np.full((2, 3), 3.0))


def test_average_by_time_reads_the_times_of_the_files(tmp_path):
    for step, when in ((1, 0), (3, 600), (4, 1210)):
        prefix = checkpoints.save(tmp_path, step, _values(step))
        os.utime(f"{prefix}.index", (when, when))
    assert checkpoints.times(tmp_path, [1, 4]) == [0.0, 1210.0]
    assert _averaged(tmp_path, 3)["global_step"] == 4


@pytest.mark.parametrize("last", [200, 300])
def test_average_as_tensor2tensor(shared, tmp_path, last):
    """Its floats. Its step counters are not ours, and its average of Adam's
    moments has no counterpart: ours go by another name and are left out."""
    folder = shared("oracle/t2t/averaging")
    for step in (last - 100, last):
        with np.load(folder / f"in_model.ckpt-{step}.npz") as values:
            checkpoints.save(tmp_path, step, dict(values))
    means = _averaged(tmp_path, 2)
    with np.load(
        folder / f"out_t2t-avg-all_n2_model.ckpt-{last}.npz"
    ) as theirs:
        for name in ("transformer/a/kernel", "transformer/b/bias"):
            np.testing.assert_allclose(means[name], theirs[name], rtol=1e-6)
            assert means[name].dtype == theirs[name].dtype
        assert means["global_step"] == theirs["global_step"] == last


def test_average_needs_enough_of_one_model(tmp_path):
    checkpoints.save(tmp_path, 1, _values(1))
    with pytest.raises(InputError, match="has 1 checkpoints"):
        averaging.average_last(tmp_path, 2)
    checkpoints.save(tmp_path, 2, {"other": np.zeros(1, np.float32)})
    with pytest.raises(InputError, match="different models"):
        averaging.average_last(tmp_path, 2)
    checkpoints.save(tmp_path, 3, {"other": np.zeros(2, np.float32)})
    with pytest.raises(InputError, match=r"other has shapes \(2,\) and \(1,\)"):
        averaging.average_last(tmp_path, 2)


def _steps_of(prefix):
    return checkpoints.averaged_steps(prefix)


def test_what_a_signal_saved_is_in_no_average(tmp_path):
    _save(tmp_path, 10, 20, 30)
    checkpoints.mark_interim(tmp_path, 31)
    _save(tmp_path, 31)
    prefix = averaging.average_last(tmp_path, 3)
    assert prefix.endswith("averaged.ckpt-30")
    assert _steps_of(prefix) == [10, 20, 30]


@pytest.mark.parametrize(
    "steps, every, expected",
    [
        # 21 was saved by a signal of an older version, which marked nothing.
        ([10, 20, 21, 30, 40], 10, [20, 30, 40]),
        ([10, 20, 21, 30, 40], 0, [20, 30, 40]),
        # Half-way: the distance 5 is as common, and does not tell.
        ([10, 20, 25, 30, 40], 10, [20, 30, 40]),
        # Equal as they are, whatever the flag says now.
        ([10, 20, 30, 40], 20, [20, 30, 40]),
    ],
)
def test_runs_of_older_versions(tmp_path, steps, every, expected):
    _save(tmp_path, *steps)
    prefix = averaging.average_last(tmp_path, 3, every=every)
    assert _steps_of(prefix) == expected


def test_the_regular_ones():
    assert averaging.regular([10, 20, 21, 30], 10) == [10, 20, 30]
    # The newest is never left out without a word.
    assert averaging.regular([3, 6, 9, 10]) == [3, 6, 9, 10]
    assert averaging.regular([3, 6, 7, 9]) == [3, 6, 9]
    # Few are multiples of any distance: nothing is known.
    assert averaging.regular([1498, 3001, 4500]) == [1498, 3001, 4500]


def test_too_few_are_left(tmp_path):
    _save(tmp_path, 21, 30, 40)
    with pytest.raises(InputError, match="has 2 checkpoints, an average of 3"):
        averaging.average_last(tmp_path, 3, every=10)
    prefix = averaging.average_last(tmp_path, 3, allow_unequal_spacing=True)
    assert _steps_of(prefix) == [21, 30, 40]
