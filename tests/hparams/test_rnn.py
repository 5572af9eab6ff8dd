"""The recurrent sets against what their sources say."""

import pytest

from hparams.rnn import LUONG_2015
from t2t_repro import registry


@pytest.mark.parametrize(
    ("name", "mechanism", "heads"),
    [
        ("lstm_seq2seq", "none", 1),
        ("lstm_attention", "bahdanau", 1),
        ("lstm_bahdanau_attention", "bahdanau", 1),
        ("lstm_luong_attention", "luong", 1),
        ("lstm_bahdanau_attention_multi", "bahdanau", 4),
        ("lstm_luong_attention_multi", "luong", 4),
    ],
)
def test_tensor2tensors_values(name, mechanism, heads):
    hparams = registry.hparams(name)
    assert (hparams.attention_mechanism, hparams.num_heads) == (
        mechanism,
        heads,
    )
    assert (hparams.hidden_size, hparams.num_hidden_layers) == (128, 2)
    assert (hparams.attention_layer_size, hparams.output_attention) == (
        128,
        True,
    )
    assert (hparams.dropout, hparams.label_smoothing) == (0.2, 0.1)
    assert (hparams.batch_size, hparams.clip_grad_norm) == (1024, 2.0)
    assert hparams.optimizer_adam_beta1 == 0.85
    assert hparams.optimizer_adam_beta2 == 0.997
    assert hparams.optimizer_adam_epsilon == 1e-6
    assert hparams.encoder_direction == "reversed"
    # Its attention has no mask; sentences here do not depend on their batch.
    assert not hparams.attention_over_padding


def test_each_rung_of_the_ladder_changes_what_it_says():
    ladder = [
        registry.hparams(name)
        for name in ("luong_base", "luong_reversed", "luong_dropout")
    ]
    ladder += [
        registry.hparams(name)
        for name in ("luong_attention", "luong_global_location")
    ]
    base, reverse, dropout, attention, fed = ladder
    assert (base.num_hidden_layers, base.hidden_size) == (4, 1000)
    assert base.replace(encoder_direction="reversed") == reverse
    assert reverse.replace(dropout=0.2) == dropout
    assert fed.replace(attention_feeding="none") == attention
    assert attention.replace(attention_mechanism="none") == dropout.replace(
        attention_feeding="none"
    )


def test_sutskevers_model_is_luongs_second_rung():
    """Section 3.4 there, section 4.1 here: they keep other lengths."""
    first = registry.hparams("lstm_sutskever")
    second = registry.hparams("luong_reversed")
    assert (first.num_hidden_layers, first.hidden_size) == (4, 1000)
    assert first.clip_grad_norm == 5.0
    assert second == first.replace(
        attention_layer="tanh", attention_layer_size=1000, max_length=50
    )


@pytest.mark.parametrize("size", ["tiny", "multi30k"])
def test_hard_attention_is_xus(size):
    """Section 4.1: half of the sentences are drawn for; see the set's notes."""
    soft = registry.hparams(f"rnn_{size}")
    hard = registry.hparams(f"rnn_hard_attention_{size}")
    assert not soft.is_hard and hard.is_hard
    assert hard == soft.replace(
        attention_kind="hard",
        attention_feeding="none",
        hard_attention_sampled=0.5,
        hard_attention_reward=1.0,
        hard_attention_entropy=0.002,
    )


def test_table_4_differs_in_score_and_window_alone():
    first = registry.hparams("luong_global_location")
    for name in LUONG_2015:
        _, _, rest = name.partition("_")
        window, _, score = rest.rpartition("_")
        if window:
            expected = first.replace(
                attention_mechanism=score, attention_window=window
            )
            assert registry.hparams(name) == expected, name
