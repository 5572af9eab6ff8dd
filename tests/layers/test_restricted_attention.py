"""Restricted attention equals tensor2tensor's with a band mask (1.15.7).

`layer_r*.npz` is a layer of its own, with a padded source; `blocks.npz` has
its attention under other masks too, which hold `attend` here.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.layers.attention import (
    EVALUATION,
    MASKED,
    Mode,
    MultiHeadAttention,
    attend,
)
from t2t_repro.layers.restricted_attention import (
    RestrictedAttention,
    Window,
    in_blocks,
    window_bias,
    with_neighbours,
)

_FOLDER = (
    pathlib.Path(__file__).parents[1] / "testdata/rivals/restricted_attention"
)
_HEADS = {4: 2, 5: 4}  # of layer_r4 and layer_r5
_NAMES = {
    "q": "query/kernel",
    "k": "key/kernel",
    "v": "value/kernel",
    "output_transform": "output/kernel",
}


def _layer(window, size, heads, rate=0.0):
    layer = RestrictedAttention(
        window,
        hidden_size=size,
        num_heads=heads,
        key_channels=size,
        value_channels=size,
        use_bias=False,
        rate=rate,
        name="attention",
    )
    layer.build((None, None, size))
    return layer


@pytest.fixture(scope="module", params=[4, 5])
def case(request):
    return dict(np.load(_FOLDER / f"layer_r{request.param}.npz"))


@pytest.mark.parametrize("kind", ["centred", "causal"])
def test_a_layer_and_its_gradients(case, kind):
    r = int(case["r"])
    window = Window(r // 2, (r - 1) // 2)
    assert window == (int(case["max_backward"]), int(case["max_forward"]))
    present = case["padding"] == 0
    if kind == "causal":
        window = Window(r - 1, 0)
    x = tf.constant(case["x"])
    layer = _layer(window, x.shape[-1], _HEADS[r])
    theirs = "m/multihead_attention/{}/kernel"
    weights = {}
    for name, ours in _NAMES.items():
        (weight,) = (w for w in layer.weights if w.path.endswith(ours))
        weight.assign(case[f"weight/{theirs.format(name)}"])
        weights[name] = weight.value
    maps: dict = {}
    with tf.GradientTape() as tape:
        tape.watch(x)
        bias = window_bias(present, window)
        output = layer.within(x, bias, Mode(maps=maps))
        loss = tf.reduce_sum(output * case["output_cotangent"])
    expected = case[f"output_{kind}"]
    np.testing.assert_allclose(
        output[present], expected[present], rtol=0, atol=2e-6
    )
    gradients = tape.gradient(loss, {"x": x, **weights})
    for name, gradient in gradients.items():
        key = "x" if name == "x" else theirs.format(name)
        np.testing.assert_allclose(
            gradient, case[f"grad_{kind}/{key}"], rtol=1e-4, atol=1e-5
        )
    if kind == "centred":
        seen = np.moveaxis(np.asarray(maps["attention"]), 1, 2)[present]
        weights = np.moveaxis(case["attention_weights_centred"], 1, 2)
        np.testing.assert_allclose(seen, weights[present], rtol=0, atol=2e-6)
        hidden = ~case["visible"][present]
        assert np.abs(np.moveaxis(seen, 1, 2)[hidden]).max() < 1e-9


@pytest.mark.parametrize("number", range(9))
def test_any_mask_over_the_whole(number):
    arrays = np.load(_FOLDER / "blocks.npz")
    q, k, v = (tf.constant(arrays[f"case{number}/{n}"]) for n in "qkv")
    bias = np.where(arrays[f"case{number}/visible"], 0.0, MASKED)
    with tf.GradientTape() as tape:
        tape.watch([q, k, v])
        # There the query comes scaled; `attend` does it.
        query = q * q.shape[-1] ** 0.5
        output, _ = attend(query, k, v, bias.astype(np.float32), 0.0, None)
        loss = tf.reduce_sum(output * arrays[f"case{number}/output_cotangent"])
    np.testing.assert_allclose(
        output, arrays[f"case{number}/output"], rtol=0, atol=2e-6
    )
    for name, found in zip("qkv", tape.gradient(loss, [q, k, v]), strict=True):
        np.testing.assert_allclose(
            found, arrays[f"case{number}/grad_{name}"], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("number, window", [(7, (2, 2)), (8, (3, 0))])
def test_blocks_under_the_oracles_bands(number, window):
    arrays = np.load(_FOLDER / "blocks.npz")
    present = np.ones((1, 9), bool)
    bias = np.asarray(window_bias(present, Window(*window)))
    # One block of nine, with room for neighbours on either side.
    before = window[0]
    visible = bias[0, 0, :, before : before + 9] == 0.0
    np.testing.assert_array_equal(visible, arrays[f"case{number}/visible"])


@pytest.mark.parametrize("length", [2, 5, 31, 32, 33, 70, 97])
@pytest.mark.parametrize("window", [(0, 0), (4, 3), (7, 0), (40, 40), (47, 0)])
def test_blocks_equal_the_masked_whole(length, window):
    window = Window(*window)
    rng = np.random.default_rng(length)
    x = rng.normal(size=(2, length, 8)).astype(np.float32)
    present = np.ones((2, length), bool)
    present[1, (length + 1) // 2 :] = False
    layer = _layer(window, 8, 2)
    maps: dict = {}
    found = layer.within(x, window_bias(present, window), Mode(maps=maps))
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    band = (-window.before <= distance) & (distance <= window.after)
    visible = present[:, None, None, :] & band
    bias = np.where(visible, 0.0, MASKED).astype(np.float32)
    whole: dict = {}
    expected = MultiHeadAttention.within(layer, x, bias, Mode(maps=whole))
    np.testing.assert_allclose(
        np.asarray(found)[present], np.asarray(expected)[present], atol=1e-5
    )
    for row in range(2):
        real = present[row]
        np.testing.assert_allclose(
            np.asarray(maps["attention"])[row][:, real],
            np.asarray(whole["attention"])[row][:, real],
            atol=1e-6,
        )


def test_a_block_has_its_neighbours():
    # 70 positions make 70 // 32 + 1 = 3 blocks of 24, two of them filled up.
    window = Window(2, 1)
    x = np.arange(1.0, 71.0).reshape(1, 70, 1)
    blocks = np.asarray(in_blocks(x, window))
    assert blocks.shape == (1, 3, 24, 1)
    np.testing.assert_array_equal(blocks[0, 2, -3:, 0], [70, 0, 0])
    seen = np.asarray(with_neighbours(blocks, window))[0, :, :, 0]
    assert seen.shape == (3, 2 + 24 + 1)
    np.testing.assert_array_equal(seen[0, [0, 1, 2, -1]], [0, 0, 1, 25])
    np.testing.assert_array_equal(seen[1, [0, 1, 2, -1]], [23, 24, 25, 49])
    np.testing.assert_array_equal(seen[2, [0, 1, 2, -1]], [47, 48, 49, 0])


def test_what_is_made_grows_with_the_length_alone():
    # 32 times as long: 32 times the numbers of a bias, and not 1,024 times.
    window = Window(3, 4)
    short, long = (
        np.asarray(window_bias(np.ones((1, length), bool), window)).size
        for length in (256, 8192)
    )
    assert long == pytest.approx(32 * short, rel=0.1)


def test_an_unknown_length():
    window = Window(3, 0)
    layer = _layer(window, 8, 2)

    @tf.function(input_signature=[tf.TensorSpec([None, None, 8])])
    def run(x):
        present = tf.ones(tf.shape(x)[:2], tf.bool)
        return layer.within(x, window_bias(present, window), EVALUATION)

    for length in (1, 7, 64):
        x = np.random.default_rng(1).normal(size=(2, length, 8))
        x = x.astype(np.float32)
        bias = window_bias(np.ones((2, length), bool), window)
        np.testing.assert_allclose(
            run(x), layer.within(x, bias, EVALUATION), atol=1e-6
        )


def test_a_part_of_a_batch_drops_what_the_whole_batch_would():
    # Three blocks a sentence: row 1 of the batch is row 3 of what is attended.
    x = np.random.default_rng(0).normal(size=(3, 70, 8)).astype(np.float32)
    window = Window(2, 1)
    layer = _layer(window, 8, 2, rate=0.5)

    def attended(rows, key):
        bias = window_bias(np.ones((len(rows), 70), bool), window)
        mode = Mode(dropout_key=tf.constant(key))
        return np.asarray(layer.within(tf.constant(rows), bias, mode))

    whole = attended(x, [5, 6])
    np.testing.assert_allclose(attended(x[1:], [5, 6, 1]), whole[1:], atol=1e-6)
    assert np.abs(attended(x[1:], [5, 6, 0]) - whole[1:]).max() > 0.01
