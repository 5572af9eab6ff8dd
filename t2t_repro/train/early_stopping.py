"""The dev figures of a run, and when they say that it is enough.

tensor2tensor's `--eval_early_stopping_*` read its event files; here each
evaluation is a line of `evaluations.json` in the run directory, with every bit
of its figures. What is kept is what happened, not a best value and a patience:
both follow from it, so a run that goes on from an earlier checkpoint drops the
later lines and decides as if it had never stopped. The best checkpoints
(`--keep_best`, `t2t-decoder --checkpoint=best`) follow from it, too.
"""

import dataclasses
import json
import pathlib
from collections.abc import Collection
from collections.abc import Sequence

from t2t_repro import files
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.errors import nearest

FILE = "evaluations.json"
# Whether less is better.
_MINIMIZE = {
    "nll": True,
    "perplexity": True,
    "token_accuracy": False,
    "bleu": False,
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Figures on the dev data.

    Attributes:
      nll: mean negative log-likelihood of a token, no smoothing, in nats.
      perplexity: exp(nll), per subword.
      token_accuracy: share of tokens whose id had the highest score.
      bleu: sacreBLEU of a fixed part of the dev data, beam search.
    """

    nll: float
    perplexity: float
    token_accuracy: float
    bleu: float


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
        """Reads what a run directory has.

        Args:
          folder: run directory; need not be there yet.
          last_step: of the checkpoint that training goes on from. Later
            evaluations are of weights that are gone, and are forgotten.
          metric: by which a checkpoint is best; None: what the file says.

        Raises:
          InputError: the file is damaged.
        """
        self._path = folder / FILE
        self.metric = metric or "nll"
        self._figures: dict[int, dict[str, float]] = {}
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
        """Takes note of an evaluation, on disk too."""
        self._figures[step] = dataclasses.asdict(evaluation)
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
        """The steps whose weights are best on the dev data, the best first.

        Args:
          count: how many at the most; of equals the earlier ones.
          among: steps of checkpoints that are there.
        """
        sign = 1 if _MINIMIZE[self.metric] else -1
        steps = sorted(self._figures.keys() & set(among))
        steps.sort(key=lambda step: sign * self._figures[step][self.metric])
        return steps[:count]

    def of(self, metric: str) -> tuple[list[int], list[float]]:
        """Steps, oldest first, and the values of a metric there."""
        steps = sorted(self._figures)
        return steps, [self._figures[step][metric] for step in steps]


@dataclasses.dataclass(frozen=True)
class EarlyStopping:
    """When to stop before `train_steps`.

    Attributes:
      steps: without an improvement; None: never.
      metric: one of Evaluation's figures.
      delta: a smaller change is no improvement.
      minimize: whether less of the metric is better.
    """

    steps: int | None
    metric: str
    delta: float
    minimize: bool

    def is_enough(self, history: History) -> bool:
        """Whether the evaluations so far end the run."""
        if self.steps is None:
            return False
        steps, values = history.of(self.metric)
        return has_plateaued(
            steps, values, self.steps, self.delta, self.minimize
        )

    def explain(self, history: History) -> str:
        """Says why the run ended, with the best evaluation."""
        steps, values = history.of(self.metric)
        best = min(values) if self.minimize else max(values)
        return (
            f"early stopping: no {self.metric} better by {self.delta:g} within"
            f" the last {self.steps} steps; the best was {best:.4f}, at step"
            f" {steps[values.index(best)]}"
        )


def check(
    steps: int | None,
    metric: str,
    delta: float,
    minimize: bool | None,
    has_evaluations: bool,
) -> EarlyStopping:
    """Makes sure that the flags mean something together.

    Args:
      steps: `--eval_early_stopping_steps`.
      metric: `--eval_early_stopping_metric`.
      delta: `--eval_early_stopping_metric_delta`.
      minimize: `--eval_early_stopping_metric_minimize`; None: as the metric
        goes. tensor2tensor's default, True, ended a run at once where the
        metric was BLEU.
      has_evaluations: whether the schedule evaluates at all.

    Raises:
      UsageError: they do not.
    """
    if metric not in _MINIMIZE:
        raise UsageError(
            f"--eval_early_stopping_metric={metric}: expected one of"
            f" {', '.join(_MINIMIZE)}.{nearest(metric, _MINIMIZE)}"
        )
    natural = _MINIMIZE[metric]
    if minimize not in (None, natural):
        raise UsageError(
            f"--eval_early_stopping_metric_minimize={minimize}, but"
            f" {'less' if natural else 'more'} {metric} is better: leave the"
            " flag out."
        )
    if steps is not None and not has_evaluations:
        raise UsageError(
            "--eval_early_stopping_steps needs evaluations, of which"
            " --schedule=train has none: take another schedule."
        )
    return EarlyStopping(steps, metric, delta, natural)


def has_plateaued(
    steps: Sequence[int],
    values: Sequence[float],
    num_steps: int,
    delta: float,
    minimize: bool,
) -> bool:
    """tensor2tensor's rule: nothing since then is better by `delta`.

    "Then" is the newest evaluation that is at least `num_steps` steps older
    than the last one. Before there is one, a metric has not plateaued.

    Args:
      steps: of the evaluations, oldest first.
      values: of the metric.
      num_steps: how long no improvement is too long.
      delta: the least improvement.
      minimize: whether less is better.
    """
    old = [s for s in steps if s <= steps[-1] - num_steps]
    if not old:
        return False
    start, *later = values[len(old) - 1 :]
    gains = [start - v if minimize else v - start for v in (start, *later)]
    return all(gain < delta for gain in gains)


def _read(path: pathlib.Path) -> tuple[str, list[tuple[int, dict]]]:
    """The metric of the best, and the figures by step."""
    content = files.read_json(path)
    lines = content.get("evaluations")
    # Files of before --keep_best have none.
    metric = content.get("metric", "nll")
    names = {"step", *_MINIMIZE}
    found = []
    for line in lines if isinstance(lines, list) else [None]:
        if (
            not isinstance(line, dict)
            or not names <= line.keys()
            or not all(isinstance(line[name], int | float) for name in names)
            or metric not in list(_MINIMIZE)
        ):
            raise InputError(
                f"{path} is damaged: restore it from a copy, or remove it and"
                " lose what early stopping knows."
            )
        found.append((int(line["step"]), {n: line[n] for n in _MINIMIZE}))
    return metric, found
