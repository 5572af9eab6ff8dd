"""Pictures of heads: size, colours and places of the squares."""

import numpy as np

from t2t_repro.visualize import heat_map


def _is(pixels, colour):
    return (pixels == np.array(colour)).all(axis=-1)


def test_squares_stand_where_weights_are():
    weights = np.zeros([2, 2, 3], np.float32)
    weights[0, 0, 2] = 1.0  # head 1, first row, last column
    weights[1, 1, 0] = 0.25  # head 2, second row, first column
    first, second = heat_map.head_images(weights, ["a", "b"], ["x", "y", "z"])
    # A square is 24 wide, with a white line: 23 * 23 pixels of a full one.
    assert _is(first, (11, 98, 196)).sum() == 23 * 23
    # The root of 1/4 is 1/2: halfway from (240, 242, 245) to (11, 98, 196),
    # 125.5, 170 and 220.5, of which halves go to the even number.
    half = _is(second, (126, 170, 220))
    assert half.sum() == 23 * 23
    assert _is(first, (240, 242, 245)).sum() == 5 * 23 * 23
    full_y, full_x = np.nonzero(_is(first, (11, 98, 196)))
    half_y, half_x = np.nonzero(half)
    # Two columns to the left and one row down.
    assert half_x.min() == full_x.min() - 2 * 24
    assert half_y.min() == full_y.min() + 24


def test_labels_are_drawn():
    weights = np.zeros([1, 1, 1], np.float32)
    blank = heat_map.head_images(weights, [""], [""])
    named = heat_map.head_images(weights, ["Wort"], [""])
    upright = heat_map.head_images(weights, [""], ["Wort"])
    assert named.shape[2] > blank.shape[2]
    dark = [np.nonzero((image < 128).any(-1)) for image in (named, upright)]
    # Beside the square, below and right of which nothing is dark.
    assert [len(y) for _, y, _ in dark] != [0, 0]
    assert (named < 128).sum() > (blank < 128).sum()


def test_a_picture_is_as_high_as_tensorboard_shows_it():
    """At any other height it would drop or double rows of pixels."""

    def shape(count):
        weights = np.zeros([3, count, count], np.float32)
        labels = ["<end>"] * count
        return heat_map.head_images(weights, labels, labels).shape

    assert [shape(n)[:2] for n in (1, 5, 11, 12)] == [(3, 215)] * 4
    # A card is 326 wide; labels are as high as a square, 12, at the least.
    assert shape(12)[2] < 326
    assert shape(60)[1] > 60 * 12
