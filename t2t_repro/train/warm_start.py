"""Warm start: a new run that begins with the weights of another.

tensor2tensor's `--warm_start_from`: every weight that the checkpoint has under
the same name is taken; the step, Adam's moments and the place in the data
begin anew. A weight of another shape is left fresh and listed, where
tensor2tensor ended with an error.

Left out: tensor2tensor's own checkpoints, whose names are others
(t2t-import-checkpoint makes a run of one), and its second source
(`warm_start_from_second`).
"""

import dataclasses
import json
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from t2t_repro import checkpoints, files, run_directory
from t2t_repro.errors import InputError
from t2t_repro.files import file_sha256
from t2t_repro.run_directory import Run

logger = logging.getLogger("t2t_repro")


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """Where a run's first weights are from; all names are sorted.

    Attributes:
      checkpoint: the prefix that was read.
      matched: weights that have their value from there.
      missing: weights of the model that the checkpoint lacks.
      mismatched: weights that have another shape there.
      unused: weights of the checkpoint that the model lacks.
    """

    checkpoint: str
    matched: list[str]
    missing: list[str]
    mismatched: list[str]
    unused: list[str]


def load(path: str, run: Run, weights: Mapping[str, Any]) -> WarmStart:
    """Gives the weights of a new run the values that a checkpoint has for them.

    Args:
      path: a checkpoint's prefix, or a run directory: its newest checkpoint, or
        that one's average, as t2t-decoder takes it.
      run: the new run.
      weights: its model's variables by path.

    Raises:
      InputError: no checkpoint, a damaged one, or not one weight fits;
        nothing is assigned.
    """
    place = files.absolute(path)
    prefix = str(place)
    if place.is_dir():
        prefix = checkpoints.newest_for_decoding(place)
    values = {
        name: value
        for name, value in checkpoints.read(prefix, slots=False).items()
        if checkpoints.is_weight(name)
    }
    shared = sorted(weights.keys() & values.keys())
    matched = [
        name
        for name in shared
        if values[name].shape == tuple(weights[name].shape)
    ]
    mismatched = [name for name in shared if name not in matched]
    if not matched:
        raise _nothing_matched(prefix, values, weights, mismatched)
    for name in matched:
        weights[name].assign(values[name])
    found = WarmStart(
        checkpoint=prefix,
        matched=matched,
        missing=sorted(weights.keys() - values.keys()),
        mismatched=mismatched,
        unused=sorted(values.keys() - weights.keys()),
    )
    _log(found, values, weights)
    _compare_vocabularies(prefix, run)
    return found


def keep(folder: pathlib.Path, found: WarmStart) -> None:
    """Writes into the run directory where its weights are from."""
    files.replace_file(
        files.make_folder(folder) / run_directory.WARM_START,
        json.dumps(dataclasses.asdict(found), indent=1) + "\n",
    )


def _log(
    found: WarmStart, values: Mapping[str, Any], weights: Mapping[str, Any]
) -> None:
    logger.info(
        "warm start from %s: %d of %d weights, step 0, fresh moments",
        found.checkpoint,
        len(found.matched),
        len(weights),
    )
    shapes = [
        f"{name} {values[name].shape} instead of {tuple(weights[name].shape)}"
        for name in found.mismatched
    ]
    for title, names in (
        ("matched", found.matched),
        ("missing there, left fresh", found.missing),
        ("of another shape there, left fresh", shapes),
        ("there, but not in the model", found.unused),
    ):
        logger.info(
            "  %s (%d): %s", title, len(names), ", ".join(names) or "none"
        )


def _nothing_matched(
    prefix: str,
    values: Mapping[str, Any],
    weights: Mapping[str, Any],
    mismatched: list[str],
) -> InputError:
    if any(name.startswith("transformer/") for name in values):
        return InputError(
            f"{prefix} is a checkpoint of tensor2tensor: make a run of it with"
            " t2t-import-checkpoint, and give that."
        )
    reason = f"it has no {min(weights)}"
    if mismatched:
        name = mismatched[0]
        reason = (
            f"its {name} has shape {values[name].shape}, the model's"
            f" {tuple(weights[name].shape)}"
        )
    return InputError(
        f"{prefix} fits none of the model's {len(weights)} weights ({reason}):"
        " give a checkpoint of a model of the same size."
    )


def _compare_vocabularies(prefix: str, run: Run) -> None:
    """Warns when equal ids mean other pieces there."""
    description = pathlib.Path(prefix).parent / run_directory.PROBLEM
    if not description.exists():
        return
    theirs = files.read_json(description).get("vocabulary_sha256")
    if theirs != file_sha256(run.vocabulary):
        logger.warning(
            "%s was trained with another vocabulary: where embeddings match in"
            " shape, their rows stand for other pieces",
            prefix,
        )
