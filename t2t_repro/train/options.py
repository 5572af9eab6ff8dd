"""What a training is told besides its hparams, checked before it begins.

A field of `TrainOptions` is a flag of t2t-trainer. What decides results stands
in `train.json` of the run directory: left out, such a flag is what stands
there, and another value is an error. The other flags may change with every
start (docs/reliability.md has the table).
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_repro import evaluations, files, hparam, run_directory
from t2t_repro.errors import InputError, UsageError
from t2t_repro.train import early_stopping
from t2t_repro.train.early_stopping import EarlyStopping

_VERSION = 1

# The first of each is the default. The first two schedules train and evaluate
# in turn, in one process and on the live weights; tensor2tensor's two differed
# in how Estimator was called. Left out: its `test`, `run_std_server`, the
# predicates of `continuous_eval` and the TPU's schedules; t2t-translate-all
# follows a run's checkpoints.
SCHEDULES = (
    "continuous_train_and_eval",
    "train_and_evaluate",
    "train",
    "evaluate",
)
NAN_POLICIES = ("stop", "skip")
PRECISIONS = ("float32", "bfloat16", "float16")
XLA = ("auto", "off", "attention", "replica")


def _flag(
    default: Any,
    text: str,
    at_least: float = 0,
    choices: Sequence[str] = (),
    stands: bool = False,
) -> Any:
    """A field for `command.define_flags_of`; `stands`: in `train.json`."""
    return dataclasses.field(
        default=default,
        metadata={
            "help": text,
            "at_least": at_least,
            "choices": choices,
            "stands": stands,
        },
    )


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What a run is told besides its hparams; tensor2tensor's flag names."""

    schedule: str = _flag(
        SCHEDULES[0],
        "train and evaluate in turn (both names), train without evaluations, or"
        " evaluate the newest checkpoint",
        choices=SCHEDULES,
    )
    train_steps: int = _flag(250_000, "updates to reach", 1)
    eval_steps: int = _flag(
        100, "dev batches per evaluation; 0: all", stands=True
    )
    local_eval_frequency: int = _flag(
        1000, "steps between evaluations, and between checkpoints", 1
    )
    save_checkpoints_secs: int = _flag(
        0, "seconds between checkpoints; 0: every --local_eval_frequency"
    )
    keep_checkpoint_max: int = _flag(20, "checkpoints to keep", 1)
    keep_best: int = _flag(
        0,
        "checkpoints to keep besides, the best on the dev data by"
        " --eval_early_stopping_metric",
    )
    average_last: int = _flag(0, "average so many checkpoints at the end")
    allow_unequal_spacing: bool = _flag(
        False,
        "average the last checkpoints even if they are not equally spaced",
    )
    eval_early_stopping_steps: int | None = _flag(
        None, "stop when the metric has not become better for so many steps", 1
    )
    eval_early_stopping_metric: str = _flag(
        "nll",
        f"{', '.join(evaluations.MINIMIZE)}, of the dev data",
    )
    eval_early_stopping_metric_delta: float = _flag(
        0.1, "a smaller change is not better"
    )
    eval_early_stopping_metric_minimize: bool | None = _flag(
        None, "whether less is better; left out: as the metric goes"
    )
    random_seed: int = _flag(
        1, "of weights, order of data and dropout", stands=True
    )
    deterministic: bool = _flag(
        False,
        "use only operations that give the same bits every time; slower on"
        " GPUs",
        stands=True,
    )
    # Does not stand: it is what goes on after a step that was not finite.
    nan_policy: str = _flag(
        NAN_POLICIES[0],
        "what a step whose loss or gradient is not finite does",
        choices=NAN_POLICIES,
    )
    precision: str = _flag(
        PRECISIONS[0],
        "of forward and backward pass; weights stay in float32",
        choices=PRECISIONS,
        stands=True,
    )
    # Does not stand: it changes how numbers are rounded.
    xla: str = _flag(
        XLA[0],
        "what XLA compiles; auto: replica on GPUs, off on the CPU",
        choices=XLA,
    )
    worker_gpu: int = _flag(0, "GPUs to use; 0: all, or the CPU")
    # Does not stand: it changes how numbers are rounded.
    worker_cpu: int = _flag(
        0,
        "cores of the processor that take a part of each batch each; 0: all, at"
        " most 8, for a model of at most 256 hidden units, else 1: they share"
        " every operation",
    )
    eval_bleu_sentences: int = _flag(
        200, "dev sentences decoded for the problem's metric", 1, stands=True
    )
    warm_start_from: str | None = _flag(
        None,
        "run directory or checkpoint that a new run has its first weights from;"
        " step and moments begin anew",
        stands=True,
    )
    profile: str = _flag(
        "",
        "first and last step that TensorFlow's profiler records, such as"
        " 100,109, for TensorBoard's Profile tab",
    )

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
        """Which checkpoints' steps, oldest first, stay, but for the best."""
        regular = [step for step in found if self.is_due(step)]
        # Those of the average, even where one of another rhythm is newer.
        last = regular[-self.average_last :] if self.average_last else []
        return {*found[-self.kept :], *last}


STANDING = tuple(
    field.name
    for field in dataclasses.fields(TrainOptions)
    if field.metadata["stands"]
)


def resolve(folder: pathlib.Path, given: Mapping[str, Any]) -> TrainOptions:
    """What is given, else what stands in a run directory, else the default.

    Args:
      folder: need not be a run yet, or one of before there was a record.
      given: values of the flags that were not left out.

    Raises:
      UsageError: one contradicts what stands.
      InputError: the record is damaged, or of a later version.
    """
    stands = _read(folder / run_directory.TRAIN)
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
    path = folder / run_directory.TRAIN
    if not path.exists():
        record = {"version": _VERSION}
        record |= {name: getattr(options, name) for name in STANDING}
        files.make_folder(folder)
        files.replace_file(path, json.dumps(record, indent=0))


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
