"""What a training is told besides its hparams, checked before it begins.

What decides results stands in `train.json` of the run directory: left out, a
flag is what stands there, and another value is an error. The other flags may
change with every start (docs/reliability.md has the table).
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from t2t_repro import evaluations
from t2t_repro import files
from t2t_repro import hparam
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.train import early_stopping
from t2t_repro.train.early_stopping import EarlyStopping

FILE = "train.json"
_VERSION = 1
# `xla` and `nan_policy` are not here: the first changes how numbers are
# rounded, the second is what goes on after a step that was not finite.
STANDING = (
    "random_seed",
    "precision",
    "deterministic",
    "eval_steps",
    "eval_bleu_sentences",
    "warm_start_from",
)

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
      keep_best: how many stay besides for being the best on the dev data, by
        `eval_early_stopping_metric`.
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
    keep_best: int = 0
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

    def early_stopping(self, metric: str | None = None) -> EarlyStopping:
        """The rule that the flags make.

        Args:
          metric: of the problem's outputs, where it is known.

        Raises:
          UsageError: they make none.
        """
        return early_stopping.check(
            self.eval_early_stopping_steps,
            self.eval_early_stopping_metric,
            self.eval_early_stopping_metric_delta,
            self.eval_early_stopping_metric_minimize,
            self.evaluates,
            metric,
        )

    def is_due(self, step: int) -> bool:
        """Whether an evaluation, and a checkpoint unless these go by time,
        follow this step."""
        return step >= self.train_steps or step % self.local_eval_frequency == 0

    def check(self, found: Sequence[int], metric: str | None = None) -> None:
        """Finds out before anything is done what would fail at its end.

        Args:
          found: steps of the checkpoints that are there.
          metric: of the problem's outputs, where it is known.

        Raises:
          UsageError: options that do not go together, or an average of more
            checkpoints than there will be, or of unequally spaced ones.
        """
        self.early_stopping(metric)
        by_time = self.save_checkpoints_secs > 0
        if self.keep_best and (by_time or not self.evaluates):
            other = "save_checkpoints_secs" if by_time else "schedule=train"
            raise UsageError(
                f"--keep_best={self.keep_best} needs a checkpoint at every"
                f" evaluation, which --{other} does not make: leave one out."
            )
        if by_time or not self.average_last:
            return
        steps, every = self.train_steps, self.local_eval_frequency
        newest = max(found, default=0)
        # One at each multiple of the frequency, and the last one.
        goes_on = newest < steps
        coming = -(-steps // every) - newest // every if goes_on else 0
        if len(found) + coming < self.average_last:
            raise UsageError(
                f"--average_last={self.average_last}, but --train_steps={steps}"
                f" with --local_eval_frequency={every} makes only"
                f" {len(found) + coming} checkpoints: change one."
            )
        if (
            self.average_last > 2
            and not self.allow_unequal_spacing
            and goes_on
            and steps % every
        ):
            raise UsageError(
                f"--train_steps={steps} is no multiple of"
                f" --local_eval_frequency={every}, so the last"
                f" {self.average_last} checkpoints would not be equally"
                " spaced: change one, or give --allow_unequal_spacing."
            )

    def staying(self, found: Sequence[int]) -> set[int]:
        """Which checkpoints of training stay, but for the best.

        Args:
          found: their steps, oldest first.
        """
        regular = [step for step in found if self.is_due(step)]
        # Those of the average, even where one of another rhythm is newer.
        last = regular[-self.average_last :] if self.average_last else []
        return {*found[-self.kept :], *last}


def resolve(folder: pathlib.Path, given: Mapping[str, Any]) -> TrainOptions:
    """What is given, else what stands in a run directory, else the default.

    Args:
      folder: need not be a run yet, or one of before there was a record.
      given: values of the flags that were not left out.

    Raises:
      UsageError: one contradicts what stands.
      InputError: the record is damaged, or of a later version.
    """
    stands = _read(folder / FILE)
    # Its figures are not the training's.
    only_evaluates = given.get("schedule") == "evaluate"
    for name, value in stands.items():
        if name in given and given[name] != value and not only_evaluates:
            raise UsageError(
                f"--{name}={given[name]}, but {folder} was trained with"
                f" {name}={value}: leave the flag out or take another"
                " --output_dir."
            )
    # What it began with matters to a new run alone.
    stands.pop("warm_start_from", None)
    metric = evaluations.History(folder).metric
    remembered = {"eval_early_stopping_metric": metric, **stands}
    return TrainOptions(**{**remembered, **given})


def keep(folder: pathlib.Path, options: TrainOptions) -> None:
    """Records in a run directory that has no record yet what decides."""
    if not (folder / FILE).exists():
        record = {"version": _VERSION}
        record |= {name: getattr(options, name) for name in STANDING}
        files.replace_file(
            files.make_folder(folder) / FILE, json.dumps(record, indent=0)
        )


def _read(path: pathlib.Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    record = files.read_json(path)
    version = record.pop("version", None)
    types = hparam.field_types(TrainOptions)
    if version != _VERSION or record.keys() != set(STANDING):
        raise InputError(
            f"{path} is of version {str(version)[:40]}, this program reads"
            f" {_VERSION}: it is damaged or of a later version."
        )
    for name, value in record.items():
        if not isinstance(value, types[name]):
            raise InputError(
                f"{path} has {name}={str(value)[:40]!r}: it is damaged,"
                " restore it from a copy."
            )
    return record
