"""Runs side by side in words: the cells of two tables, and how to read them.

The page has the same cells. A figure that is not known is "-"; one that nobody
published, or that the run has no score for, is "unknown".
"""

from collections.abc import Iterator, Sequence

from t2t_repro.report.side_by_side import SENTENCE, RunFacts, SideBySide

_UNKNOWN = "-"


def table(compared: SideBySide) -> list[tuple[str, ...]]:
    """The figures in words: the heads of the columns, then a row a run."""
    has_test = any(run.scores for run in compared.runs)
    head = (
        *("run", "model", "hparams set", "parameters", "MFLOPs/token"),
        *("tokens/s", "train hours", "steps", f"best {compared.metric}"),
        *("at step", "after hours", "sentences/s", "published"),
        *(("test",) if has_test else ()),
    )
    rows = [
        (
            run.name,
            run.model,
            run.hparams_set,
            _text(run.parameters, ",d"),
            _text(run.flops_per_token and run.flops_per_token / 1e6, ",.1f"),
            _text(run.tokens_per_second, ",.0f"),
            _text(run.hours, ".3g"),
            _text(run.steps, ",d"),
            _text(run.best.score, ".2f"),
            _text(run.best.step, ",d"),
            _text(run.best.hours, ".3g"),
            _text(run.sentences_per_second, ".3g"),
            run.standing.short,
            *((_text(_test_score(run), ".2f"),) if has_test else ()),
        )
        for run in compared.runs
    ]
    return [head, *rows]


def _test_score(run: RunFacts) -> float | None:
    """By the figure that compares between systems."""
    found = [run.scores[n] for n in ("sacrebleu", "f1") if n in run.scores]
    return found[0][0] if found else None


def difference_table(compared: SideBySide) -> list[tuple[str, ...]]:
    """As `table`: a row a field of the recipe, a column a run."""
    rows = [
        (field, *(_UNKNOWN if v is None else str(v) for v in values))
        for field, values in compared.differences.items()
    ]
    return [("", *(run.name for run in compared.runs)), *rows]


def unlike(values: Sequence[str]) -> list[bool]:
    """Of a row of `difference_table`, what is to be marked.

    That is what differs from the first run that has the field.
    """
    known = [value for value in values if value != _UNKNOWN]
    return [value not in (known[0], _UNKNOWN) for value in values]


def _text(value: float | None, form: str) -> str:
    return _UNKNOWN if value is None else format(value, form)


def notes(compared: SideBySide) -> Iterator[str]:
    """What must be known to read the figures, a sentence each."""
    signatures = {run.signatures for run in compared.runs}
    known = ", ".join(sorted({s for one in signatures for s in one}))
    yield (
        f"{compared.metric}: the best of the trainer's evaluations, on a part"
        " of the dev data (--eval_bleu_sentences), one checkpoint, beam search;"
        f" {known or 'its signature was not recorded'}."
    )
    if known and signatures != {(known,)}:
        yield (
            "The signatures differ or were not recorded in some run: compare"
            " the scores of t2t-bleu on one test set instead."
        )
    yield (
        "MFLOPs/token: millions of operations of the matrix products, forward"
        " and backward, of a target token in a sentence of"
        f" {SENTENCE[1]} source and {SENTENCE[2]} target positions, by the"
        " formula of the family."
    )
    yield (
        "train hours: spent on updates, over all sessions, without evaluations"
        " and checkpoints; tokens/s: target tokens without padding;"
        " sentences/s: of the search in evaluations. They are of the machines"
        " that the runs were trained on; both rates are medians."
    )
    for run in compared.runs:
        for name, (score, signature) in run.scores.items():
            yield f"{run.name}, test: {name} = {score:.2f} {signature}."
    for run in compared.runs:
        if run.standing.figure:
            yield f"{run.name}, published: {run.standing.text}."


def as_text(compared: SideBySide) -> str:
    """For the terminal; Markdown too."""
    parts = [
        f"{compared.problem}: {len(compared.runs)} runs, the best"
        f" {compared.metric} first",
        _aligned(table(compared)),
    ]
    if compared.differences:
        head, *rows = difference_table(compared)
        parts.append(
            "Differences of the recipe; * is unlike the first run, fields that"
            " one model alone has are left out"
        )
        marked = [
            (
                field,
                *(
                    f"{value} *" if is_unlike else value
                    for value, is_unlike in zip(
                        values, unlike(values), strict=True
                    )
                ),
            )
            for field, *values in rows
        ]
        parts.append(_aligned([head, *marked]))
    parts.append("\n".join(notes(compared)))
    return "\n\n".join(parts) + "\n"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruled = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        f"| {' | '.join(map(str.ljust, row, widths))} |" for row in ruled
    )
