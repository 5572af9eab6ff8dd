"""Given translations: the same figure as the search's, by hand, in order."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from t2t_repro.decode import scoring
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.scoring import Score, Scorer
from t2t_repro.decode.translator import Translator
from t2t_repro.errors import InputError
from t2t_repro.models.transformer import Transformer

_OPTIONS = DecodeOptions(beam_size=3, extra_length=4, batch_size=2, n_best=3)
_PAIRS = [("a b", "c"), ("", "a b c d"), ("a b c d e", ""), ("b", "g g")]


class _Letters:
    """A vocabulary of letters a to g, ids from 2; spaces do not count."""

    vocab_size = 9

    def encode(self, text):
        return [ord(c) - ord("a") + 2 for c in text if c != " "]

    def decode(self, ids):
        return "".join(chr(i - 2 + ord("a")) for i in ids if i > 1)

    def pieces(self, ids):
        return ["</s>" if i == 1 else self.decode([i]) for i in ids]


class _Constant:
    """Gives id i the logit ln(i + 1), whatever it has read."""

    def __call__(self, inputs, targets):
        return tf.ones([tf.shape(targets)[0], tf.shape(targets)[1], 1])

    def logits(self, rows):
        return rows * tf.math.log(tf.range(1.0, 10.0))[None]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    hparams = transformer_tiny().replace(hidden_size=16, filter_size=16)
    return Transformer(hparams, _Letters.vocab_size)


def test_by_hand():
    # Probabilities (i + 1) / 45: "a" is id 2, "b" id 3, the end id 1.
    (score,) = Scorer(_Constant(), _Letters(), _OPTIONS).stream([("c", "ab")])
    expected = [math.log(p / 45) for p in (3, 4, 2)]
    assert score.pieces == ("a", "b", "</s>")
    assert score.log_probabilities == pytest.approx(expected, abs=1e-6)
    assert score.log_probability == pytest.approx(sum(expected), abs=1e-6)


def test_the_line():
    score = Score(("a", "</s>"), (-0.5, -0.25))
    assert score.line() == "-0.750000"
    assert score.line(True) == "-0.750000\ta\t-0.500000\t</s>\t-0.250000"


def test_the_searchs_own_score_of_the_same_ids(model):
    """A search adds up what the forced decoder says, then divides."""
    lines = ["a b c", "d", "e f g a b"]
    found = Translator(model, _Letters(), _OPTIONS).translate(lines)
    scorer = Scorer(model, _Letters(), _OPTIONS)
    pairs, expected = [], []
    for line, hypotheses in zip(lines, found, strict=True):
        for hypothesis in hypotheses:
            ids = hypothesis.ids
            ended = ids[-1] == 1
            penalty = ((5 + len(ids)) / 6) ** _OPTIONS.alpha if ended else 1.0
            pairs.append(([*_Letters().encode(line), 1], ids))
            expected.append(hypothesis.score * penalty)
    assert len(pairs) == 9
    sums = [float(np.sum(row)) for row in scorer.score_ids(pairs)]
    np.testing.assert_allclose(sums, expected, atol=1e-4)


def test_neighbours_and_order_change_nothing(model):
    scorer = Scorer(model, _Letters(), _OPTIONS)
    counts: list[int] = []
    scores = scorer.stream(_PAIRS, counts.append)
    together = [score.log_probability for score in scores]
    assert sum(counts) == len(_PAIRS)
    alone = [
        score.log_probability
        for pair in _PAIRS
        for score in scorer.stream([pair])
    ]
    assert together == pytest.approx(alone, abs=1e-5)
    # An empty target is the end of sentence alone.
    assert len(next(scorer.stream([("a", "")])).pieces) == 1


def test_a_batch_holds_no_more_ids_than_memory_allows(model, monkeypatch):
    monkeypatch.setattr(scoring, "IDS_AT_ONCE", 6)
    scorer = Scorer(model, _Letters(), DecodeOptions(batch_size=10))
    ids = [([1], [1] * n) for n in (2, 7, 3, 3, 1)]
    # 7 is more than 6 and goes alone; 3 + 3; then 2 and 1.
    assert list(scorer._batches(ids)) == [[1], [2, 3], [0, 4]]


def test_pairs_of_a_file():
    assert list(scoring.read_pairs(["a\tb", "\t", " a \tb "], "f")) == [
        ("a", "b"),
        ("", ""),
        (" a ", "b "),
    ]
    for line, tabs in (("a b", 0), ("a\tb\tc", 2)):
        pairs = scoring.read_pairs(["a\tb", line], "f")
        with pytest.raises(InputError, match=f"^f, line 2, has {tabs} tabs"):
            list(pairs)
