"""LiteRT's search against TensorFlow's: the same ids, scores to 0.0001."""

import types

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.decode import litert_search
from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.decode.beam_step import beam_rules, greedy_rules
from tests.decode import random_model
from tests.export import random_run

# Enough for its best to be looked for by blocks, and no multiple of these.
_VOCABULARY = 1100
_TINY = dict(hidden_size=16, filter_size=24, num_heads=2)


def _model(**changes):
    model = random_model.new("transformer_tiny", _VOCABULARY, **_TINY | changes)
    for path, value in random_run.drawn_weights(model, end=3.0).items():
        model.weights_by_path()[path].assign(value)
    return model


def _batch(rng, lengths):
    inputs = np.zeros((len(lengths), max(lengths)), np.int32)
    for row, length in enumerate(lengths):
        inputs[row, :length] = [*rng.integers(2, _VOCABULARY, length - 1), 1]
    return inputs


def _same(model, rules, expected, batches):
    """Searches batches with one `Search`; returns lengths that were seen."""
    search = litert_search.Search(
        litert_search.programs(model, rules, is_narrow=False), threads=1
    )
    rng = np.random.default_rng(1)
    lengths = []
    for of_sources, of_limits in batches:
        inputs = _batch(rng, of_sources)
        limits = np.array(of_limits, np.int32)
        wanted = expected(model, tf.constant(inputs), tf.constant(limits))
        found = search(inputs, limits)
        for row, (ids, scores) in enumerate(found):
            end = ids.shape[1]
            np.testing.assert_array_equal(ids, wanted.ids[row, :, :end])
            assert not np.any(wanted.ids[row, :, end:])
            np.testing.assert_allclose(
                scores, wanted.scores[row], rtol=1e-5, atol=1e-4
            )
            lengths.append(np.count_nonzero(ids[0]))
    return lengths


# The second batch is larger than the first in every way, the third smaller.
_BATCHES = (
    ([9, 8, 5], [14, 13, 10]),
    ([12, 12, 7, 6, 3, 2], [40, 17, 12, 30, 1, 25]),
    ([1], [6]),
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(
            layer_preprocess_sequence="n",
            layer_postprocess_sequence="da",
            pos="emb",
            max_length=8,
            attention_key_channels=8,
            attention_value_channels=12,
            num_encoder_layers=1,
            num_decoder_layers=3,
        ),
        # A model of Marian's.
        dict(
            attention_bias=True,
            ffn_activation="swish",
            logits_bias=True,
            decoder_start="padding",
            pos="timing",
            shared_embedding_and_softmax_weights=False,
        ),
    ],
)
def test_beams_are_tensorflows(changes):
    def expected(model, inputs, limits):
        return beam_search(model, inputs, limits, 4, 0.6, keep=3)

    lengths = _same(
        _model(**changes),
        beam_rules(4, 0.6, 3, "tensor2tensor"),
        expected,
        _BATCHES,
    )
    # Sentences left the batch one after the other.
    assert len(set(lengths)) > 3


def test_a_greedy_search_is_tensorflows():
    _same(_model(), greedy_rules("tensor2tensor"), greedy_search, _BATCHES)


def test_what_no_beam_sees_is_written_over():
    # One sentence, 3 of 4 entries. Beam 0 sees entries 0 and 2, beam 1 entry 0.
    search = object.__new__(litert_search.Search)
    search._cache = ["keys"]

    keys = np.zeros((1, 2, 4, 1), np.float32)
    search._step = types.SimpleNamespace(input={"keys": keys}.get)
    sees = np.array([[[True, False, True, False], [True] + [False] * 3]])
    own = np.array([[[[1.0], [2.0]], [[3.0], [4.0]]]], np.float32)
    # Both beams continue what was beam 1, which goes to entry 3, the second
    # that is free.
    search._remember(sees, np.array([[1, 1]]), [own])
    assert sees.tolist() == [
        [[True, False, True, True], [True, False, False, True]]
    ]
    assert keys[0, :, :, 0].tolist() == [[0, 1, 0, 2], [0, 3, 0, 4]]


def test_room_is_what_the_fullest_sentence_leaves():
    def active(*seen):
        sees = np.zeros((len(seen), 2, 4), bool)
        for row, count in enumerate(seen):
            sees[row, row % 2, :count] = True
        return litert_search._Active(None, None, None, sees, {})

    assert active(2, 1).has_room()
    assert not active(0, 3).has_room()
