"""Curves as a picture (SVG): lines with markers, axes, a grid.

It names no colour and no other file: the n-th line has the class `line-<n>`,
which the page gives a colour and dashes. A browser shows what a marker says
when it is pointed at. Left out: logarithmic axes, and a legend, which is the
page's.
"""

import dataclasses
import html
import math
from collections.abc import Sequence

_WIDTH, _HEIGHT = 640, 360
# Of the area inside the axes.
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 620, 14, 310
_MOST_TICKS = 7
_RADIUS = 2.5


@dataclasses.dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
      number: of its class.
      name: of the curve.
      points: (x, y), x rising.
      texts: what each marker says.
    """

    number: int
    name: str
    points: Sequence[tuple[float, float]]
    texts: Sequence[str]


def line_plot(title: str, x_name: str, lines: Sequence[Line]) -> str:
    """An `<svg>` element.

    Args:
      title: for those who do not see it.
      x_name: below the axis; x begins at 0.
      lines: one or more, each with points of finite numbers.
    """
    x_values = [x for line in lines for x, _ in line.points]
    y_values = [y for line in lines for _, y in line.points]
    x_end = max(x_values) or 1.0
    x_ticks = [x for x in ticks(0.0, x_end) if x <= x_end]
    y_ticks = ticks(min(y_values), max(y_values))
    x_scale = _Scale(0.0, x_end, _LEFT, _RIGHT)
    y_scale = _Scale(y_ticks[0], y_ticks[-1], _BOTTOM, _TOP)
    parts = [
        *(_vertical(x_scale.place(x), x) for x in x_ticks),
        *(_horizontal(y_scale.place(y), y) for y in y_ticks),
        f'<text class="axis" x="{_RIGHT}" y="{_HEIGHT - 6}"'
        f' text-anchor="end">{html.escape(x_name)}</text>',
    ]
    for line in lines:
        places = [(x_scale.place(x), y_scale.place(y)) for x, y in line.points]
        parts.append(_curve(line, places))
    return (
        f'<svg class="plot" role="img" aria-label="{html.escape(title)}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(parts)}</svg>'
    )


def ticks(low: float, high: float) -> list[float]:
    """At most seven round numbers, evenly spaced, from below to above."""
    # Equal ends have a span all the same.
    span = (high - low) or abs(high) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / _MOST_TICKS))
    for factor in (1, 2, 5, 10, 20):
        step = factor * magnitude
        first, last = math.floor(low / step), math.ceil(high / step)
        last = max(last, first + 1)
        if last - first < _MOST_TICKS:
            break
    # 3 * 0.1 is 0.30000000000000004.
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


@dataclasses.dataclass(frozen=True)
class _Scale:
    """From numbers to pixels."""

    low: float
    high: float
    at_low: int
    at_high: int

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.at_low + share * (self.at_high - self.at_low)


def _vertical(x: float, value: float) -> str:
    return (
        f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}"'
        f' y2="{_BOTTOM}"/><text class="tick" x="{x:.1f}" y="{_BOTTOM + 18}"'
        f' text-anchor="middle">{value:,.10g}</text>'
    )


def _horizontal(y: float, value: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}"'
        f' y2="{y:.1f}"/><text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}"'
        f' text-anchor="end">{value:,.10g}</text>'
    )


def _curve(line: Line, places: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    markers = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}">'
        f"<title>{html.escape(f'{line.name}: {text}')}</title></circle>"
        for (x, y), text in zip(places, line.texts, strict=True)
    )
    return (
        f'<g class="line-{line.number}"><polyline points="{path}"/>'
        f"{markers}</g>"
    )
