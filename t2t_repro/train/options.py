"""What a training is told besides its hparams, checked before it begins."""

import dataclasses

from t2t_repro.errors import UsageError
from t2t_repro.train import early_stopping
from t2t_repro.train.early_stopping import EarlyStopping

SCHEDULES = (
    "continuous_train_and_eval",
    "train_and_evaluate",
    "train",
    "evaluate",
)


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What a run is told besides its hparams; tensor2tensor's flag names.

    Attributes:
      schedule: one of SCHEDULES; see `schedules`.
      train_steps: updates to reach.
      eval_steps: dev batches per evaluation, 0 for all.
      local_eval_frequency: steps between evaluations, and between checkpoints
        unless these go by time.
      save_checkpoints_secs: seconds between checkpoints; 0: by steps.
      keep_checkpoint_max: how many checkpoints stay.
      average_last: checkpoints to average at the end; 0: none.
      allow_unequal_spacing: average checkpoints at any distance.
      eval_early_stopping_steps: see `early_stopping.check`, as the next three.
      eval_early_stopping_metric: one of Evaluation's figures.
      eval_early_stopping_metric_delta: the least improvement.
      eval_early_stopping_metric_minimize: None: as the metric goes.
      random_seed: of weights, order of data and dropout.
      deterministic: only operations that give the same bits every time.
      nan_policy: what a step that is not finite does: "stop" or "skip".
      precision: "float32", "bfloat16" or "float16".
      xla: "off", "attention", "replica" or "auto".
      worker_gpu: GPUs to use; 0: all of them, or the CPU.
      eval_bleu_sentences: dev sentences translated per evaluation.
      warm_start_from: a run directory or checkpoint that a new run has its
        first weights from; None: fresh ones.
      profile: see `profiling.parse`.
    """

    schedule: str = "continuous_train_and_eval"
    train_steps: int = 250_000
    eval_steps: int = 100
    local_eval_frequency: int = 1000
    save_checkpoints_secs: int = 0
    keep_checkpoint_max: int = 20
    average_last: int = 0
    allow_unequal_spacing: bool = False
    eval_early_stopping_steps: int | None = None
    eval_early_stopping_metric: str = "nll"
    eval_early_stopping_metric_delta: float = 0.1
    eval_early_stopping_metric_minimize: bool | None = None
    random_seed: int = 1
    deterministic: bool = False
    nan_policy: str = "stop"
    precision: str = "float32"
    xla: str = "auto"
    worker_gpu: int = 0
    eval_bleu_sentences: int = 200
    warm_start_from: str | None = None
    profile: str = ""

    @property
    def kept(self) -> int:
        """Checkpoints that stay: never fewer than the average needs."""
        return max(self.keep_checkpoint_max, self.average_last)

    @property
    def evaluates(self) -> bool:
        """Whether training is interrupted by evaluations."""
        return self.schedule != "train"

    def early_stopping(self) -> EarlyStopping:
        """The rule that the flags make.

        Raises:
          UsageError: they make none.
        """
        return early_stopping.check(
            self.eval_early_stopping_steps,
            self.eval_early_stopping_metric,
            self.eval_early_stopping_metric_delta,
            self.eval_early_stopping_metric_minimize,
            self.evaluates,
        )

    def check_spacing(self) -> None:
        """Finds out before training what would spoil the average after it.

        Raises:
          UsageError: the last checkpoint would be nearer than the others.
        """
        if (
            self.average_last > 2
            and not self.save_checkpoints_secs
            and not self.allow_unequal_spacing
            and self.train_steps % self.local_eval_frequency
        ):
            raise UsageError(
                f"--train_steps={self.train_steps} is no multiple of"
                f" --local_eval_frequency={self.local_eval_frequency}, so the"
                f" last {self.average_last} checkpoints would not be equally"
                " spaced: change one, or give --allow_unequal_spacing."
            )
