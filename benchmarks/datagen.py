"""Tokenising and writing: lines a second, with one process and with two.

    python -m benchmarks.datagen --lines=300000

Text that is made up (or the user's own, `--tmp_dir` of `translate_from_files`)
goes through t2t-datagen's own function. The vocabulary is learnt once and timed
apart; every round then writes into a fresh folder. A pair is two lines.
"""

import functools
import pathlib
import shutil
import tempfile
import time
from collections.abc import Sequence

from absl import flags

from benchmarks import devices, made_up_text, measure
from benchmarks.measure import Record, Times
from t2t_repro import files, registry

_PROBLEM = "translate_from_files"
# WMT 2014 English-German, section 5.1.
_WMT_PAIRS = 4_500_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("datagen", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    measure.define_integers(
        values,
        {
            "lines": (100_000, "pairs of sentences to make up"),
            "rounds": (2, "how often each number of processes is timed"),
            "approx_vocab_size": (8192, "pieces to learn"),
        },
    )
    flags.DEFINE_list(
        "processes",
        "1,2",
        "numbers of processes, separated by commas",
        flag_values=values,
    )
    flags.register_validator(
        "processes",
        lambda given: given and all(n.isdigit() and int(n) for n in given),
        "expected whole numbers from 1 on",
        flag_values=values,
    )
    measure.define_texts(
        values,
        {"tmp_dir": "folder with train.src, train.tgt, dev.src, dev.tgt"},
    )


def _measure(values: flags.FlagValues) -> Record:
    devices.start()
    from t2t_repro.data import generate

    problem = registry.problem(_PROBLEM)
    problem.approx_vocab_size = values.approx_vocab_size
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = folder
        if values.tmp_dir:
            text = files.absolute(values.tmp_dir)
        else:
            made_up_text.write(text, values.lines)
        vocabulary = folder / problem.vocab_filename
        begin = time.perf_counter()
        problem.learn_vocabulary(problem.vocabulary_lines(text), vocabulary)
        learning = time.perf_counter() - begin

        def generate_with(processes: int) -> None:
            data_dir = folder / "data"
            shutil.rmtree(data_dir, ignore_errors=True)
            data_dir.mkdir()
            shutil.copy(vocabulary, data_dir)
            generate.generate(problem, data_dir, text, processes)

        seconds = measure.in_turn(
            {
                count: measure.clocked(
                    functools.partial(generate_with, int(count))
                )
                for count in values.processes
            },
            values.rounds,
        )
        summary = files.read_json(folder / "data" / f"{problem.name}.json")
    splits = summary["splits"].values()
    pairs = sum(split["pairs_written"] for split in splits)
    rows = [_row(int(n), rounds, pairs) for n, rounds in seconds.items()]
    for row in rows:
        row["speed_up"] = rows[0]["seconds_best"] / row["seconds_best"]
    return {
        "pairs": pairs,
        "is_made_up": not values.tmp_dir,
        "approx_vocab_size": values.approx_vocab_size,
        "learning_seconds": learning,
        "pairs_per_second": rows[0]["pairs_per_second"],
        "lines_per_second": rows[0]["lines_per_second"],
        "peak_memory_bytes": measure.peak_memory_bytes(),
        "seconds": seconds,
        "rows": rows,
    }


def _row(processes: int, seconds: Sequence[float], pairs: int) -> Record:
    times = Times.of(seconds)
    rate = pairs / times.best
    return {
        "processes": processes,
        "seconds_best": times.best,
        "seconds_median": times.median,
        "pairs_per_second": rate,
        "lines_per_second": 2 * rate,
        "lines_per_second_a_process": 2 * rate / processes,
        "estimate_of_4.5M_pairs_seconds": _WMT_PAIRS / rate,
    }


if __name__ == "__main__":
    raise SystemExit(main())
