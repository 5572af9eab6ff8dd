"""Cells by hand, and what carries them; in models: tests/models/test_rnn.py."""

import math

import numpy as np
import pytest

from t2t_repro.layers.recurrent import GRUCell, LSTMCell, run, scan, zero_state


def _sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


def _one_unit(cell, values):
    """A cell of one unit over one channel and one that is fed."""
    cell.build((None, None, 1))
    for weight in cell.weights:
        name = "/".join(weight.path.split("/")[-2:])
        weight.assign(np.array(values[name], np.float32))
    return cell


def test_lstm_by_hand():
    # Gates in the order input, candidate, forget, output; rows of the
    # recurrent kernel are what is fed, and h.
    cell = _one_unit(
        LSTMCell(1, 1, "cell"),
        {
            "input/kernel": [[0.1, 0.2, 0.3, 0.4]],
            "input/bias": [0.0, 0.5, 0.0, 0.0],
            "recurrent/kernel": [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]],
        },
    )
    x, fed, h, c = ([[value]] for value in (2.0, 0.5, 0.25, 3.0))
    projected = cell.project(np.array(x, np.float32))
    h, c = cell.step(projected, (np.float32(h), np.float32(c)), np.float32(fed))
    # i = 0.1 * 2 + 0.5 = 0.7; j = 0.2 * 2 + 0.5 = 0.9; f = 0.3 * 2 = 0.6, and
    # 1 more; o = 0.4 * 2 + 2 * 0.25 = 1.3.
    after = _sigmoid(1.6) * 3.0 + _sigmoid(0.7) * math.tanh(0.9)
    assert float(c[0, 0]) == pytest.approx(after, rel=1e-6)
    expected = _sigmoid(1.3) * math.tanh(after)
    assert float(h[0, 0]) == pytest.approx(expected, rel=1e-6)


def test_gru_by_hand():
    cell = _one_unit(
        GRUCell(1, 1, "cell"),
        {
            "input/kernel": [[0.1, 0.2, 0.3]],
            "input/bias": [0.0, 0.0, 0.1],
            "gates/kernel": [[1.0, 0.0], [0.0, 2.0]],
            "candidate/kernel": [[0.4], [5.0]],
        },
    )
    projected = cell.project(np.array([[2.0]], np.float32))
    (h,) = cell.step(
        projected, (np.float32([[0.25]]),), np.array([[0.5]], np.float32)
    )
    # Update 0.2 + 1 * 0.5 = 0.7, reset 0.4 + 2 * 0.25 = 0.9; the candidate is
    # 0.6 + 0.1 + 0.4 * 0.5 + 5 * (reset * 0.25).
    update, reset = _sigmoid(0.7), _sigmoid(0.9)
    new = math.tanh(0.9 + 5.0 * reset * 0.25)
    expected = (1.0 - update) * 0.25 + update * new
    assert float(h[0, 0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", [LSTMCell, GRUCell])
def test_from_right_to_left_is_forwards_over_reversed_rows(kind):
    cell = kind(3, 0, "cell")
    cell.build((None, None, 2))
    x = np.random.default_rng(1).normal(size=(2, 4, 2)).astype(np.float32)
    present = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    start = zero_state(cell, 2)
    outputs, last = run(cell, x, present, start, reverse=True)
    turned = np.stack([x[0, ::-1], x[1, [1, 0, 2, 3]]])
    forwards, state = run(cell, turned, present, start)
    forwards = np.asarray(forwards)
    np.testing.assert_allclose(outputs[0], forwards[0, ::-1], rtol=1e-5)
    np.testing.assert_allclose(outputs[1, :2], forwards[1, 1::-1], rtol=1e-5)
    assert not np.asarray(outputs)[1, 2:].any()
    for ours, theirs in zip(last, state, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    # The output at the first word is where it ends.
    np.testing.assert_array_equal(outputs[:, 0], last[0])


def test_scan_carries_along_sequences_of_two_dtypes():
    halves = np.arange(6, dtype=np.float16).reshape(1, 3, 2)
    wholes = np.array([[[10.0], [20.0], [30.0]]], np.float32)

    def one_position(total, place):
        half, whole = place
        assert half.shape == (1, 2) and whole.shape == (1, 1)
        return total + whole[:, 0] * float(half[0, 1])

    last, all_of_them = scan(
        one_position, np.zeros(1, np.float32), (halves, wholes)
    )
    # 10 * 1, and 20 * 3 more, and 30 * 5 more.
    np.testing.assert_array_equal(all_of_them[:, 0], [10.0, 70.0, 220.0])
    assert float(last[0]) == 220.0
