"""Sizes and operations of small recurrent models, worked out by hand."""

import pytest

from hparams.rnn import (
    gru_rnnsearch,
    lstm_bahdanau_attention_multi,
    lstm_seq2seq,
)
from t2t_repro.errors import UsageError

_PLAIN = lstm_seq2seq().replace(hidden_size=4)
_HEADS = lstm_bahdanau_attention_multi().replace(
    hidden_size=4, num_hidden_layers=1, num_heads=2, attention_layer_size=3
)
_SEARCH = gru_rnnsearch().replace(hidden_size=4, attention_layer_size=3)


def test_without_attention():
    # A layer: 2 * (4 + 4) inputs and states * 4 gates * 4 = 256 a position;
    # two layers, 3 source and 2 target positions: 5 * 512. Softmax
    # 2 * 2 * 4 * 10.
    assert _PLAIN.forward_flops((1, 3, 2), 10) == 5 * 512 + 160
    assert _PLAIN.decoding_flops((7, 3, 2), 10, 3) == 7 * (
        3 * 512 + 3 * (2 * 512 + 160)
    )


def test_heads_are_fed():
    # Two vectors of 3 enter the decoder's cell: 2 * (4 + 6 + 4) * 16 = 448.
    assert _HEADS.fed_size == 6
    # Query 2 * 16, two heads' scores over 3 keys of 4: 2 * 3 * 4 * 2 = 48,
    # their contexts as many; vectors 2 * 6 * (4 + 4) = 96; joined 2 * 6 * 4.
    attention = 32 + 48 + 48 + 96 + 48
    # Source: a cell of 256 and a key of 32 for each of 3.
    once = 3 * (256 + 32)
    softmax = 2 * 4 * 10
    assert _HEADS.decoding_flops((1, 3, 1), 10, 1) == (
        once + 448 + attention + softmax
    )


def test_rnnsearch_reads_both_directions():
    assert (_SEARCH.memory_size, _SEARCH.decoder_size) == (8, 4)
    # The cell takes 4 of the word, 8 of the context and 4 of the state:
    # 2 * 16 * 3 * 4 = 384. Query 32, scores 2 * 3 * 4 = 24, context
    # 2 * 3 * 8 = 48, maxout of [4; 8; 4] into pairs: 2 * 16 * 6 = 192.
    step = 384 + 32 + 24 + 48 + 192
    # Two directions of 2 * 8 * 3 * 4 = 192, keys 2 * 8 * 4 = 64; the start 32.
    once = 3 * (2 * 192 + 64) + 32
    # The softmax reads 3 channels.
    assert _SEARCH.decoding_flops((1, 3, 2), 10, 1) == once + 2 * (step + 60)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(UsageError, match="dot: the decoder's 4 channels"):
        _SEARCH.replace(attention_mechanism="dot")
    with pytest.raises(UsageError, match="reads 3 channels"):
        _SEARCH.replace(shared_embedding_and_softmax_weights=True)
    with pytest.raises(UsageError, match="attention_mechanism='bahdanua'"):
        _PLAIN.override("attention_mechanism=bahdanua")
    with pytest.raises(UsageError, match="sampled=1.5: expected a share"):
        _PLAIN.replace(hard_attention_sampled=1.5)
    with pytest.raises(UsageError, match="attention_kind='firm'"):
        _PLAIN.override("attention_kind=firm")
    shared = _PLAIN.replace(shared_embedding_and_softmax_weights=True)
    assert shared.output_size == shared.hidden_size == 4


def test_local_p_has_a_centre_and_location_a_table():
    local = _HEADS.replace(attention_window="local_p")
    shape = 1, 3, 1
    more = local.forward_flops(shape, 10) - _HEADS.forward_flops(shape, 10)
    assert more == 2 * 4 * 4 + 2 * 4
    table = _PLAIN.replace(
        attention_mechanism="location", attention_layer_size=4, max_length=7
    )
    dot = table.replace(attention_mechanism="dot")
    more = table.forward_flops(shape, 10) - dot.forward_flops(shape, 10)
    assert more == 2 * 4 * 7 - 2 * 3 * 4
