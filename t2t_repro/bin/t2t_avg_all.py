"""Averages checkpoints: one average for every window of the last n.

The result is a run directory of its own: model.ckpt-STEP is the mean of the n
checkpoints that end at STEP, with the time of the newest. A checkpoint that a
signal saved between two regular ones is left out; other unequally spaced ones
are refused before anything is written. Left out are
tensor2tensor's --wait_minutes (a training averages its own last checkpoints:
t2t-trainer --average_last) and the optimizer's moments, which it averaged too.
"""

import logging
import shutil
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, run_directory
from t2t_repro.bin import command
from t2t_repro.errors import InputError, UsageError

# What makes the folder a run, and what t2t-report reads.
_COPIED = (
    run_directory.PROBLEM,
    run_directory.BATCH_SHAPES,
    run_directory.HPARAMS,
)

logger = logging.getLogger("t2t_repro")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-avg-all`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-avg-all", __doc__ or "", _define_flags, _average, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    for name, text in (
        ("model_dir", "run directory to read"),
        (
            "output_dir",
            "new run directory: model.ckpt-STEP is the mean of n checkpoints",
        ),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    for name, default, least, text in (
        ("n", 8, 1, "checkpoints in an average; the paper: 5, big 20"),
        ("min_steps", 0, 0, "ignore checkpoints of fewer steps"),
        ("max_steps", 0, 0, "ignore checkpoints of more steps; 0: none"),
    ):
        flags.DEFINE_integer(
            name, default, text, lower_bound=least, flag_values=values
        )
    flags.DEFINE_bool(
        "allow_unequal_spacing",
        False,
        "average checkpoints that are not equally spaced by step or time",
        flag_values=values,
    )


def _average(values: flags.FlagValues) -> int | None:
    command.require(values, "model_dir", "output_dir")
    run = run_directory.load(files.absolute(values.model_dir))
    target = files.absolute(values.output_dir)
    if target.exists() and not target.is_dir():
        raise UsageError(f"--output_dir={target} is a file: give a new folder.")
    if target.exists() and any(target.iterdir()):
        raise UsageError(
            f"--output_dir={target} is not empty: give a new folder."
        )
    command.load_tensorflow()
    from t2t_repro import averaging, checkpoints

    steps, windows = _windows(run, values)
    with files.filling(target):
        for window in windows:
            means = averaging.average(run.folder, window)
            prefix = checkpoints.save(target, window[-1], means)
            checkpoints.copy_times(
                checkpoints.path_of(run.folder, window[-1]), prefix
            )
        # hparams.json comes last: with it the folder is a run.
        for name in (run.vocabulary.name, *_COPIED):
            if (run.folder / name).exists():
                shutil.copyfile(run.folder / name, target / name)
    for window in windows:
        logger.info("model.ckpt-%d is the mean of steps %s", window[-1], window)
    logger.info("%d averages of %d checkpoints", len(windows), len(steps))
    return 0


def _windows(
    run: run_directory.Run, values: flags.FlagValues
) -> tuple[list[int], list[list[int]]]:
    """The steps there are, and all windows of n, checked."""
    from t2t_repro import averaging, checkpoints

    found = [
        step
        for step in checkpoints.steps(run.folder)
        if step >= values.min_steps
        and (not values.max_steps or step <= values.max_steps)
    ]
    steps = averaging.without_interim(run.folder, found)
    if not values.allow_unequal_spacing and not averaging.is_equal(
        steps, checkpoints.times(run.folder, steps)
    ):
        steps = averaging.regular(steps)
    if steps != found:
        logger.info(
            "left out, as a signal saved them: %s",
            sorted(set(found) - set(steps)),
        )
    if len(steps) < values.n:
        raise InputError(
            f"{run.folder} has {len(steps)} checkpoints, --n={values.n} needs"
            " that many: train on, or average fewer."
        )
    times = checkpoints.times(run.folder, steps)
    ends = range(values.n, len(steps) + 1)
    # The newest first: its refusal has the most useful advice.
    for end in reversed(ends):
        if not values.allow_unequal_spacing:
            averaging.check(steps, times, end - values.n, end - 1)
    return steps, [steps[end - values.n : end] for end in ends]


if __name__ == "__main__":
    raise SystemExit(main())
