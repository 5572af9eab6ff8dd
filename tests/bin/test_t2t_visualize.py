"""t2t-visualize on a real run, as a user types it."""

import re

import numpy as np
import pytest

from t2t_repro.bin import t2t_visualize
from tests.visualize import test_page

_FAST = "--decode_hparams=beam_size=1,extra_length=3"


@pytest.fixture
def visualize(trained, tmp_path, capsys):
    """Runs the command; returns its status, the page's text and errors."""

    def call(*flags):
        target = tmp_path / "page.html"
        arguments = [f"--output_dir={trained.output_dir}", _FAST]
        if not any(flag.startswith("--html") for flag in flags):
            arguments.append(f"--html={target}")
        status = t2t_visualize.main([*arguments, *flags])
        text = target.read_text() if target.exists() else None
        return status, text, capsys.readouterr().err

    return call


def test_a_sentence(visualize, trained):
    before = sorted(trained.output_dir.rglob("*"))
    status, text, _ = visualize("--input=ab <script>cd</script>")
    assert status == 0
    assert text.startswith("<!DOCTYPE html>")
    assert "translate_ende_toy, en to de" in text and "model.ckpt-6" in text
    assert str(trained.output_dir) not in text
    assert "<script>cd" not in text
    (sentence,) = test_page.read_data(text)
    assert sentence["source"] == "ab <script>cd</script>"
    for maps in sentence["attentions"]:
        # Each is off by its root / 255; n roots of squares that sum to 1
        # are sqrt(n) at most.
        sums = maps["weights"].sum(-1)
        np.testing.assert_allclose(sums, 1, atol=len(maps["keys"]) ** 0.5 / 250)
    assert sorted(trained.output_dir.rglob("*")) == before


def test_a_file(visualize, tmp_path):
    lines = tmp_path / "in"
    lines.write_text("ab\n\n  \ncd ef\n")
    status, text, _ = visualize(f"--decode_from_file={lines}")
    assert status == 0
    found = [sentence["source"] for sentence in test_page.read_data(text)]
    assert found == ["ab", "cd ef"]


def test_a_page_is_never_overwritten_unasked(visualize, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("mine")
    status, text, error = visualize("--input=ab")
    assert (status, text) == (2, "mine")
    assert re.search("page.html exists: .* give --overwrite", error)
    status, text, _ = visualize("--input=ab", "--overwrite")
    assert status == 0 and text.startswith("<!DOCTYPE html>")


def test_too_much_for_a_page(visualize, tmp_path, monkeypatch):
    lines = tmp_path / "in"
    lines.write_text("ab\n" * 51)
    status, text, error = visualize(f"--decode_from_file={lines}")
    assert (status, text) == (1, None) and "a page holds 1 to 50" in error
    monkeypatch.setattr(t2t_visualize, "_MOST_WEIGHTS", 3)
    status, text, error = visualize("--input=ab")
    assert (status, text) == (1, None) and "give fewer or shorter" in error
