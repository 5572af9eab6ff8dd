"""The paper's tables as data, against arithmetic and the hparam sets."""

import dataclasses

import pytest

from hparams.table3 import TABLE_3 as SETS
from t2t_repro import registry
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.evaluate import paper_numbers
from t2t_repro.evaluate import run_facts
from t2t_repro.evaluate.paper_numbers import BASE
from t2t_repro.evaluate.paper_numbers import BASE_ENFR
from t2t_repro.evaluate.paper_numbers import BIG
from t2t_repro.evaluate.paper_numbers import BIG_ENFR
from t2t_repro.evaluate.paper_numbers import PARSING
from t2t_repro.evaluate.paper_numbers import PARSING_SEMI

_ALL = {
    **paper_numbers.TABLE_3,
    "transformer_big_enfr": BIG_ENFR,
    "transformer_parsing_base": PARSING,
    "transformer_parsing_base_semisupervised": PARSING_SEMI,
}


@pytest.mark.parametrize("name", _ALL)
def test_a_row_and_its_hparams_set_say_the_same(name):
    hparams = registry.hparams(name)
    recipe = dataclasses.asdict(_ALL[name].recipe)
    ours = dataclasses.asdict(run_facts.model_recipe(hparams))
    differing = {
        field: (recipe[field], value)
        for field, value in ours.items()
        if None not in (value, recipe[field]) and value != recipe[field]
    }
    assert not differing
    # Eight replicas without accumulation: section 5.1's 25,000.
    assert 8 * hparams.batch_size == recipe["batch_tokens"] == 25_000


def test_every_set_of_table_3_has_its_row():
    named = {"transformer_base", "transformer_big", *SETS}
    assert paper_numbers.TABLE_3.keys() == named
    rows = paper_numbers.TABLE_3.values()
    assert len({row.name for row in rows}) == len(named) == 20
    assert all(row.dev_bleu and row.dev_perplexity for row in rows)


def test_figures_of_table_3():
    rows = paper_numbers.TABLE_3
    assert sum(row.dev_bleu for row in rows.values()) == pytest.approx(
        # base; A; B; C: N, d_model, d_ff; D; E; big
        25.8
        + (24.9 + 25.5 + 25.8 + 25.4)
        + (25.1 + 25.4)
        + (23.7 + 25.3 + 25.5 + 24.5 + 26.0 + 25.4 + 26.2)
        + (24.6 + 25.5 + 25.3 + 25.7)
        + 25.7
        + 26.4
    )
    assert rows["transformer_k128"].millions == 58
    assert rows["transformer_k128"].recipe.d_v == 64
    assert rows["transformer_h1"].millions is None
    assert rows["transformer_l2"].recipe.averaged == 0
    assert (BASE.recipe.averaged, BIG.recipe.averaged) == (5, 20)


@pytest.mark.parametrize("row", [BASE, BIG, BASE_ENFR, BIG_ENFR])
def test_flops_are_hours_times_devices_times_tflops(row):
    # Base: 12 h x 3600 x 8 x 9.5e12 = 3.28e18; big 84 h: 2.30e19.
    flops = row.hours * 3600 * 8 * 9.5e12
    assert f"{flops:.1e}" == f"{row.flops:.1e}"


@pytest.mark.parametrize("row", [BASE, BIG])
def test_steps_fill_the_hours(row):
    # 100,000 x 0.4 s = 11.1 h of 12; 300,000 x 1 s = 83.3 h of 84.
    hours = row.recipe.train_steps * row.step_seconds / 3600
    assert 0.9 < hours / row.hours <= 1.0


def test_decoding_of_translation_is_the_default():
    options = DecodeOptions()
    recipe = BASE.recipe
    assert options.beam_size == recipe.beam_size
    assert options.alpha == recipe.alpha
    assert options.extra_length == recipe.extra_length


def test_table_2_ends_with_the_rows():
    base, big = paper_numbers.TABLE_2[-2:]
    assert base.bleu_ende == BASE.test_score == 27.3
    assert base.bleu_enfr == BASE_ENFR.test_score == 38.1
    assert big.bleu_ende == BIG.test_score == 28.4
    assert big.bleu_enfr == BIG_ENFR.test_score == 41.8
    assert (base.flops_ende, big.flops_enfr) == (BASE.flops, BIG_ENFR.flops)
    assert len(paper_numbers.TABLE_2) == 10


def test_table_4_has_both_parsers():
    ours = [f1 for name, _, f1 in paper_numbers.TABLE_4 if "Trans" in name]
    assert ours == [PARSING.test_score, PARSING_SEMI.test_score] == [91.3, 92.7]
    assert len(paper_numbers.TABLE_4) == 12


@pytest.mark.parametrize(
    ("hparams_set", "languages", "problem", "row", "is_own"),
    [
        ("transformer_base", "en-de", "translate_x", BASE, True),
        ("transformer_base_one_gpu", "en-de", "translate_x", BASE, True),
        ("transformer_base", "en-fr", "translate_x", BASE_ENFR, True),
        ("transformer_big", "en-de", "translate_x", BIG, True),
        ("transformer_big", "en-fr", "translate_x", BIG_ENFR, False),
        ("transformer_big_enfr", "en-fr", "translate_x", BIG_ENFR, True),
        ("transformer_big_v3", "en-de", "translate_x", BIG, False),
        ("transformer_multi30k", "en-de", "translate_x", BASE, False),
        ("transformer_base_v3", "de-en", "translate_x_rev", BASE, False),
        (
            "transformer_l2",
            "en-fr",
            "translate_x",
            paper_numbers.TABLE_3["transformer_l2"],
            True,
        ),
        ("transformer_parsing_base", "", "parsing_wsj_wp16k", PARSING, True),
        ("transformer_parsing_sample", "", "parsing_x", PARSING, False),
        ("transformer_base", "", "parsing_semisupervised", PARSING_SEMI, False),
    ],
)
def test_the_row_of_a_run(hparams_set, languages, problem, row, is_own):
    found, own = paper_numbers.find_row(hparams_set, languages, problem)
    assert found.name == row.name
    assert own is is_own
