"""Paired tests on text of which the answer is known beforehand.

tests/bin/test_t2t_bleu.py compares them with sacreBLEU's own command.
"""

import pytest

from t2t_repro.errors import InputError, UsageError
from t2t_repro.metrics import bleu, significance

_REFERENCE = [f"a b c d {n}" for n in range(30)]
_WORSE = ["a b x d e" for _ in _REFERENCE]


def test_a_clear_difference_is_no_chance():
    found = significance.paired_tests(
        ["ter", "sacrebleu"], _REFERENCE, _WORSE, _REFERENCE
    )
    assert list(found) == ["ter", "sacrebleu"]
    score = found["sacrebleu"]
    assert score.score == pytest.approx(100.0)
    expected = bleu.sacrebleu_score(_WORSE, _REFERENCE).score
    assert score.baseline == pytest.approx(expected)
    # The one that is always added, of 1,001 and of 10,001.
    assert score.bootstrap_p == pytest.approx(1 / 1001)
    assert score.randomisation_p == pytest.approx(1 / 10_001)
    # Every resample of a perfect translation is perfect.
    assert score.mean == pytest.approx(100.0)
    assert score.interval == pytest.approx(0.0)
    assert "|bs:1000|seed:12345|" in score.bootstrap_signature
    assert "|ar:10000|seed:12345|" in score.randomisation_signature
    # Two words of five in every line.
    assert found["ter"].baseline == pytest.approx(40.0)


def test_a_small_difference_may_be_chance():
    one_worse = [_WORSE[0], *_REFERENCE[1:]]
    other_worse = [_REFERENCE[0], *_REFERENCE[1:-1], "a b c d"]
    found = significance.paired_tests(
        ["sacrebleu"], one_worse, other_worse, _REFERENCE
    )["sacrebleu"]
    assert found.bootstrap_p > 0.05


def test_the_seed_is_sacrebleus_own(monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", "7")
    found = significance.paired_tests(
        ["sacrebleu"], _REFERENCE, _WORSE, _REFERENCE
    )["sacrebleu"]
    assert "|seed:7|" in found.bootstrap_signature
    monkeypatch.setenv("SACREBLEU_SEED", "-7")
    with pytest.raises(UsageError, match="give a whole number or None"):
        significance.paired_tests(["sacrebleu"], _REFERENCE, _WORSE, _REFERENCE)


def test_lines_must_pair_up():
    with pytest.raises(InputError, match="has 1 lines and the reference 30"):
        significance.paired_tests(["ter"], _REFERENCE, ["a"], _REFERENCE)
