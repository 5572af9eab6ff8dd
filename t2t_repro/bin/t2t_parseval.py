"""`t2t-parseval`: scores parse trees against gold trees (section 6.3).

tensor2tensor had no counterpart: its parses could not be scored at all. What
is counted, and how, is in `t2t_repro.metrics.bracketing`; how sentences are
summed up, in `t2t_repro.metrics.bracketing_report`.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence

from absl import flags

from t2t_repro.bin import command
from t2t_repro.errors import InputError
from t2t_repro.metrics import bracketing_report
from t2t_repro.metrics.bracketing import BracketCounts
from t2t_repro.metrics.bracketing import SentenceScore
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

_SHORT = f"len<={bracketing_report.CUT_OFF_LENGTH}"

_TABLE_HEAD = (
    "                                matched brackets  cross-   compared\n"
    "  id  len. status recall  prec. brackets gold test  ing      words"
    "  tags  accuracy"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      argv: arguments without the program's name; `sys.argv[1:]` when None.

    Returns:
      The exit status.
    """
    return command.run(
        "t2t-parseval", _DOCUMENTATION, _define_flags, _body, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "gold",
        None,
        "The file of annotated trees, one a line.",
        flag_values=values,
    )
    flags.DEFINE_string(
        "test",
        None,
        "The file of the parser's trees, line by line the same sentences.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "per_sentence",
        False,
        "Whether to print every sentence's figures before the summary, and on"
        " standard error why a sentence could not be scored.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "json",
        False,
        "Whether to print one JSON object instead of text.",
        flag_values=values,
    )


def _body(values: flags.FlagValues) -> None:
    command.require(values, "gold", "test")
    report = bracketing_report.evaluate(
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


def _summary_text(heading: str, summary: bracketing_report.Summary) -> str:
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


def _as_json(report: bracketing_report.Report, per_sentence: bool) -> dict:
    result: dict = {
        "all": _summary_json(report.all),
        _SHORT: _summary_json(report.short),
    }
    if per_sentence:
        result["sentences"] = [
            {
                **dataclasses.asdict(score),
                "brackets": _brackets_json(score.brackets),
                "tagging_accuracy": score.tagging_accuracy,
            }
            for score in report.sentences
        ]
    return result


def _summary_json(summary: bracketing_report.Summary) -> dict:
    strict = summary.brackets_with_failures
    return {
        **dataclasses.asdict(summary),
        "brackets": _brackets_json(summary.brackets),
        "brackets_with_failures": _brackets_json(strict),
        "failures": summary.failures,
        "valid": summary.valid,
        "complete_match": summary.complete_match,
        "complete_match_with_failures": summary.complete_match_with_failures,
        "average_crossing": summary.average_crossing,
        "no_crossing": summary.no_crossing,
        "at_most_two_crossing": summary.at_most_two_crossing,
        "tagging_accuracy": summary.tagging_accuracy,
    }


def _brackets_json(brackets: BracketCounts) -> dict:
    return {
        **dataclasses.asdict(brackets),
        "recall": brackets.recall,
        "precision": brackets.precision,
        "f1": brackets.f1,
    }


if __name__ == "__main__":
    sys.exit(main())
