"""Lists for every id what it is translated by, of a problem's training data.

With the file t2t-decoder --shortlist searches among the ids that a sentence may
need instead of all, which is faster where the model is small. It is of the
vocabulary in --data_dir, and so of every run on it in that direction.
"""

import logging
from collections.abc import Sequence

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command, paths
from t2t_repro.decode import shortlist
from t2t_repro.errors import UsageError

# Rounds of model 1. More of them find the references better, and worse what a
# translation model says: of the ids that one wrote for Multi30k's test set 512
# a sentence lack 3.3 % after three rounds and 3.5 % after five.
_ROUNDS = 3
# Kept of each id, if it is at least so likely.
_TARGETS = 100
_LEAST = 1e-3

logger = logging.getLogger("t2t_repro")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-shortlist`; see `command.run` for arguments and statuses."""
    return command.run(
        "t2t-shortlist", __doc__ or "", _define_flags, _make, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    flags.DEFINE_string(
        "output_file",
        None,
        "where the shortlist goes; must not exist yet",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "size",
        512,
        "ids that a sentence is searched among; fewer are faster",
        lower_bound=shortlist.LEAST_SIZE,
        flag_values=values,
    )


def _make(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "problem", "data_dir", "output_file")
    problem = registry.problem(values.problem)
    data_dir = files.absolute(values.data_dir)
    command.require_folder("data_dir", data_dir)
    target = files.absolute(values.output_file)
    if target.exists():
        raise UsageError(
            f"--output_file={target} exists: remove it or take another name."
        )
    paths.require_parent("output_file", values.output_file)
    vocabulary = run_directory.data_vocabulary(problem, data_dir)
    size = problem.open_vocabulary(vocabulary).vocab_size
    command.load_tensorflow()
    import numpy as np

    from t2t_repro.data import lexicon, records

    pairs = records.read_split(problem, data_dir, "train", size)
    read = lexicon.some(lexicon.with_empty_word(pairs))
    found = lexicon.fit(read, size, _ROUNDS)
    targets, probabilities = lexicon.best(found, size, _TARGETS, _LEAST)
    shortlist.write(
        target,
        shortlist.Shortlist(
            vocabulary_sha256=files.file_sha256(vocabulary),
            languages=problem.languages,
            size=min(values.size, size),
            targets=targets,
            probabilities=probabilities,
            frequencies=np.bincount(pairs.targets.values, minlength=size),
        ),
    )
    logger.info(
        "%s: %d of %d ids a sentence, from %d of %d pairs",
        target,
        min(values.size, size),
        size,
        len(read),
        len(pairs),
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
