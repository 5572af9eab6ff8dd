"""What path length does: accuracy by distance, of runs on copy or reverse.

    python -m benchmarks.distance --output_dirs=A,B --data_dir=DIR

The distance of a symbol is how many positions lie between where it is read and
where it is to be written, in the order source, then target: in a reversed
sequence 1 for the first symbol to be written, then 3, 5 and so on. A symbol
counts as right when it is the likeliest, given the right ones before it: so an
error does not bring others with it.
"""

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from benchmarks import devices, measure
from benchmarks.measure import Record
from t2t_repro import files, run_directory
from t2t_repro.bin import command
from t2t_repro.errors import UsageError

_AT_ONCE = 100  # sequences


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main(
        "distance", __doc__ or "", _define_flags, _measure, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_list(
        "output_dirs", [], "run directories of one problem", flag_values=values
    )
    measure.define_texts(values, {"data_dir": "the problem's data"})
    flags.DEFINE_string(
        "split",
        "dev",
        "of the data: dev, or the longer test",
        flag_values=values,
    )
    measure.define_integers(values, {"width": (10, "distances in a column")})


def _measure(values: flags.FlagValues) -> Record:
    command.require(values, "data_dir")
    if not values.output_dirs:
        raise UsageError("--output_dirs is required: run directories.")
    runs = [
        run_directory.load(files.absolute(path)) for path in values.output_dirs
    ]
    problem = runs[0].problem
    is_reversed = problem.startswith("algorithmic_reverse")
    for run in runs:
        if run.problem != problem or not (
            is_reversed or problem.startswith("algorithmic_identity")
        ):
            raise UsageError(
                f"{run.folder} is a run on {run.problem}: expected runs on one"
                " algorithmic_identity or algorithmic_reverse problem."
            )
    devices.start()
    from t2t_repro.data import records

    pairs = records.read_split(
        runs[0].open_problem(), files.absolute(values.data_dir), values.split
    )
    return {
        "problem": problem,
        "split": values.split,
        "sequences": len(pairs),
        "rows": [_row(run, pairs, is_reversed, values.width) for run in runs],
    }


def _row(run: Any, pairs: Any, is_reversed: bool, width: int) -> Record:
    """Accuracy of a run in every band of distances."""
    from t2t_repro.decode.loaded_run import load

    model = load(run.folder).model
    whole, right = by_distance(model, pairs, is_reversed, width)
    return {
        "run": run.folder.name,
        "model": run.model,
        "hparams set": run.hparams_set,
        "weights": model.count_params(),
        "whole": whole,
        **{
            f"{band * width} to {band * width + width - 1}": share
            for band, share in right.items()
        },
    }


def by_distance(
    model: Any, pairs: Any, is_reversed: bool, width: int
) -> tuple[float, dict[int, float]]:
    """What a model gets right.

    Args:
      model: a `Seq2Seq`.
      pairs: sequences and their copies, `data.records.Pairs`.
      is_reversed: whether the copies are backwards.
      width: distances in a band.

    Returns:
      The share of whole sequences, and of symbols by number of the band.
    """
    lengths = pairs.targets.lengths
    by_length = np.argsort(lengths, kind="stable")
    whole: list[bool] = []
    right: dict[int, list[bool]] = collections.defaultdict(list)
    for begin in range(0, len(by_length), _AT_ONCE):
        rows = by_length[begin : begin + _AT_ONCE]
        longest = lengths[rows].max()
        inputs, targets = (
            side.padded(rows, longest) for side in (pairs.inputs, pairs.targets)
        )
        logits = np.asarray(model.logits(model(inputs, targets)))
        found = (logits.argmax(-1) == targets) | (targets == 0)
        whole.extend(found.all(axis=1))
        for length, is_right in zip(lengths[rows] - 1, found, strict=True):
            for i, distance in enumerate(distances(length, is_reversed)):
                right[distance // width].append(is_right[i])
    shares = {band: float(np.mean(hits)) for band, hits in right.items()}
    return float(np.mean(whole)), dict(sorted(shares.items()))


def distances(length: int, is_reversed: bool) -> list[int]:
    """Positions from reading a symbol to writing it, by place in the target.

    Args:
      length: of the sequence, without its end.
      is_reversed: or else copied.
    """
    return [2 * i + 1 if is_reversed else length for i in range(length)]


if __name__ == "__main__":
    raise SystemExit(main())
