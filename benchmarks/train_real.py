"""Training on a problem's own records: tokens, padding, waiting for input.

    python -m benchmarks.train_real --problem=translate_ende_multi30k
      --data_dir=DIR --model=transformer_multi30k --steps=200

The trainer's stream of batches, its prefetching and its step, without
evaluation and checkpoints. Every batch shape is traced before the clock runs,
so the figures are those of a training that goes on for long.
"""

import time
from collections.abc import Sequence
from typing import Any

from absl import flags

from benchmarks import corpora, devices, measure, models, steps
from benchmarks.corpora import Counts
from benchmarks.measure import Record


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main(
        "train_real", __doc__ or "", _define_flags, _measure, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    corpora.define_flags(values)
    measure.define_integers(
        values,
        {
            "replicas": (1, "GPUs, or logical devices of the processor"),
            "steps": (100, "steps that are timed"),
        },
    )
    devices.define_worker_cpu(values)
    for name, known in (("xla", steps.XLA), ("precision", steps.PRECISIONS)):
        flags.DEFINE_enum(
            name, known[0], known, "as t2t-trainer's", flag_values=values
        )


def _measure(values: flags.FlagValues) -> Record:
    cores = devices.start_to_train(values, models.hparams(values))
    from t2t_repro.data import batching

    corpus = corpora.from_flags(values)
    batches = corpus.batches(values.replicas)
    step = steps.new_step(
        corpus.hparams,
        corpus.run.encoder().vocab_size,
        values.replicas,
        values.xla,
        values.precision,
        cores,
    )
    begin = time.perf_counter()
    _trace(step, batches)
    tracing = time.perf_counter() - begin

    counts, waited = Counts(), 0.0
    stream = batching.prefetch(batches.stream(batching.Position()))
    next(stream)  # the first takes the time to read and to plan
    result = None
    begin = time.perf_counter()
    for _ in range(values.steps):
        asked = time.perf_counter()
        _, batch = next(stream)
        waited += time.perf_counter() - asked
        counts.add(batch.inputs, batch.targets)
        result = step(batch.inputs, batch.targets)
    # Fetching the last loss waits for the device.
    loss = float(result.loss) if result is not None else 0.0
    seconds = time.perf_counter() - begin
    figures = {
        "target_tokens_per_second": counts.target_tokens / seconds,
        "padded_target_tokens_per_second": counts.padded_target / seconds,
        "sentences_per_second": counts.sentences / seconds,
        "step_seconds": seconds / values.steps,
        **counts.efficiencies(),
        "input_wait_share": waited / seconds,
    }
    return {
        "problem": corpus.run.problem,
        "model": values.model,
        "replicas": values.replicas,
        "cores": cores,
        "xla": values.xla,
        "precision": values.precision,
        "steps": values.steps,
        **figures,
        "shapes": [list(shape) for shape in batches.shapes],
        "tracing_seconds": tracing,
        "last_loss": loss,
        "peak_memory_bytes": measure.peak_memory_bytes(),
        "rows": [
            {
                "model": values.model,
                "XLA": values.xla,
                "precision": values.precision,
                "cores": cores,
                "shapes": len(batches.shapes),
                **figures,
            }
        ],
    }


def _trace(step: Any, batches: Any) -> None:
    """Takes two steps of every shape: the second may be optimised."""
    import numpy as np

    for shape in batches.shapes:
        for _ in range(2):
            ones = (
                np.ones((batches.parts, shape.batch, length), np.int32)
                for length in (shape.source, shape.target)
            )
            float(step(*ones).loss)


if __name__ == "__main__":
    raise SystemExit(main())
