"""t2t-translate-all: every checkpoint once, also over several calls."""

import json
import logging
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from t2t_repro import checkpoints, registry
from t2t_repro.bin import t2t_decoder, t2t_translate_all
from t2t_repro.text.lines import read_lines
from tests import toy_run

_NAME = toy_run.PROBLEM
_SOURCE = "The dog sleeps.\n\nA cat.\n"
_REFERENCE = "Der Hund schläft.\n\nEine Katze.\n"


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the toy run, with checkpoints of steps 3 and 6."""
    folder = tmp_path / "run"
    shutil.copytree(trained.output_dir, folder)
    return folder


@pytest.fixture
def translate(run, tmp_path, capsys):
    """Runs the command.

    Returns:
      A function from flags to (status, the folder, error output).
    """
    (tmp_path / "source").write_text(_SOURCE)
    (tmp_path / "reference").write_text(_REFERENCE)

    def call(*flags):
        folder = tmp_path / "translations"
        status = t2t_translate_all.main(
            [
                f"--model_dir={run}",
                f"--source={tmp_path / 'source'}",
                f"--translations_dir={folder}",
                *flags,
            ]
        )
        return status, folder, capsys.readouterr().err

    return call


@pytest.fixture
def reference(tmp_path):
    """The flag that asks for scores."""
    return f"--reference={tmp_path / 'reference'}"


def _points(folder):
    """Everything on TensorBoard: (tag, step, value)."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                found.append((value.tag, event.step, content))
    return found


def _record(folder):
    return json.loads((folder / f"{_NAME}.json").read_text())


def test_every_checkpoint_as_the_decoder_would(translate, run, tmp_path):
    status, folder, _ = translate()
    assert status == 0
    assert sorted(os.listdir(folder)) == [
        f"{_NAME}-3",
        f"{_NAME}-6",
        f"{_NAME}.json",
    ]
    for step in (3, 6):
        output = tmp_path / f"out{step}"
        decode = [
            f"--output_dir={run}",
            f"--checkpoint_path={run}/model.ckpt-{step}",
            f"--decode_from_file={tmp_path / 'source'}",
            f"--decode_to_file={output}",
        ]
        assert t2t_decoder.main(decode) == 0
        translation = read_lines(folder / f"{_NAME}-{step}")
        assert translation == read_lines(output)
        assert len(translation) == 3 and translation[1] == ""


def test_the_users_folder_is_imported(translate, monkeypatch):
    folders = []
    monkeypatch.setattr(registry, "import_usr_dir", folders.append)
    status, _, error = translate("--t2t_usr_dir=mine", "--min_steps=9")
    assert folders == ["mine"]
    assert status == 1 and "no checkpoint" in error


def test_scores_go_to_tensorboard_with_their_signature(
    translate, reference, tmp_path
):
    # A translation that is there is kept, and this one is the reference: 100.
    folder = tmp_path / "translations"
    folder.mkdir()
    shutil.copyfile(tmp_path / "reference", folder / f"{_NAME}-6")
    status, folder, error = translate(reference)
    assert status == 0
    assert f"{_NAME}-6 is there already" in error
    points = {(tag, step): value for tag, step, value in _points(folder)}
    assert points.keys() == {
        (tag, step) for tag in ("bleu", "bleu_signature") for step in (3, 6)
    }
    assert points["bleu", 6] == pytest.approx(100.0)
    assert 0.0 <= points["bleu", 3] < 50.0
    signature = points["bleu_signature", 6].item().decode()
    assert signature.startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    assert _record(folder)["scores"]["6"] == {
        "metric": "bleu",
        "score": pytest.approx(100.0),
        "signature": signature,
    }


def test_a_second_call_does_what_is_new(translate, reference, run):
    translate()
    _, folder, _ = translate(reference)  # scores what was only translated
    kept = folder / f"{_NAME}-3"
    before = kept.stat().st_mtime_ns
    values = checkpoints.read(f"{run}/model.ckpt-6")
    checkpoints.save(run, 9, {**values, "global_step": np.int64(9)})
    status, _, _ = translate(reference)
    assert status == 0 and kept.stat().st_mtime_ns == before
    assert list(_record(folder)["scores"]) == ["3", "6", "9"]
    scored = [step for tag, step, _ in _points(folder) if tag == "bleu"]
    assert sorted(scored) == [3, 6, 9]
    files = len(list(folder.glob("events.*")))
    status, _, _ = translate(reference)  # nothing to do, no file begun
    assert status == 0 and len(list(folder.glob("events.*"))) == files


def test_it_waits_for_a_checkpoint_that_comes(translate, run, monkeypatch):
    naps = []

    def train_on(seconds):
        naps.append(seconds)
        values = checkpoints.read(f"{run}/model.ckpt-6")
        if len(naps) == 1:
            checkpoints.save(run, 9, values)

    monkeypatch.setattr(checkpoints.time, "sleep", train_on)
    status, folder, _ = translate("--wait_minutes=0.001", "--min_steps=4")
    assert status == 0 and 0 < naps[0] <= 0.06
    translations = {path.name for path in folder.glob(f"{_NAME}-*")}
    assert translations == {f"{_NAME}-6", f"{_NAME}-9"}


def test_a_checkpoint_that_training_removes_meanwhile(
    translate, run, monkeypatch
):
    def remove(prefix, *arguments, **options):
        if prefix.endswith("-3"):
            checkpoints.remove(run, 3)
        return restore(prefix, *arguments, **options)

    restore = checkpoints.restore
    monkeypatch.setattr(checkpoints, "restore", remove)
    status, folder, error = translate()
    assert status == 0
    assert "step 3: the training removed it" in error
    assert not (folder / f"{_NAME}-3").exists()
    assert (folder / f"{_NAME}-6").exists()


def test_other_decoding_needs_another_folder(translate, reference, tmp_path):
    translate(reference)
    for flag, words in (
        ("--decode_hparams=alpha=0.7", "begun with alpha=0.6, not 0.7"),
        (f"--reference={tmp_path / 'source'}", "reference_sha256="),
    ):
        status, _, error = translate(flag)
        assert status == 2 and words in error and error.count("\n") == 1
    (tmp_path / "source").write_text(_SOURCE.replace("dog", "cat"))
    status, _, error = translate()
    assert status == 2 and "begun with source_sha256=" in error
    assert "new --translations_dir" in error


def test_the_batch_size_may_change(translate):
    translate()
    status, _, _ = translate("--decode_hparams=batch_size=1")
    assert status == 0


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--source="], 2, "--source= is empty"),
        (["--model_dir=/nowhere"], 1, "is not a run directory"),
        (["--wait_minutes=-1"], 2, "wait_minutes"),
        (["--decode_hparams=return_beams=true"], 2, "return_beams"),
        (["--decode_hparams=beam=1"], 2, "unknown name 'beam'"),
    ],
)
def test_mistakes_are_one_line(translate, flags, status, words):
    found, _, error = translate(*flags)
    assert found == status
    assert words in error and error.count("\n") == 1


def test_a_translation_of_another_length(translate, reference, tmp_path):
    folder = tmp_path / "translations"
    folder.mkdir()
    (folder / f"{_NAME}-3").write_text("one\n")
    logging.getLogger("t2t_repro").setLevel(logging.ERROR)
    status, _, error = translate(reference)
    assert status == 1
    assert f"{_NAME}-3 has 1 lines, the source has 3" in error
