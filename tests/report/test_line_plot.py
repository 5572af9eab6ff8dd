"""Ticks worked out by hand, and places in the picture."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from t2t_repro.report.line_plot import Line, line_plot, ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 16_000.0, [0, 5000, 10_000, 15_000, 20_000]),
        (12.3, 39.4, [10, 15, 20, 25, 30, 35, 40]),
        (0.0, 1.03, [0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2]),
        (0.0, 6.0, [0, 1, 2, 3, 4, 5, 6]),
        # A single value stands between two.
        (5.0, 5.0, [5.0, 5.1]),
        (0.0, 0.0, [0.0, 0.1]),
        (-0.3, 0.3, [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]),
    ],
)
def test_ticks_are_round_and_few(low, high, expected):
    assert ticks(low, high) == expected


def _line(number, *points, name="a"):
    return Line(number, name, points, [f"{y} at {x}" for x, y in points])


def test_places():
    # x from 0 to 200 over 52..620, y from 0 to 50 over 310..14.
    points = (50, 0.0), (100, 25.0), (200, 50.0)
    drawn = line_plot("t", "steps", [_line(0, *points)])
    (path,) = re.findall('points="([^"]*)"', drawn)
    assert path == "194.0,310.0 336.0,162.0 620.0,14.0"
    assert "25.0 at 100" in drawn and 'class="line-0"' in drawn


def test_it_is_xml_that_names_no_colour_and_no_file():
    lines = [_line(0, (1, 2.0), name="<b>&"), _line(3, (5, 0.0))]
    root = ElementTree.fromstring(line_plot('a "title"', "x < y", lines))
    assert root.get("aria-label") == 'a "title"'
    names = {key for element in root.iter() for key in element.attrib}
    assert not names & {"fill", "stroke", "style", "href"}
    titles = [element.text for element in root.iter("title")]
    assert titles == ["<b>&: 2.0 at 1", "a: 0.0 at 5"]
