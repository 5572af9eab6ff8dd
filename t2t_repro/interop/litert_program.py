"""A program of LiteRT, whose inputs are written where they lie.

LiteRT, once TensorFlow Lite, comes with TensorFlow. Its converter makes a
program of a traced function, with matrices of 8 bits if asked to; XNNPACK runs
it on the processor. To call it costs microseconds, not the milliseconds that a
graph of some hundred small operations takes in TensorFlow.

Sizes may change between two calls. `Interpreter.set_tensor` would copy each
input at each call; here a caller writes into the tensors themselves, and what
it leaves as it is need not be written again.
"""

import ctypes
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro import tensorflow_start

# TensorFlow 2.21 announces at each call that its copy of LiteRT will leave it
# one day. The package to which it points runs no program faster.
warnings.filterwarnings(
    "ignore", r"\s*Warning: tf.lite.Interpreter is deprecated", UserWarning
)

_TYPES = {
    np.dtype("float32"): ctypes.c_float,
    np.dtype("int32"): ctypes.c_int32,
    np.dtype("bool"): ctypes.c_bool,
}


def converted(
    function: Callable[..., Any],
    signature: Sequence[tf.TensorSpec],
    is_narrow: bool,
) -> bytes:
    """Makes a program of a function of tensors.

    Args:
      function: pure; variables that it reads become constants. Its results have
        one axis or more.
      signature: its arguments, each with a name; sizes that may change are
        None. XNNPACK takes a reshaping in which one of them does.
      is_narrow: whether its matrices have 8 bits, each column with a scale of
        its own; what they are multiplied with is rounded to 8 bits, too, each
        row by itself.
    """
    # The converter's C++ part says a lot.
    with tensorflow_start.quiet_standard_error():
        traced = tf.function(
            function, input_signature=signature, autograph=False
        )
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [traced.get_concrete_function()]
        )
        return _convert(converter, is_narrow)


def converted_signatures(
    functions: Mapping[str, Any], weights: Sequence[Any], is_narrow: bool
) -> bytes:
    """Makes one program of several functions, called by name.

    Args:
      functions: concrete ones.
      weights: the variables that they read, which they share in the program.
      is_narrow: as in `converted`; vectors that are looked up have 8 bits, too,
        with one scale for a table.
    """
    module = tf.Module()
    module.weights = list(weights)
    with (
        tempfile.TemporaryDirectory() as folder,
        tensorflow_start.quiet_standard_error(),
    ):
        tf.saved_model.save(module, folder, signatures=dict(functions))
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(functions)
        )
        return _convert(converter, is_narrow)


def _convert(converter: Any, is_narrow: bool) -> bytes:
    if is_narrow:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


class Program:
    """What `converted` made, ready to run; belongs to one thread at a time.

    Every array that it lends lies where the interpreter has it, and is valid
    until the next call or `resize`, which may move all of them.
    """

    def __init__(self, content: bytes, threads: int):
        """Opens a program.

        Args:
          content: from `converted`.
          threads: that an operation may take.
        """
        self._interpreter = tf.lite.Interpreter(
            model_content=content, num_threads=threads
        )
        self._inputs = {
            detail["name"].removeprefix("serving_default_").split(":")[0]: (
                detail["index"]
            )
            for detail in self._interpreter.get_input_details()
        }
        self._outputs = [
            detail["index"] for detail in self._interpreter.get_output_details()
        ]

    def resize(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Gives inputs their sizes; what they held is lost.

        Args:
          shapes: of every input.
        """
        for name, index in self._inputs.items():
            self._interpreter.resize_tensor_input(index, shapes[name])
        self._interpreter.allocate_tensors()

    def input(self, name: str) -> np.ndarray:
        """An input, to be written; a call leaves it as it is."""
        return self._view(self._inputs[name])

    def __call__(self) -> list[np.ndarray]:
        """Runs; returns the results."""
        self._interpreter.invoke()
        return [self._view(index) for index in self._outputs]

    def _view(self, index: int) -> np.ndarray:
        """A tensor of the interpreter's.

        By its address: an array that the interpreter gave itself would have to
        be gone before the next call.
        """
        lent = self._interpreter.tensor(index)()
        numbers = _TYPES[lent.dtype] * lent.size
        array = np.ctypeslib.as_array(numbers.from_address(lent.ctypes.data))
        return array.reshape(lent.shape)
