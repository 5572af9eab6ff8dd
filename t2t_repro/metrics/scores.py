"""The score of a problem's outputs: sacreBLEU, or F1 where they are trees."""

import dataclasses
from collections.abc import Sequence

from t2t_repro.metrics import bleu, bracketing


@dataclasses.dataclass(frozen=True)
class Score:
    """A figure, and how it was computed.

    Attributes:
      metric: "bleu" or "f1".
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
