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


class Outputs:
    """Turns the model's texts into output lines, and counts the repairs."""

    def __init__(self, problem: Any):
        """Begins to count."""
        self._problem = problem if isinstance(problem, LineProblem) else None
        self._kinds: collections.Counter[str] = collections.Counter()
        self._lines = self._repaired = 0

    def finish(
        self, line: str, hypotheses: Sequence[Translation]
    ) -> list[Translation]:
        """The hypotheses of a user's line with the texts that the user gets.

        Args:
          line: the user's.
          hypotheses: best first.
        """
        if self._problem is None:
            return list(hypotheses)
        outputs = [self._problem.output_line(line, h.text) for h in hypotheses]
        # Of the best hypothesis: the others are seldom written.
        _, repairs = outputs[0]
        self._kinds.update(repairs.keys())
        self._lines += 1
        self._repaired += bool(repairs)
        return [
            dataclasses.replace(hypothesis, text=text)
            for hypothesis, (text, _) in zip(hypotheses, outputs, strict=True)
        ]

    def log_repairs(self) -> None:
        """Says how many sentences were repaired, where any could be."""
        if self._problem is None:
            return
        counts = sorted(self._kinds.items())
        listed = ", ".join(f"{kind} {count}" for kind, count in counts)
        logger.info(
            "%d of %d sentences were repaired%s",
            self._repaired,
            self._lines,
            f" (sentences by kind: {listed})" if listed else "",
        )


def input_line(problem: Any, line: str) -> str:
    """What the model reads for a user's line."""
    return (
        problem.input_line(line) if isinstance(problem, LineProblem) else line
    )


def before(problem: Any, lines: Sequence[str]) -> Sequence[str]:
    """The lines that the model reads."""
    return [input_line(problem, line) for line in lines]


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
    outputs = Outputs(problem)
    finished = [
        outputs.finish(line, hypotheses)
        for line, hypotheses in zip(lines, results, strict=True)
    ]
    outputs.log_repairs()
    return finished
