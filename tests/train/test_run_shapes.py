"""What a run directory may say of its batch shapes."""

import numpy as np
import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError
from t2t_repro.train import run_shapes


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
        run_shapes._check(tmp_path / "batch_shapes.json", recorded)


def test_a_whole_record_passes(tmp_path):
    recorded = {"shapes": [[4, 2, 3]], "replicas": 1}
    run_shapes._check(tmp_path / "batch_shapes.json", recorded)


@pytest.mark.parametrize("batch_size, is_said", [(8, True), (9, False)])
def test_a_batch_beyond_batch_size_is_said(
    batch_size, is_said, monkeypatch, caplog
):
    monkeypatch.setattr(run_shapes.logger, "propagate", True)
    hparams = registry.hparams("transformer_tiny").replace(
        batch_size=batch_size, batch_shapes=1
    )
    # The longest side has 9 pieces, so one sentence is 9 tokens.
    shapes = run_shapes._choose(np.array([[9, 2], [3, 5]]), hparams)
    assert [tuple(shape) for shape in shapes] == [(1, 9, 5)]
    said = "batch_size=%d holds no sentence of 9 pieces" % batch_size
    assert (said in caplog.text) is is_said
