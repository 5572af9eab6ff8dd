"""`t2t-parseval`: scores parse trees against gold trees (section 6.3).

tensor2tensor had no counterpart: its parses could not be scored at all. What
is counted, and how, is in `t2t_repro.metrics.bracketing`.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro.bin import command
from t2t_repro.errors import InputError
from t2t_repro.metrics import bracketing
from t2t_repro.metrics.bracketing import BracketCounts, SentenceScore
from t2t_repro.text.lines import read_lines

_DOCUMENTATION = """compares parse trees with gold trees, one tree a line.

Labelled bracketing recall, precision and F1, complete match, crossing brackets
and tagging accuracy, as EVALB prints them with COLLINS.prm: for all sentences,
and for those of at most 40 words. EVALB averages only over sentences that
could be scored; a further line counts the others as zero recall.

An empty or broken test line is a sentence that the parser failed on. A broken
gold line is an error.

  t2t-parseval --gold=dev.trees --test=decoded.trees --per_sentence
"""

_SHORT = f"len<={bracketing.CUT_OFF_LENGTH}"

_TABLE_HEAD = (
    "                                matched brackets  cross-   compared\n"
    "  id  len. status recall  prec. brackets gold test  ing      words"
    "  tags  accuracy"
)


# What follows from counts, in JSON behind them.
_RATIOS = (
    *("recall", "precision", "f1"),
    *("failures", "valid", "complete_match", "complete_match_with_failures"),
    *("average_crossing", "no_crossing", "at_most_two_crossing"),
    "tagging_accuracy",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-parseval`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-parseval", _DOCUMENTATION, _define_flags, _body, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    for name, text in (
        ("gold", "The file of annotated trees, one a line."),
        (
            "test",
            "The file of the parser's trees, line by line the same sentences.",
        ),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    for name, text in (
        (
            "per_sentence",
            "Whether to print every sentence's figures before the summary, and"
            " on standard error why a sentence could not be scored.",
        ),
        ("json", "Whether to print one JSON object instead of text."),
    ):
        flags.DEFINE_bool(name, False, text, flag_values=values)


def _body(values: flags.FlagValues) -> None:
    command.require(values, "gold", "test")
    report = bracketing.evaluate(
        _read(values.gold, "gold"),
        _read(values.test, "test"),
        gold_name=values.gold,
        test_name=values.test,
    )
    if values.json:
        print(json.dumps(_as_json(report, values.per_sentence)))
        return
    if values.per_sentence:
        print(_TABLE_HEAD)
        for number, score in enumerate(report.sentences, start=1):
            print(_row(number, score))
            if score.reason is not None:
                print(f"sentence {number}: {score.reason}", file=sys.stderr)
        print()
    print(_summary_text("all", report.all))
    print()
    print(_summary_text(_SHORT, report.short))


def _read(path: str, flag: str) -> list[str]:
    try:
        return read_lines(path)
    except InputError as error:
        raise InputError(
            f"{error} --{flag} takes a text file with one tree a line."
        ) from error


def _row(number: int, score: SentenceScore) -> str:
    """Lays a sentence out as EVALB does, column for column."""
    # EVALB knows no gold brackets where it compared no words.
    brackets = score.brackets if score.words else BracketCounts(0, 0, 0)
    return (
        f"{number:4d}  {score.length:3d}    {score.status:d}"
        f"  {brackets.recall:6.2f} {brackets.precision:6.2f}"
        f"   {brackets.matched:3d}    {brackets.gold:3d}  {brackets.test:3d}"
        f"    {score.crossing:3d}   {score.words:4d}  {score.correct_tags:4d}"
        f"   {score.tagging_accuracy:6.2f}"
    )


def _summary_text(heading: str, summary: bracketing.Summary) -> str:
    brackets = summary.brackets
    strict = summary.brackets_with_failures
    lines = [
        f"-- {heading} --",
        f"Number of sentences       = {summary.sentences:6d}",
        f"Number of error sentences = {summary.errors:6d}",
        f"Number of skip sentences  = {summary.skipped:6d}",
        f"Number of valid sentences = {summary.valid:6d}",
        f"Bracketing recall         = {brackets.recall:6.2f}",
        f"Bracketing precision      = {brackets.precision:6.2f}",
        f"Bracketing F1             = {brackets.f1:6.2f}",
        f"Complete match            = {summary.complete_match:6.2f}",
        f"Average crossing          = {summary.average_crossing:6.2f}",
        f"No crossing               = {summary.no_crossing:6.2f}",
        f"2 or less crossing        = {summary.at_most_two_crossing:6.2f}",
        f"Tagging accuracy          = {summary.tagging_accuracy:6.2f}",
        f"Failures counted as zero recall ({summary.failures} of"
        f" {summary.sentences} sentences): recall {strict.recall:.2f},"
        f" precision {strict.precision:.2f}, F1 {strict.f1:.2f}, complete match"
        f" {summary.complete_match_with_failures:.2f}",
    ]
    return "\n".join(lines)


def _as_json(report: bracketing.Report, per_sentence: bool) -> dict:
    result: dict = {
        "all": _with_ratios(report.all),
        _SHORT: _with_ratios(report.short),
    }
    if per_sentence:
        result["sentences"] = [_with_ratios(one) for one in report.sentences]
    return result


def _with_ratios(score: Any) -> Any:
    """A dataclass of counts as a dict of them and of all that follows."""
    if not dataclasses.is_dataclass(score):
        return score
    fields = (field.name for field in dataclasses.fields(score))
    return {
        name: _with_ratios(getattr(score, name))
        for name in (*fields, *_RATIOS)
        if hasattr(score, name)
    }


if __name__ == "__main__":
    sys.exit(main())
