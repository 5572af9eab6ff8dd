"""Checkpoints: `model.ckpt-STEP`, every tensor under its own name.

The format is TensorFlow's tensor bundle, the names are the paths of the
weights, so `tf.train.load_checkpoint` reads them anywhere. What is saved is an
explicit table: `tf.train.Checkpoint` skips layers that Keras models keep in
lists without a word. A checkpoint counts once its index file has its name,
which is the last thing to happen.
"""

import logging
import os
import pathlib
import re
import shutil
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.errors import InputError

_NAME = re.compile(r"^(model|averaged)\.ckpt-(\d+)\.index$")
_SLOTS = "adam/"
# All that TensorFlow raises for a damaged bundle.
_DAMAGE = (tf.errors.OpError, IndexError, OSError, ValueError, RuntimeError)

logger = logging.getLogger("t2t_repro")


def path_of(folder: pathlib.Path, step: int, kind: str = "model") -> str:
    """The prefix of a checkpoint's files."""
    return str(folder / f"{kind}.ckpt-{step}")


def steps(folder: pathlib.Path, kind: str = "model") -> list[int]:
    """Steps of all whole checkpoints in a folder, oldest first."""
    found = []
    for path in folder.glob(f"{kind}.ckpt-*.index"):
        match = _NAME.match(path.name)
        if match and path.with_suffix(".data-00000-of-00001").exists():
            found.append(int(match[2]))
    return sorted(found)


def save(
    folder: pathlib.Path,
    step: int,
    variables: Mapping[str, Any],
    kind: str = "model",
) -> str:
    """Writes a checkpoint, whole or not at all.

    Args:
      folder: where to.
      step: updates done.
      variables: name to tf.Variable, array or number.
      kind: "model" or "averaged".

    Returns:
      The checkpoint's prefix.
    """
    prefix = path_of(folder, step, kind)
    partial = folder / f".{kind}.ckpt-{step}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        names = sorted(variables)
        tf.raw_ops.SaveV2(
            prefix=str(partial / "bundle"),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[tf.convert_to_tensor(variables[name]) for name in names],
        )
        for suffix in (".data-00000-of-00001", ".index"):
            source = partial / f"bundle{suffix}"
            with open(source, "rb") as file:
                os.fsync(file.fileno())
            os.replace(source, prefix + suffix)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(
            f"cannot write the checkpoint {prefix}: {_reason(error)}. Earlier"
            " checkpoints are whole; make room and run the command again."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return prefix


def read(prefix: str) -> dict[str, np.ndarray]:
    """Reads every tensor of a checkpoint.

    Raises:
      InputError: it is missing or damaged.
    """
    if not os.path.exists(f"{prefix}.index"):
        raise InputError(
            f"there is no checkpoint {prefix}: give the path without .index,"
            " such as output_dir/model.ckpt-1000."
        )
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = reader.get_variable_to_shape_map()
        return {name: reader.get_tensor(name) for name in names}
    except _DAMAGE as error:
        raise InputError(
            f"the checkpoint {prefix} is damaged ({_reason(error)}): remove its"
            " files and take an earlier one."
        ) from error


def restore(
    prefix: str, variables: Mapping[str, Any], allow_unused: bool = False
) -> dict[str, np.ndarray]:
    """Assigns a checkpoint's values, after checking that all of them fit.

    Args:
      prefix: the checkpoint.
      variables: name to tf.Variable.
      allow_unused: whether the checkpoint may hold more (optimizer moments,
        when only the weights are wanted).

    Returns:
      The values that no variable asked for.

    Raises:
      InputError: missing, damaged, or not of this model; nothing is assigned.
    """
    values = read(prefix)
    for name, variable in variables.items():
        if name not in values:
            raise InputError(
                f"{prefix} has no value for {name}: it is of another model."
            )
        if values[name].shape != tuple(variable.shape):
            raise InputError(
                f"{prefix} has shape {values[name].shape} for {name}, the model"
                f" has {tuple(variable.shape)}: it is of another model."
            )
    rest = {n: v for n, v in values.items() if n not in variables}
    if rest and not allow_unused:
        raise InputError(
            f"{prefix} has a value for {min(rest)}, which the model lacks: it"
            " is of another model."
        )
    for name, variable in variables.items():
        variable.assign(values[name])
    return rest


def remove_old(folder: pathlib.Path, keep: int) -> None:
    """Keeps the newest `keep` checkpoints of training."""
    for step in steps(folder)[:-keep]:
        prefix = path_of(folder, step)
        # The index first: without it the checkpoint no longer counts.
        for suffix in (".index", ".data-00000-of-00001"):
            pathlib.Path(prefix + suffix).unlink(missing_ok=True)


def average(prefixes: Sequence[str]) -> dict[str, np.ndarray]:
    """The mean of several checkpoints' weights (section 6.1).

    Optimizer moments are left out: nothing resumes from an average. Floats are
    averaged in float64 and returned in float32; whole numbers are those of the
    last checkpoint.

    Raises:
      InputError: a checkpoint is damaged, or they are of different models.
    """
    sums: dict[str, np.ndarray] = {}
    for prefix in prefixes:
        values = {
            name: value
            for name, value in read(prefix).items()
            if not name.startswith(_SLOTS)
        }
        if sums and sums.keys() != values.keys():
            other = min(sums.keys() ^ values.keys())
            raise InputError(
                f"{prefix} and {prefixes[0]} are of different models: only one"
                f" of them has {other}."
            )
        for name, value in values.items():
            if np.issubdtype(value.dtype, np.floating):
                share = value.astype(np.float64) / len(prefixes)
                sums[name] = sums.get(name, 0.0) + share
            else:
                sums[name] = value
    return {
        name: value.astype(np.float32) if value.dtype == np.float64 else value
        for name, value in sums.items()
    }


def average_last(folder: pathlib.Path, count: int) -> str:
    """Averages the newest checkpoints into `averaged.ckpt-STEP`.

    Returns:
      The average's prefix.

    Raises:
      InputError: there are fewer than `count`.
    """
    newest = steps(folder)[-count:]
    if len(newest) < count:
        raise InputError(
            f"{folder} has {len(newest)} checkpoints, an average of {count} was"
            " asked for: train on, or ask for fewer."
        )
    logger.info("averaging the checkpoints of steps %s", newest)
    values = average([path_of(folder, step) for step in newest])
    return save(folder, newest[-1], values, "averaged")


def newest_for_decoding(folder: pathlib.Path) -> str:
    """The average of the newest checkpoint, or else that checkpoint itself.

    Raises:
      InputError: there is no checkpoint.
    """
    trained, averaged = steps(folder), steps(folder, "averaged")
    if not trained and not averaged:
        raise InputError(
            f"{folder} has no checkpoint yet: train first (t2t-trainer)."
        )
    if averaged and averaged[-1] >= max(trained, default=0):
        return path_of(folder, averaged[-1], "averaged")
    return path_of(folder, trained[-1])


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
