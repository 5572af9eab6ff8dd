"""The paper's rows: what is no hparam, and which row a run has.

The numbers of Table 3 are in tests/test_paper.py.
"""

import pytest

from t2t_repro import registry
from t2t_repro.report import paper

_BASE = paper.row("transformer_base")
_BIG = paper.row("transformer_big")
_BASE_ENFR = paper.row("transformer_base", "en-fr")
_BIG_ENFR = paper.row("transformer_big", "en-fr")
_PARSING = paper.parsing_row()
_PARSING_SEMI = paper.parsing_row(is_semi_supervised=True)


def test_a_row_has_the_recipe_of_its_set():
    # Section 5.1: about 25,000 tokens over 8 GPUs; sections 3 and 5.3.
    recipe = _BASE.recipe
    assert (recipe.batch_tokens, recipe.replicas) == (25_000, 8)
    assert (recipe.d_k, recipe.h, recipe.encoder_layers) == (64, 8, 6)
    assert (recipe.adam, recipe.schedule) == ("0.9, 0.98, 1e-09", paper.NOAM)
    assert (_BASE.recipe.averaged, _BIG.recipe.averaged) == (5, 20)
    assert _BIG.recipe.residual_dropout == 0.3
    assert _BIG_ENFR.recipe.residual_dropout == 0.1
    variation = paper.row("transformer_k128").recipe
    assert (variation.d_k, variation.d_v, variation.averaged) == (16, 64, 0)


def test_a_familys_own_words_are_not_the_papers():
    hparams = registry.hparams("memn2n_tiny")
    assert "hops" in hparams.architecture()
    recipe = paper.recipe_of(hparams)
    assert (recipe.d_model, recipe.label_smoothing) == (20, 0.0)
    # A variant has the sizes of what it varies, and is another model.
    restricted = registry.hparams("transformer_restricted_r8")
    assert paper.recipe_of(restricted).family == "transformer_restricted"
    assert _BASE.recipe.family == "transformer"
    # Only Adam's moments are its.
    assert recipe.adam == "0.9, 0.999, 1e-08"
    assert paper.recipe_of(hparams.replace(optimizer="sgd")).adam is None


def test_what_is_not_published_of_the_parsers():
    for row in (_PARSING, _PARSING_SEMI):
        recipe = row.recipe
        assert (recipe.d_model, recipe.encoder_layers) == (1024, 4)
        assert recipe.residual_dropout is recipe.schedule is None
        assert recipe.train_steps is recipe.averaged is None
        assert (recipe.beam_size, recipe.alpha) == (21, 0.3)


@pytest.mark.parametrize("row", [_BASE, _BIG, _BASE_ENFR, _BIG_ENFR])
def test_flops_are_hours_times_devices_times_tflops(row):
    # Base: 12 h x 3600 x 8 x 9.5e12 = 3.28e18; big 84 h: 2.30e19.
    flops = row.hours * 3600 * 8 * 9.5e12
    assert f"{flops:.1e}" == f"{row.flops:.1e}"


@pytest.mark.parametrize("row", [_BASE, _BIG])
def test_steps_fill_the_hours(row):
    # 100,000 x 0.4 s = 11.1 h of 12; 300,000 x 1 s = 83.3 h of 84.
    hours = row.recipe.train_steps * row.step_seconds / 3600
    assert 0.9 < hours / row.hours <= 1.0


def test_table_2_ends_with_the_rows():
    base, big = paper.TABLE_2[-2:]
    assert base.bleu_ende == _BASE.test_score == 27.3
    assert base.bleu_enfr == _BASE_ENFR.test_score == 38.1
    assert big.bleu_ende == _BIG.test_score == 28.4
    assert big.bleu_enfr == _BIG_ENFR.test_score == 41.8
    assert (base.flops_ende, big.flops_enfr) == (_BASE.flops, _BIG_ENFR.flops)
    assert len(paper.TABLE_2) == 10


def test_table_4_has_both_parsers():
    ours = [f1 for name, _, f1 in paper.TABLE_4 if "Trans" in name]
    assert (
        ours == [_PARSING.test_score, _PARSING_SEMI.test_score] == [91.3, 92.7]
    )
    assert len(paper.TABLE_4) == 12


@pytest.mark.parametrize(
    ("hparams_set", "languages", "problem", "row", "is_own"),
    [
        ("transformer_base", "en-de", "translate_x", _BASE, True),
        ("transformer_base_one_gpu", "en-de", "translate_x", _BASE, True),
        ("transformer_base", "en-fr", "translate_x", _BASE_ENFR, True),
        ("transformer_big", "en-de", "translate_x", _BIG, True),
        ("transformer_big", "en-fr", "translate_x", _BIG_ENFR, False),
        ("transformer_big_enfr", "en-fr", "translate_x", _BIG_ENFR, True),
        ("transformer_big_v3", "en-de", "translate_x", _BIG, False),
        ("transformer_multi30k", "en-de", "translate_x", _BASE, False),
        ("transformer_base_v3", "de-en", "translate_x_rev", _BASE, False),
        (
            "transformer_l2",
            "en-fr",
            "translate_x",
            paper.row("transformer_l2"),
            True,
        ),
        ("transformer_parsing_base", "", "parsing_wsj_wp16k", _PARSING, True),
        ("transformer_parsing_sample", "", "parsing_x", _PARSING, False),
        (
            "transformer_base",
            "",
            "parsing_semisupervised",
            _PARSING_SEMI,
            False,
        ),
    ],
)
def test_the_row_of_a_run(hparams_set, languages, problem, row, is_own):
    found, own = paper.find_row(hparams_set, languages, problem)
    assert found.name == row.name
    assert own is is_own
