"""Windows of a sequence, by hand, and one position after the other."""

import numpy as np
import pytest

from t2t_repro.layers.convolution import shift_window, start_window, windows

# One sequence of four positions, one channel.
_X = np.array([[[1.0], [2.0], [3.0], [4.0]]], np.float32)


@pytest.mark.parametrize(
    "width, before, dilation, rows",
    [
        # Both sides: zeros before the first and behind the last.
        (3, 1, 1, [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]]),
        # None that comes later.
        (3, 2, 1, [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]),
        # Every other one.
        (2, 2, 2, [[0, 1], [0, 2], [1, 3], [2, 4]]),
        (3, 2, 2, [[0, 1, 3], [0, 2, 4], [1, 3, 0], [2, 4, 0]]),
        # An even width has its middle on the left.
        (2, 0, 1, [[1, 2], [2, 3], [3, 4], [4, 0]]),
        (1, 0, 1, [[1], [2], [3], [4]]),
    ],
)
def test_windows(width, before, dilation, rows):
    found = windows(_X, width, before, dilation)
    np.testing.assert_array_equal(found[0], rows)


def test_neighbours_lie_end_to_end():
    x = np.array([[[1.0, 10.0], [2.0, 20.0]]], np.float32)
    found = windows(x, 2, 1)
    np.testing.assert_array_equal(found[0], [[0, 0, 1, 10], [1, 10, 2, 20]])


@pytest.mark.parametrize("width, dilation", [(1, 1), (2, 1), (3, 1), (3, 4)])
def test_steps_see_the_same_windows(width, dilation):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 6, 3)).astype(np.float32)
    whole = np.asarray(windows(x, width, dilation * (width - 1), dilation))
    window = start_window(2, 1, width, 3, dilation)
    for position in range(6):
        seen, window = shift_window(
            window, x[:, position : position + 1], dilation
        )
        np.testing.assert_array_equal(seen[:, 0], whole[:, position])
    # It does not grow.
    sizes = [entries.shape[2] for entries in window]
    assert sizes == ([dilation * (width - 1)] if width > 1 else [])
