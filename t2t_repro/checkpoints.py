"""Checkpoints: `model.ckpt-STEP`, every tensor under its own name.

The format is TensorFlow's tensor bundle, the names are the paths of the
weights, so `tf.train.load_checkpoint` reads them anywhere. What is saved is an
explicit table: `tf.train.Checkpoint` skips layers that Keras models keep in
lists without a word. A checkpoint counts once its index file has its name,
which is the last thing to happen.
"""

import os
import pathlib
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro import evaluations
from t2t_repro.errors import InputError
from t2t_repro.run_directory import checkpoint_steps

# Names of what is no weight.
STEP = "global_step"
POSITION = "data_position"
AVERAGED_STEPS = "averaged_steps"  # in an average: whose mean it is
_OPTIMIZER = "adam/"  # what decoding and averages leave out
UPDATES_SKIPPED = f"{_OPTIMIZER}updates_skipped"
LOSS_SCALE = f"{_OPTIMIZER}loss_scale"
FINITE_STEPS = f"{_OPTIMIZER}finite_steps"

_SUFFIXES = (".index", ".data-00000-of-00001")
# Beside a checkpoint that a signal saved: an empty file.
_INTERIM = ".interim"
_FILE = re.compile(r"^model\.ckpt-(\d+)\.(index|data-\d+-of-\d+)$")
_PARTIAL = re.compile(r"^\.model\.ckpt-(\d+)\.part$")
_POLL_SECONDS = 10.0
# Which operation failed: says nothing to a user.
_NODE = re.compile(r"\{\{.*?\}\}|\[Op:.*?\]")
# All that TensorFlow raises for a damaged bundle.
_DAMAGE = (tf.errors.OpError, IndexError, OSError, ValueError, RuntimeError)
# Of these, what is no sign of damage.
_NO_DAMAGE = (
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
    PermissionError,
)

steps = checkpoint_steps


class DamagedError(InputError):
    """A checkpoint that is there, but cannot be read; `reason` says why."""

    def __init__(self, prefix: str, reason: str):
        """Makes the one sentence."""
        super().__init__(
            f"the checkpoint {prefix} is damaged ({reason}): remove its files"
            " and take an earlier one."
        )
        self.reason = reason


def moment(kind: str, path: str) -> str:
    """The name of Adam's first (`m`) or second (`v`) moment of a weight."""
    return f"{_OPTIMIZER}{kind}/{path}"


def is_weight(name: str) -> bool:
    """Whether a tensor of a checkpoint is one of the model's weights."""
    others = (STEP, POSITION, AVERAGED_STEPS)
    return name not in others and not name.startswith(_OPTIMIZER)


