"""How many cores of a processor take a part of each batch; their threads.

What a part is `train/cores.py` says. It is chosen before TensorFlow starts, as
threads cannot be set afterwards.
"""

from t2t_repro import tensorflow_start
from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams

# A part of a few sentences is not worth its own sum of gradients.
_MOST = 8
# Products of wider models keep all cores busy by themselves, and the sum of a
# second set of gradients costs more. In units of `hidden_size`.
_SMALL = 256


def start(worker_cpu: int, hparams: HParams) -> int:
    """Starts TensorFlow, each operation with the threads of its part.

    Args:
      worker_cpu: see `choose`.
      hparams: of the model.

    Returns:
      How many cores take a part.

    Raises:
      UsageError: see `choose`.
    """
    count = choose(worker_cpu, hparams, tensorflow_start.has_gpu())
    is_divided = tensorflow_start.load(lambda: parallel.divide_cores(count))
    # Where it runs already, in a notebook or for TF_CONFIG, its threads are
    # what they are: only who asks for it has parts then.
    return count if is_divided or worker_cpu else 1


def choose(worker_cpu: int, hparams: HParams, has_gpu: bool) -> int:
    """How many cores get a part each; 1: they share every operation.

    Args:
      worker_cpu: what the user wants; 0: all, up to 8, for a small model.
      hparams: of the model.
      has_gpu: whether the processor is not what trains.

    Raises:
      UsageError: there are fewer cores, they are not what trains, or the loss
        is not what its parts add up to.
    """
    available = parallel.available_cores()
    if worker_cpu > 1 and has_gpu:
        raise UsageError(
            f"--worker_cpu={worker_cpu}, but here is a GPU, which trains: leave"
            " the flag out, or set CUDA_VISIBLE_DEVICES=-1 to train on the"
            " processor."
        )
    if worker_cpu > available:
        raise UsageError(
            f"--worker_cpu={worker_cpu}, but this process may use {available}"
            " cores: ask for at most that many, or leave the flag out."
        )
    if worker_cpu > 1 and not hparams.is_sum_over_sentences:
        raise UsageError(
            f"--worker_cpu={worker_cpu}: a part of the loss of"
            f" {hparams.MODEL} compares the sentences of a whole batch, which"
            " cannot be cut: leave the flag out."
        )
    if worker_cpu:
        return worker_cpu
    is_small = hparams.hidden_size <= _SMALL and not has_gpu
    has_parts = is_small and hparams.is_sum_over_sentences
    return min(available, _MOST) if has_parts else 1
