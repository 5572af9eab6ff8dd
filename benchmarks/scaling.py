"""How the cost of a layer grows with the length: Table 1, measured.

    python -m benchmarks.scaling --lengths=64,128,256,512,1024

Forward and backward pass of one layer of each kind, this project's own
attention and feed-forward layers and Keras' LSTM and convolution for the
paper's comparison. Beside the seconds stand the operations of Table 1's
formulas: what doubles n, doubles or quadruples those. Left out: Table 1's
restricted self-attention, which the paper did not build either.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from absl import flags

from benchmarks import devices, measure, models
from benchmarks.measure import Record

_KERNEL = 3
# A gate takes a product with the input and one with the state.
_LSTM_MATRICES = 8


class _Kind(NamedTuple):
    """A kind of layer.

    Attributes:
      name: of it.
      complexity: as in Table 1.
      operations: forward, of one sentence, from its length.
      layer: from `[batch, length, hidden]` to the same.
    """

    name: str
    complexity: str
    operations: Callable[[int], int]
    layer: Callable[[Any], Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("scaling", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    models.define_flags(values)
    measure.define_integers(
        values,
        {
            "batch": (4, "sentences"),
            "rounds": (5, "passes of each layer that are timed"),
        },
    )
    flags.DEFINE_list(
        "lengths",
        "64,128,256,512,1024",
        "positions of a sentence, separated by commas",
        flag_values=values,
    )
    flags.register_validator(
        "lengths",
        lambda given: given and all(n.isdigit() and int(n) for n in given),
        "expected whole numbers from 1 on",
        flag_values=values,
    )


def _measure(values: flags.FlagValues) -> Record:
    devices.start()
    hparams = models.hparams(values)
    lengths = [int(length) for length in values.lengths]
    kinds = _kinds(hparams)
    passes = {
        (kind.name, length): _training_pass(
            kind.layer, (values.batch, length, hparams.hidden_size)
        )
        for length in lengths
        for kind in kinds
    }
    seconds = measure.in_turn(
        {f"{name}, {n}": run for (name, n), run in passes.items()},
        values.rounds,
    )
    rows = []
    for kind in kinds:
        before = None
        for length in lengths:
            row = {
                "layer": kind.name,
                "complexity": kind.complexity,
                "n": length,
                "seconds_best": min(seconds[f"{kind.name}, {length}"]),
                "gflop": 3 * values.batch * kind.operations(length) / 1e9,
            }
            rows.append({**row, **_growth(row, before)})
            before = row
    return {
        "model": values.model,
        "batch": values.batch,
        "d_model": hparams.hidden_size,
        "lengths": lengths,
        "seconds": seconds,
        "rows": rows,
    }


def _growth(row: Record, before: Record | None) -> Record:
    """Times as much as with the length before: measured, and by formula."""
    return {
        f"{name}_growth": row[key] / before[key] if before else None
        for name, key in (("seconds", "seconds_best"), ("formula", "gflop"))
    }


def _training_pass(
    layer: Callable[[Any], Any], shape: Sequence[int]
) -> Callable[[], float]:
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


def _kinds(hparams: Any) -> list[_Kind]:
    import keras
    import tensorflow as tf

    from t2t_repro.layers.attention import (
        EVALUATION,
        MultiHeadAttention,
        attend,
    )
    from t2t_repro.models.transformer_layers import FeedForward

    hidden, heads = hparams.hidden_size, hparams.num_heads
    shape = (None, None, hidden)
    attention = MultiHeadAttention(
        hidden, heads, hidden, hidden, False, 0.0, "self_attention"
    )
    feed_forward = FeedForward(hparams, "feed_forward")
    recurrent = keras.layers.LSTM(hidden, return_sequences=True)
    convolution = keras.layers.Conv1D(hidden, _KERNEL, padding="same")
    for layer in (attention, feed_forward, recurrent, convolution):
        layer.build(shape)

    def attention_alone(x: Any) -> Any:
        batch, length = x.shape[:2]
        split = tf.reshape(x, [batch, length, heads, hidden // heads])
        split = tf.transpose(split, [0, 2, 1, 3])
        return attend(split, split, split, None, 0.0, None)[0]

    def self_attention(x: Any) -> Any:
        return attention(x, attention.keys_values(x), None, mode=EVALUATION)

    return [
        _Kind(
            "self-attention, without projections",
            "O(n^2 d)",
            lambda n: n * 4 * n * hidden,
            attention_alone,
        ),
        _Kind(
            "self-attention",
            "O(n^2 d + n d^2)",
            lambda n: n * hparams.self_attention_flops(n),
            self_attention,
        ),
        _Kind(
            "feed-forward",
            "O(n d d_ff)",
            lambda n: n * hparams.feed_forward_flops(),
            lambda x: feed_forward(x, mode=EVALUATION),
        ),
        _Kind(
            "recurrent (LSTM)",
            "O(n d^2)",
            lambda n: n * 2 * _LSTM_MATRICES * hidden**2,
            recurrent,
        ),
        _Kind(
            f"convolutional, k = {_KERNEL}",
            "O(k n d^2)",
            lambda n: n * 2 * _KERNEL * hidden**2,
            convolution,
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
