"""Gated convolutions, against loops over cells and numbers by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.layers.conv_gru import (
    ConvGRU,
    Convolution,
    DiagonalConvGRU,
    diagonal_shift,
    saturating_sigmoid,
)

_RNG = np.random.default_rng(1)


def _random(*shape):
    return _RNG.normal(size=shape).astype(np.float32)


def _perturbed(layer, shape):
    keras.utils.set_random_seed(1)
    layer.build(shape)
    for weight in layer.weights:
        weight.assign(weight + 0.3 * _random(*weight.shape))
    return layer


def _convolved(x, kernel, bias, dilation):
    """Cell by cell: what lies beyond an edge is zero."""
    width, height, _, units = kernel.shape
    y = np.zeros((*x.shape[:3], units))
    for column, row in np.ndindex(*x.shape[1:3]):
        for i, j in np.ndindex(width, height):
            at = column + dilation * (i - width // 2), row + j - height // 2
            if 0 <= at[0] < x.shape[1] and 0 <= at[1] < x.shape[2]:
                y[:, column, row] += x[:, at[0], at[1]] @ kernel[i, j]
    return y + bias


def _normed(x, scale, bias):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * scale + bias


def _gate(x):
    return np.clip(1.2 / (1.0 + np.exp(-x)) - 0.1, 0.0, 1.0)


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_convolution_and_its_gradient(dilation):
    layer = _perturbed(
        Convolution(2, (3, 3), dilation, (0.0,), "c"), (None, 5, 2, 4)
    )
    x = tf.constant(_random(2, 5, 2, 4))
    kernel = np.asarray(layer.kernel)
    with tf.GradientTape() as tape:
        y = layer(x)
        loss = tf.reduce_sum(y[0, 0, 0])
    expected = _convolved(np.asarray(x), kernel, layer.bias, dilation)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    gradient = np.asarray(tape.gradient(loss, layer.kernel.value))
    # Column 0, row 0 sees itself in the middle, and nothing before it.
    np.testing.assert_allclose(gradient[1, 1, :, 0], x[0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(
        gradient[2, 2, :, 1], x[0, dilation, 1], atol=1e-6
    )
    assert not gradient[0].any() and not gradient[:, 0].any()


@pytest.mark.parametrize("use_norm", [False, True])
@pytest.mark.parametrize("dilation", [1, 2])
def test_a_unit_with_something_else_to_see(dilation, use_norm):
    unit = _perturbed(
        ConvGRU(4, (3, 3), dilation, use_norm, "unit"), (None, 5, 2, 6)
    )
    image, extra = _random(2, 5, 2, 4), _random(2, 5, 2, 2)
    found, cost = unit.step(image, extra, np.ones((2, 5, 1, 1)), "float32")
    assert cost == 0.0
    weights = {weight.path: np.asarray(weight) for weight in unit.weights}

    def product(name, parts, kept):
        kernel = weights[f"unit/{name}/kernel"][..., kept]
        bias = weights[f"unit/{name}/bias"][kept]
        return _convolved(np.concatenate(parts, -1), kernel, bias, dilation)

    def normed(name, x):
        if not use_norm:
            return x
        scale = weights[f"unit/{name}_norm/scale"]
        return _normed(x, scale, weights[f"unit/{name}_norm/bias"])

    reset = product("gates", [extra, image], slice(0, 4))
    update = product("gates", [extra, image], slice(4, 8))
    reset = _gate(normed("reset", reset))
    update = _gate(normed("update", update))
    new = product("candidate", [extra, reset * image], slice(0, 4))
    new = np.tanh(normed("candidate", new))
    expected = update * image + (1 - update) * new
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_what_is_not_there_stays_zero():
    unit = _perturbed(ConvGRU(3, (3, 1), 1, False, "unit"), (None, 4, 1, 3))
    image = _random(1, 4, 1, 3)
    image[:, 2:] = 0.0
    present = np.array([1.0, 1, 0, 0], np.float32)[None, :, None, None]
    found, _ = unit.step(image, None, present, "float32")
    assert not np.asarray(found)[:, 2:].any()
    alone, _ = unit.step(image[:, :2], None, present[:, :2], "float32")
    np.testing.assert_allclose(found[:, :2], alone, atol=1e-6)


def test_gates_begin_open_and_kernels_orthogonal():
    keras.utils.set_random_seed(1)
    unit = ConvGRU(4, (3, 3), 1, False, "unit")
    unit.build((None, 5, 2, 8))
    weights = {weight.path: np.asarray(weight) for weight in unit.weights}
    np.testing.assert_array_equal(weights["unit/gates/bias"], np.ones(8))
    np.testing.assert_array_equal(weights["unit/candidate/bias"], np.zeros(4))
    kernel = weights["unit/gates/kernel"].reshape(72, 8)
    # 1.8 * 0.8 = 1.44, squared.
    np.testing.assert_allclose(kernel.T @ kernel, 2.0736 * np.eye(8), atol=1e-5)


def test_a_sigmoid_that_saturates():
    # s(ln 2) = 2 / 3: 0.8 - 0.1.
    x = np.array([-9.0, 0.0, np.log(2.0), 9.0], np.float32)
    np.testing.assert_allclose(
        saturating_sigmoid(x), [0.0, 0.5, 0.7, 1.0], atol=1e-6
    )


def test_channels_walk():
    # Four channels: two stay, one comes from before, one from behind.
    image = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 3, 1, 4)
    np.testing.assert_array_equal(
        diagonal_shift(image, 1)[0, :, 0],
        [[1, 2, 0, 8], [5, 6, 3, 12], [9, 10, 7, 0]],
    )
    np.testing.assert_array_equal(
        diagonal_shift(image, 2)[0, :, 0],
        [[1, 2, 0, 0], [5, 6, 0, 0], [9, 10, 0, 0]],
    )


def test_a_diagonal_unit():
    unit = DiagonalConvGRU(3, (1, 1), 1, False, "unit")
    unit.build((None, 2, 1, 3))
    for weight in unit.weights:
        if weight.path.endswith("kernel"):
            weight.assign(tf.zeros(weight.shape))
    unit.weights[1].assign([0.0, 0.5, 1.5, -2.0, 0.0, 0.8])
    image = np.array([[[[2.0, 4.0, 6.0]], [[8.0, 10.0, 12.0]]]], np.float32)
    ones = np.ones((1, 2, 1, 1), np.float32)
    found, cost = unit.step(image, None, ones, "float32")
    # u = 0, 0.5 and 0.9; the candidate tanh(0) = 0.
    np.testing.assert_allclose(
        found[0, :, 0], [[0, 0, 0.9 * 12], [0, 0.5 * 4, 0]], rtol=1e-6
    )
    # Beyond 0.9: 0.6 of r, 1.1 of u; (0.6 / 3 + 1.1 / 3) / 2.
    np.testing.assert_allclose(cost, [1.7 / 6], rtol=1e-6)
    half = np.array([1.0, 0.0], np.float32)[None, :, None, None]
    _, cost = unit.step(image, None, half, "float32")
    np.testing.assert_allclose(cost, [1.7 / 6], rtol=1e-6)


def test_bfloat16_products():
    layer = _perturbed(Convolution(2, (3, 1), 1, (0.0,), "c"), (None, 5, 1, 4))
    x = tf.constant(_random(2, 5, 1, 4))
    exact = layer(x)
    np.testing.assert_allclose(layer(tf.cast(x, "bfloat16")), exact, atol=0.1)
    layer.multiply_in("bfloat16")
    narrow = layer(x)
    assert narrow.dtype == "float32"
    np.testing.assert_allclose(narrow, exact, atol=0.1)
    assert np.abs(narrow - exact).max() > 0.0
