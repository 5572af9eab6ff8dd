"""What a run directory may say of its batch shapes."""

import pytest

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
