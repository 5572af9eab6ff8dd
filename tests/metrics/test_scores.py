"""A score and its words; BLEU and F1 have tests of their own."""

import pytest

from t2t_repro.errors import InputError
from t2t_repro.metrics.scores import corpus_score


def test_accuracy_is_of_whole_lines():
    # The third has a right word, and is wrong.
    outputs, references = ["yes", "no", "a b", ""], ["yes", "yes", "a", ""]
    score = corpus_score("accuracy", outputs, references)
    assert (score.metric, score.value) == ("accuracy", 50.0)
    assert score.text == (
        "accuracy = 50.00 whole lines, 2 of 4 wrong: error rate 50.00 %"
    )
    assert corpus_score("accuracy", [], []).value == 100.0


def test_accuracy_of_unequally_many():
    with pytest.raises(InputError, match="1 outputs, but 2 references"):
        corpus_score("accuracy", ["a"], ["a", "b"])
