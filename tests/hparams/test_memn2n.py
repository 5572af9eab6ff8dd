"""The columns of Table 1 of Sukhbaatar et al. 2015, and their linear starts."""

import pytest

from hparams.memn2n import SUKHBAATAR_2015
from t2t_repro import registry
from t2t_repro.train.learning_rate import learning_rate


@pytest.mark.parametrize("name", SUKHBAATAR_2015)
def test_a_column_is_a_set(name):
    hparams = registry.hparams(name)
    assert hparams.MODEL == "memn2n" and hparams.optimizer == "sgd"
    assert hparams.hidden_size == (50 if "joint" in name else 20)
    assert not hparams.linear_attention


def test_three_hops():
    hparams = registry.hparams("memn2n_babi_3hop")
    assert (hparams.num_hidden_layers, hparams.time_noise) == (3, 0.1)
    assert hparams.sentence_encoding == "position"
    # 0.005 a sum of 32 answers is 0.32 a mean of 64 ids; half of it behind 25
    # epochs of 29 batches.
    assert float(learning_rate(hparams, 0)) == pytest.approx(0.32)
    assert float(learning_rate(hparams, 25 * 29)) == pytest.approx(0.32)
    assert float(learning_rate(hparams, 25 * 29 + 1)) == pytest.approx(0.16)
    assert hparams.clip_grad_norm * 64 == 40.0


def test_linear_start_differs_in_the_softmax_and_the_schedule():
    linear = registry.hparams("memn2n_babi_3hop_linear")
    assert float(learning_rate(linear, 10_000)) == pytest.approx(0.32)
    assert linear.linear_attention
    again = linear.replace(
        linear_attention=False,
        learning_rate_schedule="constant*staircase_decay",
    )
    assert again == registry.hparams("memn2n_babi_3hop")
    # Without linear start, twice the rate.
    plain = registry.hparams("memn2n_babi_pe")
    assert float(learning_rate(plain, 0)) == pytest.approx(0.64)
