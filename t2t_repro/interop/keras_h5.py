"""`tf_model.h5`: weights of the TensorFlow models that transformers had.

Keras 2 wrote every weight as a dataset under the path of its layer; here they
come under the names that the same weights have in PyTorch, and in its layout.
Only numbers that lie in the file itself are read: no links to other files, no
datasets that are put together when they are read, none that grow by unpacking.
"""

import pathlib
from typing import Any

import h5py
import numpy as np

from t2t_repro.errors import InputError

_STACKS = ("encoder", "decoder")
# The last word of a Keras name, and PyTorch's.
_KINDS = {
    "kernel": "weight",
    "gamma": "weight",
    "embeddings": "weight",
    "weight": "weight",
    "beta": "bias",
    "bias": "bias",
}


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The weights of a file, by PyTorch's names and as it has them.

    Raises:
      InputError: the file is none of such weights.
    """
    size = path.stat().st_size
    found: dict[str, np.ndarray] = {}

    def take(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.is_virtual or item.external:
            raise ValueError(f"{name} lies in another file")
        # Of packed or missing numbers less lies in the file than is said.
        if item.nbytes > min(item.id.get_storage_size(), size):
            raise ValueError(f"{name} says it has {item.nbytes} bytes")
        value = np.asarray(item)
        if name.split("/")[-1].startswith("kernel"):
            value = value.T
        theirs = _pytorch_name(name)
        if theirs in found:
            raise ValueError(f"{name} is there twice")
        found[theirs] = value

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    # All that h5py raises for what is no file of its own.
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} is not a whole file of Keras weights ({reason}): download"
            " it again, or give a folder with model.safetensors."
        ) from error
    return found


def _pytorch_name(name: str) -> str:
    """`model/m/model/encoder/layers.0/fc1/kernel:0` as PyTorch says it."""
    parts = name.split(":")[0].split("/")
    *place, kind = parts
    if kind == "final_logits_bias":
        return kind
    if "model.shared" in place or "shared" in place:
        return "model.shared.weight"
    for stack in _STACKS:
        if stack in place:
            place = ["model", *place[place.index(stack) :]]
    return ".".join([*place, _KINDS.get(kind, kind)])
