"""A family that has neither attention nor the Transformer's hparams.

It trains, pictures included, and is reported on; only a page of attention has
nothing to show.
"""

import json

import pytest

from t2t_repro.bin import t2t_report
from t2t_repro.bin import t2t_trainer
from t2t_repro.bin import t2t_visualize
from tests import toy_run


@pytest.fixture(scope="module")
def run(trained, small_family, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bag") / "run"
    arguments = [
        f"--problem={toy_run.PROBLEM}",
        f"--data_dir={trained.data_dir}",
        f"--output_dir={folder}",
        "--hparams_set=bag_of_words_tiny",
        "--train_steps=2",
        "--eval_steps=1",
        "--eval_bleu_sentences=2",
    ]
    assert t2t_trainer.main(arguments) == 0
    return folder


def test_there_is_no_attention_to_show(run, tmp_path, capsys):
    html = tmp_path / "page.html"
    flags = [f"--output_dir={run}", "--input=ab", f"--html={html}"]
    assert t2t_visualize.main(flags) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.endswith("the model bag_of_words has no attention.")
    assert not html.exists()


def test_a_report_leaves_open_what_the_family_has_not(run, capsys):
    assert t2t_report.main([f"--output_dir={run}"]) == 0
    assert "| heads, h | 8 | not measured |" in capsys.readouterr().out
    assert t2t_report.main([f"--output_dir={run}", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    measured = {line["name"]: line["run"] for line in lines}
    assert measured["d_model"] == 16 and measured["label smoothing"] == 0.1
    assert measured["steps"] == 2 and measured["beam"] == 4
    assert measured["d_ff"] is measured["positions"] is None
