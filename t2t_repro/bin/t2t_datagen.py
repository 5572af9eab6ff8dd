"""Turns a problem's text into a vocabulary and TFRecord files."""

import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.data import download
from t2t_repro.errors import UsageError

# Each is a process with a vocabulary of its own.
_MOST_PROCESSES = 256


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-datagen`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-datagen", __doc__ or "", _define_flags, _generate, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    flags.DEFINE_string(
        "tmp_dir",
        None,
        "folder of the raw text; what is missing is downloaded there",
        flag_values=values,
    )
    flags.DEFINE_string(
        "vocabulary_of",
        None,
        "run directory whose vocabulary the data are cut by, so that its model"
        " can go on with them; default: one that is learnt",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "dry_run",
        False,
        "print what would be fetched, how large it is and where it goes, and"
        " fetch nothing; needs no --data_dir",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "num_concurrent_processes",
        1,
        "processes that encode at once; the files are the same for any",
        lower_bound=1,
        upper_bound=_MOST_PROCESSES,
        flag_values=values,
    )


def _generate(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "problem", "tmp_dir")
    problem = registry.problem(values.problem)
    tmp_dir = files.absolute(values.tmp_dir)
    if values.dry_run:
        plan = download.plan(problem.full_name, problem.sources(), tmp_dir)
        print("\n".join(plan))
        return 0
    command.require(values, "data_dir")
    from t2t_repro.data import generate

    data_dir = files.absolute(values.data_dir)
    if values.vocabulary_of:
        _take_vocabulary(values.vocabulary_of, problem, data_dir)
    generate.generate(
        problem,
        data_dir,
        tmp_dir,
        values.num_concurrent_processes,
    )
    return 0


def _take_vocabulary(
    output_dir: str, problem: Any, data_dir: pathlib.Path
) -> None:
    """Copies the vocabulary of a run to where the problem's own would lie.

    Raises:
      UsageError: there is another one.
    """
    vocabulary = run_directory.load(files.absolute(output_dir)).vocabulary
    name = problem.vocab_filename
    place = data_dir / f"{name.rpartition('.')[0]}{vocabulary.suffix}"
    others = sorted(data_dir.glob(f"vocab.{problem.name}.*"))
    content = vocabulary.read_bytes()
    if others and (others != [place] or place.read_bytes() != content):
        raise UsageError(
            f"--vocabulary_of={output_dir}: {data_dir} has the vocabulary"
            f" {others[0].name} already, and data cut by it: give another"
            " --data_dir."
        )
    files.make_folder(data_dir)
    files.replace_file(place, content)


if __name__ == "__main__":
    raise SystemExit(main())
