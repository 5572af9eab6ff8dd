"""How long a user waits: for `--help`, a mistake, the first step or line.

    python -m benchmarks.startup --hparams_set=transformer_multi30k \\
        --problem=translate_ende_multi30k --data_dir=DATA --output_dir=RUN

Each round is a fresh process. A part of a training is over when the trainer
says so; evaluation and checkpoint come after the first step. A translation is
waited for until its process has ended.
"""

import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from absl import flags

from benchmarks import measure
from benchmarks.measure import Record, Times
from t2t_repro import files
from t2t_repro.errors import InputError

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_TOY = "translate_ende_toy"
_SENTENCE = "a dog sleeps."
# What is over by the words of the trainer's messages, in their order.
_PARTS = {
    "starting TensorFlow": "t2t-trainer, flags and hparams",
    "trying the largest batch": "t2t-trainer, TensorFlow, model and data",
    " weights, ": "t2t-trainer, the step's program",
    " step 1 of ": "t2t-trainer, first step",
}
_FIGURES = {
    "help_seconds": "t2t-trainer --help",
    "bad_flag_seconds": "t2t-trainer --hparam_set=base",
    "first_step_seconds": "t2t-trainer, first step",
    "first_sentence_seconds": "t2t-translate, a sentence",
    "first_line_seconds": "t2t-decoder, a file of a line",
}


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
        ("problem", _TOY, "what it is trained on"),
        ("data_dir", None, "its data; default: they are generated"),
        (
            "output_dir",
            None,
            "a run that translates; default: of the same set, after one step",
        ),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)


def _measure(values: flags.FlagValues) -> Record:
    seconds: dict[str, list[float]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        training = _training(values, folder)
        output_dir = str(files.absolute(values.output_dir or folder / "run"))
        if values.output_dir is None:
            arguments = [*training, f"--output_dir={output_dir}"]
            _run("t2t_trainer", [*arguments, "--schedule=train"], status=0)
        for number in range(values.rounds):
            # A directory of its own, or it would go on with the last one.
            arguments = [*training, f"--output_dir={folder / str(number)}"]
            for part, passed in _round(arguments, output_dir, folder):
                seconds[part].append(passed)
    return {
        "hparams_set": values.hparams_set,
        **{key: min(seconds[part]) for key, part in _FIGURES.items()},
        "seconds": seconds,
        "rows": [
            {
                "command": part,
                "seconds_best": Times.of(rounds).best,
                "seconds_median": Times.of(rounds).median,
            }
            for part, rounds in seconds.items()
        ],
    }


def _training(values: flags.FlagValues, folder: pathlib.Path) -> list[str]:
    """The flags of a training of one step; makes its data where none are."""
    data_dir = files.absolute(values.data_dir or folder / "data")
    data = [f"--problem={values.problem}", f"--data_dir={data_dir}"]
    if values.data_dir is None:
        _run("t2t_datagen", [*data, f"--tmp_dir={folder}"], status=0)
    return [
        *data,
        f"--hparams_set={values.hparams_set}",
        f"--hparams={values.hparams}",
        "--train_steps=1",
    ]


def _round(
    training: Sequence[str], output_dir: str, folder: pathlib.Path
) -> Iterator[tuple[str, float]]:
    """Every wait once, with its seconds."""
    yield "t2t-trainer --help", _run("t2t_trainer", ["--help"], status=0)
    mistake = ["--hparam_set=base"]
    yield "t2t-trainer --hparam_set=base", _run("t2t_trainer", mistake, 2)
    yield from _seconds_of_parts(training)
    run = f"--output_dir={output_dir}"
    sentence = _run("t2t_translate", [run, _SENTENCE], status=0)
    yield "t2t-translate, a sentence", sentence
    source, target = folder / "source", folder / "target"
    target.unlink(missing_ok=True)
    source.write_text(f"{_SENTENCE}\n", encoding="utf-8")
    paths = [f"--decode_from_file={source}", f"--decode_to_file={target}"]
    line = _run("t2t_decoder", [run, *paths], status=0)
    yield "t2t-decoder, a file of a line", line


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


def _seconds_of_parts(training: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Seconds from the start of a training to the end of each of its parts.

    Raises:
      InputError: it ended before its first step.
    """
    begin = time.perf_counter()
    parts = list(_PARTS.items())
    said = []
    with subprocess.Popen(
        _command("t2t_trainer", training),
        cwd=_ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if parts[0][0] in line:
                yield parts.pop(0)[1], time.perf_counter() - begin
            if not parts:
                process.kill()
                break
    if parts:
        raise InputError(
            f"t2t_trainer took no step: {''.join(said[-3:])[-500:]}"
        )


if __name__ == "__main__":
    raise SystemExit(main())
