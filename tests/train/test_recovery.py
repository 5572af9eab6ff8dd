"""Damaged checkpoints are set aside, leftovers go, nothing else is touched."""

import pathlib
import random

import numpy as np
import pytest

from t2t_repro import checkpoints
from t2t_repro.errors import InputError
from t2t_repro.train import recovery

_DATA = ".data-00000-of-00001"


def _save(folder, *steps):
    for step in steps:
        value = np.arange(300, dtype=np.float32) + step
        checkpoints.save(folder, step, {"a": value, "b": np.int64(step)})


def _step_of(prefix):
    return int(checkpoints.read(prefix)["b"])


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-8])


def _empty(path):
    path.write_bytes(b"")


def _flip(path):
    data = bytearray(path.read_bytes())
    data[3] ^= 1  # the middle of a small index is padding
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [_DATA, ".index"])
@pytest.mark.parametrize(
    "damage", [_truncate, _empty, _flip, pathlib.Path.unlink]
)
def test_the_one_before_a_damaged_one_is_used(tmp_path, caplog, damage, suffix):
    _save(tmp_path, 1, 2, 3)
    damage(tmp_path / f"model.ckpt-3{suffix}")
    left = {
        path.name: path.read_bytes() for path in tmp_path.glob("model.ckpt-3*")
    }
    recovery.logger.propagate = True
    assert recovery.restore_newest(tmp_path, _step_of) == 2
    assert "model.ckpt-3 is damaged" in caplog.text
    assert "training goes on from step 2" in caplog.text
    aside = tmp_path / "damaged"
    assert {p.name: p.read_bytes() for p in aside.iterdir()} == left
    assert checkpoints.steps(tmp_path) == [1, 2]


def test_a_worker_that_may_not_write_passes_over_it(tmp_path):
    _save(tmp_path, 1, 2)
    _empty(tmp_path / "model.ckpt-2.index")
    assert recovery.restore_newest(tmp_path, _step_of, may_write=False) == 1
    assert len(list(tmp_path.iterdir())) == 4


def test_the_same_step_can_be_damaged_again(tmp_path):
    for _ in range(2):
        _save(tmp_path, 1, 2)
        _truncate(tmp_path / f"model.ckpt-2{_DATA}")
        assert recovery.restore_newest(tmp_path, _step_of) == 1
    assert sorted(p.name for p in (tmp_path / "damaged").iterdir()) == [
        f"model.ckpt-2{_DATA}",
        f"model.ckpt-2{_DATA}.1",
        "model.ckpt-2.index",
        "model.ckpt-2.index.1",
    ]


def test_without_a_whole_one_nothing_is_moved_and_training_does_not_begin(
    tmp_path,
):
    _save(tmp_path, 1, 2)
    for step in (1, 2):
        _truncate(tmp_path / f"model.ckpt-{step}{_DATA}")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=r"is whole: model.ckpt-2: .*; model"):
        recovery.restore_newest(tmp_path, _step_of)
    assert sorted(tmp_path.iterdir()) == before
    assert recovery.restore_newest(tmp_path / "none", _step_of) is None


def test_a_checkpoint_of_another_model_is_no_damage(tmp_path):
    _save(tmp_path, 1, 2)

    def refuse(prefix):
        raise InputError(f"{prefix} is of another model")

    with pytest.raises(InputError, match="ckpt-2 is of another model"):
        recovery.restore_newest(tmp_path, refuse)
    assert checkpoints.steps(tmp_path) == [1, 2]


def test_any_flipped_bit_is_found_or_harmless(tmp_path):
    """CRCs cover every tensor and every block of the index: a value that is
    read is the one that was written."""
    _save(tmp_path, 1)
    draw = random.Random(0)
    found = 0
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            path.write_bytes(data)
            try:
                values = checkpoints.read(f"{tmp_path}/model.ckpt-1")
            except checkpoints.DamagedError:
                found += 1
                continue
            assert values.keys() == {"a", "b"} and values["b"] == 1
            np.testing.assert_array_equal(values["a"], np.arange(300) + 1)
        path.write_bytes(whole)
    assert found > 60


def test_leftovers_of_kills_go_and_nothing_else(tmp_path):
    _save(tmp_path, 3, 4)
    # Killed while tensors were written; between the two renames; and while an
    # old checkpoint was removed, of which the index goes first.
    for step in (5, 6):
        (tmp_path / f".model.ckpt-{step}.part").mkdir()
    (tmp_path / ".model.ckpt-5.part" / f"bundle{_DATA}").write_text("half")
    (tmp_path / ".model.ckpt-6.part" / "bundle.index").write_text("index")
    for name in (
        f"model.ckpt-6{_DATA}",
        f"model.ckpt-2{_DATA}",
        ".evaluations.json.0123abcd.part",
    ):
        (tmp_path / name).write_text("left")
    kept = [".notes.part", "hparams.json", ".averaged.ckpt-4.part"]
    for name in kept:
        (tmp_path / name).write_text("mine")
    removed = recovery.clean(tmp_path)
    assert len(removed) == 5
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        *kept,
        *(f"model.ckpt-{s}{end}" for s in (3, 4) for end in (_DATA, ".index")),
    }
    assert recovery.clean(tmp_path) == []
    assert recovery.clean(tmp_path / "none") == []
