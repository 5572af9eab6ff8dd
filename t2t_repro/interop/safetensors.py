"""Files of tensors as the Hugging Face Hub keeps them: `*.safetensors`.

Eight bytes say how long the header is, the header is JSON (name to type,
shape and place), and behind it lie the numbers, little-endian, rows first,
without holes. Nothing in such a file is ever run, and here everything that the
header says is held against the file's size before it is believed.

Left out: types below 16 bits, and models cut over several files.
"""

import json
import math
import os
import pathlib
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from t2t_repro import files
from t2t_repro.errors import InputError

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100_000_000  # the format's own limit, in bytes
_ALIGNMENT = 8
# Tensors of Marian have two axes at the most; the format knows no limit.
_MOST_AXES = 8

_TYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # NumPy has no such type: the bits
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The tensors of a file by name; bfloat16 comes as float32.

    What has another type stays where it is until it is looked at: a model need
    not fit into memory twice.

    Raises:
      InputError: the file is no whole one of this format.
    """
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            start = file.read(_LENGTH.size)
            if len(start) < _LENGTH.size:
                raise _damaged(path, f"it has {size} bytes")
            (length,) = _LENGTH.unpack(start)
            if length > min(size - _LENGTH.size, _LONGEST_HEADER):
                raise _damaged(path, f"its header has {length} bytes")
            header = files.json_object(file.read(length), path)
        begin = _LENGTH.size + length
        # mmap takes no empty part.
        numbers: np.ndarray = np.zeros(0, np.uint8)
        if size > begin:
            numbers = np.memmap(path, np.uint8, "r", begin)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from error
    header.pop("__metadata__", None)
    _check_places(path, header, len(numbers))
    return {name: _tensor(numbers, said) for name, said in header.items()}


def write(path: pathlib.Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Writes float32 tensors, in the order of their names."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in sorted(tensors):
        begin, end = end, end + tensors[name].size * 4
        header[name] = {
            "dtype": "F32",
            "shape": list(tensors[name].shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with files.replacing(path) as partial, open(partial, "wb") as file:
        file.write(_LENGTH.pack(len(text)) + text)
        for name in sorted(tensors):
            file.write(np.ascontiguousarray(tensors[name], "<f4").data)


def _check_places(
    path: pathlib.Path, header: Mapping[str, Any], size: int
) -> None:
    """Makes sure that the tensors lie one behind the other, up to the end."""
    places = []
    for name, said in header.items():
        match said:
            case {
                "dtype": str(kind),
                "shape": [*shape],
                "data_offsets": [int(begin), int(end)],
            } if all(type(axis) is int and axis >= 0 for axis in shape):
                pass
            case _:
                raise _damaged(path, f"it says {str(said)[:60]} of {name!r}")
        if kind not in _TYPES or len(shape) > _MOST_AXES:
            raise InputError(
                f"{path} has {name} as {kind[:20]} with {len(shape)} axes:"
                " expected numbers in 16, 32 or 64 bits; save the model in"
                " float32."
            )
        if end - begin != math.prod(shape) * _TYPES[kind].itemsize:
            raise _damaged(
                path, f"{name} of shape {shape} lies from {begin} to {end}"
            )
        places.append((begin, end))
    before = 0
    for begin, end in sorted(places):
        if begin != before:
            raise _damaged(path, f"a tensor begins at {begin}, not {before}")
        before = end
    if before != size:
        raise _damaged(path, f"its tensors take {before} bytes, it has {size}")


def _tensor(numbers: np.ndarray, said: Mapping[str, Any]) -> np.ndarray:
    begin, end = said["data_offsets"]
    kind = _TYPES[said["dtype"]]
    tensor = numbers[begin:end].view(kind).reshape(said["shape"])
    if said["dtype"] == "BF16":
        # A bfloat16 is the upper half of a float32.
        tensor = (tensor.astype("<u4") << 16).view("<f4")
    return tensor


def _damaged(path: pathlib.Path, what: str) -> InputError:
    return InputError(
        f"{path} is not a whole safetensors file ({what}): download it again,"
        " or save the model again."
    )
