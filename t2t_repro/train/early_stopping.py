"""Early stopping: when the dev figures have not become better for long.

tensor2tensor's `--eval_early_stopping_*` read its event files; here the figures
are those of `t2t_repro.evaluations`.
"""

import dataclasses
from collections.abc import Sequence

from t2t_repro.errors import UsageError, nearest
from t2t_repro.evaluations import MINIMIZE, OF_OUTPUTS, History


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
        """Why the run ended, with the best evaluation."""
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
    of_problem: str | None = None,
) -> EarlyStopping:
    """Makes the rule of the flags, `--eval_early_stopping_*`.

    Args:
      steps: see EarlyStopping, as metric and delta.
      metric: of the evaluations.
      delta: the least improvement.
      minimize: None: as the metric goes. tensor2tensor's default, True, ended
        a run at once where the metric was BLEU.
      has_evaluations: whether the schedule evaluates at all.
      of_problem: the metric of the problem's outputs, where it is known.

    Raises:
      UsageError: they contradict each other, the schedule or the problem.
    """
    if metric not in MINIMIZE:
        raise UsageError(
            f"--eval_early_stopping_metric={metric}: expected one of"
            f" {', '.join(MINIMIZE)}.{nearest(metric, MINIMIZE)}"
        )
    if of_problem and metric in OF_OUTPUTS and metric != of_problem:
        raise UsageError(
            f"--eval_early_stopping_metric={metric}: the outputs of this"
            f" problem are scored by {of_problem}, give that."
        )
    natural = MINIMIZE[metric]
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
    than the last one. Before there is one, a metric has not plateaued. Steps
    are those of the evaluations, oldest first.
    """
    if not steps:
        return False
    old = [s for s in steps if s <= steps[-1] - num_steps]
    if not old:
        return False
    start, *later = values[len(old) - 1 :]
    gains = [start - v if minimize else v - start for v in (start, *later)]
    return all(gain < delta for gain in gains)
