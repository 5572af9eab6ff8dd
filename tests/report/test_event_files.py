"""Event files read back as they were written."""

import os

import pytest
import tensorflow as tf

from t2t_repro.report import event_files


def _write(folder, values, tag="loss"):
    writer = tf.summary.create_file_writer(str(folder))
    for step, value in values:
        with writer.as_default(step=step):
            tf.summary.scalar(tag, value)
            tf.summary.text("text", "not a number")
    writer.close()


def _rewrite(folder, *times):
    """One file with nothing in its events but these times."""
    from tensorflow.core.util import event_pb2

    path = folder / f"events.out.tfevents.{times[0]}"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for time in times:
            event = event_pb2.Event(wall_time=time)
            writer.write(event.SerializeToString())


def test_scalars_of_all_files(tmp_path):
    _write(tmp_path, [(100, 2.5), (200, 1.5)])
    _write(tmp_path, [(300, 0.5)])
    _write(tmp_path / "eval", [(400, 9.0)])
    events = event_files.read(tmp_path)
    assert events.scalars.keys() == {"loss"}
    assert sorted(events.scalars["loss"]) == [
        (100, 2.5),
        (200, 1.5),
        (300, 0.5),
    ]
    assert events.last("loss") == (300, 0.5)
    assert events.last("bleu") is None
    assert events.seconds >= 0


def test_a_run_of_before_that_went_on(tmp_path):
    """Training events lay in the folder itself, and later in train/."""
    _write(tmp_path, [(100, 2.5)])
    _write(tmp_path / "train", [(200, 1.5)])
    events = event_files.read(tmp_path, tmp_path / "train")
    assert events.last("loss") == (200, 1.5)
    assert sorted(events.scalars["loss"]) == [(100, 2.5), (200, 1.5)]


def test_the_time_between_two_files_does_not_count(tmp_path):
    _rewrite(tmp_path, 1000.0, 1060.0, 1090.0)
    _rewrite(tmp_path, 9000.0, 9010.0)
    assert event_files.read(tmp_path).seconds == pytest.approx(90.0 + 10.0)


def test_a_folder_without_events(tmp_path):
    events = event_files.read(tmp_path)
    assert events.scalars == {} and events.seconds is None
    assert event_files.read(tmp_path / "nowhere").seconds is None


def test_half_a_record_at_the_end_is_left_out(tmp_path):
    _write(tmp_path, [(100, 2.5), (200, 1.5)])
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 5)
    events = event_files.read(tmp_path)
    # The last record is the text of step 200.
    assert events.scalars["loss"] == [(100, 2.5), (200, 1.5)]
    os.truncate(path, 30)
    assert event_files.read(tmp_path).scalars == {}
