"""The best of many logits; the search around it is tested in
`test_beam_search`."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.decode import beam_step


def test_the_largest_by_hand():
    logits = np.zeros((1, 2, 1000), np.float32)
    # Two in the last block, which is not full; one in the first.
    logits[0, 0, [998, 999, 5]] = [2, 3, 1]
    logits[0, 1] = -4
    logits[0, 1, 700] = -3
    values, indices = beam_step.largest(tf.constant(logits), 3)
    np.testing.assert_array_equal(values, [[[3, 2, 1], [-3, -4, -4]]])
    np.testing.assert_array_equal(indices, [[[999, 998, 5], [700, 0, 1]]])


@pytest.mark.parametrize("vocabulary", [3, 128, 129, 1024, 1025, 5000])
@pytest.mark.parametrize("kinds", [3, 100_000])
def test_they_are_those_of_a_sort(vocabulary, kinds):
    # Of three kinds of values nearly all are equal to others.
    rng = np.random.default_rng(vocabulary)
    logits = rng.integers(-kinds, 0, (4, 3, vocabulary)).astype(np.float32)
    count = min(8, vocabulary)
    values, indices = beam_step.largest(tf.constant(logits), count)
    expected = np.argsort(-logits, axis=2, kind="stable")[:, :, :count]
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(
        values, np.take_along_axis(logits, expected, axis=2)
    )


def _probabilities(*values):
    """Logits of two beams that give each id a probability."""
    return tf.constant(np.log(np.array([[values, values]], np.float32)))


def _steps(search, count=2):
    """Padding 0.4, the end 0.1, two words 0.3 and 0.2, at every step."""
    rules = beam_step.Rules(2, 4, 1.0, 2, search)
    limits = tf.constant([2])
    state = beam_step.first_state(limits, 2)
    for position in range(count):
        state, _ = beam_step.advance(
            tf.constant(position),
            state,
            _probabilities(0.4, 0.1, 0.3, 0.2),
            limits,
            rules,
        )
    return state


def test_the_rules_of_transformers_in_the_first_step():
    state = _steps("huggingface", 1)
    # No padding, which keeps its 0.4 all the same; and the end, third of the
    # words that are left, is not among the first two that may end.
    np.testing.assert_array_equal(state.alive_ids, [[[2], [3]]])
    np.testing.assert_allclose(
        state.alive_log_probs, np.log([[0.3, 0.2]]), rtol=1e-6
    )
    assert not np.any(state.is_finished)
    # tensor2tensor's take both.
    state = _steps("tensor2tensor", 1)
    np.testing.assert_array_equal(state.alive_ids, [[[0], [2]]])
    np.testing.assert_array_equal(state.is_finished, [[True, False]])


def test_the_rules_of_transformers_at_the_limit():
    state = _steps("huggingface")
    # Two ids each, so their log probability halved: 0.3 x 0.3 and 0.3 x 0.2.
    np.testing.assert_array_equal(state.finished_ids[0, 0], [2, 2])
    np.testing.assert_allclose(
        state.finished_scores, np.log([[0.09, 0.06]]) / 2, rtol=1e-6
    )
    assert np.all(state.is_finished) and np.all(state.is_done)


def test_renormalized_probabilities_leave_the_padding_out():
    state = _steps("huggingface_renormalized", 1)
    np.testing.assert_allclose(
        state.alive_log_probs, np.log([[0.5, 1 / 3]]), rtol=1e-6
    )
