"""Minutes until Multi30k is translated at a BLEU of 37.0: `make record`.

    python -m benchmarks.record --tmp_dir=DIR --output_dir=FOLDER

Trains the set `transformer_multi30k_record` from nothing, as anyone would with
t2t-trainer, and translates test_2016_flickr with what comes out. The clock runs
while t2t-trainer does: start-up, evaluations and checkpoints are on it, data
generation and the translation of the test are not. Prints the row for README's
leaderboard. The set is written for this clock alone: it is over when it passes.
"""

import pathlib
import subprocess
import sys
import time
from collections.abc import Sequence

from absl import flags

from benchmarks import measure
from benchmarks.measure import Record
from t2t_repro import files, registry
from t2t_repro.bin import command
from t2t_repro.errors import InputError, UsageError
from t2t_repro.text import lines

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_PROBLEM = "translate_ende_multi30k_bpe4k"
_TEST = "test_2016_flickr"
_SEARCH = "beam_size=5,alpha=1.0"
# What the first run of this project reached, in 62 minutes.
_BLEU_TO_PASS = 37.0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("record", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    measure.define_texts(
        values,
        {
            "tmp_dir": "folder of Multi30k's files; what is not there is"
            " downloaded",
            "output_dir": "new folder for data, run and translation",
        },
    )
    for name, default, text in (
        ("hparams_set", "transformer_multi30k_record", "hparams set"),
        ("hparams", "", "changes to it, as t2t-trainer's"),
        ("precision", "bfloat16", "as t2t-trainer's"),
        ("what", "", "what changed, for the row's last column"),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_integer("random_seed", 1, "of the run", flag_values=values)


def _measure(values: flags.FlagValues) -> Record:
    command.require(values, "tmp_dir", "output_dir")
    hparams = registry.hparams(values.hparams_set).override(values.hparams)
    folder, tmp_dir = map(files.absolute, (values.output_dir, values.tmp_dir))
    if folder.exists():
        raise UsageError(
            f"--output_dir={folder} exists already: the clock starts with a"
            " new run. Name a new folder, or remove that one."
        )
    data, run, translation = (
        str(folder / name) for name in ("data", "run", f"{_TEST}.de")
    )
    data_flags = [f"--problem={_PROBLEM}", f"--data_dir={data}"]
    # The rate has come down to 0 there.
    steps = (
        hparams.learning_rate_warmup_steps + hparams.learning_rate_decay_steps
    )
    _command("datagen", *data_flags, f"--tmp_dir={tmp_dir}")
    begin = time.perf_counter()
    _command(
        "trainer",
        *data_flags,
        f"--output_dir={run}",
        f"--hparams_set={values.hparams_set}",
        f"--hparams={values.hparams}",
        f"--precision={values.precision}",
        f"--random_seed={values.random_seed}",
        f"--train_steps={steps}",
    )
    minutes = (time.perf_counter() - begin) / 60.0
    test = tmp_dir / f"{_TEST}.en.gz"
    _command(
        "decoder",
        f"--output_dir={run}",
        f"--decode_hparams={_SEARCH}",
        f"--decode_from_file={test}",
        f"--decode_to_file={translation}",
    )
    score = _score(translation, test.with_name(f"{_TEST}.de.gz"))
    if score < _BLEU_TO_PASS:
        raise InputError(
            f"no record: {minutes:.1f} minutes, but a BLEU of {score:.2f},"
            f" which is below {_BLEU_TO_PASS}."
        )
    machine = measure.machine()
    return {
        "rows": [
            {
                "date": machine["date"],
                "minutes": f"{minutes:.1f}",
                "test_2016": f"{score:.2f}",
                "commit": _commit(),
                "measured on": f"{machine['cores']} cores, "
                f"{machine['processor']}",
                "what changed": values.what,
            }
        ]
    }


def _command(name: str, *arguments: str) -> None:
    """Runs t2t-`name`; what it says goes to standard error.

    Raises:
      InputError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"t2t_repro.bin.t2t_{name}", *arguments],
        cwd=_ROOT,
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        raise InputError(
            f"t2t-{name} ended with status {done.returncode}: see what it said"
            " above."
        )


def _score(translation: str, reference: pathlib.Path) -> float:
    """sacreBLEU, cased, 13a."""
    from t2t_repro.metrics import bleu

    return bleu.sacrebleu_score(
        lines.read_lines(translation), lines.read_lines(reference)
    ).score


def _commit() -> str:
    """Of the checkout, with a + where files have changed since."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.strip() or "no checkout"


if __name__ == "__main__":
    raise SystemExit(main())
