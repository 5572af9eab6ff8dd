"""Learning rates, by hand and against tensor2tensor's own."""

import json
import pathlib
import re

import pytest

from hparams.transformer import transformer_base, transformer_multi30k_v2
from t2t_repro.errors import UsageError
from t2t_repro.train import learning_rate

_NUMBERS = (
    pathlib.Path(__file__).resolve().parents[1]
    / "testdata/t2t_lr_schedule.json"
)
_RECORDS = json.loads(_NUMBERS.read_text())


def _rate(updates_done, **changes):
    hparams = transformer_base().replace(**changes)
    return float(learning_rate.learning_rate(hparams, updates_done))


@pytest.mark.parametrize("name", _RECORDS)
def test_every_rate_is_tensor2tensors(name):
    record = _RECORDS[name]
    assert len(record["rate_after_updates"]) == 12
    for updates, expected in record["rate_after_updates"].items():
        rate = _rate(int(updates), **record["hparams"])
        assert rate == pytest.approx(expected, rel=1e-5), updates


def test_the_copied_rates_are_theirs(shared):
    path = shared("oracle/t2t") / "lr_schedule.json"
    theirs = {
        record["hparams_set"]: record
        for record in json.loads(path.read_text())["schedules"]
    }
    assert theirs.keys() == _RECORDS.keys()
    for name, record in _RECORDS.items():
        rates = theirs[name]["lr_at_global_step"]
        assert record["rate_after_updates"] == rates
        for field, value in record["hparams"].items():
            assert theirs[name][field] == value


@pytest.mark.parametrize(
    ("updates_done", "expected"),
    [
        (0, 0.5 * 1 / 8),  # 4^-0.5 * min(1, 1 * 4^-1.5)
        (1, 0.5 * 2 / 8),  # 2 * 4^-1.5 is below 2^-0.5
        (3, 0.5 * 0.5),  # step 4: 4^-0.5 = 4 * 4^-1.5, the peak
        (15, 0.5 * 0.25),  # 16^-0.5 is below 16 * 4^-1.5
    ],
)
def test_noam_by_hand(updates_done, expected):
    changes = {"hidden_size": 4, "num_heads": 2}
    rate = _rate(updates_done, learning_rate_warmup_steps=4, **changes)
    assert rate == pytest.approx(expected, rel=1e-6)
    tripled = _rate(
        updates_done,
        learning_rate_warmup_steps=4,
        learning_rate_constant=3.0,
        **changes,
    )
    assert tripled == pytest.approx(3 * expected, rel=1e-6)


def test_legacy_is_noam_times_ten_learning_rates():
    legacy = _rate(99, learning_rate_schedule="legacy", learning_rate=0.2)
    assert legacy == pytest.approx(2.0 * _rate(99), rel=1e-6)


@pytest.mark.parametrize(
    ("product", "updates_done", "expected"),
    [
        ("constant", 7, 2.0),
        ("linear_warmup", 1, 0.25),  # 1 / 4
        ("linear_warmup", 9, 1.0),
        ("rsqrt_decay", 1, 0.5),  # not before warm-up ends: 4^-0.5
        ("rsqrt_decay", 16, 0.25),
        ("rsqrt_hidden_size", 7, 0.5),  # 4^-0.5
        ("staircase_decay", 13, 1.0),  # up to 4 + 10
        ("staircase_decay", 14, 0.5),
        ("constant*staircase_decay", 35, 0.25),  # 2 * 0.5^3
        ("single_cycle_cos_decay", 3, 1.0),  # not before warm-up ends
        ("single_cycle_cos_decay", 9, 0.5),  # half of the 10 updates after it
        ("single_cycle_cos_decay", 11, 0.2061074),  # (1 + cos(0.7 pi)) / 2
        ("single_cycle_cos_decay", 20, 0.0),
        ("constant * linear_warmup*rsqrt_hidden_size", 1, 0.25),  # 2 / 4 / 2
        ("constant*linear_warmup", 0, 0.0),  # these count from 0
    ],
)
def test_factors_by_hand(product, updates_done, expected):
    rate = _rate(
        updates_done,
        hidden_size=4,
        num_heads=2,
        learning_rate_warmup_steps=4,
        learning_rate_constant=2.0,
        learning_rate_decay_rate=0.5,
        learning_rate_decay_steps=10,
        learning_rate_schedule=product,
    )
    assert rate == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ("constant*rsqrt_deacy", "'rsqrt_deacy'.*rsqrt_decay"),
        ("naom", "'naom'.*noam"),
        ("constant*noam", "'noam'"),  # noam is whole, not a factor
        ("", "''"),
    ],
)
def test_an_unknown_part_is_named(wrong, part):
    hparams = transformer_base().replace(learning_rate_schedule=wrong)
    with pytest.raises(UsageError, match=f"unknown part {part}"):
        learning_rate.check(hparams)


@pytest.mark.parametrize(
    ("train_steps", "words"),
    [
        (20000, ""),
        (7000, "at step 20000, .*=7000: .* at a higher rate; .*_steps=6000 "),
        (250000, "at step 20000, .*: updates behind it change nothing; .*"),
        (1000, "at step 20000, .* ends before, at a higher rate$"),
    ],
)
def test_a_rate_that_ends_elsewhere_is_said(train_steps, words):
    line = learning_rate.remark(transformer_multi30k_v2(), train_steps)
    assert re.search(words, line) if words else line == ""


def test_a_rate_that_never_ends_needs_no_remark():
    assert learning_rate.remark(transformer_base(), 5) == ""
