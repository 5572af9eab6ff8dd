"""A search that is held to a form knows nothing of the form."""

import math

import pytest
import tensorflow as tf

from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.decode.constraint import ANYTHING
from tests.decode.test_beam_search import _MODEL, _VOCABULARY


class _Without:
    """Forbids one id behind so many others."""

    def __init__(self, number, behind):
        self._number, self._behind = number, behind

    def start(self, inputs, limits, beams):
        return (), tf.zeros([tf.shape(inputs)[0], beams], tf.int32)

    def allowed(self, memory, state):
        now = (state == self._behind)[:, :, None]
        return ~(now & (tf.range(_VOCABULARY) == self._number))

    def merged(self, memory, state, logits):
        return logits

    def advance(self, memory, state, ids):
        return state + 1


@pytest.mark.parametrize(
    ("constraint", "ids", "probability"),
    [
        (ANYTHING, [4, 1], 0.4 * 0.9),
        # Nothing is given to the others for what is left out.
        (_Without(4, behind=0), [2, 3, 1], 0.5 * 0.6),
        (_Without(1, behind=1), [2, 3, 1], 0.5 * 0.6),
        (_Without(3, behind=1), [4, 1], 0.4 * 0.9),
    ],
)
def test_a_beam(constraint, ids, probability):
    sources, limits = tf.constant([[0]]), tf.constant([10])
    found = beam_search(_MODEL, sources, limits, 2, 0.0, constraint=constraint)
    best = found.ids[0, 0].numpy()
    assert best[best > 0].tolist() == ids
    assert float(found.scores[0, 0]) == pytest.approx(
        math.log(probability), 1e-5
    )


def test_the_likeliest_of_what_is_allowed():
    sources, limits = tf.constant([[0]]), tf.constant([10])
    found = greedy_search(
        _MODEL, sources, limits, constraint=_Without(3, behind=1)
    )
    # a (0.5), then the end (0.4) instead of b (0.6).
    assert found.ids.numpy().tolist() == [[[2, 1]]]
    assert float(found.scores[0, 0]) == pytest.approx(math.log(0.2), 1e-5)
