"""Convolutions over a sequence, as products with windows of it.

A convolution of width k is a linear map of k neighbours laid end to end, so
that a decoder which keeps the last ones steps with the same product and at a
constant cost.
"""

from typing import Any

from keras import ops


def windows(x: Any, width: int, before: int, dilation: int = 1) -> Any:
    """The neighbours of every position, zeros beyond both ends.

    Args:
      x: `[batch, length, channels]`.
      width: k, how many neighbours.
      before: how far the first lies before its position: `dilation * (k - 1)`
        where none may lie behind it.
      dilation: from one neighbour to the next.

    Returns:
      `[batch, length, k * channels]`.
    """
    if width == 1:
        return x
    length = ops.shape(x)[1]
    after = dilation * (width - 1) - before
    padded = ops.pad(x, [[0, 0], [before, after], [0, 0]])
    taps = range(0, dilation * width, dilation)
    return ops.concatenate([padded[:, i : i + length] for i in taps], axis=-1)


def start_window(
    batch: Any, beams: int, width: int, channels: int, dilation: int = 1
) -> tuple[Any, ...]:
    """What lies before the first position: zeros.

    Returns:
      `[batch, beams, dilation * (k - 1), channels]` for `shift_window`; nothing
      where k is 1.
    """
    reach = dilation * (width - 1)
    return (ops.zeros((batch, beams, reach, channels)),) if reach else ()


def shift_window(
    window: tuple[Any, ...], x: Any, dilation: int = 1
) -> tuple[Any, tuple[Any, ...]]:
    """The last row of `windows` that looks back alone, for one position more.

    Args:
      window: from `start_window` or the position before.
      x: `[batch, beams, channels]`, the new position.
      dilation: as in `windows`.

    Returns:
      `[batch, beams, k * channels]`, and the window of the next position.
    """
    if not window:
        return x, window
    entries = ops.concatenate(
        [window[0], ops.cast(x, window[0].dtype)[:, :, None]], axis=2
    )
    taps = entries[:, :, ::dilation]
    width = taps.shape[2] * taps.shape[3]
    joined = ops.reshape(taps, (*ops.shape(x)[:2], width))
    return joined, (entries[:, :, 1:],)
