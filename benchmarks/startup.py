"""How long a user waits: for `--help`, for a mistake, for the first step.

    python -m benchmarks.startup --model=base

Each round is a fresh process. The first step of a training on the toy corpus
is reached when the trainer reports it; evaluation and checkpoint come after.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from absl import flags

from benchmarks import measure
from benchmarks.measure import Record, Times
from t2t_repro.errors import InputError

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_PROBLEM = "translate_ende_toy"
# Behind the time of day.
_FIRST_STEP = " step 1 of "


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("startup", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    measure.define_integers(
        values, {"rounds": (3, "fresh processes of each kind")}
    )
    for name, default, text in (
        ("hparams_set", "transformer_base", "what is trained for one step"),
        ("hparams", "", "changes to the set"),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)


def _measure(values: flags.FlagValues) -> Record:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = [f"--problem={_PROBLEM}", f"--data_dir={folder / 'data'}"]
        _run("t2t_datagen", [*data, f"--tmp_dir={folder}"], status=0)
        runs = iter(range(1_000_000))

        def first_step() -> float:
            # A directory of its own, or it would go on with the last one.
            return _seconds_to_first_step(
                [
                    *data,
                    f"--output_dir={folder / f'run_{next(runs)}'}",
                    f"--hparams_set={values.hparams_set}",
                    f"--hparams={values.hparams}",
                    "--train_steps=1",
                ]
            )

        seconds = measure.in_turn(
            {
                "t2t-trainer --help": lambda: _run(
                    "t2t_trainer", ["--help"], status=0
                ),
                "t2t-trainer --hparam_set=base": lambda: _run(
                    "t2t_trainer", ["--hparam_set=base"], status=2
                ),
                "t2t-trainer, first step": first_step,
            },
            values.rounds,
        )
    rows = [
        {
            "command": name,
            "seconds_best": Times.of(rounds).best,
            "seconds_median": Times.of(rounds).median,
        }
        for name, rounds in seconds.items()
    ]
    keys = ("help_seconds", "bad_flag_seconds", "first_step_seconds")
    return {
        "hparams_set": values.hparams_set,
        **{
            key: row["seconds_best"]
            for key, row in zip(keys, rows, strict=True)
        },
        "seconds": seconds,
        "rows": rows,
    }


def _command(program: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", f"t2t_repro.bin.{program}", *arguments]


def _run(program: str, arguments: Sequence[str], status: int) -> float:
    """Seconds of a process from start to end.

    Raises:
      InputError: it ended with another status.
    """
    begin = time.perf_counter()
    done = subprocess.run(
        _command(program, arguments),
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode != status:
        raise InputError(
            f"{program} ended with status {done.returncode} instead of"
            f" {status}: {done.stderr[-500:]}"
        )
    return seconds


def _seconds_to_first_step(arguments: Sequence[str]) -> float:
    """Seconds until the trainer reports its first step.

    Raises:
      InputError: it ended before.
    """
    begin = time.perf_counter()
    seconds = None
    said = []
    with subprocess.Popen(
        _command("t2t_trainer", arguments),
        cwd=_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if _FIRST_STEP in line:
                seconds = time.perf_counter() - begin
                process.kill()
                break
    if seconds is None:
        raise InputError(
            f"t2t_trainer took no step: {''.join(said[-3:])[-500:]}"
        )
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
