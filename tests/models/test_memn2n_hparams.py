"""The memory network's record: what it refuses, and its costs by hand."""

import pytest

from hparams.memn2n import memn2n_tiny
from t2t_repro.errors import UsageError


def test_operations():
    hparams = memn2n_tiny().replace(
        hidden_size=4, num_hidden_layers=3, memory_slots=5
    )
    # A hop: 2 * 4 * 5 twice, 80; an output: 2 * 5 * (10 + 5), 150.
    assert hparams.forward_flops((1, 9, 2), 10) == 3 * 80 + 2 * 150
    assert hparams.decoding_flops((7, 9, 2), 10, 4) == 7 * (240 + 8 * 150)
    # Layer-wise a hop has H too, 2 * 4 * 4.
    layer_wise = hparams.replace(weight_tying="layer_wise")
    assert layer_wise.forward_flops((1, 9, 2), 10) == 3 * 112 + 2 * 150


def test_matrices():
    assert memn2n_tiny().replace(num_hidden_layers=3).table_count == 4
    layer_wise = memn2n_tiny().replace(weight_tying="layer_wise")
    assert layer_wise.replace(num_hidden_layers=9).table_count == 4


def test_an_answer_is_one_word():
    memn2n_tiny().check_targets(2)
    with pytest.raises(UsageError, match="targets have up to 7: take"):
        memn2n_tiny().check_targets(8)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(memory_slots=0), "memory_slots=0"),
        (dict(sentence_encoding="pe"), "'bag', 'position'"),
        (dict(weight_tying="layerwise"), "'adjacent', 'layer_wise'"),
        (dict(time_noise=1.0), "time_noise=1.0"),
        (dict(optimizer="momentum"), "'adam', 'sgd'"),
    ],
)
def test_what_cannot_be_built_is_named(change, words):
    with pytest.raises(UsageError, match=words):
        memn2n_tiny().replace(**change)
