"""Which rows each core has; never their speed."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.train import cores


@pytest.mark.parametrize(
    ("rows", "count", "expected"),
    [
        (5, 1, [(0, 5)]),
        (5, 2, [(0, 2), (2, 5)]),
        (7, 3, [(0, 2), (2, 4), (4, 7)]),
        (1, 2, [(0, 0), (0, 1)]),
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
