"""The comparison, on facts made up for it."""

import dataclasses
import json

import pytest

from t2t_repro.report import comparison, paper, published
from t2t_repro.report.comparison import Facts
from t2t_repro.report.published import Standing

_BASE = paper.row("transformer_base")
_SIGNATURE = "nrefs:1|case:mixed|test:wmt14/full|tok:13a"


def _facts(row=_BASE, **changes):
    """A run that is the row in everything, trained for half the hours."""
    values = {
        "folder": "/run",
        "problem": row.recipe.data,
        "hparams_set": "transformer_base",
        "recipe": row.recipe,
        "parameters": 63_045_632,
        "hours": 6.0,
        "hours_from": "a watch",
        "hours_at_least": False,
        "step_seconds": 0.2,
        "tokens_per_step": 20_000.0,
        "dev": {"perplexity": (100_000, 4.918), "bleu": (100_000, 24.9)},
        "standing": Standing(None, None, "unknown", ()),
        "scores": {"sacrebleu": (26.1, _SIGNATURE), "paper_bleu": (27.5, "m")},
    }
    return Facts(**(values | changes))


def _line(compared, name):
    (line,) = [line for line in compared.lines if line.name.startswith(name)]
    return line


def test_the_papers_own_recipe_has_no_difference():
    compared = comparison.compare(_facts())
    assert compared.row == _BASE and compared.is_own_row
    recipe = [
        line
        for line in compared.lines
        if line.section not in ("Scores", "Cost")
    ]
    assert {line.status for line in recipe} == {comparison.SAME}
    fields = {field.name for field in dataclasses.fields(paper.Recipe)}
    assert len(recipe) == len(fields)


def test_every_field_is_marked_when_it_differs():
    changed = {
        field: (value + 1 if isinstance(value, int | float) else "other")
        for field, value in dataclasses.asdict(_facts().recipe).items()
    }
    # About 37,000 and so on: one more makes no difference to these.
    changed |= {
        "training_pairs": 4_000_000,
        "vocabulary_size": 32_000,
        "batch_tokens": 4096,
        "checkpoint_minutes": 30.0,
    }
    recipe = dataclasses.replace(_BASE.recipe, **changed)
    compared = comparison.compare(_facts(recipe=recipe))
    for line in compared.lines:
        if line.section not in ("Scores", "Cost"):
            assert line.status == comparison.DIFFERS, line


@pytest.mark.parametrize(
    ("size", "status"),
    # 37,000 less and more than 5 percent of the larger.
    [(35_200, "same"), (35_100, "differs"), (38_900, "same")],
)
def test_about_37000(size, status):
    recipe = dataclasses.replace(_BASE.recipe, vocabulary_size=size)
    line = _line(comparison.compare(_facts(recipe=recipe)), "vocabulary size")
    assert line.status == status


def test_scores_on_the_papers_data():
    compared = comparison.compare(_facts())
    bleu = _line(compared, "paper_bleu")
    assert (bleu.paper, bleu.run, bleu.status) == (27.3, 27.5, "differs")
    assert bleu.note.startswith("+0.2")
    sacrebleu = _line(compared, "sacrebleu")
    assert sacrebleu.paper is None and sacrebleu.note == _SIGNATURE
    # 4.918 is the paper's 4.92.
    perplexity = _line(compared, "dev perplexity")
    assert perplexity.status == "same" and "step 100000" in perplexity.note
    assert _line(compared, "dev paper_bleu").status == "not measured"


@pytest.mark.parametrize(
    "changes",
    [
        {"problem": "translate_ende_multi30k"},
        {
            "scores": {
                "sacrebleu": (26.1, "test:wmt16|tok:13a"),
                "paper_bleu": (27.5, ""),
            }
        },
    ],
)
def test_a_score_on_another_test_set_is_not_compared(changes):
    line = _line(comparison.compare(_facts(**changes)), "paper_bleu")
    assert (line.run, line.status) == (27.5, "other data")
    assert "+0.2" not in line.note


def test_cost():
    compared = comparison.compare(_facts(), device_tflops=19.0)
    # 20,000 tokens x 100,000 steps; the paper's 25,000.
    tokens = _line(compared, "target tokens")
    assert tokens.run == pytest.approx(2000.0)
    assert tokens.paper == pytest.approx(2500.0)
    assert tokens.note == "x 0.8"
    # 6 x 63,045,632 x 2e9; 6 x 65e6 x 2.5e9.
    flops = _line(compared, "FLOPs, 6 x")
    assert flops.run == pytest.approx(7.565e17, rel=1e-3)
    assert flops.paper == pytest.approx(9.75e17)
    # 6 h x 3600 x 8 x 19e12: half the time on devices twice as fast.
    flops = _line(compared, "FLOPs, hours")
    assert flops.run == pytest.approx(3.2832e18)
    assert (flops.paper, flops.status) == (3.3e18, "same")
    assert _line(compared, "hours").note == "x 0.5"
    cut = comparison.compare(_facts(hours_at_least=True))
    assert _line(cut, "hours").note == "x 0.5, at least"
    assert _line(compared, "parameters").run == 63.05


