"""Every published figure has a source, a recipe and a place to compare with."""

import dataclasses
import re
import shutil

import pytest

from t2t_repro import registry, run_directory
from t2t_repro.report import paper, published
from t2t_repro.report.published import FIGURES, Figure

# An article, an issue, or a page.
_SOURCE = re.compile(r"arXiv:\d{4}\.\d{4,5}|\w+/\w+#\d+|https?://\S+")
_METRICS = {
    "bleu": ("sacrebleu", "paper_bleu", "multi30k_bleu"),
    "f1": ("f1",),
}


@pytest.mark.parametrize(
    "figure", FIGURES, ids=lambda f: f"{f.hparams_sets[0]} {f.problem}"
)
def test_a_figure_has_a_source_and_a_recipe(figure):
    assert _SOURCE.search(figure.source), "a figure without a source"
    assert figure.test_set and 0 < figure.low <= figure.high < 100
    problem = registry.problem(figure.problem)
    assert figure.metric in _METRICS[problem.metric]
    first = registry.hparams(figure.hparams_sets[0])
    for name in figure.hparams_sets[1:]:
        # The same recipe: but for how a batch is divided.
        other = registry.hparams(name)
        changed = {
            field.name
            for field in dataclasses.fields(first)
            if getattr(first, field.name) != getattr(other, field.name)
        }
        assert changed <= {"optimizer_multistep_accumulate_steps", "batch_size"}


def test_a_recipe_has_one_figure():
    recipes = [(s, f.problem) for f in FIGURES for s in f.hparams_sets]
    assert len(set(recipes)) == len(recipes)


def test_the_papers_numbers_are_those_of_its_rows():
    for name, languages, problem in (
        ("transformer_base", "en-de", "translate_ende_wmt14_bpe37k"),
        ("transformer_big", "en-de", "translate_ende_wmt14_bpe37k"),
        ("transformer_base", "en-fr", "translate_enfr_wmt14_wp32k"),
        ("transformer_big_enfr", "en-fr", "translate_enfr_wmt14_wp32k"),
        ("transformer_parsing_base", "", "parsing_wsj_wp16k"),
    ):
        row, _ = paper.find_row(name, languages, problem)
        assert published.find(name, problem).high == row.test_score
        assert row.recipe.data == problem


_RANGE = dataclasses.replace(FIGURES[0], low=27.11, high=27.3)


@pytest.mark.parametrize(
    ("score", "status"),
    [
        # 27.104 is 27.10, and 27.106 is 27.11.
        (27.104, "below"),
        (27.106, "in"),
        (27.2, "in"),
        # The upper bound has one decimal: 27.34 is 27.3.
        (27.34, "in"),
        (27.36, "above"),
    ],
)
def test_a_score_is_rounded_as_the_bound_is(score, status):
    assert _RANGE.place(score) == status
    assert _RANGE.text == "27.11 to 27.3"


@pytest.fixture
def run(trained, tmp_path):
    """The toy run, as if it were of another recipe."""
    folder = tmp_path / "run"
    shutil.copytree(trained.output_dir, folder)
    return run_directory.load(folder)


def _standing(run, figure: Figure, **scores):
    other = dataclasses.replace(
        run, hparams_set=figure.hparams_sets[0], problem=figure.problem
    )
    return published.standing(other, scores)


def test_a_run_beside_its_figure(run):
    multi30k = published.find("transformer_multi30k", "translate_ende_multi30k")
    named = ("nrefs:1|tok:13a|test:multi30k/2016|lang:en-de", "|test:wmt14|")
    standing = _standing(
        run, multi30k, multi30k_bleu=(37.92, "lc"), sacrebleu=(37.0, named[0])
    )
    assert (standing.status, standing.score) == ("below", 37.92)
    assert standing.short == "below 41.02"
    assert "(Wu et al. 2021, arXiv:2105.14462" in standing.text
    assert "here 37.92; with other " in standing.text
    assert {"hidden_size", "batch_size"} < set(standing.changed)
    # A score by another metric, on another test set, or none.
    for scores in (
        {"sacrebleu": (37.0, named[0])},
        {"sacrebleu": (37.0, named[1]), "multi30k_bleu": (37.92, "lc")},
        {},
    ):
        standing = _standing(run, multi30k, **scores)
        assert (standing.status, standing.score) == ("unknown", None)
        assert standing.short == "unknown 41.02"
        assert "not given" in standing.text


def test_a_parser(run):
    wsj = published.find("transformer_parsing_base", "parsing_wsj_wp16k")
    assert _standing(run, wsj, f1=(91.34, "COLLINS.prm")).status == "in"


def test_a_recipe_of_which_nothing_is_published(run):
    standing = published.standing(run, {"sacrebleu": (99.0, "")})
    assert standing.figure is None and standing.short == "unknown"
    assert standing.text.startswith("unknown: no figure is known")
    # What the toy run changed of its set.
    assert "hidden_size" in standing.changed
    strange = dataclasses.replace(run, hparams_set="of_a_user")
    assert published.standing(strange, {}).changed == ()
