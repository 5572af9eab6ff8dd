"""The tables of several runs, and the sentences below them."""

import dataclasses

import pytest

from t2t_repro.report import side_by_side_text
from tests.report.test_side_by_side import made_up


def test_text():
    text = side_by_side_text.as_text(made_up())
    assert text.startswith("translate_toy: 2 runs, the best bleu first\n\n")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert rows[0][:3] == ["run", "model", "hparams set"]
    assert rows[2] == [
        *("rnn", "rnn", "rnn_tiny", "1,234,567", "23.5", "1,234", "1.03"),
        *("16,000", "37.12", "15,000", "0.969", "16.2", "unknown", "-"),
    ]
    assert rows[3][3:] == ["-"] * 4 + ["900", "30.00", "900", "-", "-"] + [
        *("above 41.02", "36.50")
    ]
    assert rows[-1] == ["hidden_size", "32", "64 *"]
    assert "nrefs:1|tok:13a." in text and "differ or were" not in text
    assert "<b>, test: multi30k_bleu = 41.10 lc." in text
    assert "<b>, published: above: multi30k_bleu on test_2016_flickr" in text
    widths = {len(line) for line in text.splitlines() if line[:5] == "| run"}
    assert widths == {len(line) for line in text.splitlines()[2:6]}


def test_without_scores_there_is_no_column_of_them():
    compared = made_up()
    compared = dataclasses.replace(compared, runs=compared.runs[:1])
    head, row = side_by_side_text.table(compared)
    assert (head[-1], row[-1]) == ("published", "unknown")


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        (["1", "1", "2"], [False, False, True]),
        # A model that has no such field is no difference.
        (["-", "1", "2", "-"], [False, False, True, False]),
    ],
)
def test_what_is_marked(values, marked):
    assert side_by_side_text.unlike(values) == marked


@pytest.mark.parametrize("other", [(), ("nrefs:1|tok:intl",)])
def test_scores_of_other_signatures_are_doubted(other):
    compared = made_up()
    old = dataclasses.replace(compared.runs[1], signatures=other)
    compared = dataclasses.replace(compared, runs=(compared.runs[0], old))
    notes = list(side_by_side_text.notes(compared))
    assert "nrefs:1|tok:13a" in notes[0]
    assert notes[1].startswith("The signatures differ or were not recorded")


def test_a_signature_that_nobody_recorded():
    compared = made_up()
    runs = tuple(dataclasses.replace(r, signatures=()) for r in compared.runs)
    notes = list(
        side_by_side_text.notes(dataclasses.replace(compared, runs=runs))
    )
    assert notes[0].endswith("its signature was not recorded.")
    assert len(notes) == 6
