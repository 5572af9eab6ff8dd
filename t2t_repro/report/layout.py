"""The report, written: Markdown for people, JSON for programs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from t2t_repro.report import paper
from t2t_repro.report.comparison import DIFFERS
from t2t_repro.report.comparison import NOT_MEASURED
from t2t_repro.report.comparison import NOT_PUBLISHED
from t2t_repro.report.comparison import OTHER_DATA
from t2t_repro.report.comparison import SAME
from t2t_repro.report.comparison import Report
from t2t_repro.report.paper import Row


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs."""
    return {
        "output_dir": report.facts.folder,
        "problem": report.facts.problem,
        "hparams_set": report.facts.hparams_set,
        "row": report.row.name,
        "is_own_row": report.is_own_row,
        "lines": [dataclasses.asdict(line) for line in report.lines],
        "differences": report.having(DIFFERS),
        "not_measured": report.having(NOT_MEASURED),
        "table_2": [dataclasses.asdict(s) for s in paper.TABLE_2],
        "table_4": [
            {"name": name, "training": training, "f1": f1}
            for name, training, f1 in paper.TABLE_4
        ],
        "notes": list(report.notes),
    }


def as_markdown(report: Report) -> str:
    """The report for people."""
    facts, row = report.facts, report.row
    choice = "this run's hparams set" if report.is_own_row else "the nearest"
    counts = ", ".join(
        f"{_mark(status)} {len(report.having(status))}"
        for status in (SAME, DIFFERS, NOT_MEASURED, OTHER_DATA, NOT_PUBLISHED)
    )
    parts = [
        "# This run beside the paper",
        f"- run: `{facts.folder}`, {facts.problem}, {facts.hparams_set}\n"
        f"- row of the paper: {row.name}, {choice}\n"
        f"- of {len(report.lines)} lines: {counts}",
    ]
    for section in dict.fromkeys(line.section for line in report.lines):
        rows = [
            (
                line.name,
                _text(line.paper, NOT_PUBLISHED),
                _text(line.run, NOT_MEASURED),
                _mark(line.status),
                line.note,
            )
            for line in report.lines
            if line.section == section
        ]
        head = ("", "paper", "this run", "", "note")
        parts += [f"## {section}", _table(head, rows)]
    parts += _compared_systems(row)
    parts += ["## Notes", "\n".join(f"- {note}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def _mark(status: str) -> str:
    return f"**{status}**" if status == DIFFERS else status


def _compared_systems(row: Row) -> list[str]:
    if row.metric == "f1":
        parsers = [(*r[:2], _text(r[2], "")) for r in paper.TABLE_4]
        return [
            "## Table 4: what the paper compares with",
            _table(("parser", "training", "WSJ 23 F1"), parsers),
        ]
    head = ("system", "En-De", "En-Fr", "FLOPs En-De", "FLOPs En-Fr")
    systems = [
        tuple(_text(value, "") for value in dataclasses.astuple(system))
        for system in paper.TABLE_2
    ]
    return ["## Table 2: what the paper compares with", _table(head, systems)]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    # A signature has bars of its own.
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
        for line in lines
    )


def _text(value: Any, missing: str) -> str:
    if value is None:
        return missing
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2g}" if value >= 1e6 else f"{round(value, 3):g}"
    return str(value)