def path_of(folder: pathlib.Path, step: int, kind: str = "model") -> str:
    """The prefix of a checkpoint's files; `kind` is "model" or "averaged"."""
    return str(folder / f"{kind}.ckpt-{step}")


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

    Raises:
      InputError: there is no room for it, or no permission.
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
        for suffix in _SUFFIXES:
            _sync(partial / f"bundle{suffix}")
        # An older one of this name would be an index of other data meanwhile.
        pathlib.Path(f"{prefix}.index").unlink(missing_ok=True)
        for suffix in reversed(_SUFFIXES):
            os.replace(partial / f"bundle{suffix}", prefix + suffix)
        _sync(folder)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(
            f"cannot write the checkpoint {prefix}: {_reason(error)}. Earlier"
            " checkpoints are whole; make room and run the command again."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return prefix


def times(folder: pathlib.Path, of_steps: Sequence[int]) -> list[float]:
    """When the checkpoints of these steps were written, in seconds."""
    return [
        os.path.getmtime(f"{path_of(folder, step)}.index") for step in of_steps
    ]


def follow(
    folder: pathlib.Path, wait_seconds: float, min_steps: int = 0
) -> Iterator[int]:
    """Steps of the checkpoints there are, oldest first, then of new ones.

    Ends after `wait_seconds` without a new one; those before `min_steps` are
    left out.
    """
    done = min_steps - 1
    since = time.monotonic()
    while True:
        new = [step for step in steps(folder) if step > done]
        waited = time.monotonic() - since
        if new:
            # One at a time: the next may be removed while this one is used.
            done = new[0]
            yield done
            since = time.monotonic()
        elif waited < wait_seconds:
            time.sleep(min(_POLL_SECONDS, wait_seconds - waited))
        else:
            return


def read(prefix: str, slots: bool = True) -> dict[str, np.ndarray]:
    """Reads a checkpoint; without `slots`, no moments of the optimizer.

    Raises:
      InputError: it is missing or damaged.
    """
    reader = _reader(prefix)
    try:
        return {
            name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()
            if slots or not name.startswith(_OPTIMIZER)
        }
    except _DAMAGE as error:
        raise _unreadable(prefix, error) from error


def count_weights(prefix: str) -> int:
    """The number of a checkpoint's weights, moments and counters left out.

    Raises:
      InputError: it is missing or damaged.
    """
    reader = _reader(prefix)
    types = reader.get_variable_to_dtype_map()
    return sum(
        int(np.prod(shape))
        for name, shape in reader.get_variable_to_shape_map().items()
        if types[name].is_floating and is_weight(name)
    )


def averaged_steps(prefix: str) -> list[int]:
    """The steps whose mean an average is; empty where it does not say.

    Raises:
      InputError: it is missing or damaged.
    """
    reader = _reader(prefix)
    if not reader.has_tensor(AVERAGED_STEPS):
        return []
    return [int(step) for step in reader.get_tensor(AVERAGED_STEPS)]


def restore(
    prefix: str, variables: Mapping[str, Any], allow_unused: bool = False
) -> dict[str, np.ndarray]:
    """Assigns a checkpoint's values, after checking that all of them fit.

    With `allow_unused` the checkpoint may hold more, such as moments.

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


def remove(folder: pathlib.Path, step: int) -> None:
    """Removes a checkpoint of training, if it is there."""
    prefix = path_of(folder, step)
    # The index first: without it the checkpoint no longer counts.
    for suffix in (*_SUFFIXES, _INTERIM):
        pathlib.Path(prefix + suffix).unlink(missing_ok=True)


def mark_interim(folder: pathlib.Path, step: int) -> None:
    """Marks a checkpoint, before it is saved, as saved because of a signal.

    It is there to go on from, in no average, and gone with the next one.
    """
    pathlib.Path(path_of(folder, step) + _INTERIM).touch()


def interim_steps(folder: pathlib.Path) -> list[int]:
    """Of the checkpoints that `mark_interim` was called for."""
    names = [path.name for path in folder.glob(f"model.ckpt-*{_INTERIM}")]
    matches = [re.fullmatch(r"model\.ckpt-(\d+)\.interim", n) for n in names]
    return [int(match[1]) for match in matches if match]


def steps_with_files(folder: pathlib.Path) -> list[int]:
    """Of all checkpoints of which there is any file, oldest first."""
    matches = [_FILE.match(path.name) for path in folder.glob("model.ckpt-*")]
    return sorted({int(match[1]) for match in matches if match})


def files_of(folder: pathlib.Path, step: int) -> list[pathlib.Path]:
    """The index and data files there are of a checkpoint, whole or not."""
    found = folder.glob(f"model.ckpt-{step}.*")
    return sorted(path for path in found if _FILE.match(path.name))


def step_of_partial(name: str) -> int | None:
    """Of the hidden folder in which `save` was interrupted; None: another."""
    match = _PARTIAL.match(name)
    return int(match[1]) if match else None


def copy_times(source: str, target: str) -> None:
    """Gives a checkpoint's files the times of another's."""
    for suffix in _SUFFIXES:
        shutil.copystat(source + suffix, target + suffix)


def newest_for_decoding(folder: pathlib.Path) -> str:
    """The average of the newest checkpoint, or else that checkpoint itself.

    Raises:
      InputError: there is no checkpoint.
    """
    trained, averaged = steps(folder), steps(folder, "averaged")
    is_average = averaged and averaged[-1] >= max(trained, default=0)
    return find(folder, "averaged" if is_average else "newest")


def find(folder: pathlib.Path, which: str | None) -> str:
    """The prefix of the checkpoint that `--checkpoint` means.

    Args:
      folder: run directory.
      which: "best" on the dev data by the metric of `evaluations.json`,
        "averaged" or "newest", a step, or a prefix, which is returned; None:
        `newest_for_decoding`.

    Raises:
      InputError: there is no such checkpoint.
    """
    if not which:
        return newest_for_decoding(folder)
    kind = "averaged" if which == "averaged" else "model"
    found = steps(folder, kind)
    if which == "best":
        chosen = evaluations.History(folder).best(1, found)
        missing = "none that was evaluated"
    elif which in ("averaged", "newest"):
        chosen = found[-1:]
        missing = "no average (t2t-trainer --average_last=5 makes one)"
    elif which.isdecimal():
        chosen = [step for step in found if step == int(which)]
        missing = "none of that step"
    else:
        return which
    if chosen:
        return path_of(folder, chosen[0], kind)
    there = ", ".join(map(str, steps(folder)))
    if not there:
        raise InputError(
            f"{folder} has no checkpoint yet: train first (t2t-trainer)."
        )
    raise InputError(
        f"--checkpoint={which}: of the checkpoints in {folder} there is"
        f" {missing}; give another, there are the steps {there}."
    )


def _reader(prefix: str) -> Any:
    if not os.path.exists(f"{prefix}.index"):
        raise InputError(
            f"there is no checkpoint {prefix}: give the path without .index,"
            " such as output_dir/model.ckpt-1000."
        )
    try:
        return tf.train.load_checkpoint(prefix)
    except _DAMAGE as error:
        raise _unreadable(prefix, error) from error


def _unreadable(prefix: str, error: BaseException) -> InputError:
    if isinstance(error, _NO_DAMAGE):
        return InputError(f"cannot read {prefix}: {_reason(error)}.")
    return DamagedError(prefix, _reason(error))


def _sync(path: pathlib.Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: BaseException) -> str:
    words = _NODE.sub("", str(error))
    return " ".join(words.split())[:300]
