"""Gates on numbers worked by hand; the oracle's: test_mixture_of_experts.py."""

import math

import numpy as np
import pytest

from t2t_repro.layers import expert_gating
from t2t_repro.layers.attention import EVALUATION, Mode

_KEY = np.array([3, 4], np.int32)


def test_gates_are_a_softmax_over_the_largest():
    # Logits 2 and 1 of (1, 0, 2): e / (e + 1) and 1 / (e + 1).
    experts, gates = expert_gating.largest_gates(
        np.array([[1.0, 0.0, 2.0]], np.float32), 2
    )
    np.testing.assert_array_equal(experts, [[2, 0]])
    share = math.e / (math.e + 1)
    np.testing.assert_allclose(gates, [[share, 1 - share]], rtol=1e-6)
    dense = expert_gating.by_expert(experts, gates, 3)
    np.testing.assert_allclose(dense, [[1 - share, 0, share]], rtol=1e-6)


def test_chances():
    # k = 1, noisy (0.5, 2, 1). Expert 1 is in, and has to beat 1: with clean 2
    # and deviation 2 that is Phi(0.5) = 0.69146. Expert 0 has to beat 2: clean
    # 0.5, deviation 1, Phi(-1.5) = 0.06681.
    found = expert_gating.chances(
        np.array([[0.5, 2.0, 1.0]], np.float32),
        np.array([[0.5, 2.0, 1.0]], np.float32),
        np.array([[1.0, 2.0, 1.0]], np.float32),
        1,
    )
    np.testing.assert_allclose(np.ravel(found)[:2], [0.06681, 0.69146], 1e-4)


def test_squared_variation():
    # 1, 3: mean 2, variance 1.
    values = np.array([[1.0, 3.0], [9.0, 9.0]], np.float32)
    found = expert_gating.squared_variation(values[0])
    assert float(found) == pytest.approx(0.25)
    counted = np.array([[1.0], [0.0]], np.float32)
    found = expert_gating.squared_variation(values, counted)
    assert float(found) == pytest.approx(0.25)
    assert float(expert_gating.squared_variation(np.zeros(3, np.float32))) == 0


def test_second_choices_stand_behind_all_first_ones():
    # Tokens choose (0, 1), (0, 2), (1, 0) and, sent nowhere, (0, 1).
    experts = np.array([[0, 1], [0, 2], [1, 0], [0, 1]], np.int32)
    sent = np.array([[1, 1], [1, 1], [1, 1], [0, 0]], np.float32)
    places = expert_gating.in_line(experts, sent, 3)
    np.testing.assert_array_equal(places, [[0, 1], [1, 0], [0, 2], [0, 0]])


def _noisy(**changes):
    sizes = dict(num_experts=4, k=2, loss_coef=1.0, overhead=1.0)
    gate = expert_gating.NoisyTopK(**{**sizes, **changes}, name="gate")
    gate.build((None, None, 3))
    # All noise, no preference: every expert as good as any other.
    assert all(not np.asarray(weight).any() for weight in gate.weights)
    return gate


def test_in_evaluation_all_are_sent_and_an_expert_may_get_all():
    gate = _noisy()
    # The scores are alike, so all tokens have the experts 0 and 1.
    routes = gate(np.ones((2, 5, 3), np.float32), mode=EVALUATION)
    np.testing.assert_array_equal(routes.experts, [[0, 1]] * 10)
    np.testing.assert_array_equal(routes.gates, np.full((10, 2), 0.5))
    assert int(routes.capacity) == 10
    np.testing.assert_array_equal(routes.places[:, 0], np.arange(10))


