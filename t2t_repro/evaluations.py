"""The dev figures of a run: `evaluations.json` in the run directory.

Each evaluation is a line with every bit of its figures. Early stopping and the
best checkpoints (`--keep_best`, `t2t-decoder --checkpoint=best`) follow from
them alone: a run that goes on from an earlier checkpoint drops the later lines
and decides as if it had never stopped.
"""

import dataclasses
import json
import math
import pathlib
from collections.abc import Collection
from typing import Any

from t2t_repro import files, run_directory
from t2t_repro.errors import InputError

# The figures of an evaluation, and whether less is better.
MINIMIZE = {
    "nll": True,
    "perplexity": True,
    "token_accuracy": False,
    "bleu": False,
    "f1": False,
    "accuracy": False,
}
# What every evaluation has; its fourth figure is of the problem's outputs.
_COMMON = ("nll", "perplexity", "token_accuracy")
OF_OUTPUTS = tuple(name for name in MINIMIZE if name not in _COMMON)
_SIGNATURE = "signature"


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Figures on the dev data.

    Attributes:
      nll: mean negative log-likelihood of a token, no smoothing, in nats.
      perplexity: exp(nll), per subword.
      token_accuracy: share of tokens whose id had the highest score.
      metric: the problem's, "bleu", "f1" or "accuracy".
      score: by it, of a fixed part of the dev data, beam search; 0 to 100.
      signature: how the score was computed; empty where nobody said.
      sentences_per_second: of that search; None where it was not timed. It
        goes to TensorBoard alone: the file holds what a repetition repeats.
    """

    nll: float
    perplexity: float
    token_accuracy: float
    metric: str
    score: float
    signature: str = ""
    sentences_per_second: float | None = None

    def figures(self) -> dict[str, float]:
        """By the names of `MINIMIZE`."""
        return {
            "nll": self.nll,
            "perplexity": self.perplexity,
            "token_accuracy": self.token_accuracy,
            self.metric: self.score,
        }


def perplexity(nll: float) -> float:
    """exp(nll); beyond exp(50) it says nothing and may overflow."""
    return math.exp(min(nll, 50.0))


class History:
    """Evaluations in order of their steps.

    Attributes:
      metric: one of Evaluation's figures, by which checkpoints are best.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        last_step: int | None = None,
        metric: str | None = None,
    ):
        """Reads what a run directory, which need not be there yet, has.

        Args:
          folder: run directory.
          last_step: evaluations after this one are of weights that are gone,
            and are dropped.
          metric: by which a checkpoint is best; None: what the file says.

        Raises:
          InputError: the file is damaged.
        """
        self._path = folder / run_directory.EVALUATIONS
        self.metric = metric or "nll"
        self._figures: dict[int, dict[str, Any]] = {}
        if self._path.exists():
            recorded, evaluations = _read(self._path)
            self.metric = metric or recorded
            self._figures = {
                step: figures
                for step, figures in evaluations
                if last_step is None or step <= last_step
            }

    def __contains__(self, step: int) -> bool:
        """Whether that step's weights were evaluated."""
        return step in self._figures

    def add(self, step: int, evaluation: Evaluation) -> None:
        """Adds an evaluation, on disk too."""
        self._figures[step] = {
            **evaluation.figures(),
            _SIGNATURE: evaluation.signature,
        }
        lines = [
            json.dumps({"step": step, **figures})
            for step, figures in sorted(self._figures.items())
        ]
        body = ",\n".join(lines)
        files.replace_file(
            self._path,
            f'{{"metric": "{self.metric}", "evaluations": [\n{body}\n]}}\n',
        )

    def best(self, count: int, among: Collection[int]) -> list[int]:
        """At most `count` of these steps, the best on the dev data first.

        Of equal ones the earlier come first.
        """
        sign = 1 if MINIMIZE[self.metric] else -1
        by_step = dict(zip(*self.of(self.metric), strict=True))
        steps = sorted(by_step.keys() & set(among))
        steps.sort(key=lambda step: sign * by_step[step])
        return steps[:count]

    def of(self, metric: str) -> tuple[list[int], list[float]]:
        """Steps, oldest first, and the values of a metric there."""
        # Before they were evaluated as such, parsing runs had BLEU for F1.
        known = {
            step: figures[metric]
            for step, figures in sorted(self._figures.items())
            if metric in figures
        }
        return list(known), list(known.values())

    def signatures(self) -> list[str]:
        """How the scores were computed; several where a version changed."""
        found = {line[_SIGNATURE] for line in self._figures.values()}
        return sorted(found - {""})


def _read(path: pathlib.Path) -> tuple[str, list[tuple[int, dict]]]:
    """The metric of the best, and the figures by step."""
    content = files.read_json(path)
    lines = content.get("evaluations")
    # Files of before --keep_best have none.
    metric = content.get("metric", "nll")
    found = []
    for line in lines if isinstance(lines, list) else [None]:
        figures = _figures(line)
        if not figures or metric not in list(MINIMIZE):
            raise InputError(
                f"{path} is damaged: restore it from a copy, or remove it and"
                " lose what early stopping knows."
            )
        found.append((int(figures.pop("step")), figures))
    return metric, found


def _figures(line: Any) -> dict[str, Any]:
    """Those of one line of the file, and how its score was computed.

    None where it is damaged.
    """
    if not isinstance(line, dict) or not {"step", *_COMMON} <= line.keys():
        return {}
    names = [name for name in MINIMIZE if name in line]
    if not all(isinstance(line[n], int | float) for n in ("step", *names)):
        return {}
    # Files of before it was kept have none.
    signature = line.get(_SIGNATURE, "")
    if not isinstance(signature, str):
        return {}
    figures = {name: line[name] for name in ("step", *names)}
    return figures | {_SIGNATURE: signature}
