"""Table 1, measured: what a layer of each kind costs as sentences grow.

    python -m benchmarks.layers --lengths=64,128,256,512,1024

One row a kind of layer, this project's own: the seconds of its forward and
backward pass at every length, with the exponent of n fitted to them beside that
of Table 1's formula; the longest chain of operations in its graph at the
shortest and the longest length; and through how many layers (time steps, where
it is recurrent) the first of n positions reaches the last. Fits take the longer
half of the lengths: a short sentence costs what starting an operation does.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from benchmarks import devices, measure, models
from benchmarks.dependence import longest_chain, path_length
from benchmarks.layer_kinds import Kind, Layer, kinds
from benchmarks.measure import Record


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("layers", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    models.define_flags(values)
    measure.define_integers(
        values,
        {
            "batch": (4, "sentences"),
            "rounds": (5, "passes of each layer that are timed"),
            "path_length": (128, "n, the positions that a path must cross"),
        },
    )
    flags.DEFINE_list(
        "lengths",
        "64,128,256,512,1024",
        "positions of a sentence, two or more, separated by commas",
        flag_values=values,
    )
    flags.register_validator(
        "lengths",
        lambda given: (
            len(set(given)) > 1 and all(n.isdigit() and int(n) for n in given)
        ),
        "expected two or more whole numbers from 1 on",
        flag_values=values,
    )


def _measure(values: flags.FlagValues) -> Record:
    devices.start()
    hparams = models.hparams(values)
    lengths = sorted({int(length) for length in values.lengths})
    table = kinds(hparams)
    passes = {
        (kind.name, n): _training_pass(
            kind.layer, (values.batch, n, hparams.hidden_size)
        )
        for n in lengths
        for kind in table
    }
    seconds = measure.in_turn(
        {f"{name}, {n}": run for (name, n), run in passes.items()},
        values.rounds,
    )
    best = {
        kind.name: [min(seconds[f"{kind.name}, {n}"]) for n in lengths]
        for kind in table
    }
    return {
        "model": values.model,
        "batch": values.batch,
        "d_model": hparams.hidden_size,
        "lengths": lengths,
        "seconds": seconds,
        "rows": [
            _row(kind, lengths, best[kind.name], values.path_length, hparams)
            for kind in table
        ],
    }


def _row(
    kind: Kind, lengths: list[int], best: list[float], path: int, hparams: Any
) -> Record:
    """What Table 1 says of a kind, and what was found."""
    hidden = hparams.hidden_size
    operations = [float(kind.operations(n)) for n in lengths]
    chains = [
        longest_chain(kind.layer, (1, n, hidden))
        for n in (lengths[0], lengths[-1])
    ]
    return {
        "layer": kind.name,
        "complexity": kind.complexity,
        "exponent of formula": exponent(lengths, operations),
        "exponent measured": exponent(lengths, best),
        **{f"ms, n = {n}": 1e3 * s for n, s in zip(lengths, best, strict=True)},
        "sequential": kind.sequential,
        f"chain, n = {lengths[0]}": chains[0],
        f"chain, n = {lengths[-1]}": chains[1],
        "path": kind.path,
        f"path, n = {path}": path_length(kind.step, path, hidden),
    }


def exponent(lengths: Sequence[int], costs: Sequence[float]) -> float:
    """p of the n^p that fits the longer half best (least squares of logs)."""
    half = max(2, (len(lengths) + 1) // 2)
    x = [math.log(n) for n in lengths[-half:]]
    y = [math.log(cost) for cost in costs[-half:]]
    mean_x, mean_y = sum(x) / half, sum(y) / half
    covariance = sum(
        (a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)
    )
    return covariance / sum((a - mean_x) ** 2 for a in x)


def _training_pass(layer: Layer, shape: Sequence[int]) -> Callable[[], float]:
    """Forward and backward, down to the input; run once already."""
    import tensorflow as tf

    x = tf.random.stateless_normal(shape, seed=[1, 2])

    @tf.function
    def run(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.square(layer(x)))
        weights = tape.watched_variables()
        # A sum of all gradients, so that none of them is optimised away.
        return tf.add_n(
            [
                tf.reduce_sum(gradient)
                for gradient in tape.gradient(total, [x, *weights])
                if gradient is not None
            ]
        )

    work = measure.clocked(lambda: run(x).numpy())
    work()
    return work


if __name__ == "__main__":
    raise SystemExit(main())
