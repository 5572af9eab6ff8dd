"""Imports TensorFlow without the lines that its C++ part prints meanwhile.

A leaf: whoever needs TensorFlow quiet, a command or `t2t_repro.load`, calls
this before anything else imports it.
"""

import contextlib
import importlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any


def load(before_devices: Callable[[], Any] = lambda: None) -> Any:
    """Imports TensorFlow and has it look for its devices.

    Args:
      before_devices: is called in between, where threads may still be set.

    Returns:
      What that returns.
    """
    with quiet_standard_error():
        tensorflow = _imported()
        result = before_devices()
        tensorflow.constant(0)
    return result


def has_gpu() -> bool:
    """Whether TensorFlow sees one; threads may still be set afterwards."""
    with quiet_standard_error():
        return bool(_imported().config.list_physical_devices("GPU"))


def _imported() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = importlib.import_module("tensorflow")
    # Tracing once per batch shape is meant, not worth its warning.
    tensorflow.get_logger().setLevel("ERROR")
    # Keras doubts a sentence of one piece, which has one to look at.
    warnings.filterwarnings("ignore", "You are using a softmax over axis")
    return tensorflow


@contextlib.contextmanager
def quiet_standard_error() -> Iterator[None]:
    """Drops what is written there, also by C++; an error brings all of it."""
    with tempfile.TemporaryFile() as printed:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            printed.seek(0)
            os.write(2, printed.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
