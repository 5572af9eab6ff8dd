"""Every benchmark, one after the other, and the tables of docs/benchmarks.md.

    python -m benchmarks.all --output=FOLDER --problem=translate_ende_multi30k
      --data_dir=DIR --output_dir=RUN --decode_from_file=FILE
      --torch_python=... --opennmt_python=... --ctranslate2_python=...

Each is a process of its own, within which everything that is compared takes
turns. FOLDER gets benchmarks.json, with all figures, and benchmarks.md, with
the tables; `--page` puts these into a page between its marks.
"""

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from absl import flags

from benchmarks import measure, tables
from benchmarks.measure import Record
from benchmarks.peers import driver
from t2t_repro import files
from t2t_repro.bin import command
from t2t_repro.errors import InputError, UsageError

_ROOT = pathlib.Path(__file__).resolve().parents[1]
# For trying the command itself: seconds instead of hours.
_SMALL = {
    "train_step": "--model=transformer_tiny --batch=2 --source=4 --target=4"
    " --vocab=50 --rounds=1 --matmul_size=64",
    "rivals": "--rivals=rnn_multi30k --batch=2 --source=3 --target=3"
    " --vocab=50 --rounds=1",
    "train_real": "--model=transformer_tiny --steps=1",
    "decode": "--model=transformer_tiny --batch=2 --source=4 --steps=3"
    " --beam=2 --vocab=50 --rounds=1 --matmul_size=64",
    "input": "--rounds=1 --max_batches=2",
    "datagen": "--lines=300 --approx_vocab_size=400 --rounds=1",
    "startup": "--hparams_set=transformer_tiny --rounds=1",
    "layers": "--model=transformer_tiny --lengths=4,8 --rounds=1"
    " --path_length=8",
}


