"""Batches translated side by side, one for every core of the processor.

A step of a search is a thousand small operations. Where two cores share every
one of them they wait for each other after each; where each has a search of its
own they wait for nothing. CTranslate2 calls the same its `inter_threads`.
"""

import concurrent.futures
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

# Every search has caches of its own: on a machine of 64 cores as many as cores
# would take more memory than is there. Then each takes several cores.
_MOST = 8

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def searches() -> int:
    """How many go on at a time: one on a GPU, else one a core, at most 8."""
    # Here, so that who only counts cores does not wait for it.
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return 1
    return min(available_cores(), _MOST)


def available_cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def divide_cores(among: int | None = None) -> bool:
    """Gives each search its own cores: to be called before TensorFlow starts.

    Otherwise, or with TF_NUM_INTRAOP_THREADS, every operation of every search
    takes as many threads as before, which works and is slower.

    Args:
      among: as many as go on at a time; None: `searches()`.

    Returns:
      Whether there is more than one, and each has its own.
    """
    among = searches() if among is None else among
    if among == 1 or "TF_NUM_INTRAOP_THREADS" in os.environ:
        return False
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(
            available_cores() // among
        )
    except RuntimeError:  # it has started
        return False
    return True


def batches(items: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    """Cuts what is to be searched, so that no search is without work.

    Args:
      items: in the order in which they are taken.
      size: the most in a batch.
    """
    size = min(size, -(-max(len(items), 1) // searches()))
    return [items[begin : begin + size] for begin in range(0, len(items), size)]


def run(
    search: Callable[[_Item], _Result], given: Sequence[_Item]
) -> Iterator[_Result]:
    """`map(search, given)`, several at a time.

    Args:
      search: is called by threads.
      given: the batches.

    Raises:
      Exception: what `search` raises; what has not begun then never does.
    """
    with concurrent.futures.ThreadPoolExecutor(searches()) as pool:
        yield from pool.map(search, given)
