"""A pair in a row with others is what it is alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import registry
from t2t_repro.layers import losses
from t2t_repro.layers.attention import EVALUATION, MASKED, Mode
from t2t_repro.models import transformer_packing

_VOCABULARY = 13
# Two sentences and padding; three, the first of which is its end alone.
_IDS = np.array([[5, 6, 1, 7, 1, 0], [1, 8, 1, 9, 4, 1]], np.int32)
_SMALL = dict(hidden_size=16, filter_size=32, num_heads=2, num_hidden_layers=2)
_SETS = {
    "sinusoids, norms last": ("transformer_tiny", {}),
    "learned positions, norms first": (
        "transformer_tiny",
        dict(
            pos="emb",
            layer_preprocess_sequence="n",
            layer_postprocess_sequence="da",
        ),
    ),
    "Marian's start": (
        "transformer_tiny",
        dict(pos="timing", decoder_start="padding"),
    ),
    "experts": ("transformer_moe_tiny", {}),
    # Rows of more than one block.
    "neighbours": (
        "transformer_restricted_tiny",
        dict(attention_neighbourhood=5),
    ),
}


def test_sentences_are_numbered():
    found = transformer_packing.segmentation(_IDS)
    expected = [[1, 1, 1, 2, 2, 0], [1, 2, 2, 3, 3, 3]]
    np.testing.assert_array_equal(found, expected)


def test_positions_begin_again():
    found = np.asarray(transformer_packing.positions_within(_IDS))
    np.testing.assert_array_equal(found[1], [0, 0, 1, 0, 1, 2])
    np.testing.assert_array_equal(found[0, :5], [0, 1, 2, 0, 1])


def test_tensor2tensors_own_example():
    """Of its `pack_dataset` (1.15.7): 8 7 1 and 2 3 4 1 in a row of ten."""
    ids = np.array([[8, 7, 1, 2, 3, 4, 1, 0, 0, 0]])
    inputs_segmentation = [[1, 1, 1, 2, 2, 2, 2, 0, 0, 0]]
    inputs_position = [[0, 1, 2, 0, 1, 2, 3]]  # where no padding is
    np.testing.assert_array_equal(
        transformer_packing.segmentation(ids), inputs_segmentation
    )
    np.testing.assert_array_equal(
        transformer_packing.positions_within(ids)[:, :7], inputs_position
    )


def test_keys_of_other_pairs_are_hidden():
    # The second row's three sources, seen by its targets of one id each.
    targets = np.array([[1, 1, 1]])
    bias = np.asarray(transformer_packing.bias_within(targets, _IDS[1:]))
    hidden = [[0, 1, 1, 1, 1, 1], [1, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]]
    np.testing.assert_array_equal(bias, np.array([[hidden]]) * MASKED)
    # Padding is nobody's.
    bias = np.asarray(transformer_packing.bias_within(_IDS[:1], _IDS[:1]))
    assert (bias[0, 0, :5, 5] == MASKED).all()


def _rows(sentences, count):
    """`[rows, columns]` ids, `count` sentences a row, two of padding behind."""
    rows = [
        np.concatenate(sentences[i : i + count])
        for i in range(0, len(sentences), count)
    ]
    length = max(map(len, rows)) + 2
    return np.array([np.pad(row, (0, length - len(row))) for row in rows])


def _losses(model, inputs, targets, mode):
    """Of every id that is no padding, in order; gradients of their sum."""
    with tf.GradientTape() as tape:
        logits = model.logits(model(inputs, targets, mode=mode))
        found = losses.token_losses(logits, targets, 0.1)
        total = tf.reduce_sum(found)
    gradients = tape.gradient(
        total,
        [weight.value for weight in model.weights],
        # Of what only training reads, such as the noise of gates.
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return np.asarray(found)[targets > 0], gradients


@pytest.mark.parametrize("name", _SETS)
def test_every_id_has_the_loss_that_it_has_alone(name):
    hparams_set, changes = _SETS[name]
    hparams = registry.hparams(hparams_set)
    sizes = {n: v for n, v in _SMALL.items() if hasattr(hparams, n)}
    hparams = hparams.replace(**sizes, **changes)
    keras.utils.set_random_seed(1)
    model = registry.model(hparams.MODEL)(hparams, _VOCABULARY)
    rng = np.random.default_rng(2)
    sources, targets = (
        [
            np.append(rng.integers(2, _VOCABULARY, n), 1).astype(np.int32)
            for n in rng.integers(0, 25, 6)
        ]
        for _ in range(2)
    )
    alone, gradients = _losses(
        model, _rows(sources, 1), _rows(targets, 1), EVALUATION
    )
    together, sums = _losses(
        model, _rows(sources, 3), _rows(targets, 3), Mode(is_packed=True)
    )
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    for found, expected in zip(sums, gradients, strict=True):
        found, expected = map(tf.convert_to_tensor, (found, expected))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    # Without the mode they would see each other.
    unmarked, _ = _losses(
        model, _rows(sources, 3), _rows(targets, 3), EVALUATION
    )
    assert np.abs(unmarked - alone).max() > 0.01
