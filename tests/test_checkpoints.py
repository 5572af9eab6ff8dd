"""Checkpoints: whole or not there, of this model or refused."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import averaging, checkpoints
from t2t_repro.errors import InputError


def _values(number):
    return {
        "a/kernel": np.full((2, 3), number, np.float32),
        "adam/m/a/kernel": np.zeros((2, 3), np.float32),
        "global_step": np.int64(number),
    }


def _data_file(folder, step):
    return pathlib.Path(f"{folder}/model.ckpt-{step}.data-00000-of-00001")


def test_save_and_read(tmp_path):
    prefix = checkpoints.save(tmp_path, 7, _values(7))
    assert prefix == f"{tmp_path}/model.ckpt-7"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "model.ckpt-7.data-00000-of-00001",
        "model.ckpt-7.index",
    ]
    values = checkpoints.read(prefix)
    np.testing.assert_array_equal(values["a/kernel"], np.full((2, 3), 7.0))
    assert values["global_step"] == 7


def test_steps_are_in_order_of_number_and_whole(tmp_path):
    for step in (1000, 200):
        checkpoints.save(tmp_path, step, _values(step))
    (tmp_path / "model.ckpt-3000.index").touch()  # its data never arrived
    checkpoints.save(tmp_path, 5, _values(5), "averaged")
    assert checkpoints.steps(tmp_path) == [200, 1000]
    assert checkpoints.steps(tmp_path, "averaged") == [5]


def test_restore_assigns_and_returns_the_rest(tmp_path):
    prefix = checkpoints.save(tmp_path, 7, _values(7))
    weight = tf.Variable(tf.zeros((2, 3)))
    rest = checkpoints.restore(prefix, {"a/kernel": weight}, allow_unused=True)
    np.testing.assert_array_equal(weight, np.full((2, 3), 7.0))
    assert rest.keys() == {"adam/m/a/kernel", "global_step"}


@pytest.mark.parametrize(
    "variables, word",
    [
        ({"b": (1,)}, "no value for b"),
        ({"a/kernel": (3, 2)}, r"shape \(2, 3\) for a/kernel"),
        ({"a/kernel": (2, 3)}, "a value for adam/m/a/kernel"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(tmp_path, variables, word):
    prefix = checkpoints.save(tmp_path, 7, _values(7))
    targets = {n: tf.Variable(tf.zeros(s)) for n, s in variables.items()}
    with pytest.raises(InputError, match=word):
        checkpoints.restore(prefix, targets)
    for variable in targets.values():
        assert not variable.numpy().any()


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-8])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[3] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_truncate, _flip])
def test_damage_is_one_sentence(tmp_path, damage):
    prefix = checkpoints.save(tmp_path, 7, _values(7))
    damage(_data_file(tmp_path, 7))
    with pytest.raises(InputError, match="damaged"):
        checkpoints.read(prefix)


def test_a_missing_checkpoint_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="without .index"):
        checkpoints.read(f"{tmp_path}/model.ckpt-1.index")


def test_a_failing_write_leaves_nothing(tmp_path):
    tmp_path.chmod(0o500)
    blocked = tmp_path / "file"
    tmp_path.chmod(0o700)
    blocked.write_text("a file where the folder should be")
    with pytest.raises((InputError, OSError)):
        checkpoints.save(blocked, 1, _values(1))
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_removed_checkpoint_leaves_nothing(tmp_path):
    checkpoints.mark_interim(tmp_path, 1)
    for step in (1, 2):
        checkpoints.save(tmp_path, step, _values(step))
    assert checkpoints.interim_steps(tmp_path) == [1]
    checkpoints.remove(tmp_path, 1)
    assert checkpoints.steps(tmp_path) == [2]
    assert len(list(tmp_path.iterdir())) == 2


def test_weights_are_counted_without_moments_and_counters(tmp_path):
    prefix = checkpoints.save(tmp_path, 7, _values(7))
    assert checkpoints.count_weights(prefix) == 6
    with pytest.raises(InputError, match="there is no checkpoint"):
        checkpoints.count_weights(f"{tmp_path}/model.ckpt-8")


def test_moments_can_be_left_unread(tmp_path):
    prefix = checkpoints.save(tmp_path, 7, _values(7))
    assert checkpoints.read(prefix, slots=False).keys() == {
        "a/kernel",
        "global_step",
    }


def test_follow_waits_for_new_checkpoints(tmp_path, monkeypatch):
    clock = iter(range(1000))
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            checkpoints.save(tmp_path, 4, _values(4))
            (tmp_path / "model.ckpt-3.index").unlink()

    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(checkpoints.time, "sleep", sleep)
    for step in (1, 2, 3):
        checkpoints.save(tmp_path, step, _values(step))
    # The clock goes on by one second whenever it is read: after step 3, waits
    # of 4 - 1 and 4 - 2 seconds; then step 4, and 3, 2 and 1 seconds more.
    assert list(checkpoints.follow(tmp_path, 4, min_steps=2)) == [2, 3, 4]
    assert slept == [3, 2, 3, 2, 1]


def test_follow_does_not_wait_unless_told(tmp_path):
    assert list(checkpoints.follow(tmp_path, 0)) == []
    checkpoints.save(tmp_path, 5, _values(5))
    assert list(checkpoints.follow(tmp_path, 0)) == [5]


def test_decoding_takes_the_newest_and_prefers_its_average(tmp_path):
    with pytest.raises(InputError, match="no checkpoint yet"):
        checkpoints.newest_for_decoding(tmp_path)
    for step in (1, 2):
        checkpoints.save(tmp_path, step, _values(step))
    assert checkpoints.newest_for_decoding(tmp_path).endswith("model.ckpt-2")
    averaging.average_last(tmp_path, 2)
    assert checkpoints.newest_for_decoding(tmp_path).endswith("averaged.ckpt-2")
    checkpoints.save(tmp_path, 3, _values(3))
    assert checkpoints.newest_for_decoding(tmp_path).endswith("model.ckpt-3")