class Entry(NamedTuple):
    """One command to run.

    Attributes:
      title: over its table.
      benchmark: module in `benchmarks`.
      arguments: its flags.
    """

    title: str
    benchmark: str
    arguments: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see `command.run` for arguments and statuses."""
    return command.run(
        "benchmarks.all", __doc__ or "", _define_flags, _run, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    measure.define_texts(
        values,
        {
            "output": "folder for benchmarks.json and benchmarks.md",
            "page": "Markdown page whose tables are replaced",
            "problem": "problem with records in --data_dir",
            "data_dir": "for train_real and input; without it they are skipped",
            "output_dir": "a trained run, for decoding real lines",
            "decode_from_file": "the real lines",
        },
    )
    flags.DEFINE_list(
        "only", [], "some of the benchmarks, by name", flag_values=values
    )
    flags.DEFINE_bool(
        "small", False, "tiny sizes, to try the command", flag_values=values
    )
    driver.define_flags(values, ("torch", "opennmt", "ctranslate2"))


def _run(values: flags.FlagValues) -> int:
    command.require(values, "output")
    folder = files.make_folder(values.output)
    page = _read_page(values.page)
    records = []
    for entry in plan(values):
        print(f"{entry.title}: {' '.join(entry.arguments)}", file=sys.stderr)
        records.append({"title": entry.title, **_measured(entry)})
        # What has been measured is kept, whatever happens to the next.
        files.replace_file(
            folder / "benchmarks.json", json.dumps(records, indent=1) + "\n"
        )
        files.replace_file(folder / "benchmarks.md", page_of(records))
    if page is not None:
        new = tables.between_marks(page, page_of(records))
        assert new is not None
        files.replace_file(values.page, new)
    return 0


def plan(values: flags.FlagValues) -> list[Entry]:
    """What is to be run, in order.

    Raises:
      UsageError: `--only` names nothing that can be run with these flags.
    """
    found = [
        entry
        for entry in _entries(values)
        if not values.only or entry.benchmark in values.only
    ]
    missing = set(values.only) - {entry.benchmark for entry in found}
    if missing:
        raise UsageError(
            f"--only={','.join(values.only)}: {min(missing)} is none of"
            f" {', '.join(_SMALL)}, or lacks its flags (--problem and"
            " --data_dir for train_real and input)."
        )
    if not values.small:
        return found
    return [
        entry._replace(
            arguments=[*entry.arguments, *_SMALL[entry.benchmark].split()]
        )
        for entry in found
    ]


def page_of(records: Sequence[Record]) -> str:
    """The tables as Markdown, with the commands that made them."""
    parts = []
    for record in records:
        machine = record["machine"]
        parts += [
            f"### {record['title']}",
            f"    {record['command']}",
            tables.markdown(record["rows"]),
            f"{machine['date']}, {machine['processor']},"
            f" {machine['cores']} cores, load before"
            f" {machine['load_before']}.",
        ]
    return "\n\n".join(parts) + "\n"


def _entries(values: flags.FlagValues) -> Iterator[Entry]:
    for_training = _peer_flags(values, "torch", "opennmt")
    for_decoding = _peer_flags(values, "opennmt", "ctranslate2")
    shape = ["--batch=32", "--source=32", "--target=32", "--vocab=8192"]
    yield Entry(
        "Training step, base, and peers",
        "train_step",
        [*shape, "--xla=off,attention", *for_training],
    )
    yield Entry(
        "Training step, base, precisions",
        "train_step",
        [*shape, "--precision=float32,bfloat16", *for_training],
    )
    yield Entry(
        "Training step, base, two replicas",
        "train_step",
        [*shape, "--replicas=2", "--batch=16"],
    )
    yield Entry(
        "Training step, big",
        "train_step",
        [*shape, "--model=big", "--rounds=4", *for_training],
    )
    small = [
        "--model=transformer_multi30k",
        "--batch=46",
        "--source=22",
        "--target=22",
        "--vocab=8192",
        "--rounds=40",
        "--precision=float32,bfloat16",
        *for_training,
    ]
    yield Entry(
        "Training step, 128 wide, a part of the batch on every core",
        "train_step",
        small,
    )
    yield Entry(
        "Training step, 128 wide, cores that share every operation",
        "train_step",
        [*small, "--worker_cpu=1"],
    )
    yield Entry(
        "Training step, the rivals, and peers",
        "rivals",
        _peer_flags(values, "torch"),
    )
    yield Entry(
        "Decoding, base, fixed length",
        "decode",
        [
            "--batch=32",
            "--source=24",
            "--steps=40",
            "--beam=4",
            "--vocab=8192",
            *for_decoding,
        ],
    )
    if values.output_dir and values.decode_from_file:
        yield Entry(
            "Decoding, real sentences",
            "decode",
            [
                f"--output_dir={values.output_dir}",
                f"--decode_from_file={values.decode_from_file}",
            ],
        )
    if values.data_dir and values.problem:
        corpus = [
            f"--problem={values.problem}",
            f"--data_dir={values.data_dir}",
        ]
        yield Entry("Training on real batches", "train_real", corpus)
        yield Entry("Input pipeline", "input", corpus)
    yield Entry("Data generation", "datagen", ["--lines=300000"])
    yield Entry("Start-up", "startup", [])
    yield Entry("Layers and length: Table 1", "layers", [])


def _peer_flags(values: flags.FlagValues, *libraries: str) -> list[str]:
    names = (f"{library}_python" for library in libraries)
    return [f"--{n}={values[n].value}" for n in names if values[n].value]


def _measured(entry: Entry) -> Record:
    """Runs one benchmark.

    Raises:
      InputError: it failed; what it said is on standard error.
    """
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"benchmarks.{entry.benchmark}",
            *entry.arguments,
        ],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(
            f"benchmarks.{entry.benchmark} ended with status"
            f" {done.returncode}: see what it said above."
        )
    record = json.loads(done.stdout.splitlines()[-1])
    return {"command": _for_a_page(entry), **record}


def _for_a_page(entry: Entry) -> str:
    """The command as anyone would give it, without a machine's own paths."""
    shown = [
        re.sub(r"=(?:\S*/)+([^/\s]+)$", r"=.../\1", argument)
        for argument in entry.arguments
    ]
    return " ".join(["python -m", f"benchmarks.{entry.benchmark}", *shown])


def _read_page(path: str | None) -> str | None:
    """The page of `--page`.

    Raises:
      UsageError: it has no place for tables.
      InputError: it cannot be read.
    """
    if not path:
        return None
    try:
        text = files.absolute(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from error
    if tables.between_marks(text, "") is None:
        raise UsageError(
            f"--page={path} has no lines {tables.BEGIN} and {tables.END}:"
            " the tables go between these."
        )
    return text


if __name__ == "__main__":
    raise SystemExit(main())
