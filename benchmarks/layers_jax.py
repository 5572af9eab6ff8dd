"""The layers on one GPU through Keras' JAX backend.

    KERAS_BACKEND=jax python -m benchmarks.layers_jax --model=transformer_big
      --tokens=25000

The layers are keras.ops code, so where TensorFlow has no build for a GPU the
very same layers can still be measured there: the model's forward and backward
pass with the label-smoothed cross entropy, one program for XLA. It is evidence
for the layers and for nothing else: the optimizer, the collectives and the
input are TensorFlow's and are not in it. TensorFlow is not imported.

MFU is the rate of the formula's operations (`HParams.forward_flops`) as a share
of that of large matrix products in the same precision, measured in turn with it
in the same process.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from benchmarks import measure, models
from benchmarks.measure import Record, Times
from t2t_repro import registry
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams

_SEED = 1
_PRECISIONS = ("float32", "bfloat16")
_CPU_MATRIX, _GPU_MATRIX = 1024, 8192
_PRODUCTS = 8


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main(
        "layers_jax", __doc__ or "", _define_flags, _measure, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    models.define_flags(values, "transformer_big")
    measure.define_integers(
        values,
        {
            "tokens": (25_000, "target positions of a batch, about"),
            "length": (64, "positions of a sentence, on either side"),
            "vocab": (37_000, "ids; section 5.1"),
            "rounds": (10, "passes that are timed"),
        },
    )
    flags.DEFINE_enum(
        "precision",
        "bfloat16",
        _PRECISIONS,
        "of the products; weights and sums are float32 in both",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "matmul_size",
        0,
        "rows of the ceiling's matrices; 0: 8192, on a processor 1024",
        lower_bound=0,
        flag_values=values,
    )


def _measure(values: flags.FlagValues) -> Record:
    jax = measure.load("jax")
    import keras

    if keras.backend.backend() != "jax":
        raise UsageError(
            f"Keras runs on {keras.backend.backend()} here: run the command"
            " with KERAS_BACKEND=jax in its environment."
        )
    hparams = models.hparams(values)
    batch = max(1, values.tokens // values.length)
    run = _training_pass(jax, values, hparams, batch)
    first_seconds = run()
    run()
    size = values.matmul_size or (
        _CPU_MATRIX if jax.default_backend() == "cpu" else _GPU_MATRIX
    )
    products = _products(jax, size, values.precision)
    products()
    seconds = measure.in_turn(
        {"pass": run, "products": products}, values.rounds
    )
    times = Times.of(seconds["pass"])
    shape = (batch, values.length, values.length)
    operations = 3 * hparams.forward_flops(shape, values.vocab)
    limit = measure.gigaflops(2 * _PRODUCTS * size**3, min(seconds["products"]))
    figures = {
        "seconds_best": times.best,
        "seconds_median": times.median,
        "target_tokens_per_second": batch * values.length / times.best,
        "tflops": measure.gigaflops(operations, times.best) / 1e3,
        "matmul_tflops": limit / 1e3,
        "mfu": measure.gigaflops(operations, times.best) / limit,
        "mfu_median": measure.gigaflops(operations, times.median) / limit,
        "compile_seconds": max(first_seconds - times.best, 0.0),
    }
    return {
        "model": values.model,
        "precision": values.precision,
        "batch": batch,
        "length": values.length,
        "vocab": values.vocab,
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
        "keras": keras.__version__,
        "tensorflow_was_imported": "tensorflow" in sys.modules,
        **figures,
        "device_peak_memory_bytes": (jax.devices()[0].memory_stats() or {}).get(
            "peak_bytes_in_use"
        ),
        "seconds": seconds,
        "rows": [
            {"model": values.model, "tokens": batch * values.length} | figures
        ],
    }


def _training_pass(
    jax: Any, values: flags.FlagValues, hparams: HParams, batch: int
) -> Callable[[], float]:
    """Loss and gradients of all weights on random ids, as one program."""
    import keras
    from keras import ops

    from t2t_repro.layers.attention import Mode
    from t2t_repro.layers.losses import cross_entropy

    keras.utils.set_random_seed(_SEED)
    model = registry.model(hparams.MODEL)(hparams, values.vocab)
    variables = model.trainable_variables

    def loss(weights: Any, inputs: Any, targets: Any, key: Any) -> Any:
        mapping = list(zip(variables, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            mode = Mode(dropout_key=key, dtype=values.precision)
            decoded = model(inputs, targets, mode=mode)
            rows = ops.reshape(decoded, (-1, hparams.hidden_size))
            each = cross_entropy(
                model.logits(rows),
                ops.reshape(targets, (-1,)),
                hparams.label_smoothing,
            )
            return ops.sum(each)

    compiled = jax.jit(jax.value_and_grad(loss))
    weights = [variable.value for variable in variables]
    keys = jax.random.split(jax.random.PRNGKey(_SEED), 3)
    inputs, targets = (
        jax.random.randint(k, (batch, values.length), 2, values.vocab)
        for k in keys[:2]
    )
    dropout_key = ops.convert_to_tensor([_SEED, 0], "int32")
    return measure.clocked(
        lambda: jax.block_until_ready(
            compiled(weights, inputs, targets, dropout_key)
        )
    )


def _products(jax: Any, size: int, precision: str) -> Callable[[], float]:
    """Large matrix products, one after the other."""
    values = jax.random.normal(jax.random.PRNGKey(_SEED), (size, size))
    # Products of such values neither grow nor vanish.
    matrix = (values * size**-0.5).astype(precision)

    @jax.jit
    def products(matrix: Any) -> Any:
        product = matrix
        for _ in range(_PRODUCTS):
            product = product @ matrix
        return product

    return measure.clocked(lambda: jax.block_until_ready(products(matrix)))


if __name__ == "__main__":
    raise SystemExit(main())
