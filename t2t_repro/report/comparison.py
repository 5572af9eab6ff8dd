"""The report: a run beside its row of the paper, every difference marked.

A figure that nobody measured is "not measured", one that the paper does not
give "not published"; a score on other data than the paper's is shown and not
compared. `run_facts` reads the run.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from t2t_repro.report import paper
from t2t_repro.report.paper import Recipe, Row
from t2t_repro.report.published import Standing

SAME = "same"
DIFFERS = "differs"
NOT_MEASURED = "not measured"
NOT_PUBLISHED = "not published"
OTHER_DATA = "other data"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a run.

    Attributes, where the name does not say it:
      hparams_set: what the hparams started from.
      parameters: weights in a checkpoint.
      hours: of training.
      hours_from: where the hours are from.
      hours_at_least: whether the training took longer than they say.
      step_seconds: mean, without evaluations.
      tokens_per_step: target tokens of an update, mean, no padding.
      dev: dev figures by TensorBoard tag, as (step, value).
      scores: what --scores holds, by name: score and signature.
      standing: the run beside what is published of its own recipe.
    """

    folder: str
    problem: str
    hparams_set: str
    recipe: Recipe
    parameters: int | None
    hours: float | None
    hours_from: str
    hours_at_least: bool
    step_seconds: float | None
    tokens_per_step: float | None
    dev: dict[str, tuple[int, float]]
    scores: dict[str, tuple[float, str]]
    standing: Standing


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the report."""

    section: str
    name: str
    paper: Any  # None: not published
    run: Any  # None: not measured
    status: str  # one of the five words above
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """All that is written."""

    facts: Facts
    row: Row
    is_own_row: bool  # whether the run's hparams set is the row's
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    def having(self, status: str) -> list[str]:
        """Names of the lines of a status."""
        return [line.name for line in self.lines if line.status == status]


def compare(facts: Facts, device_tflops: float | None = None) -> Report:
    """Puts a run beside its row.

    The paper's way of estimating FLOPs needs a device's sustained TFLOPS.
    """
    languages = facts.recipe.languages or ""
    row, is_own = paper.find_row(facts.hparams_set, languages, facts.problem)
    lines = (
        *_recipe_lines(row.recipe, facts.recipe),
        *_score_lines(row, facts),
        *_cost_lines(row, facts, device_tflops),
    )
    return Report(facts, row, is_own, lines, tuple(_notes(row, facts)))


def _recipe_lines(published: Recipe, run: Recipe) -> Iterator[Line]:
    for field in dataclasses.fields(Recipe):
        entry = field.metadata
        theirs, ours = (getattr(made, field.name) for made in (published, run))
        status = _status(theirs, ours, entry["about"])
        yield Line(
            entry["section"], entry["name"], theirs, ours, status, entry["note"]
        )


def _status(paper: Any, run: Any, tolerance: float = 0.0) -> str:
    if paper is None:
        return NOT_PUBLISHED
    if run is None:
        return NOT_MEASURED
    if tolerance:
        is_same = math.isclose(paper, run, rel_tol=tolerance)
    else:
        is_same = paper == run
    return SAME if is_same else DIFFERS


def _score_lines(row: Row, facts: Facts) -> Iterator[Line]:
    dev = {tag: (v, f"step {step}") for tag, (step, v) in facts.dev.items()}
    scores = facts.scores
    has_data = facts.problem == row.recipe.data
    if row.metric == "f1":
        name = f"F1 (paper: {row.test_set})"
        yield _score(name, row.test_score, scores.get("f1"), has_data)
        for tag, figure in sorted(dev.items()):
            yield _score(f"dev {tag}", None, figure, has_data)
        return
    # Of a named test set, sacreBLEU's signature says which it was.
    signature = scores.get("sacrebleu", (0.0, ""))[1]
    is_test_set = has_data and (
        "test:" not in signature or "test:wmt14" in signature
    )
    name = f"paper_bleu (paper: {row.test_set})"
    yield _score(name, row.test_score, scores.get("paper_bleu"), is_test_set)
    yield _score("sacrebleu", None, scores.get("sacrebleu"), is_test_set)
    name = f"dev perplexity per subword (paper: {row.dev_set})"
    yield _score(name, row.dev_perplexity, dev.get("perplexity"), has_data)
    name = f"dev paper_bleu, one checkpoint (paper: {row.dev_set})"
    yield _score(name, row.dev_bleu, None, has_data)
    name = "dev sacrebleu while training"
    yield _score(name, None, dev.get("bleu"), has_data)
    if "accuracy" in dev:  # of a problem that no row of the paper has
        yield _score("dev accuracy", None, dev["accuracy"], has_data)


def _score(
    name: str,
    paper: float | None,
    figure: tuple[float, str] | None,
    is_comparable: bool,
) -> Line:
    """A line of a score, which is compared only on the paper's data."""
    if figure is None:
        status = NOT_PUBLISHED if paper is None else NOT_MEASURED
        return Line("Scores", name, paper, None, status)
    value, note = round(figure[0], 2), figure[1]
    if paper is None or not is_comparable:
        status = NOT_PUBLISHED if paper is None else OTHER_DATA
        return Line("Scores", name, paper, value, status, note)
    # The paper's figures have so many decimals.
    decimals = 2 if "perplexity" in name else 1
    difference = round(value, decimals) - paper
    status = SAME if abs(difference) < 1e-9 else DIFFERS
    note = f"{difference:+.{decimals}f}; {note}"
    return Line("Scores", name, paper, value, status, note)


