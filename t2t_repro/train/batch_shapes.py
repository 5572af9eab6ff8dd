"""The batch shapes of a run: chosen once, then kept in its directory.

A place in the data is a number of batches, so a run that goes on needs the
shapes, the number of replicas and the data that it began with.
"""

import itertools
import json
import logging
import pathlib
from typing import Any

import numpy as np

from t2t_repro import files, run_directory
from t2t_repro.data import packing, records
from t2t_repro.data.batching import TrainingBatches
from t2t_repro.data.shapes import BatchShape, choose_shapes
from t2t_repro.errors import InputError, UsageError
from t2t_repro.files import file_sha256
from t2t_repro.hparam import HParams
from t2t_repro.run_directory import Run

logger = logging.getLogger("t2t_repro")


def batches(
    run: Run, data_dir: pathlib.Path, replicas: int, seed: int
) -> TrainingBatches:
    """The training data of a run, there already or only planned.

    Args:
      run: the run directory.
      data_dir: TFRecord files of its problem.
      replicas: how many train.
      seed: of every order.

    Raises:
      UsageError: the run was trained on another number of replicas.
      InputError: no training pair is short enough, or there is none; or rows
        of several pairs are wanted, and some pair has no end.
    """
    problem = run.open_problem()
    paths = records.shard_paths(data_dir, problem.name, "train")
    vocab_size = run.encoder().vocab_size
    path = run.folder / run_directory.BATCH_SHAPES
    if path.exists():
        recorded = files.read_json(path)
        _check(path, recorded)
        _compare(run, recorded, replicas, data_dir)
        shapes = [BatchShape(*shape) for shape in recorded["shapes"]]
    else:
        check = packing.check_ends if run.hparams.is_packed else None
        lengths = records.read_lengths(paths, vocab_size, check)
        if problem.is_reversed:
            lengths = lengths[:, ::-1]
        shapes = _choose(lengths, run.hparams)
    return TrainingBatches(
        paths,
        shapes,
        parts=replicas * run.hparams.accumulate_steps,
        seed=seed,
        is_reversed=problem.is_reversed,
        is_packed=run.hparams.is_packed,
        vocab_size=vocab_size,
    )


def _data_hash(run: Run, data_dir: pathlib.Path) -> str | None:
    """Of t2t-datagen's summary, which has the hashes and counts of the text.

    None where another program made the data.
    """
    path = data_dir / f"{run.open_problem().name}.json"
    return file_sha256(path) if path.exists() else None


def _compare(
    run: Run, recorded: dict[str, Any], replicas: int, data_dir: pathlib.Path
) -> None:
    """Refuses another number of replicas; warns of other data."""
    if recorded["replicas"] != replicas:
        # A position counts batches of all replicas together.
        raise UsageError(
            f"{run.folder} was trained on {recorded['replicas']} replicas, here"
            f" are {replicas}: go on with as many (--worker_gpu), or start a"
            " new run."
        )
    data_hash = recorded.get("data_sha256")
    if data_hash and data_hash != _data_hash(run, data_dir):
        logger.warning(
            "the data in %s have been generated again, from other text, since"
            " %s began with them: it goes on with the new ones",
            data_dir,
            run.folder,
        )


def _check(path: pathlib.Path, recorded: Any) -> None:
    shapes = recorded.get("shapes") if isinstance(recorded, dict) else None
    is_whole = (
        isinstance(shapes, list)
        and bool(shapes)
        and all(isinstance(shape, list) and len(shape) == 3 for shape in shapes)
        and all(isinstance(n, int) and n > 0 for n in itertools.chain(*shapes))
        and isinstance(recorded.get("replicas"), int)
    )
    if not is_whole:
        raise InputError(
            f"{path} is damaged: it must have shapes, each of three whole"
            " numbers above 0, and replicas. Restore it, or start a new run."
        )


def keep(
    run: Run, data_dir: pathlib.Path, shapes: list[BatchShape], replicas: int
) -> None:
    """Records the shapes in a run directory that has none yet."""
    path, hparams = run.folder / run_directory.BATCH_SHAPES, run.hparams
    if path.exists():
        return
    parts = replicas * hparams.accumulate_steps
    description = {
        "shapes": shapes,
        "replicas": replicas,
        "accumulate_steps": hparams.accumulate_steps,
        "effective_batch_tokens": hparams.batch_size * parts,
        "data_sha256": _data_hash(run, data_dir),
    }
    files.replace_file(path, json.dumps(description) + "\n")


def _choose(lengths: np.ndarray, hparams: HParams) -> list[BatchShape]:
    """Shapes for the pairs that are not too long; the others are counted.

    Lengths are `[pairs, 2]`, of source and target.
    """
    fits = lengths.max(axis=1, initial=0) <= hparams.max_length
    if not fits.any():
        raise InputError(
            f"no training pair of {len(lengths)} has at most"
            f" max_length={hparams.max_length} pieces: generate data, or raise"
            " that hparam."
        )
    if not fits.all():
        logger.warning(
            "%d of %d training pairs are longer than max_length=%d and are"
            " left out",
            np.sum(~fits),
            len(lengths),
            hparams.max_length,
        )
    lengths = lengths[fits]
    hparams.check_targets(int(lengths[:, 1].max()))
    if hparams.is_packed:
        limit = packing.row_limit(lengths, hparams.max_length)
        lengths = packing.row_lengths(lengths, limit)
    shapes = choose_shapes(lengths, hparams.batch_size, hparams.batch_shapes)
    most = max(s.batch * max(s.source, s.target) for s in shapes)
    if most > hparams.batch_size:
        logger.warning(
            "batch_size=%d holds no sentence of %d pieces, so batches have up"
            " to %d tokens: raise batch_size, or lower max_length",
            hparams.batch_size,
            most,
            most,
        )
    return shapes
