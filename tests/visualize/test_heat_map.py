"""Pictures of heads: size, colours and places of the squares."""

import numpy as np

from t2t_repro.visualize import heat_map


def _is(pixels, colour):
    return (pixels == np.array(colour)).all(axis=-1)


def test_squares_stand_where_weights_are():
    weights = np.zeros([2, 2, 3], np.float32)
    weights[0, 0, 2] = 1.0  # head 1, first row, last column
    weights[1, 1, 0] = 0.25  # head 2, second row, first column
    image = heat_map.heads_image(weights, ["a", "b"], ["x", "y", "z"])
    height, width, _ = image.shape
    first, second = image[:, : width // 2], image[:, width // 2 :]
    # A square is 18 wide, with a white line: 17 * 17 pixels of a full one.
    assert _is(first, (11, 98, 196)).sum() == 17 * 17
    # The root of 1/4 is 1/2: halfway from (240, 242, 245) to (11, 98, 196),
    # 125.5, 170 and 220.5, of which halves go to the even number.
    half = _is(second, (126, 170, 220))
    assert half.sum() == 17 * 17
    assert _is(first, (240, 242, 245)).sum() == 5 * 17 * 17
    full_y, full_x = np.nonzero(_is(first, (11, 98, 196)))
    half_y, half_x = np.nonzero(half)
    # Two columns to the left and one row down.
    assert half_x.min() == full_x.min() - 2 * 18
    assert half_y.min() == full_y.min() + 18


def test_labels_are_drawn():
    weights = np.zeros([1, 1, 1], np.float32)
    blank = heat_map.heads_image(weights, [""], [""])
    named = heat_map.heads_image(weights, ["Wort"], [""])
    upright = heat_map.heads_image(weights, [""], ["Wort"])
    assert named.shape[1] > blank.shape[1] and upright.shape[0] > blank.shape[0]
    assert (named < 128).sum() > (blank < 128).sum()


def test_heads_go_into_a_square():
    def shape(heads):
        weights = np.zeros([heads, 2, 2], np.float32)
        return heat_map.heads_image(weights, ["a", "b"], ["c", "d"]).shape

    height, width, _ = shape(1)
    assert shape(8) == (3 * height, 3 * width, 3)
    assert shape(5) == (2 * height, 3 * width, 3)


def test_sixty_words_get_smaller_squares():
    assert heat_map.cell_size(["a"] * 5, ["a"] * 32) == 18
    assert heat_map.cell_size(["a"] * 60, ["a"] * 5) == 12
    weights = np.full([1, 60, 60], 1 / 60, np.float32)
    height, width, _ = heat_map.heads_image(
        weights, ["word"] * 60, ["word"] * 60
    ).shape
    assert 720 < height < 800 and 720 < width < 800
