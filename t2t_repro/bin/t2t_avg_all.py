"""Averages checkpoints: one average for every window of the last n."""

import logging
import shutil
from collections.abc import Sequence

from absl import flags

from t2t_repro import files
from t2t_repro import run_directory
from t2t_repro.bin import command
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError

logger = logging.getLogger("t2t_repro")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-avg-all`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-avg-all", __doc__ or "", _define_flags, _average, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_string(
        "model_dir", None, "run directory to read", flag_values=values
    )
    flags.DEFINE_string(
        "output_dir",
        None,
        "new run directory: model.ckpt-STEP is the mean of n checkpoints",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "n", 8, "checkpoints in an average", lower_bound=1, flag_values=values
    )


def _average(values: flags.FlagValues) -> int | None:
    command.require(values, "model_dir", "output_dir")
    run = run_directory.load(files.absolute(values.model_dir))
    target = files.absolute(values.output_dir)
    if target.exists() and any(target.iterdir()):
        raise UsageError(
            f"--output_dir={target} is not empty: give a new folder."
        )
    command.load_tensorflow()
    from t2t_repro.train import checkpoints

    steps = checkpoints.steps(run.folder)
    if len(steps) < values.n:
        raise InputError(
            f"{run.folder} has {len(steps)} checkpoints, --n={values.n} needs"
            " that many: train on, or average fewer."
        )
    files.make_folder(target)
    for name in (run.vocabulary.name, "problem.json", "hparams.json"):
        shutil.copyfile(run.folder / name, target / name)
    for last in range(values.n, len(steps) + 1):
        window = steps[last - values.n : last]
        means = checkpoints.average(
            [checkpoints.path_of(run.folder, step) for step in window]
        )
        prefix = checkpoints.save(target, window[-1], means)
        logger.info("%s is the mean of steps %s", prefix, window)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
