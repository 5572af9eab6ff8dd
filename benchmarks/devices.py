"""TensorFlow's devices: replicas on any machine, and what the machine can do.

Without a GPU, replicas are logical devices of the one processor: they show
what dealing a batch out costs, not what a second machine gives.
"""

from collections.abc import Callable
from typing import Any

from absl import flags

from benchmarks import measure
from t2t_repro.bin import command
from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams
from t2t_repro.train import worker_cpu

# Large enough that a product runs at full speed, small enough to be short.
_CPU_MATRIX = 2048
_GPU_MATRIX = 8192
_PRODUCTS = 4


def start(replicas: int = 1, for_many_searches: bool = False) -> Any:
    """Imports TensorFlow with a device for every replica.

    Args:
      replicas: with several, on a processor, devices are made for them.
      for_many_searches: as in `command.load_tensorflow`.

    Returns:
      The module.

    Raises:
      UsageError: TensorFlow runs already, with fewer devices.
    """
    if replicas == 1:
        command.load_tensorflow(for_many_searches)
    # Otherwise not with `load_tensorflow`, after which devices are fixed.
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    if tf.config.list_physical_devices("GPU"):
        return tf
    processor = tf.config.list_physical_devices("CPU")[0]
    configured = tf.config.get_logical_device_configuration(processor) or [None]
    if len(configured) >= replicas:
        return tf
    try:
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * replicas
        )
    except RuntimeError as error:
        raise UsageError(
            f"--replicas={replicas}, but TensorFlow runs with"
            f" {len(configured)} devices already: start a new process."
        ) from error
    return tf


def start_to_train(values: flags.FlagValues, hparams: HParams) -> int:
    """Starts TensorFlow for a training: `--replicas` and `--worker_cpu`.

    Returns:
      How many cores take a part of each batch.
    """
    if values.replicas > 1:
        start(values.replicas)
        return 1
    return worker_cpu.start(values.worker_cpu, hparams)


def define_worker_cpu(values: flags.FlagValues) -> None:
    """`--worker_cpu`."""
    flags.DEFINE_integer(
        "worker_cpu",
        0,
        "as t2t-trainer's; with several replicas, none",
        lower_bound=0,
        flag_values=values,
    )


def strategy(replicas: int) -> Any:
    """MirroredStrategy over so many GPUs, or else logical CPU devices."""
    import tensorflow as tf

    from t2t_repro.train import trainer

    if tf.config.list_logical_devices("GPU"):
        return trainer.make_strategy(replicas)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


class Ceiling:
    """The rate of large matrix products: what a machine can reach at best."""

    def __init__(self, precision: str, size: int = 0):
        """Makes the matrices and multiplies once.

        Args:
          precision: "float32" or "bfloat16".
          size: of the square matrices; 0: what suits the device.
        """
        import tensorflow as tf

        on_gpu = bool(tf.config.list_logical_devices("GPU"))
        # Where an operation does not take every core, as many at a time.
        threads = tf.config.threading.get_intra_op_parallelism_threads()
        self._copies = parallel.searches() if threads else 1
        self.size = size or (_GPU_MATRIX if on_gpu else _CPU_MATRIX)
        # Products of such values neither grow nor vanish.
        values = tf.random.normal((self.size, self.size), seed=1)
        matrix = tf.cast(values * self.size**-0.5, precision)

        @tf.function
        def products() -> Any:
            product = matrix
            for _ in range(_PRODUCTS):
                product = tf.matmul(product, matrix)
            return tf.reduce_sum(tf.cast(product, tf.float32))

        products()
        # Fetching the sum waits for a GPU.
        self.round: Callable[[], float] = measure.clocked(
            lambda: list(
                parallel.run(lambda _: products().numpy(), range(self._copies))
            )
        )

    def gigaflops(self, seconds: float) -> float:
        """The rate of a round that took so long."""
        operations = 2 * self._copies * _PRODUCTS * self.size**3
        return measure.gigaflops(operations, seconds)
