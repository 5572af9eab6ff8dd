"""How many cores, and which rows each has; never their speed."""

import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from hparams.transformer_moe import transformer_moe_tiny
from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError
from t2t_repro.train import cores


@pytest.mark.parametrize(
    ("worker_cpu", "hidden_size", "has_gpu", "available", "expected"),
    [
        (0, 128, False, 2, 2),
        (0, 256, False, 64, 8),
        (0, 512, False, 2, 1),
        (0, 128, False, 1, 1),
        (0, 128, True, 2, 1),
        # What is asked for is done.
        (2, 512, False, 2, 2),
        (1, 128, False, 2, 1),
        (1, 128, True, 2, 1),
        (16, 128, False, 64, 16),
    ],
)
def test_how_many(
    monkeypatch, worker_cpu, hidden_size, has_gpu, available, expected
):
    monkeypatch.setattr(parallel, "available_cores", lambda: available)
    hparams = transformer_tiny().replace(hidden_size=hidden_size)
    assert cores.choose(worker_cpu, hparams, has_gpu) == expected


def test_more_than_there_are(monkeypatch):
    monkeypatch.setattr(parallel, "available_cores", lambda: 2)
    with pytest.raises(UsageError, match="--worker_cpu=3, .* may use 2 cores"):
        cores.choose(3, transformer_tiny(), False)
    with pytest.raises(UsageError, match="--worker_cpu=2, but here is a GPU"):
        cores.choose(2, transformer_tiny(), True)


def test_a_loss_that_compares_sentences_is_not_cut(monkeypatch):
    monkeypatch.setattr(parallel, "available_cores", lambda: 2)
    assert cores.choose(0, transformer_moe_tiny(), False) == 1
    with pytest.raises(UsageError, match="loss of transformer_moe compares"):
        cores.choose(2, transformer_moe_tiny(), False)


@pytest.mark.parametrize(
    ("rows", "count", "expected"),
    [
        (5, 1, [(0, 5)]),
        (5, 2, [(0, 2), (2, 5)]),
        (7, 3, [(0, 2), (2, 4), (4, 7)]),
        # No core has none.
        (2, 3, [(0, 1), (1, 2)]),
    ],
)
def test_every_row_is_one_cores(rows, count, expected):
    keys = []

    def gradients(inputs, targets, key, factor):
        keys.append(key.numpy().tolist())
        assert inputs.shape == targets.shape
        return tf.reduce_sum(inputs), [tf.reduce_sum(targets) * factor]

    numbers = tf.reshape(tf.range(2.0 * rows), [rows, 2])
    key = tf.constant([4, 9])
    loss, [gradient] = cores.side_by_side(gradients, count)(
        numbers, 2 * numbers, key, tf.constant(3.0)
    )
    # 0 + 1 + ... + (2 rows - 1)
    total = rows * (2 * rows - 1)
    np.testing.assert_array_equal([loss, gradient], [total, 6 * total])
    # A batch that is not cut has the key that it always had.
    cut = [[4, 9, begin] for begin, _ in expected]
    assert keys == (cut if count > 1 else [[4, 9]])
