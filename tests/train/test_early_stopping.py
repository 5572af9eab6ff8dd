"""When it is enough: tensor2tensor's rule, and a memory that forgets."""

import pytest

from t2t_repro import evaluations, run_directory
from t2t_repro.errors import InputError, UsageError
from t2t_repro.evaluations import Evaluation
from t2t_repro.train import early_stopping
from t2t_repro.train.early_stopping import has_plateaued


@pytest.mark.parametrize(
    "values, minimize, expected",
    [
        # The newest that is 20 steps older than step 40 is step 20: 2.0. Later
        # ones are 0.05 and 0.09 better, less than 0.1.
        ([9.0, 2.0, 1.95, 1.91], True, True),
        # One of them is 0.2 better, though the last is not.
        ([9.0, 2.0, 1.8, 2.1], True, False),
        # Exactly 0.5 better by a delta of 0.5 is better.
        ([9.0, 2.0, 2.0, 1.5], True, False),
        # What came before does not count, not even when it was the best.
        ([0.1, 2.0, 1.95, 1.5], True, False),
        ([10.0, 20.0, 20.05, 19.0], False, True),
        ([10.0, 20.0, 20.5, 20.2], False, False),
    ],
)
def test_nothing_since_then_is_better(values, minimize, expected):
    delta = 0.5 if values[-1] == 1.5 else 0.1
    steps = [10, 20, 30, 40]
    assert has_plateaued(steps, values, 20, delta, minimize) is expected


def test_not_before_there_is_a_then():
    assert not has_plateaued([], [], 20, 0.1, True)
    assert not has_plateaued([10, 20, 29], [1.0, 1.0, 1.0], 20, 0.1, True)
    assert has_plateaued([10, 20, 30], [1.0, 1.0, 1.0], 20, 0.1, True)


def _evaluation(nll):
    return Evaluation(nll, 2.0, 0.5, "bleu", 10.0)


def test_history_keeps_every_bit_and_forgets_what_is_gone(tmp_path):
    history = evaluations.History(tmp_path, 0)
    for step, nll in ((10, 0.1 + 0.2), (20, 1 / 3), (30, 0.7)):
        history.add(step, _evaluation(nll))
    again = evaluations.History(tmp_path, 20)
    assert again.of("nll") == ([10, 20], [0.1 + 0.2, 1 / 3])
    assert 20 in again and 30 not in again
    again.add(30, _evaluation(0.5))
    assert evaluations.History(tmp_path, 99).of("nll")[1][-1] == 0.5


def test_history_says_how_scores_were_computed(tmp_path):
    old = '{"evaluations": [{"step": 5, "nll": 1.0, "perplexity": 2.7,'
    old += ' "token_accuracy": 0.5, "bleu": 3.0}]}'
    (tmp_path / run_directory.EVALUATIONS).write_text(old)
    history = evaluations.History(tmp_path)
    assert history.signatures() == []
    for step, signature in ((10, "v2"), (20, "v1"), (30, "v2")):
        found = Evaluation(1.0, 2.7, 0.5, "bleu", 4.0, signature, 9.0)
        history.add(step, found)
    again = evaluations.History(tmp_path)
    assert again.signatures() == ["v1", "v2"]
    assert again.of("bleu") == ([5, 10, 20, 30], [3.0, 4.0, 4.0, 4.0])
    # How fast it was is not repeated, bit for bit.
    assert "9.0" not in (tmp_path / run_directory.EVALUATIONS).read_text()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"evaluations": [{"step": 1, "nll": 1, "perplexity": 1,'
        ' "token_accuracy": 1, "signature": 1}]}',
        '{"evaluations": 3}',
        '{"evaluations": [3]}',
        '{"evaluations": [{"step": 1}]}',
        '{"evaluations": [',
    ],
)
def test_a_damaged_history_is_one_sentence(tmp_path, text):
    (tmp_path / run_directory.EVALUATIONS).write_text(text)
    with pytest.raises(InputError, match="damaged|not JSON"):
        evaluations.History(tmp_path, 9)


def test_the_best_is_named(tmp_path):
    history = evaluations.History(tmp_path, 0)
    for step, nll in ((10, 3.0), (20, 2.0), (30, 2.5), (40, 2.0)):
        history.add(step, _evaluation(nll))
    rule = early_stopping.check(20, "nll", 0.1, None, True)
    assert rule.is_enough(history)
    assert "the best was 2.0000, at step 20" in rule.explain(history)
    # 40 steps ago there was nothing yet.
    assert not early_stopping.check(40, "nll", 0.1, None, True).is_enough(
        history
    )
    assert not early_stopping.check(None, "nll", 0.1, None, True).is_enough(
        history
    )
    # 10.0 has not risen.
    assert early_stopping.check(20, "bleu", 0.1, None, True).is_enough(history)


@pytest.mark.parametrize(
    "flags, words",
    [
        ((5, "blue", 0.1, None, True), "metric=blue.*Did you mean bleu"),
        ((5, "bleu", 0.1, True, True), "more bleu is better"),
        ((5, "nll", 0.1, False, True), "less nll is better"),
        ((5, "nll", 0.1, True, False), "schedule=train has none"),
    ],
)
def test_flags_that_mean_nothing(flags, words):
    with pytest.raises(UsageError, match=words):
        early_stopping.check(*flags)
