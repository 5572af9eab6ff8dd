"""What stands between a user's lines and a model's, for some problems.

A translation is the model's text as it is. A parse is not: the model reads
words in a certain form and writes brackets that may not even balance, and the
user wants a tree. Such a problem is a `LineProblem`; any other needs none of
this. Not in the paper, which does not say what became of broken output.
"""

import collections
import dataclasses
import logging
from collections.abc import Sequence
from typing import Any
from typing import Protocol
from typing import runtime_checkable

from t2t_repro.decode.translator import Translation

logger = logging.getLogger("t2t_repro")


@runtime_checkable
class LineProblem(Protocol):
    """A problem with lines of its own, such as `ParsingProblem`."""

    def input_line(self, line: str) -> str:
        """What the model reads for a user's line."""

    def output_line(
        self, line: str, text: str
    ) -> tuple[str, "collections.Counter[str]"]:
        """What the user gets for a line and the model's text.

        Returns:
          The output line, and how often what had to be repaired in it.
        """


def before(problem: Any, lines: Sequence[str]) -> Sequence[str]:
    """The lines that the model reads."""
    if not isinstance(problem, LineProblem):
        return lines
    return [problem.input_line(line) for line in lines]


def after(
    problem: Any,
    lines: Sequence[str],
    results: Sequence[Sequence[Translation]],
) -> list[list[Translation]]:
    """Turns the model's texts into output lines, and logs the repairs.

    Args:
      problem: the run's.
      lines: the user's.
      results: all hypotheses of each line, best first.

    Returns:
      The same with other texts, where the problem has lines of its own.
    """
    if not isinstance(problem, LineProblem):
        return [list(hypotheses) for hypotheses in results]
    finished = []
    kinds: collections.Counter[str] = collections.Counter()
    repaired = 0
    for line, hypotheses in zip(lines, results, strict=True):
        outputs = [problem.output_line(line, h.text) for h in hypotheses]
        finished.append(
            [
                dataclasses.replace(hypothesis, text=text)
                for hypothesis, (text, _) in zip(
                    hypotheses, outputs, strict=True
                )
            ]
        )
        # Of the best hypothesis: the others are seldom written.
        _, repairs = outputs[0]
        kinds.update(repairs.keys())
        repaired += bool(repairs)
    listed = ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items()))
    logger.info(
        "%d of %d sentences were repaired%s",
        repaired,
        len(lines),
        f" (sentences by kind: {listed})" if listed else "",
    )
    return finished
