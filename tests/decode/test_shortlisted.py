"""A search among some ids: theirs alone, and all is as ever with all."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import registry
from t2t_repro.decode import shortlisted
from t2t_repro.decode.beam_search import Hypotheses
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.sampling import draws, sample
from t2t_repro.decode.shortlist import Shortlist
from t2t_repro.decode.shortlisted import Chooser
from t2t_repro.decode.translator import likeliest
from t2t_repro.errors import UsageError
from tests.decode import random_model

_VOCABULARY = 13
_INPUTS = tf.constant([[5, 6, 7, 1], [8, 1, 0, 0]])
_LIMITS = tf.constant([6, 6])
_BEAM = DecodeOptions(beam_size=3, n_best=2)
_SMALL = {"num_hidden_layers": 1, "hidden_size": 16}


def _shortlist(size):
    """Id i is translated by i + 1, more likely, and by i + 3."""
    ids = np.arange(_VOCABULARY)[:, None] + [1, 3]
    targets = np.where(ids < _VOCABULARY, ids, 0).astype(np.int32)
    targets[0] = [4, 0]  # that of the empty word
    frequencies = np.zeros(_VOCABULARY, np.int64)
    frequencies[[12, 3]] = 9, 8
    return Shortlist(
        vocabulary_sha256="",
        languages=("en", "de"),
        size=size,
        targets=targets,
        probabilities=np.where(targets, [0.5, 0.2], 0.0).astype(np.float32),
        frequencies=frequencies,
    )


def _model(name, **changes):
    return random_model.new(name, _VOCABULARY, **(_SMALL | changes))


@pytest.fixture(scope="module")
def transformer():
    # Its logits have a bias, as MarianMT's.
    return _model(
        "transformer_tiny", filter_size=16, num_heads=2, logits_bias=True
    )


@pytest.fixture(scope="module")
def convs2s():
    return _model("convs2s_tiny")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        # 4 of the empty word, 6, 7 and 8 of 5, 6 and 7, 2 of the end.
        (7, [[0, 1, 2, 4, 6, 7, 8], [0, 1, 2, 4, 8, 9, 11]]),
        # 9 and 10 with 0.2, and 5 itself; behind the second sentence's 8 come
        # 12 and 3, which are frequent, and 5, the first of the others.
        (
            10,
            [[0, 1, 2, 4, 5, 6, 7, 8, 9, 10], [0, 1, 2, 3, 4, 5, 8, 9, 11, 12]],
        ),
    ],
)
def test_the_likeliest_are_chosen(size, expected):
    assert Chooser(_shortlist(size))(_INPUTS).numpy().tolist() == expected


def test_neighbours_choose_nothing():
    choose = Chooser(_shortlist(8))
    together = choose(_INPUTS).numpy()
    alone = choose(_INPUTS[1:, :2]).numpy()
    np.testing.assert_array_equal(together[1:], alone)


def _options():
    yield "greedy", DecodeOptions(beam_size=1)
    yield "beam", _BEAM
    yield "huggingface", dataclasses.replace(_BEAM, search="huggingface")


def _found(model, options, size=None, inputs=_INPUTS):
    limits = _LIMITS[: len(inputs)]

    def find(model):
        if options.samples:
            drawn = draws(7, range(len(inputs)), limits.numpy())
            return sample(model, inputs, limits, tf.constant(drawn), options)
        return likeliest(model, inputs, limits, options)

    @tf.function
    def found():
        if size is None:
            return find(model)
        choose = Chooser(_shortlist(size))
        return shortlisted.search(model, inputs, choose, find)

    return Hypotheses(*map(np.asarray, found()))


@pytest.mark.parametrize(
    "options", [given for _, given in _options()], ids=dict(_options())
)
def test_with_all_ids_it_is_the_search_without(transformer, options):
    found = _found(transformer, options, _VOCABULARY)
    expected = _found(transformer, options)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def test_a_sample_of_all_ids_is_that_without(transformer):
    options = DecodeOptions(beam_size=1, sampling_method="random")
    found = _found(transformer, options, _VOCABULARY)
    expected = _found(transformer, options)
    np.testing.assert_array_equal(found.ids, expected.ids)


@pytest.fixture(scope="module")
def models(transformer, convs2s):
    return {
        "transformer": transformer,
        "convs2s": convs2s,
        "both": Ensemble([transformer, convs2s]),
    }


@pytest.mark.parametrize("name", ["transformer", "convs2s", "both"])
def test_what_is_found_is_in_the_list(models, name):
    found = _found(models[name], _BEAM, 7)
    lists = Chooser(_shortlist(7))(_INPUTS).numpy()
    for ids, among in zip(found.ids, lists, strict=True):
        assert set(ids.ravel()) <= set(among)
    assert len(np.unique(found.ids)) > 3


@pytest.mark.parametrize("name", ["transformer", "both"])
def test_scores_are_of_the_list_alone(models, name):
    """The softmax over the logits of 7 ids, each member's for itself."""
    options = DecodeOptions(beam_size=1)
    found = _found(models[name], options, 7)
    lists = Chooser(_shortlist(7))(_INPUTS).numpy()
    model = models[name]
    members = model.members if name == "both" else [model]
    ids = found.ids[:, 0]
    scores = np.zeros((*ids.shape, 7))
    for member in members:
        logits = np.asarray(member.logits(member(_INPUTS, ids)), np.float64)
        few = np.take_along_axis(logits, lists[:, None], 2)
        few -= np.log(np.exp(few).sum(-1, keepdims=True))
        scores += few / len(members)
    scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
    at = np.argmax(lists[:, None] == ids[:, :, None], axis=2)[..., None]
    each = np.take_along_axis(scores, at, 2)[..., 0] * (ids != 0)
    np.testing.assert_allclose(found.scores[:, 0], each.sum(1), atol=1e-4)
    # The largest of each list is taken.
    np.testing.assert_array_equal(
        scores.argmax(-1)[ids != 0], at[ids != 0][:, 0]
    )


def test_a_translation_does_not_depend_on_its_neighbours(transformer):
    together = _found(transformer, _BEAM, 8)
    alone = _found(transformer, _BEAM, 8, _INPUTS[1:, :2])
    length = alone.ids.shape[2]
    np.testing.assert_array_equal(together.ids[1, :, :length], alone.ids[0])
    np.testing.assert_allclose(together.scores[1], alone.scores[0], atol=1e-5)


def test_logits_that_are_no_product_are_refused():
    class Other(type(_model("rnn_tiny"))):
        def logits(self, x, kernel=None):
            return -super().logits(x, kernel)

    hparams = registry.hparams("rnn_tiny").replace(**_SMALL)
    with pytest.raises(UsageError, match="model rnn makes its logits in a way"):
        shortlisted.check(Other(hparams, _VOCABULARY))
