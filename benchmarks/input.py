"""The input pipeline alone: what it could feed a step that takes no time.

    python -m benchmarks.input --problem=translate_ende_multi30k --data_dir=DIR

Cold: the operating system is asked to forget the files, and one epoch is read,
planned and padded. Warm: the following epochs. Both through the trainer's
prefetching thread.
"""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags

from benchmarks import corpora, devices, measure
from benchmarks.corpora import Counts
from benchmarks.measure import Record


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("input", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    corpora.define_flags(values)
    measure.define_integers(
        values,
        {
            "rounds": (3, "warm epochs that are timed"),
            "max_batches": (1_000_000, "ends an epoch after so many batches"),
        },
    )


def _measure(values: flags.FlagValues) -> Record:
    devices.start()
    from t2t_repro.data import batching

    corpus = corpora.from_flags(values)
    begin = time.perf_counter()
    batches = corpus.batches()
    choosing = time.perf_counter() - begin
    forgotten = _forget(corpus.paths)

    stream = batching.prefetch(batches.stream(batching.Position()))
    epochs = [
        _epoch(stream, len(corpus.paths), values.max_batches)
        for _ in range(values.rounds + 1)
    ]
    cold, *warm = (_rates(counts, seconds) for counts, seconds in epochs)
    best = max(warm, key=lambda rates: rates["target_tokens_per_second"])
    first = epochs[0][0]
    return {
        "problem": corpus.run.problem,
        "model": values.model,
        "sentences": first.sentences,
        "batches": first.batches,
        "shapes": [list(shape) for shape in batches.shapes],
        "choosing_shapes_seconds": choosing,
        # Where the system has no such call, cold is as warm as it is.
        "files_were_forgotten": forgotten,
        **best,
        **{f"cold_{name}": value for name, value in cold.items()},
        **first.efficiencies(),
        "rows": [
            {"epoch": "cold", **cold},
            {"epoch": "warm, best", **best},
        ],
    }


def _epoch(
    stream: Iterator[Any], files: int, most: int
) -> tuple[Counts, float]:
    """Counts the batches of one epoch, and the seconds they took.

    Args:
      stream: positions and batches.
      files: how many an epoch has.
      most: ends after so many batches.
    """
    counts = Counts()
    begin = time.perf_counter()
    for position, batch in stream:
        counts.add(batch.inputs, batch.targets)
        # After its last batch a window points at the file behind it.
        is_over = position.batch == 0 and position.file == files
        if is_over or counts.batches == most:
            break
    return counts, time.perf_counter() - begin


def _rates(counts: Counts, seconds: float) -> Record:
    return {
        "examples_per_second": counts.sentences / seconds,
        "target_tokens_per_second": counts.target_tokens / seconds,
        "seconds": seconds,
    }


def _forget(paths: Sequence[str]) -> bool:
    """Asks the system to drop what it keeps of the files in memory.

    Returns:
      Whether it can be asked.
    """
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
