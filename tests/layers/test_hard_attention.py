"""The estimator of hard attention, worked out by hand."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.layers import hard_attention


def _one_row(*weights):
    """`[1, 1, 1, source]`."""
    return tf.constant(weights, tf.float32)[None, None, None]


def test_a_position_is_drawn_as_often_as_it_weighs():
    # Sums are 0.2, 0.2, 0.7, 1.0: below 0.2 is position 0, none is 1.
    weights = _one_row(0.2, 0.0, 0.5, 0.3)
    for number, place in (
        *((0.0, 0), (0.19, 0), (0.21, 2), (0.69, 2)),
        *((0.71, 3), (1.0 - 2.0**-23, 3)),
    ):
        drawn = hard_attention.draw(weights, tf.fill([1, 1, 1], number))
        np.testing.assert_array_equal(drawn[0, 0, 0], np.eye(4)[place])


def test_weights_in_front_that_are_0_are_never_drawn():
    weights = _one_row(0.0, 0.0, 0.25, 0.25, 0.0)  # a window, in local-p
    for number, place in ((0.0, 2), (0.49, 2), (0.51, 3), (0.999, 3)):
        drawn = hard_attention.draw(weights, tf.fill([1, 1, 1], number))
        np.testing.assert_array_equal(drawn[0, 0, 0], np.eye(5)[place])


def test_the_likeliest():
    found = hard_attention.likeliest(_one_row(0.1, 0.6, 0.3))
    np.testing.assert_array_equal(found[0, 0, 0], [0.0, 1.0, 0.0])


def test_what_is_learnt_from():
    # Two heads of a sentence that is drawn for: (0.25, 0.75) at 0.1 is
    # position 0, (0.5, 0.5) at 0.9 is 1. The other sentence sees the mean.
    weights = tf.constant([[[[0.25, 0.75]], [[0.5, 0.5]]]] * 2)
    numbers = tf.constant([[[0.1], [0.9]], [[-1.0], [-1.0]]])
    seen, choice = hard_attention.choose(weights, numbers)
    np.testing.assert_array_equal(seen[0, :, 0], [[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(seen[1], weights[1])
    log_prob = np.log(0.25) + np.log(0.5)
    np.testing.assert_allclose(choice.log_probs, [[log_prob], [0.0]], rtol=1e-6)
    entropy = -0.25 * np.log(0.25) - 0.75 * np.log(0.75) + np.log(2)
    np.testing.assert_allclose(choice.entropies, [[entropy]] * 2, rtol=1e-6)


def test_weights_of_a_window_count_by_their_share():
    # 0.1 and 0.3 are a quarter and three quarters.
    _, choice = hard_attention.choose(
        _one_row(0.1, 0.3), tf.constant([[[0.9]]])
    )
    np.testing.assert_allclose(choice.log_probs, [[np.log(0.75)]], rtol=1e-6)
    entropy = -0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    np.testing.assert_allclose(choice.entropies, [[entropy]], rtol=1e-5)


# Two target words that look at two source positions. _LOSSES[i, j]: of both
# words, where the first looked at i and the second at j.
_LOSSES = np.array(
    [[[1.0, 2.0], [1.0, 0.5]], [[3.0, 4.0], [3.0, 0.2]]], np.float32
)
_SCORES = np.array([[0.3, -0.2], [-1.0, 0.4]], np.float32)  # of each word


def _gradient(losses, is_fed, baseline, reward=1.0, entropy=0.0):
    """Of the scores, the mean over all draws, each as often as it is likely."""
    expected = np.zeros((2, 2))
    shares = tf.nn.softmax(_SCORES).numpy()
    for first, second in itertools.product(range(2), repeat=2):
        scores = tf.constant(_SCORES)[None, None]
        # In the middle of what is drawn as the position.
        numbers = [
            row[0] / 2 if place == 0 else (1.0 + row[0]) / 2
            for row, place in zip(shares, (first, second), strict=True)
        ]
        with tf.GradientTape() as tape:
            tape.watch(scores)
            seen, choice = hard_attention.choose(
                tf.nn.softmax(scores), tf.constant(numbers)[None, None]
            )
            loss = hard_attention.loss_to_learn(
                choice,
                tf.constant(losses[first, second])[None],
                tf.ones((1, 2)),
                tf.constant(baseline),
                is_fed=is_fed,
                reward=reward,
                entropy=entropy,
            )
        assert float(loss) == 0.0
        np.testing.assert_array_equal(
            np.argmax(seen[0, 0], axis=-1), [first, second]
        )
        likelihood = shares[0, first] * shares[1, second]
        expected += likelihood * tape.gradient(loss, scores)[0, 0].numpy()
    return expected


@pytest.mark.parametrize("baseline", [0.0, -1.5])
def test_the_expected_gradient_is_that_of_the_expected_loss(baseline):
    """A mean over two tokens; the baseline changes the noise, not the mean."""
    scores = tf.constant(_SCORES)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        shares = tf.nn.softmax(scores)
        both = shares[0][:, None] * shares[1][None]
        loss = tf.reduce_sum(both * _LOSSES.sum(axis=-1)) / 2.0
    analytic = tape.gradient(loss, scores)
    found = _gradient(_LOSSES, is_fed=True, baseline=baseline)
    np.testing.assert_allclose(found, analytic, atol=1e-6)
    # By hand, the second word: d/ds_0 of sum_j p_j L_j is p_0 p_1 (L_0 - L_1),
    # L the mean over the first word's place; p of the first (0.3, -0.2) is
    # 0.6225, of the second (-1.0, 0.4) 0.1978.
    first, second = 0.622459, 0.197816
    gap = first * 1.5 + (1 - first) * 3.8
    by_hand = second * (1 - second) * gap / 2.0
    np.testing.assert_allclose(found[1], [by_hand, -by_hand], rtol=1e-4)


def test_without_feeding_a_word_is_rewarded_for_itself():
    # The second word's loss depends on its own place alone.
    losses = _LOSSES.copy()
    losses[1, :, 1] = losses[0, :, 1]
    fed = _gradient(losses, is_fed=True, baseline=-1.0)
    alone = _gradient(losses, is_fed=False, baseline=-1.0)
    np.testing.assert_allclose(alone, fed, atol=1e-6)
    # First word: p_0 p_1 (1 - 3), over two tokens.
    first = 0.622459
    by_hand = first * (1 - first) * -2.0 / 2.0
    np.testing.assert_allclose(alone[0], [by_hand, -by_hand], rtol=1e-4)


def test_lambda_r_and_lambda_e():
    plain = _gradient(_LOSSES, is_fed=True, baseline=0.0)
    tenth = _gradient(_LOSSES, is_fed=True, baseline=0.0, reward=0.1)
    np.testing.assert_allclose(tenth, plain / 10.0, atol=1e-6)
    # Entropy alone, of the first word: dH/ds_0 = -p_0 p_1 (s_0 - s_1), and
    # what is minimised is -0.5 H, a mean over two tokens.
    alone = _gradient(
        _LOSSES, is_fed=True, baseline=0.0, reward=0.0, entropy=0.5
    )
    first = 0.622459
    by_hand = 0.5 * first * (1 - first) * 0.5 / 2.0
    np.testing.assert_allclose(alone[0], [by_hand, -by_hand], rtol=1e-4)


def test_the_baseline_goes_a_tenth_of_the_way_to_the_mean():
    # Words of loss 1 and 3, and padding: b = -1 lies 1 above their -2.
    baseline = tf.Variable(-1.0)
    nothing = tf.zeros((1, 3))
    with tf.GradientTape() as tape:
        loss = hard_attention.loss_to_learn(
            hard_attention.Choice(nothing, nothing),
            tf.constant([[1.0, 3.0, 0.0]]),
            tf.constant([[1.0, 1.0, 0.0]]),
            baseline,
            is_fed=True,
            reward=1.0,
            entropy=0.0,
        )
    assert float(tape.gradient(loss, baseline)) == pytest.approx(1.0)
