"""The page of several runs: whole in itself, and nothing said twice."""

import dataclasses
import html.parser
import re

from t2t_repro.report import side_by_side_page
from t2t_repro.report.side_by_side import SideBySide
from tests.report.test_side_by_side import made_up


class _Elements(html.parser.HTMLParser):
    """Checks that every element ends, and keeps what there is."""

    def __init__(self):
        super().__init__()
        self.open, self.found = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _parsed(text):
    parser = _Elements()
    parser.feed(text)
    assert parser.open == []
    return parser.found


def test_it_loads_nothing_and_runs_nothing():
    text = side_by_side_page.build(made_up())
    elements = _parsed(text)
    tags = {tag for tag, _ in elements}
    assert not tags & {"script", "link", "img", "iframe", "object"}
    names = {name for _, attributes in elements for name in attributes}
    assert "src" not in names
    assert not [name for name in names if name.startswith("on")]
    assert "http:" not in text and "https:" not in text
    (policy,) = [a["content"] for t, a in elements if "http-equiv" in a]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    # Where the runs lie is nobody's business.
    assert "/runs/" not in text


def test_tables_and_marks():
    text = side_by_side_page.build(made_up())
    assert "<title>Runs of translate_toy, side by side</title>" in text
    assert "<td>37.12</td><td>15,000</td><td>0.969</td>" in text
    assert "<b>" not in text and "&lt;b&gt;" in text
    assert '<td>32</td><td class="differs">64</td>' in text
    assert "nrefs:1|tok:13a" in text


def test_curves_by_step_and_by_hours():
    text = side_by_side_page.build(made_up())
    by_step, by_hours = re.findall("<figure>.*?</figure>", text)
    assert "bleu by step" in by_step and "bleu by hours" in by_hours
    assert "line-0" in by_step and "line-1" in by_step
    # The second run does not say when.
    assert "line-0" in by_hours and "line-1" not in by_hours
    assert "rnn: 37.12 at step 15,000, 0.969 hours" in by_hours
    assert "&lt;b&gt;: 30.00 at step 900<" in by_step


def test_without_any_times_and_any_difference():
    runs = tuple(
        dataclasses.replace(made_up().runs[1], name=name) for name in "ab"
    )
    text = side_by_side_page.build(SideBySide("p", "f1", runs, {}))
    assert text.count("<figure>") == 1
    assert "Differences of the recipe" not in text


def test_every_line_has_a_colour_of_its_own():
    style = side_by_side_page._asset("side_by_side.css")
    found = re.findall(r"\.line-(\d) \{ color: var\(--c(\d)\)", style)
    assert found == [(str(n), str(n)) for n in range(8)]
    assert side_by_side_page._COLOURS == 8
    for n in range(8):  # light and dark
        assert len(set(re.findall(rf"--c{n}: (#\w+);", style))) == 2
