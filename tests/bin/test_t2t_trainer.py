"""t2t-trainer: wrong input is one line, and touches nothing."""

import json
import os
import re
import shutil
import sys

import pytest

from t2t_repro import files, run_directory
from t2t_repro.bin import t2t_datagen, t2t_trainer
from t2t_repro.train import trainer, worker_cpu
from tests import toy_run


def _listing(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    "changes, status, words",
    [
        ({"problem": "translate_ende_toi"}, 2, ["translate_ende_toy"]),
        ({"model": "transformr"}, 2, ["unknown model", "transformer"]),
        ({"hparams_set": "transformer_bsae"}, 2, ["transformer_base"]),
        ({"hparams": "hiden_size=8"}, 2, ["hiden_size", "hidden_size"]),
        ({"hparams": "hidden_size=big"}, 2, ["hidden_size", "whole number"]),
        ({"hparams": "num_heads=3"}, 2, ["num_heads=3", "divide"]),
        ({"hparams": "learning_rate_schedule=nam"}, 2, ["noam"]),
        ({"data_dir": "nowhere"}, 2, ["nowhere", "t2t-datagen"]),
        ({"data_dir": None}, 2, ["--data_dir is required"]),
        ({"output_dir": None}, 2, ["--output_dir is required"]),
        ({"problem": None}, 2, ["--problem is required"]),
        ({"problem": "translate_enfr_toy"}, 1, ["vocab.translate_enfr_toy"]),
        ({"train_steps": "-1"}, 2, ["train_steps"]),
        ({"xla": "all"}, 2, ["xla"]),
        ({"worker_gpu": "9"}, 2, ["--worker_gpu=9"]),
    ],
)
def test_wrong_input_is_one_line_and_makes_no_run(
    trained, tmp_path, capsys, changes, status, words
):
    flags = {
        "problem": toy_run.PROBLEM,
        "data_dir": trained.data_dir,
        "output_dir": tmp_path / "new",
        "hparams_set": toy_run.SET,
        **changes,
    }
    arguments = [f"--{k}={v}" for k, v in flags.items() if v is not None]
    assert t2t_trainer.main(arguments) == status
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("t2t-trainer: ")
    for word in words:
        assert word in error
    assert not (tmp_path / "new" / "hparams.json").exists()


@pytest.mark.parametrize(
    "more, words",
    [
        (["--problem=translate_enfr_toy"], ["translate_ende_toy"]),
        (["--hparams=label_smoothing=0.2"], ["label_smoothing=0.1"]),
        (["--hparams_set=transformer_big"], ["transformer_tiny"]),
    ],
)
def test_a_flag_that_contradicts_the_run(trained, capsys, more, words):
    before = _listing(trained.output_dir)
    arguments = [
        f"--data_dir={trained.data_dir}",
        f"--output_dir={trained.output_dir}",
        *more,
    ]
    assert t2t_trainer.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for word in words:
        assert word in error
    assert _listing(trained.output_dir) == before


def test_a_second_trainer_in_the_folder(trained, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(trained.output_dir, run)
    arguments = toy_run.trainer_arguments(trained.data_dir, run)
    with files.locked(run / "trainer.lock", "wait"):
        before = _listing(run)
        assert t2t_trainer.main(arguments) == 1
        error = capsys.readouterr().err
        assert _listing(run) == before
        # What only reads may run beside.
        assert t2t_trainer.main([*arguments, "--schedule=evaluate"]) == 0
    assert error.count("\n") == 1
    assert f"{run} is in use by process {os.getpid()} on " in error
    assert "take another --output_dir" in error
    assert t2t_trainer.main(arguments) == 0
    assert not (run / "trainer.lock").exists()


def test_only_the_chief_holds_the_lock(monkeypatch):
    cluster = {"worker": ["a:1", "b:2"]}
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": cluster, "task": task})
        monkeypatch.setenv("TF_CONFIG", config)
        assert t2t_trainer._is_chief() is (index == 0)


def test_data_with_another_vocabulary(trained, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(trained.data_dir, data)
    vocabulary = data / "vocab.translate_ende_toy.1000.bpe"
    vocabulary.write_bytes(vocabulary.read_bytes() + b"\n")
    arguments = [f"--data_dir={data}", f"--output_dir={trained.output_dir}"]
    assert t2t_trainer.main(arguments) == 1
    error = capsys.readouterr().err
    assert str(data) in error and str(trained.output_dir) in error
    assert error.count("SHA-256") == 2


def test_a_set_is_chosen_said_and_kept(tmp_path, capsys, monkeypatch):
    """And the same command, given again, does not contradict the run."""
    for name in ("train.src", "train.tgt", "dev.src", "dev.tgt"):
        (tmp_path / name).write_text("a\nb\nc\n")
    planned = []
    monkeypatch.setattr(trainer, "run", lambda run, *rest: planned.append(run))
    arguments = [
        "--problem=translate_from_files",
        "--generate_data",
        f"--tmp_dir={tmp_path}",
        f"--data_dir={tmp_path / 'data'}",
        f"--output_dir={tmp_path / 'run'}",
    ]
    assert t2t_trainer.main([*arguments, "--hparams=batch_size=99"]) == 0
    said = capsys.readouterr().err
    assert "learning the vocabulary" in said.splitlines()[0]
    assert (
        "--hparams_set=transformer_low_resource is chosen for 3 training pairs"
        " and no GPU"
    ) in said
    assert planned[0].hparams_set == "transformer_low_resource"
    assert planned[0].hparams.batch_size == 99
    run_directory.create(planned[0])
    assert t2t_trainer.main(arguments) == 0
    assert planned[1].hparams == planned[0].hparams
    assert "is chosen" not in capsys.readouterr().err


def test_workers_choose_no_set(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    arguments = ["--problem=translate_from_files", f"--data_dir={tmp_path}"]
    assert t2t_trainer.main([*arguments, f"--output_dir={tmp_path}/new"]) == 2
    assert "all workers must train the same" in capsys.readouterr().err


def test_messages_have_the_time_of_day(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trainer, "run", lambda *given: None)
    monkeypatch.delitem(sys.modules, "tensorflow")
    arguments = toy_run.trainer_arguments(trained.data_dir, tmp_path)
    with monkeypatch.context() as context:
        context.setattr(worker_cpu, "start", lambda *given: 1)
        assert t2t_trainer.main(arguments) == 0
    said = capsys.readouterr().err
    assert re.fullmatch(r"\d\d:\d\d:\d\d starting TensorFlow\n", said)


def test_empty_data(tmp_path, capsys):
    for name in ("train.src", "train.tgt", "dev.src", "dev.tgt"):
        (tmp_path / name).write_text("\n" if name[0] == "t" else "a\n")
    arguments = [
        "--problem=translate_from_files",
        f"--data_dir={tmp_path / 'data'}",
        f"--tmp_dir={tmp_path}",
    ]
    assert t2t_datagen.main(arguments) == 1
    assert "no text" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_checkpoints_of_another_program_are_left_alone(
    trained, tmp_path, capsys
):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "model.ckpt-100.index").write_bytes(b"")
    arguments = toy_run.trainer_arguments(trained.data_dir, folder)
    assert t2t_trainer.main(arguments) == 2
    assert "not a run of this program" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 1


def test_registry_help(capsys):
    assert t2t_trainer.main(["--registry_help"]) == 0
    printed = capsys.readouterr().out
    for name in ("translate_ende_toy", "transformer_base", "  transformer  "):
        assert name in printed
