"""Attention of one layer as a picture: a labelled heat map for each head.

tensor2tensor put the heads of a layer into the colours of one picture, without
a label; here each has a field of its own, with the words along both sides. The
strength of blue is the square root of a weight: of sixty words each has little.
Letters that the machine's fonts lack are drawn as boxes.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf")
_PAPER = (255, 255, 255)
_INK = (28, 33, 40)
_EMPTY = np.array([240, 242, 245], np.float32)
_FULL = np.array([11, 98, 196], np.float32)

# Up to so many words a cell is large.
_FEW = 32
_LARGE, _SMALL = 18, 12
_MARGIN = 10
_LONGEST_LABEL = 16  # letters


def heads_image(
    weights: np.ndarray, queries: Sequence[str], keys: Sequence[str]
) -> np.ndarray:
    """Draws all heads of a layer.

    Args:
      weights: `[heads, query, key]`, from 0 to 1.
      queries: a label for each row.
      keys: a label for each column.

    Returns:
      `[height, width, 3]` uint8; heads in reading order, as many a row as rows
      or one more.
    """
    fields = [
        _field(f"head {number}", head, queries, keys)
        for number, head in enumerate(weights, start=1)
    ]
    # TensorBoard shrinks a picture to the width of its card.
    columns = math.ceil(math.sqrt(len(fields)))
    height, width, _ = fields[0].shape
    rows = math.ceil(len(fields) / columns)
    image = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for place, field in enumerate(fields):
        y, x = place // columns * height, place % columns * width
        image[y : y + height, x : x + width] = field
    return image


def cell_size(queries: Sequence[str], keys: Sequence[str]) -> int:
    """Side of a weight's square, in pixels."""
    is_large = max(len(queries), len(keys)) <= _FEW
    return _LARGE if is_large else _SMALL


def _field(
    title: str, weights: np.ndarray, queries: Sequence[str], keys: Sequence[str]
) -> np.ndarray:
    """One head: its title, the keys upright, a row for each query."""
    cell = cell_size(queries, keys)
    size = cell - 5
    rows = [_label(text, size) for text in queries]
    columns = [_label(text, size) for text in keys]
    title_image = _label(title, size)
    left = max(label.width for label in rows) + _MARGIN
    top = max(label.width for label in columns) + title_image.height + _MARGIN
    image = Image.new(
        "RGB",
        (
            max(left + len(keys) * cell, title_image.width) + _MARGIN,
            top + len(queries) * cell + _MARGIN,
        ),
        _PAPER,
    )
    image.paste(title_image, (left, 4))
    for i, label in enumerate(rows):
        y = top + i * cell + (cell - label.height) // 2
        image.paste(label, (left - label.width - 4, y))
    for i, label in enumerate(columns):
        upright = label.transpose(Image.Transpose.ROTATE_90)
        x = left + i * cell + (cell - upright.width) // 2
        image.paste(upright, (x, top - upright.height - 4))
    pixels = np.array(image)
    bottom, right = top + len(queries) * cell, left + len(keys) * cell
    pixels[top:bottom, left:right] = _squares(weights, cell)
    return pixels


def _squares(weights: np.ndarray, cell: int) -> np.ndarray:
    """`[query * cell, key * cell, 3]`, with white lines between squares."""
    strength = np.sqrt(np.clip(weights, 0.0, 1.0))[..., None]
    colours = np.rint(_EMPTY + strength * (_FULL - _EMPTY)).astype(np.uint8)
    squares = colours.repeat(cell, axis=0).repeat(cell, axis=1)
    squares[cell - 1 :: cell] = 255
    squares[:, cell - 1 :: cell] = 255
    return squares


def _label(text: str, size: int) -> Image.Image:
    if len(text) > _LONGEST_LABEL:
        text = text[: _LONGEST_LABEL - 1] + "\u2026"
    font = _font(size)
    ascent, descent = font.getmetrics()
    width = max(1, math.ceil(font.getlength(text)))
    image = Image.new("RGB", (width, ascent + descent), _PAPER)
    ImageDraw.Draw(image).text((0, 0), text, fill=_INK, font=font)
    return image


@functools.cache
def _font(size: int) -> Any:
    """One of the machine's fonts, else Pillow's own, which is Latin alone."""
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
