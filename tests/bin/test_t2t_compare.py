"""t2t-compare on real runs, as a user types it."""

import json
import re
import shutil

import pytest

from t2t_repro.bin import t2t_compare
from tests import toy_run


@pytest.fixture
def compare(trained, tmp_path, capsys):
    """Runs the command on two runs; returns its status, output and errors."""
    folders = [tmp_path / "one", tmp_path / "two,2"]
    for folder in folders:
        shutil.copytree(trained.output_dir, folder)

    def call(*flags):
        given = [f"--output_dirs={folder}" for folder in folders]
        status = t2t_compare.main([*given, *flags])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_table(compare, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    status, output, error = compare()
    assert (status, error) == (0, "")
    assert output.startswith(f"{toy_run.PROBLEM}: 2 runs, the best bleu first")
    assert re.search(r"\| one +\| transformer +\| transformer_tiny", output)
    assert re.search(r"\| two,2 +\| transformer ", output)
    assert "Differences" not in output
    assert sorted(tmp_path.rglob("*")) == before


def test_page_and_json(compare, tmp_path):
    page, values = tmp_path / "page.html", tmp_path / "values.json"
    flags = [f"--html={page}", f"--json={values}"]
    status, output, _ = compare(*flags)
    assert status == 0 and "2 runs" in output
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>") and str(tmp_path) not in text
    runs = json.loads(values.read_text())["runs"]
    assert [len(run["evaluations"]) for run in runs] == [2, 2]
    status, output, error = compare(*flags)
    assert (status, output) == (2, "") and "give --overwrite" in error
    page.write_text("old")
    assert compare(*flags, "--overwrite")[0] == 0
    assert page.read_text() == text


def test_names_with_commas_between_them(compare, trained, tmp_path, capsys):
    flag = f"--output_dirs={tmp_path / 'one'},{trained.output_dir}"
    assert t2t_compare.main([flag]) == 0
    assert "2 runs" in capsys.readouterr().out


def test_one_file_for_both(compare, tmp_path):
    flags = [f"--{name}={tmp_path / 'x'}" for name in ("html", "json")]
    status, output, error = compare(*flags)
    assert (status, output) == (2, "") and "give two names" in error
    assert not (tmp_path / "x").exists()
