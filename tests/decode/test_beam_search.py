"""Beam search on a model whose every probability is written down."""

import math

import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.decode.beam_step import length_penalty
from t2t_repro.layers.attention import EVALUATION
from t2t_repro.models.seq2seq import Seq2Seq
from t2t_repro.models.transformer import Transformer

# Ids: 0 padding, 1 end, 2 = "a", 3 = "b", 4 = "c".
_VOCABULARY = 5


class _Table(Seq2Seq):
    """A bigram model: the next id depends on the last id and the source.

    `rows[source id][last id]` holds the probabilities of the next id. That
    states follow their beams is shown with real models (tests/models).
    """

    def __init__(self, rows):
        super().__init__(None, _VOCABULARY, "table")
        self._rows = tf.constant(rows, tf.float32)

    def encode(self, inputs, mode=EVALUATION):
        return inputs[:, 0]

    def start(self, encoded, beams):
        return encoded, tf.zeros([tf.shape(encoded)[0], beams, 0])

    def step(self, ids, position, memory, state, mode=EVALUATION):
        table = tf.gather(self._rows, memory)
        log_probs = tf.math.log(tf.gather(table, ids, batch_dims=1))
        # What is multiplied with zeros must be finite.
        log_probs = tf.maximum(log_probs, -1e30)
        grown = tf.concat([state, tf.cast(ids, tf.float32)[:, :, None]], 2)
        tf.debugging.assert_equal(tf.shape(grown)[2], position + 1)
        return log_probs, grown

    def output_kernel(self):
        return tf.eye(_VOCABULARY)


# Source 0. Greedy takes a (0.5), then b (0.6), then the end: 0.3. The best
# sentence starts with c: 0.4 * 0.9 = 0.36.
_NO = 1e-30
_GARDEN_PATH = [
    [_NO, _NO, 0.5, 0.1, 0.4],  # start
    [_NO, 1.0, _NO, _NO, _NO],
    [_NO, 0.4, _NO, 0.6, _NO],  # after a
    [_NO, 1.0, _NO, _NO, _NO],  # after b
    [_NO, 0.9, 0.1, _NO, _NO],  # after c
]
# Source 1 never ends: always a.
_ENDLESS = [[_NO, 0.0, 1.0, _NO, _NO]] * 5
_MODEL = _Table([_GARDEN_PATH, _ENDLESS])


def _search(sources, limits, **settings):
    inputs = tf.constant(sources, tf.int32)[:, None]
    settings = {"beam_size": 2, "alpha": 0.0, **settings}
    result = beam_search(_MODEL, inputs, tf.constant(limits), **settings)
    return result.ids.numpy(), result.scores.numpy()


def test_length_penalty():
    # ((5 + 7) / 6)^0.6 = 2^0.6
    assert float(length_penalty(7, 0.6)) == pytest.approx(2**0.6)


def test_greedy_follows_the_likeliest_id():
    result = greedy_search(_MODEL, tf.constant([[0]]), tf.constant([10]))
    assert result.ids.numpy().tolist() == [[[2, 3, 1]]]
    assert result.scores.numpy()[0, 0] == pytest.approx(math.log(0.3), 1e-5)


def test_beam_finds_the_better_sentence():
    ids, scores = _search([0], [10])
    assert ids[0, 0, :2].tolist() == [4, 1]
    assert scores[0, 0] == pytest.approx(math.log(0.36), 1e-5)


def test_the_penalty_can_prefer_the_longer_sentence():
    # With alpha 4, "a b" (3 ids with the end) has ln 0.3 / (8/6)^4 = -0.381
    # and "c" (2 ids) ln 0.36 / (7/6)^4 = -0.551.
    ids, scores = _search([0], [10], alpha=4.0, keep=2)
    assert ids[0, 0, :3].tolist() == [2, 3, 1]
    assert scores[0, 0] == pytest.approx(math.log(0.3) / (8 / 6) ** 4, 1e-4)
    assert ids[0, 1, :3].tolist() == [4, 1, 0]
    assert scores[0, 1] == pytest.approx(math.log(0.36) / (7 / 6) ** 4, 1e-4)


def test_an_unfinished_hypothesis_is_returned_at_the_limit():
    ids, scores = _search([1], [4])
    assert ids[0, 0].tolist() == [2, 2, 2, 2]
    assert scores[0, 0] == pytest.approx(0.0, abs=1e-5)


def test_a_sentence_does_not_depend_on_its_neighbours():
    alone_ids, alone_scores = _search([0], [10], keep=2)
    ids, scores = _search([1, 0, 1], [4, 10, 25], keep=2)
    length = alone_ids.shape[2]
    np.testing.assert_array_equal(ids[1, :, :length], alone_ids[0])
    assert not ids[1, :, length:].any()
    np.testing.assert_allclose(scores[1], alone_scores[0], atol=1e-6)
    # The endless ones stop at their own limits.
    assert (ids[0, 0] != 0).sum() == 4
    assert (ids[2, 0] != 0).sum() == 25


def test_the_search_ends_when_nothing_better_can_come():
    # Decided long before the limit: the result is as short as that moment.
    ids, _ = _search([0], [1000])
    assert ids.shape[2] < 20


def test_a_limit_of_zero_gives_nothing():
    ids, _ = _search([0], [0])
    assert ids.shape[2] == 0


@pytest.mark.parametrize("layers", [1, 2])
def test_the_compiled_search_is_the_eager_one(layers):
    # TensorFlow's graph rewriting once broke the loop of one layer.
    hparams = transformer_tiny().replace(
        num_hidden_layers=layers, hidden_size=16, filter_size=32, num_heads=2
    )
    model = Transformer(hparams, 11)
    inputs = tf.constant([[5, 6, 7, 1], [8, 1, 0, 0], [9, 9, 1, 0]])
    limits = tf.constant([8, 6, 0])

    def search(inputs, limits):
        return beam_search(model, inputs, limits, beam_size=2, alpha=0.6)

    signature = [
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None], tf.int32),
    ]
    compiled = tf.function(search, input_signature=signature)(inputs, limits)
    eager = search(inputs, limits)
    np.testing.assert_array_equal(compiled.ids, eager.ids)
    np.testing.assert_allclose(compiled.scores, eager.scores, atol=1e-4)
