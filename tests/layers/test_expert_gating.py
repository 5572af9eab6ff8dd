"""Gating on numbers worked by hand; the oracle's: test_mixture_of_experts."""

import math

import numpy as np
import pytest

from t2t_repro.layers import expert_gating


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
