"""A family of a user's own goes all the way, and no file here knows it.

The folder of --t2t_usr_dir holds one file, a copy of tests/models/bag_of_words.
"""

import json
import pathlib
import shutil

import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro import registry
from t2t_repro.bin import (
    t2t_decoder,
    t2t_exporter,
    t2t_report,
    t2t_trainer,
    t2t_visualize,
)
from t2t_repro.text.lines import read_lines
from tests import toy_run

_FAMILY = pathlib.Path(__file__).parent / "models" / "bag_of_words.py"
_LINES = ["the dog sleeps.", "", "my hungry elephant eats an apple."]


@pytest.fixture(scope="module")
def usr_dir(tmp_path_factory):
    """Registered while these tests run."""
    folder = tmp_path_factory.mktemp("own") / "own_family"
    folder.mkdir()
    shutil.copy(_FAMILY, folder)
    yield str(folder)
    registry._models._entries.pop("bag_of_words", None)
    registry._hparams._entries.pop("bag_of_words_tiny", None)


@pytest.fixture(scope="module")
def run(trained, usr_dir, tmp_path_factory):
    """A run of six steps, which was stopped after three and went on."""
    folder = tmp_path_factory.mktemp("bag") / "run"
    arguments = [
        f"--problem={toy_run.PROBLEM}",
        f"--data_dir={trained.data_dir}",
        f"--output_dir={folder}",
        "--hparams_set=bag_of_words_tiny",
        f"--t2t_usr_dir={usr_dir}",
        "--local_eval_frequency=3",
        "--eval_steps=1",
        "--eval_bleu_sentences=2",
    ]
    assert t2t_trainer.main([*arguments, "--train_steps=3"]) == 0
    assert t2t_trainer.main([*arguments, "--train_steps=6"]) == 0
    return folder


def test_the_run_says_what_it_is(run):
    said = json.loads((run / "hparams.json").read_text())
    assert (said["model"], said["bag_dropout"]) == ("bag_of_words", 0.1)
    evaluations = json.loads((run / "evaluations.json").read_text())
    assert [line["step"] for line in evaluations["evaluations"]] == [3, 6]


def test_it_decodes_with_beam_4_and_scores_what_it_found(run, tmp_path):
    (tmp_path / "in").write_text("\n".join(_LINES))
    arguments = [
        f"--output_dir={run}",
        f"--decode_from_file={tmp_path / 'in'}",
        f"--decode_to_file={tmp_path / 'out'}",
        "--decode_hparams=beam_size=4,alpha=0.0,extra_length=3,"
        "write_beam_scores=true",
    ]
    assert t2t_decoder.main(arguments) == 0
    decoded = [line.split("\t") for line in read_lines(tmp_path / "out")]
    assert len(decoded) == len(_LINES) and decoded[1] == ["", "0.0000"]

    pairs = [f"{line}\tein Hund." for line in _LINES]
    (tmp_path / "pairs").write_text("\n".join(pairs))
    arguments = [
        f"--output_dir={run}",
        f"--score_file={tmp_path / 'pairs'}",
        f"--decode_to_file={tmp_path / 'scores'}",
    ]
    assert t2t_decoder.main(arguments) == 0
    assert all(float(line) < 0 for line in read_lines(tmp_path / "scores"))


def test_it_exports(run, tmp_path):
    pytest.importorskip("tensorflow_text")
    arguments = [
        f"--output_dir={run}",
        "--format=saved_model",
        f"--export_dir={tmp_path / 'export'}",
        "--decode_hparams=beam_size=4,extra_length=3",
    ]
    assert t2t_exporter.main(arguments) == 0
    loaded = tf.saved_model.load(str(tmp_path / "export"))
    found = loaded.translate(tf.constant(_LINES))["outputs"].numpy()
    ours = t2t_repro.load(run, decode_hparams="beam_size=4,extra_length=3")
    assert [text.decode() for text in found] == ours(_LINES)


def test_a_report_leaves_open_what_the_family_has_not(run, capsys):
    assert t2t_report.main([f"--output_dir={run}"]) == 0
    assert "| heads, h | 8 | not measured |" in capsys.readouterr().out
    assert t2t_report.main([f"--output_dir={run}", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    measured = {line["name"]: line["run"] for line in lines}
    assert measured["d_model"] == 16 and measured["label smoothing"] == 0.1
    assert measured["steps"] == 6 and measured["beam"] == 4
    assert measured["d_ff"] is measured["positions"] is None


def test_what_it_has_not_is_one_sentence(run, tmp_path, capsys):
    page = ["--input=a dog", f"--html={tmp_path / 'page.html'}"]
    assert t2t_visualize.main([f"--output_dir={run}", *page]) == 1
    assert not (tmp_path / "page.html").exists()
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.endswith("the model bag_of_words has no attention.")
    arguments = ["--format=ctranslate2", f"--export_dir={tmp_path / 'ct2'}"]
    assert t2t_exporter.main([f"--output_dir={run}", *arguments]) != 0
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and not (tmp_path / "ct2").exists()


def test_an_hparam_of_another_family_is_named(trained, usr_dir, capsys):
    arguments = [
        f"--problem={toy_run.PROBLEM}",
        f"--data_dir={trained.data_dir}",
        f"--output_dir={trained.output_dir}-other",
        "--hparams_set=bag_of_words_tiny",
        "--model=transformer",
        f"--t2t_usr_dir={usr_dir}",
    ]
    assert t2t_trainer.main(arguments) == 2
    error = capsys.readouterr().err
    assert "is for the model bag_of_words, not for --model=transformer" in error
