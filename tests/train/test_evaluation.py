"""Figures of a training batch, whatever its rows hold."""

import dataclasses

import numpy as np

from t2t_repro import run_directory
from t2t_repro.data.batching import Batch, Position
from t2t_repro.decode.loaded_run import open_run
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.train import batch_shapes
from t2t_repro.train.evaluation import Evaluator


def _alone(ids):
    """`[..., rows, columns]` with several sentences a row -> with one."""
    rows = ids.reshape(-1, ids.shape[-1])
    found = np.zeros((int((rows == 1).sum()), rows.shape[1]), np.int32)
    ends = (part for row in rows for part in np.split(row, _behind_ends(row)))
    sentences = [part for part in ends if part.any()]
    for into, sentence in zip(found, sentences, strict=True):
        into[: len(sentence)] = sentence
    return found[None]


def _behind_ends(row):
    return np.flatnonzero(row == 1) + 1


def test_packed_rows_are_measured_as_their_pairs(trained, tmp_path):
    run = run_directory.load(trained.output_dir)
    packed = dataclasses.replace(
        run, folder=tmp_path, hparams=run.hparams.replace(pack_dataset=True)
    )
    batches = batch_shapes.batches(packed, trained.data_dir, 1, 1)
    _, batch = next(batches.stream(Position()))
    alone = Batch(*map(_alone, batch))
    assert alone.inputs.shape[1] > 2 * batch.inputs.shape[1]
    model = open_run(run, DecodeOptions(), "newest").model
    of_rows, of_pairs = (
        Evaluator(either, model, trained.data_dir, 1, 1).measure(measured)
        for either, measured in ((packed, batch), (run, alone))
    )
    np.testing.assert_allclose(of_rows, of_pairs, rtol=1e-5)