def test_in_training_experts_are_full_at_their_share():
    gate = _noisy()
    gate.kernel.assign(np.eye(3, 4) * 10.0)
    x = np.zeros((2, 6, 3), np.float32)
    x[..., 0], x[..., 1] = 2, 1
    present = np.ones((2, 6), bool)
    present[1, 2:] = False
    mode = Mode(dropout_key=_KEY, losses=[], present=present)
    routes = gate(x, mode=mode)
    # 8 tokens, 2 choices each, 4 experts: 4 places. All choose 0 and then 1.
    np.testing.assert_array_equal(routes.experts, [[0, 1]] * 12)
    kept = np.asarray(routes.gates) > 0
    np.testing.assert_array_equal(kept.sum(axis=0), [4, 4])
    assert kept[:4].all()
    # The shape is for the 12 positions there are.
    assert int(routes.capacity) == 6
    # Expert 0 is all there is, by gate and by chance: (8, 0, 0, 0) has mean 2
    # and variance 12; by chance two experts get 8 each, mean 4, variance 16.
    (loss,) = mode.losses
    assert float(loss) == pytest.approx(12 / 4 + 16 / 16, rel=0.01)


def test_padding_changes_neither_loss_nor_places():
    gate = _noisy(overhead=1.5)
    rng = np.random.default_rng(1)
    gate.kernel.assign(rng.normal(size=(3, 4)))
    x = rng.normal(size=(1, 12, 3)).astype(np.float32)
    losses, gates = [], []
    for filler in (0.0, 7.0):
        x[0, 8:] = filler
        mode = Mode(
            dropout_key=_KEY, losses=[], present=(np.arange(12) < 8)[None]
        )
        routes = gate(x, mode=mode)
        gates.append(np.asarray(routes.gates))
        losses.append(float(mode.losses[0]))
    np.testing.assert_array_equal(gates[0], gates[1])
    assert losses[0] == losses[1] > 0
    assert not gates[0][8:].any()


def test_noise_follows_the_key():
    gate = _noisy()
    x = np.ones((1, 50, 3), np.float32)

    def experts(key):
        mode = Mode(dropout_key=np.array(key, np.int32))
        return np.asarray(gate(x, mode=mode).experts)

    np.testing.assert_array_equal(experts([1, 1]), experts([1, 1]))
    assert (experts([1, 1]) != experts([1, 2])).any()


def test_a_sentence_of_padding_alone_gives_no_loss():
    for kind in (expert_gating.NoisyTopK, expert_gating.TopTwo):
        gate = kind(4, 2, 1.0, 1.0, "gate")
        gate.build((None, None, 3))
        mode = Mode(dropout_key=_KEY, losses=[], present=np.zeros((2, 5), bool))
        routes = gate(np.ones((2, 5, 3), np.float32), mode=mode)
        assert not np.asarray(routes.gates).any()
        assert float(mode.losses[0]) == 0.0


def test_two_largest_avoids_what_will_be_full():
    # Four tokens, two experts, no spare: 4 places each. All like expert 0
    # first. Their second is 1: its 4 places are enough.
    liked = np.tile(np.array([0.6, 0.4], np.float32), (1, 4, 1))
    found = expert_gating.two_largest(liked, np.ones((1, 4), np.float32), 1.0)
    np.testing.assert_allclose(found.gates[0], [[0.6] * 4], rtol=1e-6)
    # With half of it, expert 0 has two places; the others keep their second
    # choice alone. Of expert 1's two places the second choices of the first
    # two take all.
    found = expert_gating.two_largest(liked, np.ones((1, 4), np.float32), 0.5)
    np.testing.assert_allclose(found.gates[0], [[0.6, 0.6, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(found.gates[1], [[0.4, 0.4, 0, 0]], rtol=1e-6)
    # Padding takes no place: the last two are as if alone, with one place.
    present = np.array([[0, 0, 1, 1]], np.float32)
    found = expert_gating.two_largest(liked, present, 0.5)
    np.testing.assert_allclose(found.gates[0], [[0, 0, 0.6, 0]], rtol=1e-6)


def test_of_equal_ones_the_last_is_best():
    equal = np.full((1, 1, 3), 1 / 3, np.float32)
    found = expert_gating.two_largest(equal, np.ones((1, 1), np.float32), 3.0)
    np.testing.assert_array_equal(found.chosen[0], [[[0, 0, 1]]])
    np.testing.assert_array_equal(found.chosen[1], [[[0, 1, 0]]])
