"""A program of one function, called with several sizes."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.interop.litert_program import Program, converted

# 4 x 4 numbers would be too few to be worth 8 bits.
_KERNEL = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)


def _product(x, shift, is_on):
    y = tf.matmul(x, tf.constant(_KERNEL))
    return tf.where(is_on, y + tf.cast(shift, tf.float32), y), tf.shape(x)[:1]


_SIGNATURE = [
    tf.TensorSpec([None, 64], name="x"),
    tf.TensorSpec([1], tf.int32, name="shift"),
    tf.TensorSpec([1], tf.bool, name="is_on"),
]


@pytest.mark.parametrize(("is_narrow", "error"), [(False, 1e-4), (True, 0.5)])
def test_inputs_are_written_in_place_and_sizes_change(is_narrow, error):
    program = Program(converted(_product, _SIGNATURE, is_narrow), threads=1)
    differences = []
    for rows in (2, 5, 1, 9):
        program.resize({"x": (rows, 64), "shift": (1,), "is_on": (1,)})
        x = np.random.default_rng(rows).normal(size=(rows, 64))
        program.input("x")[...] = x
        program.input("is_on")[...] = True
        for shift in (3, 4):
            # What is not written again stays.
            program.input("shift")[...] = shift
            results = program()
            assert results[1].tolist() == [rows]
            differences.append(np.abs(results[0] - (x @ _KERNEL + shift)).max())
    assert max(differences) < error
    # Eight bits are used where they were asked for.
    assert (max(differences) > 1e-3) == is_narrow
