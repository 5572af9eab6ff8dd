"""What the demonstration tells, with its commands acted."""

import sys

import pytest

from t2t_repro import registry
from t2t_repro.bin import (
    t2t_bleu,
    t2t_datagen,
    t2t_decoder,
    t2t_demo,
    t2t_trainer,
)
from t2t_repro.text import lines


@pytest.fixture
def acted(monkeypatch, tmp_path):
    """The commands in their order; one translation of four is wrong."""
    monkeypatch.chdir(tmp_path)
    toy = type(registry.problem("translate_ende_toy")).__module__
    monkeypatch.setitem(sys.modules[toy]._PAIRS, "test", 4)
    called = []

    def act(main, *arguments):
        called.append((main, arguments))
        if main is t2t_decoder.main:
            right = lines.read_lines("demo_run/test.reference")
            lines.write_lines_atomically(
                "demo_run/test.translation", ["Nein.", *right[1:]]
            )

    monkeypatch.setattr(t2t_demo, "_show", act)
    return called


def test_it_counts_what_the_model_has_right(acted, capsys):
    assert t2t_demo.main([]) == 0
    told = capsys.readouterr().out
    assert [main for main, _ in acted] == [
        t2t_datagen.main,
        t2t_trainer.main,
        t2t_decoder.main,
        t2t_bleu.main,
    ]
    assert "3 of 4 translations (75.0%) are the reference's" in told
    assert "translation  Nein." in told


@pytest.mark.parametrize(
    ("steps", "frequency", "averages"),
    [(2000, 500, True), (2001, 500, False), (4, 1, True), (1, 1, False)],
)
def test_it_averages_where_checkpoints_are_equally_spaced(
    acted, steps, frequency, averages
):
    assert t2t_demo.main([f"--train_steps={steps}"]) == 0
    arguments = acted[1][1]
    assert f"--local_eval_frequency={frequency}" in arguments
    assert ("--average_last=3" in arguments) == averages
