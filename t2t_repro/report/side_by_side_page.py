"""Runs side by side as one HTML page, whole in one file.

It needs no network and has no script, and a browser is told to load nothing
(its security policy). It is side_by_side.html with side_by_side.css put in; the
curves are SVG.
"""

import html
import importlib.resources
import itertools
from collections.abc import Iterator, Sequence

from t2t_repro.report import side_by_side_text
from t2t_repro.report.line_plot import Line, line_plot
from t2t_repro.report.side_by_side import Point, RunFacts, SideBySide

_COLOURS = 8  # of side_by_side.css


def build(compared: SideBySide) -> str:
    """The HTML."""
    return _asset("side_by_side.html").format(
        title=html.escape(f"Runs of {compared.problem}, side by side"),
        style=_asset("side_by_side.css"),
        sections="\n".join(_sections(compared)),
    )


def _sections(compared: SideBySide) -> Iterator[str]:
    head, *rows = side_by_side_text.table(compared)
    body = "".join(
        f'<tr><th scope="row">{_key(number)}{html.escape(name)}</th>'
        f"{_cells(cells)}</tr>"
        for number, (name, *cells) in enumerate(rows)
    )
    yield _table("figures", head, body)
    yield f'<div class="plots">{"".join(_plots(compared))}</div>'
    if compared.differences:
        head, *rows = side_by_side_text.difference_table(compared)
        body = "".join(
            f'<tr><th scope="row">{html.escape(field)}</th>'
            f"{_cells(values, side_by_side_text.unlike(values))}</tr>"
            for field, *values in rows
        )
        yield "<h2>Differences of the recipe</h2>"
        yield _table("recipe", head, body)
    yield "<h2>How to read it</h2>"
    notes = [
        *side_by_side_text.notes(compared),
        "Marked is what is unlike the first run; fields that one model alone"
        " has are left out.",
    ]
    items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    yield f'<ul class="notes">{items}</ul>'


def _table(kind: str, head: Sequence[str], body: str) -> str:
    heads = "".join(
        f'<th scope="col">{html.escape(name)}</th>' for name in head
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}"><thead><tr>'
        f"{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cells(values: Sequence[str], marked: Sequence[bool] = ()) -> str:
    """Table cells, some of them marked."""
    kinds = [' class="differs"' if mark else "" for mark in marked]
    return "".join(
        f"<td{kind}>{html.escape(value)}</td>"
        for kind, value in itertools.zip_longest(kinds, values, fillvalue="")
    )


def _key(number: int) -> str:
    """A piece of the run's curve."""
    return (
        f'<svg class="key line-{number % _COLOURS}" viewBox="0 0 36 10"'
        ' aria-hidden="true"><polyline points="0,5 36,5"/>'
        '<circle cx="18" cy="5" r="3"/></svg>'
    )


def _plots(compared: SideBySide) -> Iterator[str]:
    metric = compared.metric
    yield _plot(
        f"{metric} by step",
        "steps",
        [
            _line(number, run, [(p.step, p) for p in run.evaluations])
            for number, run in enumerate(compared.runs)
        ],
    )
    timed = [
        _line(
            number,
            run,
            [(p.hours, p) for p in run.evaluations if p.hours is not None],
        )
        for number, run in enumerate(compared.runs)
    ]
    timed = [line for line in timed if line.points]
    if timed:
        yield _plot(f"{metric} by hours of training", "hours", timed)


def _line(
    number: int, run: RunFacts, points: Sequence[tuple[float, Point]]
) -> Line:
    return Line(
        number % _COLOURS,
        run.name,
        [(x, point.score) for x, point in points],
        [
            f"{point.score:.2f} at step {point.step:,}"
            + ("" if point.hours is None else f", {point.hours:.3g} hours")
            for _, point in points
        ],
    )


def _plot(title: str, x_name: str, lines: Sequence[Line]) -> str:
    plot = line_plot(title, x_name, lines)
    return f"<figure><figcaption>{title}</figcaption>{plot}</figure>"


def _asset(name: str) -> str:
    folder = importlib.resources.files("t2t_repro.report")
    return (folder / name).read_text(encoding="utf-8")