def _cost_lines(
    row: Row, facts: Facts, device_tflops: float | None
) -> Iterator[Line]:
    steps, devices = facts.recipe.train_steps, facts.recipe.replicas
    tokens = _product(facts.tokens_per_step, steps)
    tokens_of_paper = _product(row.recipe.batch_tokens, row.recipe.train_steps)
    hours = _cost("hours", row.hours, facts.hours, 2)
    if facts.hours_at_least and hours.run is not None:
        hours = dataclasses.replace(hours, note=f"{hours.note}, at least")
    yield _cost(
        "parameters, millions",
        row.millions,
        _product(1e-6, facts.parameters),
        2,
    )
    yield _cost(
        "target tokens trained on, millions",
        _product(1e-6, tokens_of_paper),
        _product(1e-6, tokens),
        2,
    )
    yield _cost(
        "FLOPs, 6 x parameters x target tokens",
        _product(6e6, row.millions, tokens_of_paper),
        _product(6, facts.parameters, tokens),
    )
    yield _cost(
        "FLOPs, hours x devices x TFLOPS",
        row.flops,
        _product(3600, facts.hours, devices, 1e12, device_tflops),
    )
    yield hours
    yield _cost("seconds a step", row.step_seconds, facts.step_seconds, 3)


def _cost(
    name: str,
    paper: float | None,
    run: float | None,
    decimals: int | None = None,
) -> Line:
    """A line whose difference is said as a ratio."""
    if run is not None and decimals is not None:
        run = round(run, decimals)
    status, note = _status(paper, run), ""
    if paper and run and status == DIFFERS:
        note = f"x {run / paper:.2g}"
        if f"{run:.2g}" == f"{paper:.2g}":
            status, note = SAME, "to two digits"
    return Line("Cost", name, paper, run, status, note)


def _product(*factors: float | None) -> float | None:
    """The product of what is known, None if anything is not."""
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) else None


def _notes(row: Row, facts: Facts) -> Iterator[str]:
    yield f"Hours of this run: {facts.hours_from}."
    yield (
        "FLOPs: the paper multiplies hours, 8 devices and the P100's sustained"
        " 9.5 TFLOPS, which is what the hardware could have done; 6 x"
        " parameters x tokens counts what the model does, forward and backward."
        " The two are not to be compared with each other. Tokens of the paper"
        " are its 25,000 a batch times its steps; those of the run are without"
        " padding."
    )
    if row.millions:
        yield (
            f"Parameters: the paper's {row.millions} million do not follow"
            " from its vocabulary of about 37,000, with which base has 63 and"
            " big 214; what it counted is not known."
        )
    if row.metric == "f1":
        yield (
            "The paper does not publish dropout, learning rate, steps or"
            " averaging of its parsers, nor how F1 was computed; here it is by"
            " EVALB's rules with COLLINS.prm, all lengths."
        )
        return
    yield (
        "BLEU of the paper is of tokenised text with compounds split"
        " (paper_bleu); sacrebleu of the same translation is lower by one or"
        " two points, and is not in the paper."
    )
    yield (
        "English-French, big: the paper contradicts itself, with 41.8 BLEU in"
        " Table 2 and the abstract and 41.0 in the text of section 6.1."
    )
    yield (
        "The paper averages checkpoints for newstest2014 (Table 2), not for"
        " newstest2013 (Table 3)."
    )


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
        "published": dataclasses.asdict(report.facts.standing),
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
        f"- of {len(report.lines)} lines: {counts}\n"
        f"- published of this run's own recipe, {facts.standing.text}",
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