def test_the_accuracy_of_answers_is_shown():
    compared = comparison.compare(_facts(dev={"accuracy": (5, 97.5)}))
    assert _line(compared, "dev accuracy").run == 97.5
    assert _line(compared, "dev accuracy").note == "step 5"


def test_nothing_is_guessed():
    empty = _facts(
        recipe=paper.Recipe(),
        parameters=None,
        hours=None,
        step_seconds=None,
        tokens_per_step=None,
        dev={},
        scores={},
    )
    compared = comparison.compare(empty, device_tflops=10.0)
    assert {line.run for line in compared.lines} == {None}
    assert comparison.SAME not in {line.status for line in compared.lines}
    markdown = comparison.as_markdown(compared)
    assert "| hours | 12 | not measured | not measured |  |" in markdown


def test_a_parser():
    row = paper.parsing_row()
    facts = _facts(
        row=row,
        hparams_set="transformer_parsing_sample",
        problem="parsing_ptb_sample",
        scores={"f1": (71.2, "COLLINS.prm")},
        dev={"nll": (10, 0.5)},
    )
    compared = comparison.compare(facts)
    assert compared.row == row and not compared.is_own_row
    f1 = _line(compared, "F1")
    assert (f1.paper, f1.run, f1.status) == (91.3, 71.2, "other data")
    assert _line(compared, "P_drop").status == "not published"
    assert _line(compared, "beam").paper == 21
    markdown = comparison.as_markdown(compared)
    assert "Table 4" in markdown and "Dyer et al. (2016)" in markdown
    assert "sacrebleu" not in markdown and "ByteNet" not in markdown


def test_markdown():
    markdown = comparison.as_markdown(comparison.compare(_facts(hours=3.0)))
    # 33 fields and the perplexity; paper_bleu and all costs but one; that one
    # and the dev paper_bleu; two sacreBLEUs.
    assert (
        "- of 44 lines: same 34, **differs** 6, not measured 2, other data 0,"
        " not published 2\n"
    ) in markdown
    assert "- row of the paper: base, En-De (Tables 2 and 3), this run's" in (
        markdown
    )
    # The bars of a signature do not end a cell.
    assert r"| nrefs:1\|case:mixed\|test:wmt14/full\|tok:13a |" in markdown
    assert "| hours | 12 | 3 | **differs** | x 0.25 |" in markdown
    assert "| GNMT + RL | 24.6 | 39.92 | 2.3e+19 | 1.4e+20 |" in markdown
    assert "41.8 BLEU in Table 2 and the abstract and 41.0 in" in markdown
    assert "Hours of this run: a watch." in markdown
    for line in markdown.splitlines():
        if line.startswith("|"):
            assert line.replace(r"\|", "").count("|") == 6


def test_what_is_published_of_the_runs_own_recipe():
    markdown = comparison.as_markdown(comparison.compare(_facts()))
    assert "- published of this run's own recipe, unknown: no figure" in (
        markdown
    )
    figure = published.find("transformer_base", _BASE.recipe.data)
    standing = Standing(figure, 27.04, "below", ("batch_size",))
    compared = comparison.compare(_facts(standing=standing))
    assert (
        "below: paper_bleu on newstest2014 is published as 27.11 to 27.3"
        in (comparison.as_markdown(compared))
    )
    found = json.loads(json.dumps(comparison.as_json(compared)))["published"]
    assert found["status"] == "below" and found["figure"]["high"] == 27.3
    assert found["changed"] == ["batch_size"]


def test_json():
    compared = comparison.compare(_facts(hours=3.0))
    values = json.loads(json.dumps(comparison.as_json(compared)))
    assert values["row"].startswith("base, En-De") and values["is_own_row"]
    assert len(values["lines"]) == len(compared.lines)
    assert "hours" in values["differences"]
    assert values["not_measured"] == [
        "dev paper_bleu, one checkpoint (paper: newstest2013)",
        "FLOPs, hours x devices x TFLOPS",
    ]
    assert values["table_2"][0]["bleu_ende"] == 23.75
    assert values["table_4"][4]["f1"] == 91.3
