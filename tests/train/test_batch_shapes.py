"""What a run directory may say of its batch shapes."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from t2t_repro import registry, run_directory
from t2t_repro.errors import InputError, UsageError
from t2t_repro.train import batch_shapes
from tests import toy_run


@pytest.mark.parametrize(
    "recorded",
    [
        None,
        [],
        {},
        {"shapes": [], "replicas": 1},
        {"shapes": [[1, 2]], "replicas": 1},
        {"shapes": [[1, 2, 0]], "replicas": 1},
        {"shapes": [[1, 2, "3"]], "replicas": 1},
        {"shapes": [[1, 2, 3]]},
    ],
)
def test_a_damaged_record_is_named(tmp_path, recorded):
    with pytest.raises(InputError, match="is damaged"):
        batch_shapes._check(tmp_path / "batch_shapes.json", recorded)


def test_a_whole_record_passes(tmp_path):
    recorded = {"shapes": [[4, 2, 3]], "replicas": 1}
    batch_shapes._check(tmp_path / "batch_shapes.json", recorded)


@pytest.mark.parametrize("batch_size, is_said", [(8, True), (9, False)])
def test_a_batch_beyond_batch_size_is_said(
    batch_size, is_said, monkeypatch, caplog
):
    monkeypatch.setattr(batch_shapes.logger, "propagate", True)
    hparams = registry.hparams("transformer_tiny").replace(
        batch_size=batch_size, batch_shapes=1
    )
    # The longest side has 9 pieces, so one sentence is 9 tokens.
    shapes = batch_shapes._choose(np.array([[9, 2], [3, 5]]), hparams)
    assert [tuple(shape) for shape in shapes] == [(1, 9, 5)]
    said = f"batch_size={batch_size} holds no sentence of 9 pieces"
    assert (said in caplog.text) is is_said


def test_data_from_other_text_are_said(trained, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(batch_shapes.logger, "propagate", True)
    run = run_directory.load(trained.output_dir)
    data = tmp_path / "data"
    shutil.copytree(trained.data_dir, data)
    batch_shapes.batches(run, data, 1, 1)
    assert not caplog.records
    path = data / f"{toy_run.PROBLEM}.json"
    summary = json.loads(path.read_text())
    summary["splits"]["train"]["input_ids"] += 1
    path.write_text(json.dumps(summary))
    batch_shapes.batches(run, data, 1, 1)
    assert "have been generated again, from other text" in caplog.text


def test_targets_that_a_family_cannot_write_are_refused(trained):
    run = run_directory.load(trained.output_dir)
    run = dataclasses.replace(
        run,
        folder=trained.output_dir / "none",
        hparams=registry.hparams("memn2n_tiny"),
    )
    with pytest.raises(UsageError, match="memn2n answers with one word"):
        batch_shapes.batches(run, trained.data_dir, 1, 1)


def test_shapes_are_those_of_packed_rows():
    hparams = registry.hparams("transformer_tiny").replace(
        batch_size=16, batch_shapes=1, max_length=8, pack_dataset=True
    )
    lengths = np.array([[4, 4], [9, 1], [8, 5], [4, 7], [3, 2]])
    # Without the second, which is too long, there are 19 sources and 18
    # targets. The longest source of 8 takes 8 * 18 / 19 targets beside it: 8.
    # Rows: 8 and 5; 4 and 7; 4 + 3 and 4 + 2.
    shapes = batch_shapes._choose(lengths, hparams)
    assert [tuple(shape) for shape in shapes] == [(2, 8, 7)]


def test_pairs_without_an_end_are_refused_where_rows_hold_several(
    trained, tmp_path, monkeypatch
):
    run = run_directory.load(trained.output_dir)
    run = dataclasses.replace(
        run,
        folder=tmp_path,
        hparams=run.hparams.replace(pack_dataset=True),
    )
    assert batch_shapes.batches(run, trained.data_dir, 1, 1).is_packed
    monkeypatch.setattr("t2t_repro.data.packing.EOS_ID", 2)
    with pytest.raises(InputError, match="pack_dataset=true needs pairs"):
        batch_shapes.batches(run, trained.data_dir, 1, 1)
