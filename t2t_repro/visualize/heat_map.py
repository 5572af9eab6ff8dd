"""Attention of one layer as pictures: a labelled heat map for each head.

tensor2tensor put the heads of a layer into the colours of one picture, without
a label; here each has a picture of its own, with the words along both sides.
The strength of blue is the square root of a weight: of sixty words each has
little. Letters that the machine's fonts lack are drawn as boxes.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf")
_PAPER = (255, 255, 255)
_INK = (28, 33, 40)
_EMPTY = np.array([240, 242, 245], np.float32)
_FULL = np.array([11, 98, 196], np.float32)

# TensorBoard shows a picture so high, in pixels; from one of another height it
# picks some, and letters break.
_HEIGHT = 215
# Side of a weight's square, in pixels: a smaller one has no room for letters.
_LARGEST, _SMALLEST = 24, 12
_FONT_SIZE = 11
_MARGIN = 4
_LONGEST_LABEL = 9  # letters


def head_images(
    weights: np.ndarray, queries: Sequence[str], keys: Sequence[str]
) -> np.ndarray:
    """Draws a layer's `[heads, query, key]` weights, from 0 to 1.

    Returns:
      `[heads, height, width, 3]` uint8, with a label for each row and column.
    """
    rows = [_label(text) for text in queries]
    columns = [_label(text) for text in keys]
    left = max(label.width for label in rows) + 2 * _MARGIN
    top = max(label.width for label in columns) + 2 * _MARGIN
    cell = (_HEIGHT - top - _MARGIN) // len(queries)
    cell = min(max(cell, _SMALLEST), _LARGEST)
    bottom, right = top + len(queries) * cell, left + len(keys) * cell
    size = right + _MARGIN, max(bottom + _MARGIN, _HEIGHT)
    image = Image.new("RGB", size, _PAPER)
    for i, label in enumerate(rows):
        y = top + i * cell + (cell - label.height) // 2
        image.paste(label, (left - label.width - _MARGIN, y))
    for i, label in enumerate(columns):
        upright = label.transpose(Image.Transpose.ROTATE_90)
        x = left + i * cell + (cell - upright.width) // 2
        image.paste(upright, (x, top - upright.height - _MARGIN))
    images = np.stack([np.array(image)] * len(weights))
    for picture, head in zip(images, weights, strict=True):
        picture[top:bottom, left:right] = _squares(head, cell)
    return images


def _squares(weights: np.ndarray, cell: int) -> np.ndarray:
    """`[query * cell, key * cell, 3]`, with white lines between squares."""
    strength = np.sqrt(np.clip(weights, 0.0, 1.0))[..., None]
    colours = np.rint(_EMPTY + strength * (_FULL - _EMPTY)).astype(np.uint8)
    squares = colours.repeat(cell, axis=0).repeat(cell, axis=1)
    squares[cell - 1 :: cell] = 255
    squares[:, cell - 1 :: cell] = 255
    return squares


def _label(text: str) -> Image.Image:
    if len(text) > _LONGEST_LABEL:
        text = text[: _LONGEST_LABEL - 1] + "\u2026"
    font = _font(_FONT_SIZE)
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
