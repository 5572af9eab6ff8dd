"""Operations of small models, worked out by hand."""

import pytest

from hparams.transformer import transformer_base

# d_model 4, d_ff 8, K = V = 4; one encoder layer, two decoder layers.
_SMALL = transformer_base().replace(
    hidden_size=4,
    filter_size=8,
    num_heads=2,
    num_hidden_layers=2,
    num_encoder_layers=1,
)


def test_parts():
    # Q K^T and the product with V over 3 keys: 2 * 3 * (4 + 4).
    assert _SMALL.attention_flops(3) == 48
    # Four projections 4 x 4, two operations an element: 4 * 2 * 16 = 128.
    assert _SMALL.self_attention_flops(3) == 128 + 48
    # Two products 4 x 8: 2 * 2 * 32.
    assert _SMALL.feed_forward_flops() == 128


def test_forward():
    # n = 3, m = 2, vocabulary 10, one sentence.
    # Encoder: 3 * (128 + 48 + 128) = 912.
    # A decoder layer: self 2 * (128 + 2 * 2 * 8 = 160) = 320; to the encoder
    # 2 * (64 + 48) = 224 and keys, values 3 * 64 = 192; 2 * 128 = 256: 992.
    # Softmax: 2 * 2 * 4 * 10 = 160. Together 912 + 2 * 992 + 160 = 3056.
    assert _SMALL.forward_flops((1, 3, 2), 10) == 3056
    assert _SMALL.forward_flops((5, 3, 2), 10) == 5 * 3056


def test_keys_and_values_may_be_narrower():
    narrow = _SMALL.replace(
        attention_key_channels=2, attention_value_channels=4
    )
    # 2 * 4 * (2 + 2 + 4 + 4) = 96, and 2 * 3 * (2 + 4) = 36.
    assert narrow.self_attention_flops(3) == 96 + 36


def test_decoding():
    # Once: encoder 912, keys and values of two layers 2 * 3 * 64 = 384.
    # A beam in a layer: self 128 + 16 t for t = 1, 2: 304; to the encoder
    # 2 * (64 + 48) = 224; 2 * 128 = 256: 784. Two layers: 1568. Softmax:
    # 2 * 2 * 4 * 10 = 160. Three beams: 3 * (1568 + 160) = 5184.
    assert _SMALL.decoding_flops((1, 3, 2), 10, 3) == 912 + 384 + 5184
    assert _SMALL.decoding_flops((7, 3, 2), 10, 3) == 7 * 6480


def test_base_is_about_six_operations_a_weight_and_token():
    # Matrices: an encoder layer has 4 * 512^2 + 2 * 512 * 2048 = 3,145,728
    # weights, a decoder layer 4,194,304, the softmax 512 * 8192 = 4,194,304:
    # 6 * (3,145,728 + 4,194,304) + 4,194,304 = 48,234,496. Source and target
    # are as long, so 6 N tokens is 6 * 48,234,496 * 1,024 = 296.35e9.
    # Attention: three of 2 * 32 * 1024 operations for each of 1,024 positions
    # in six layers, forward and backward: 3 * 3 * 6 * 1,024 * 65,536 = 3.62e9.
    found = 3 * transformer_base().forward_flops((32, 32, 32), 8192)
    assert found == pytest.approx(296.35e9 + 3.62e9, rel=1e-4)
