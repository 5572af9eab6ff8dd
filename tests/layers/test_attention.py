"""Attention on numbers that can be worked by hand."""

import math

import numpy as np
import pytest

from t2t_repro.layers import attention


def test_weights_are_the_softmax_of_scaled_products():
    # d_k = 4, so products are halved. Query (2, 0, 0, 0) meets the keys
    # (1, 0, 0, 0) and (0, 1, 0, 0): logits 1 and 0, weights e/(e+1), 1/(e+1).
    query = np.array([2.0, 0, 0, 0], np.float32).reshape(1, 1, 1, 4)
    key = np.eye(4, dtype=np.float32)[:2].reshape(1, 1, 2, 4)
    weights = attention.attention_weights(query, key, None)
    np.testing.assert_allclose(
        np.ravel(weights), [math.e / (math.e + 1), 1 / (math.e + 1)], rtol=1e-6
    )


def test_a_masked_key_has_no_weight():
    query = np.ones((1, 1, 1, 4), np.float32)
    key = np.ones((1, 1, 3, 4), np.float32)
    bias = attention.padding_bias(np.array([[7, 1, 0]]))
    weights = np.ravel(attention.attention_weights(query, key, bias))
    np.testing.assert_allclose(weights, [0.5, 0.5, 0.0], atol=1e-7)


def test_causal_bias_hides_what_comes_later():
    bias = np.asarray(attention.causal_bias(3))[0, 0] / attention.MASKED
    np.testing.assert_array_equal(bias, [[0, 1, 1], [0, 0, 1], [0, 0, 0]])


def test_attend_mixes_the_values():
    # Equal keys: the mean of the values (1, 10) and (3, 30).
    query = np.ones((1, 1, 1, 2), np.float32)
    key = np.ones((1, 1, 2, 2), np.float32)
    value = np.array([[1, 10], [3, 30]], np.float32).reshape(1, 1, 2, 2)
    context, weights = attention.attend(query, key, value, None, 0.0, None)
    np.testing.assert_allclose(np.ravel(context), [2, 20], rtol=1e-6)
    np.testing.assert_allclose(np.ravel(weights), [0.5, 0.5], rtol=1e-6)


def test_heads_may_have_other_sizes_than_the_model():
    # Rows B of Table 3 need d_k != d_v: 4 heads, d_k = 2, d_v = 3.
    layer = attention.MultiHeadAttention(8, 4, 8, 12, False, 0.0, "attention")
    layer.build((None, None, 8))
    x = np.random.default_rng(1).normal(size=(2, 5, 8)).astype(np.float32)
    maps: dict = {}
    key, value = layer.keys_values(x)
    mode = attention.Mode(maps=maps)
    output = layer(x, (key, value), bias=None, mode=mode)
    assert key.shape == (2, 4, 5, 2)
    assert value.shape == (2, 4, 5, 3)
    assert output.shape == (2, 5, 8)
    sums = np.asarray(maps["attention"]).sum(axis=-1)
    np.testing.assert_allclose(sums, np.ones((2, 4, 5)), rtol=1e-6)


@pytest.mark.parametrize("bias, weights", [(False, 4), (True, 8)])
def test_biases_are_a_choice(bias, weights):
    layer = attention.MultiHeadAttention(128, 4, 128, 128, bias, 0.0, "here")
    layer.build((None, None, 128))
    assert len(layer.weights) == weights


def test_a_cache_and_the_own_key_beside_it():
    # Two beams, all keys zero: what is seen counts alike. Beam 0 sees the first
    # entry and itself, (1 + 4) / 2; beam 1 both entries, (1 + 3 + 8) / 3.
    cache = (
        np.zeros((1, 1, 2, 2), np.float32),
        np.array([1.0, 3.0], np.float32).reshape(1, 1, 2, 1),
    )
    query = np.ones((1, 1, 2, 2), np.float32)
    own = 0 * query, np.array([4.0, 8.0], np.float32).reshape(1, 1, 2, 1)
    bias = np.array([[0, attention.MASKED], [0, 0]], np.float32)
    found = attention.attend_beside(query, cache, own, bias)
    np.testing.assert_allclose(np.ravel(found), [2.5, 4.0], rtol=1e-6)
    # And as attention to all of them in one row, where keys differ.
    rng = np.random.default_rng(0)
    key, value = (rng.normal(size=(1, 1, 4, 2)).astype("f") for _ in range(2))
    own = key[:, :, 2:], value[:, :, 2:]
    found = attention.attend_beside(
        query, (key[:, :, :2], value[:, :, :2]), own, bias
    )
    others = np.array([[0, attention.MASKED], [attention.MASKED, 0]])
    whole = np.concatenate([bias, others], axis=1).astype(np.float32)
    expected, _ = attention.attend(query, key, value, whole, 0.0, None)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_beam_sees_its_ancestors_and_itself():
    # Two beams, two positions. At the first beam 0 was beam 1, and beam 1, too.
    ancestors = attention.with_itself(np.array([[[1], [1]]], np.int32))
    assert np.array(ancestors).tolist() == [[[1, 0], [1, 1]]]
    # Entries by position and beam: 0/0, 0/1, 1/0, 1/1.
    visible = np.array(attention.ancestry_bias(ancestors)) != attention.MASKED
    assert visible.tolist() == [
        [[[False, True, True, False], [False, True, False, True]]]
    ]
