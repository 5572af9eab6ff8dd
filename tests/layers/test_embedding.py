"""Embeddings and positions on numbers that can be worked by hand."""

import math

import numpy as np
import pytest

from t2t_repro.layers.embedding import (
    Embedding,
    Positions,
    matrices,
    sinusoids,
)


def _embedding(is_scaled=True):
    layer = Embedding(3, 4, is_scaled, "embedding")
    layer.build()
    layer.matrix.assign(np.arange(12, dtype=np.float32).reshape(3, 4))
    return layer


def test_lookup_is_scaled_by_the_root_of_the_width():
    # sqrt(4) = 2; row 2 is 8 9 10 11; id 0 is padding and gives zeros.
    result = _embedding()(np.array([[2, 0]]))
    np.testing.assert_array_equal(result, [[[16, 18, 20, 22], [0, 0, 0, 0]]])


def test_lookup_may_be_unscaled():
    result = _embedding(is_scaled=False)(np.array([1]))
    np.testing.assert_array_equal(result, [[4, 5, 6, 7]])


def test_logits_are_products_with_the_rows():
    x = np.array([[1, 0, 0, 1]], np.float32)
    result = x @ np.asarray(_embedding().softmax_kernel())
    np.testing.assert_array_equal(result, [[0 + 3, 4 + 7, 8 + 11]])


def test_rows_start_with_unit_length_on_average():
    layer = Embedding(2000, 128, True, "embedding")
    layer.build()
    assert abs(np.std(layer.matrix) - 128**-0.5) < 0.001


def test_what_is_shared_is_one_layer():
    target, source, softmax = "target_embedding", "source_embedding", "softmax"
    for shares, names in {
        (True, True): ("embedding", "embedding", "embedding"),
        (True, False): (target, softmax, target),
        (False, True): (target, target, source),
        (False, False): (target, softmax, source),
    }.items():
        made: list[str] = []

        def new(name, made=made):
            made.append(name)
            return [name]

        uses = matrices(new, *shares)
        assert [uses[use] for use in ("target", "softmax", "source")] == [
            [name] for name in names
        ]
        assert len(made) == len(set(names))


def test_the_paper_interleaves_sines_and_cosines():
    # Section 3.5 with d_model 4: wavelengths 2 pi and 2 pi * 10000^(2/4).
    result = sinusoids(np.array([0, 3]), 4, interleaved=True)
    expected = [
        [0, 1, 0, 1],
        [math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03)],
    ]
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_tensor2tensor_puts_the_halves_parallel():
    # Exponents 0 and 1: rates 1 and 1/10000.
    result = sinusoids(np.array([3]), 4, interleaved=False)
    expected = [[math.sin(3), math.sin(3e-4), math.cos(3), math.cos(3e-4)]]
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_learned_positions_end_at_max_length():
    layer = Positions("emb", 2, 3, "positions")
    layer.build()
    layer.table.assign([[1, 1], [2, 2], [3, 3]])
    result = layer(np.zeros((1, 4, 2), np.float32), np.arange(4))
    np.testing.assert_array_equal(result[0, :, 0], [1, 2, 3, 3])


@pytest.mark.parametrize("kind", ["timing_interleaved", "timing", "emb"])
def test_rows_may_have_positions_of_their_own(kind):
    layer = Positions(kind, 4, 3, "positions")
    layer.build()
    x = np.zeros((2, 3, 4), np.float32)
    of_all = np.asarray(layer(x, np.arange(3)))[0]
    places = np.array([[0, 1, 0], [2, 0, 1]])
    np.testing.assert_allclose(layer(x, places), of_all[places], atol=1e-6)


def test_no_positions_change_nothing():
    layer = Positions("none", 128, 3, "positions")
    layer.build()
    x = np.ones((1, 2, 128), np.float32)
    np.testing.assert_array_equal(layer(x, np.arange(2)), x)
    assert not layer.weights
