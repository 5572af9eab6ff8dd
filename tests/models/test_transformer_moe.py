"""The Transformer with experts: which layers have them, and what it costs.

What it computes: test_contract.py, and tests/layers/test_mixture_of_experts.
"""

import keras
import numpy as np
import pytest

from hparams.transformer import transformer_multi30k
from hparams.transformer_moe import (
    transformer_moe_1b,
    transformer_moe_base,
    transformer_moe_multi30k,
    transformer_moe_tiny,
)
from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import Mode
from t2t_repro.models.transformer_moe import TransformerMoe

_HPARAMS = transformer_moe_tiny().replace(
    hidden_size=4,
    filter_size=8,
    num_heads=2,
    moe_num_experts=3,
    moe_hidden_sizes="5+6",
    moe_layers_encoder="1",
    moe_layers_decoder="all",
)
_INPUTS = np.array([[5, 6, 7, 1], [8, 1, 0, 0]], np.int32)
_TARGETS = np.array([[4, 5, 9, 1], [3, 1, 0, 0]], np.int32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return TransformerMoe(_HPARAMS, vocab_size=11)


def test_experts_stand_where_they_are_wanted(model):
    weights = model.weights_by_path()
    with_experts = {
        p.split("/experts/")[0] for p in weights if "/experts/" in p
    }
    dense = {p.split("/feed_f")[0] for p in weights if "/feed_forward/" in p}
    assert with_experts == {
        "encoder/layer_1",
        "decoder/layer_0",
        "decoder/layer_1",
    }
    assert dense == {"encoder/layer_0"}
    shapes = {
        path.removeprefix("encoder/layer_1/experts/"): tuple(weight.shape)
        for path, weight in weights.items()
        if path.startswith("encoder/layer_1/experts/")
    }
    assert shapes == {
        "gate/kernel": (4, 3),
        "gate/noise": (4, 3),
        "hidden_0/kernel": (3, 4, 5),
        "hidden_1/kernel": (3, 5, 6),
        "output/kernel": (3, 6, 4),
    }


@pytest.mark.parametrize("ffn_layer", ["local_moe", "local_moe_tpu"])
def test_every_layer_hands_over_its_loss_and_padding_has_none(ffn_layer):
    keras.utils.set_random_seed(1)
    hparams = _HPARAMS.replace(ffn_layer=ffn_layer, moe_loss_coef=1.0)
    model = TransformerMoe(hparams, vocab_size=11)
    mode = Mode(dropout_key=np.array([1, 2], np.int32), losses=[])
    model(_INPUTS, _TARGETS, mode=mode)
    assert len(mode.losses) == 3
    assert min(map(float, mode.losses)) > 0.0
    # Of padding alone there is none.
    mode.losses.clear()
    model(0 * _INPUTS, 0 * _TARGETS, mode=mode)
    assert list(map(float, mode.losses)) == [0.0] * 3
    evaluation = Mode(losses=[])
    model(_INPUTS, _TARGETS, mode=evaluation)
    assert not evaluation.losses


def test_operations():
    # An expert: 4 * 5 + 5 * 6 + 6 * 4 = 74 products, two of them 148; the
    # gate 4 * 3 = 12; two operations each.
    assert _HPARAMS.experts_flops() == 2 * (148 + 12)
    # The dense layer has 2 * 2 * 32 = 128, so a position costs 192 more in one
    # layer of the encoder and two of the decoder: 3 * 192 + 2 * 2 * 192.
    dense = _HPARAMS.replace(moe_layers_encoder="", moe_layers_decoder="")
    more = _HPARAMS.forward_flops((5, 3, 2), 10) - dense.forward_flops(
        (5, 3, 2), 10
    )
    assert more == 5 * (3 * 192 + 2 * 2 * 192)
    more = _HPARAMS.decoding_flops((5, 3, 2), 10, 4) - dense.decoding_flops(
        (5, 3, 2), 10, 4
    )
    assert more == 5 * (3 * 192 + 4 * 2 * 2 * 192)
    # Per position of those layers: 2 * 1.5 places of 2 * 4 + 2 * 11, for the
    # dense layer's 2 * 8.
    more = _HPARAMS.activations((5, 3, 2), 10) - dense.activations(
        (5, 3, 2), 10
    )
    assert more == 5 * (3 + 2 * 2) * (90 - 16)


def test_the_small_set_is_as_active_as_the_dense_one():
    hparams, dense = transformer_moe_multi30k(), transformer_multi30k()
    # But for 128 * 8 weights of a gate.
    experts = hparams.experts_flops() - 2 * 128 * 8
    assert experts == dense.feed_forward_flops()
    assert hparams.expert_layers["decoder"] == {0, 1, 2, 3}


def test_the_sets_of_tensor2tensor():
    base, large = transformer_moe_base(), transformer_moe_1b()
    assert base.expert_layers == {"encoder": {2}, "decoder": {2}}
    assert base.moe_num_experts == 64
    assert base.architecture()["experts"] == 64
    # 4 layers of 128 experts of 2 * 512 * 2048 weights: a billion.
    layers = sum(map(len, large.expert_layers.values()))
    weights = layers * large.moe_num_experts * 2 * 512 * 2048
    assert weights == pytest.approx(1.07e9, rel=0.01)


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(moe_k=4), "moe_k=4: expected at most moe_num_experts=3"),
        (dict(moe_k=0), "moe_k=0"),
        (dict(moe_num_experts=0), "moe_num_experts=0"),
        (dict(moe_loss_coef=-1.0), "moe_loss_coef=-1.0"),
        (dict(moe_overhead_train=0.0), "moe_overhead_train=0.0"),
        (dict(ffn_layer="local_moe_tpu", moe_k=1), "or ffn_layer=local_moe"),
        (dict(ffn_layer="dense"), "expected one of 'local_moe', "),
        (dict(moe_layers_encoder="2"), "the encoder has the layers 0 to 1"),
        (dict(moe_layers_decoder="1,2"), "numbers such as 1\\+3, or all"),
        (dict(moe_hidden_sizes="all"), "numbers such as 1\\+3\\."),
        (dict(moe_hidden_sizes="8+0"), "sizes above 0"),
    ],
)
def test_what_cannot_be_built_is_named(change, words):
    with pytest.raises(UsageError, match=words):
        _HPARAMS.replace(**change)
