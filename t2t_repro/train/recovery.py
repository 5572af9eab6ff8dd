"""Going on after anything: leftovers of kills, checkpoints that were damaged.

A kill leaves at most a hidden folder that was being filled, or a data file
whose index had not come yet: neither ever counted, and both are removed. A
checkpoint that did count and cannot be read any more is another matter: it is
named and set aside into `damaged/`, nothing of it is deleted, and the one
before it is used. tensor2tensor ended with TensorFlow's error there.
"""

import logging
import os
import pathlib
import re
import shutil
from collections.abc import Callable
from typing import TypeVar

from t2t_repro import checkpoints
from t2t_repro.errors import InputError

DAMAGED = "damaged"
_FILE = re.compile(r"^model\.ckpt-(\d+)\.(index|data-\d+-of-\d+)$")
_UNFINISHED = re.compile(r"^\.model\.ckpt-(\d+)\.part$")
# Of files.replacing, for the files that a training itself writes.
_TEMPORARY = re.compile(
    r"^\.(hparams|problem|batch_shapes|evaluations|train|warm_start)\.json"
    r"\.[0-9a-f]{8}\.part$"
)

_Restored = TypeVar("_Restored")

logger = logging.getLogger("t2t_repro")


def clean(folder: pathlib.Path) -> list[str]:
    """Removes what killed trainings left half-written.

    Args:
      folder: run directory in which none is running now.

    Returns:
      Names of what was removed.
    """
    removed = []
    for path in sorted(folder.glob(".*.part")):
        unfinished = _UNFINISHED.match(path.name)
        if unfinished:
            removed += _remove_unindexed(folder, int(unfinished[1]))
            shutil.rmtree(path)
            removed.append(path.name)
        elif _TEMPORARY.match(path.name):
            path.unlink()
            removed.append(path.name)
    newest = max(checkpoints.steps(folder), default=0)
    for step in _steps(folder):
        # Half of an old checkpoint that was being removed.
        if step < newest:
            removed += _remove_unindexed(folder, step)
    if removed:
        logger.info(
            "removed what a killed training left half-written: %s",
            ", ".join(removed),
        )
    return removed


def restore_newest(
    folder: pathlib.Path,
    restore: Callable[[str], _Restored],
    may_write: bool = True,
) -> _Restored | None:
    """Restores the newest checkpoint that is whole.

    Args:
      folder: run directory.
      restore: reads a checkpoint, given its prefix.
      may_write: whether damaged ones are set aside, or only passed over.

    Returns:
      What `restore` returned; None where there is no checkpoint at all.

    Raises:
      InputError: every checkpoint is damaged, or one is of another model.
    """
    damaged: list[tuple[int, str]] = []
    for step in reversed(_steps(folder)):
        prefix = checkpoints.path_of(folder, step)
        try:
            if not os.path.exists(f"{prefix}.index"):
                raise checkpoints.DamagedError(prefix, "it has no index")
            restored = restore(prefix)
        except checkpoints.DamagedError as error:
            damaged.append((step, error.reason))
            continue
        for bad, reason in damaged if may_write else []:
            _set_aside(folder, bad)
            logger.warning(
                "the checkpoint %s is damaged (%s): its files lie in %s now,"
                " and training goes on from step %d",
                checkpoints.path_of(folder, bad),
                reason,
                folder / DAMAGED,
                step,
            )
        return restored
    if damaged:
        raise InputError(
            f"no checkpoint in {folder} is whole: {_list(damaged)}. Restore"
            " one from a copy, or begin in another --output_dir."
        )
    return None


def _steps(folder: pathlib.Path) -> list[int]:
    """Of all checkpoints of which there is any file, oldest first."""
    matches = [_FILE.match(path.name) for path in folder.glob("model.ckpt-*")]
    return sorted({int(match[1]) for match in matches if match})


def _files(folder: pathlib.Path, step: int) -> list[pathlib.Path]:
    return sorted(
        path
        for path in folder.glob(f"model.ckpt-{step}.*")
        if _FILE.match(path.name)
    )


def _remove_unindexed(folder: pathlib.Path, step: int) -> list[str]:
    found = _files(folder, step)
    if any(path.suffix == ".index" for path in found):
        return []
    for path in found:
        path.unlink()
    return [path.name for path in found]


def _set_aside(folder: pathlib.Path, step: int) -> None:
    place = folder / DAMAGED
    place.mkdir(exist_ok=True)
    for path in _files(folder, step):
        target, again = place / path.name, 1
        while target.exists():
            target, again = place / f"{path.name}.{again}", again + 1
        os.replace(path, target)


def _list(damaged: list[tuple[int, str]]) -> str:
    return "; ".join(f"model.ckpt-{step}: {why}" for step, why in damaged)
