"""A family of a user's own goes through the commands as the Transformer does.

Its code is tests/models/bag_of_words.py, alone in a --t2t_usr_dir.
"""

import shutil
import sys

import pytest

from t2t_repro import checkpoints
from t2t_repro import registry
from t2t_repro.bin import t2t_decoder
from t2t_repro.bin import t2t_exporter
from t2t_repro.bin import t2t_report
from t2t_repro.bin import t2t_trainer
from t2t_repro.text.lines import read_lines
from tests import source_tree
from tests import toy_run


@pytest.fixture
def usr(tmp_path, monkeypatch):
    """The flag that names the folder; what it registers goes away again."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    for table in (registry._models, registry._hparams):
        monkeypatch.setattr(table, "_entries", dict(table._entries))
    folder = tmp_path / "usr_of_family"
    folder.mkdir()
    family = source_tree.ROOT / "tests" / "models" / "bag_of_words.py"
    shutil.copy(family, folder)
    yield f"--t2t_usr_dir={folder}"
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_it_trains_resumes_decodes_scores_exports_and_reports(
    usr, trained, tmp_path, capsys
):
    run, lines = tmp_path / "run", tmp_path / "lines"
    here = [usr, f"--output_dir={run}"]
    train = [
        *here,
        f"--problem={toy_run.PROBLEM}",
        f"--data_dir={trained.data_dir}",
        "--hparams_set=bag_of_words_tiny",
        "--local_eval_frequency=2",
        "--schedule=train",
    ]
    assert t2t_trainer.main([*train, "--train_steps=2"]) == 0
    assert (
        t2t_trainer.main([*train, "--train_steps=4", "--average_last=2"]) == 0
    )
    assert checkpoints.steps(run) == [2, 4]

    lines.write_text("My dog eats.\nOlga sees a cat.\n")
    translated = [
        "--decode_hparams=beam_size=4,extra_length=5",
        f"--decode_from_file={lines}",
        f"--decode_to_file={tmp_path / 'translated'}",
    ]
    assert t2t_decoder.main([*here, *translated]) == 0
    assert len(read_lines(tmp_path / "translated")) == 2
    (tmp_path / "pairs").write_text("My dog eats.\tMein Hund isst.\n")
    scored = [
        f"--score_file={tmp_path / 'pairs'}",
        f"--decode_to_file={tmp_path / 'scores'}",
    ]
    assert t2t_decoder.main([*here, *scored]) == 0
    assert float(read_lines(tmp_path / "scores")[0]) < 0.0
    export = [f"--export_dir={tmp_path / 'export'}", "--format=saved_model"]
    assert t2t_exporter.main([*here, *export]) == 0
    assert (tmp_path / "export" / "saved_model.pb").is_file()
    capsys.readouterr()
    assert t2t_report.main(here) == 0
    assert "| d_model | 512 | 16 |" in capsys.readouterr().out
