"""The score of a problem's outputs: sacreBLEU, F1 of trees, right answers."""

import dataclasses
from collections.abc import Sequence

from t2t_repro.errors import InputError
from t2t_repro.metrics import bleu, bracketing

_EXACT_MATCH = "whole lines"


@dataclasses.dataclass(frozen=True)
class Score:
    """A figure, and how it was computed.

    Attributes:
      metric: "bleu", "f1" or "accuracy".
      value: 0 to 100.
      signature: the same for all scores that can be compared.
      text: the figure in words, with what belongs to it.
    """

    metric: str
    value: float
    signature: str
    text: str


def corpus_score(
    metric: str,
    outputs: Sequence[str],
    references: Sequence[str],
    name: str = "the reference",
) -> Score:
    """Scores what a model wrote, line by line.

    Args:
      metric: a problem's.
      outputs: lines.
      references: one for each.
      name: of the references, for messages.

    Raises:
      InputError: the line counts differ, or a reference is no tree.
    """
    if metric == "accuracy":
        return _accuracy(outputs, references)
    if metric == "bleu":
        found = bleu.sacrebleu_score(outputs, references)
        text = f"sacrebleu = {found.score:.2f} {found.signature}"
        return Score(metric, found.score, found.signature, text)
    summary = bracketing.evaluate(references, outputs, gold_name=name).all
    # A sentence that cannot be scored has no right bracket.
    brackets = summary.brackets_with_failures
    text = (
        f"f1 = {brackets.f1:.2f} recall {brackets.recall:.2f}"
        f" precision {brackets.precision:.2f} COLLINS.prm, all lengths,"
        f" {summary.failures} failures as zero recall"
    )
    return Score(metric, brackets.f1, bracketing.SIGNATURE, text)


def _accuracy(outputs: Sequence[str], references: Sequence[str]) -> Score:
    """Share of the lines that are the reference, whole."""
    if len(outputs) != len(references):
        raise InputError(
            f"{len(outputs)} outputs, but {len(references)} references: each"
            " output needs one."
        )
    wrong = sum(a != b for a, b in zip(outputs, references, strict=True))
    error = 100.0 * wrong / max(len(outputs), 1)
    text = (
        f"accuracy = {100.0 - error:.2f} {_EXACT_MATCH},"
        f" {wrong} of {len(outputs)} wrong: error rate {error:.2f} %"
    )
    return Score("accuracy", 100.0 - error, _EXACT_MATCH, text)
