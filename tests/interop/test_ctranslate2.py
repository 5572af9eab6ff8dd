"""CTranslate2's model gives each piece the probability that ours gives."""

import itertools
import sys

import numpy as np
import pytest
import tensorflow as tf

from hparams.transformer import transformer_tiny
from t2t_repro import registry
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translator
from t2t_repro.errors import InputError, UsageError
from t2t_repro.export import exporter
from t2t_repro.interop import ctranslate2
from t2t_repro.models.transformer import Transformer
from tests.export import random_run

_VOCABULARY = 12
_PIECES = ["<pad>", "</s>", "<unk>", *"abcdefghi"]
_TINY = dict(
    hidden_size=16,
    filter_size=24,
    num_heads=4,
    num_hidden_layers=1,
    max_length=5,
)
# Every hparam that decides what is computed, at each of its values. Six
# positions reach beyond the five of a learned table.
_VARIANTS = {
    "post-norm, timing_interleaved": dict(pos="timing_interleaved"),
    "pre-norm, timing": dict(
        layer_preprocess_sequence="n",
        layer_postprocess_sequence="da",
        pos="timing",
    ),
    "learned positions, biases, own epsilon": dict(
        pos="emb", attention_bias=True, norm_epsilon=0.3
    ),
    "no positions, no scale": dict(pos="none", multiply_embedding_mode="none"),
    "three matrices, target space": dict(
        shared_embedding_and_softmax_weights=False,
        shared_embedding=False,
        use_target_space_embedding=True,
    ),
    "two matrices, unequal stacks": dict(
        shared_embedding_and_softmax_weights=False,
        shared_embedding=True,
        num_encoder_layers=1,
        num_decoder_layers=2,
    ),
}
_SOURCES = [[3, 4, 5, 6, 7, 1], [8, 3, 1]]
_TARGETS = [[5, 9, 3, 1], [10, 11, 4, 3, 8, 1]]


@pytest.fixture(scope="module")
def engine():
    return pytest.importorskip(
        "ctranslate2", reason="the extra ctranslate2 is not installed"
    )


@pytest.mark.parametrize("changes", _VARIANTS.values(), ids=_VARIANTS)
def test_every_piece_has_our_probability(engine, changes, tmp_path):
    model = _random_model(changes)
    spec = ctranslate2.specification(
        model.hparams,
        {p: w.value.numpy() for p, w in model.weights_by_path().items()},
        _PIECES,
    )
    spec.validate()
    spec.optimize()
    spec.save(str(tmp_path))
    theirs = engine.Translator(str(tmp_path)).score_batch(
        [_pieces(ids) for ids in _SOURCES], [_pieces(ids) for ids in _TARGETS]
    )
    for source, target, result in zip(_SOURCES, _TARGETS, theirs, strict=True):
        x = model(tf.constant([source]), tf.constant([target]))[0]
        ours = tf.nn.log_softmax(model.logits(x)).numpy()
        expected = ours[np.arange(len(target)), target]
        assert result.log_probs == pytest.approx(expected.tolist(), abs=2e-4)


def test_greedy_translations_of_a_whole_export(engine, trained, tmp_path):
    run = random_run.make(trained.output_dir, tmp_path / "run")
    folder = tmp_path / "export"
    exporter.write(run, "ctranslate2", folder, DecodeOptions())
    model = run.new_model()
    for path, weight in model.weights_by_path().items():
        weight.assign(random_run.drawn_weights(model)[path])
    encoder = run.encoder()
    lines = ["the dog sleeps.", "naïve 漢字 😀", "a cat."]
    options = DecodeOptions(beam_size=1, extra_length=4)
    ours = [
        best[0] for best in Translator(model, encoder, options).translate(lines)
    ]
    translator = engine.Translator(str(folder))
    for line, expected in zip(lines, ours, strict=True):
        ids = encoder.encode(line)
        (result,) = translator.translate_batch(
            [encoder.pieces(ids)],
            beam_size=1,
            length_penalty=0,
            max_decoding_length=len(ids) + 1 + 4,
            return_scores=True,
            return_end_token=True,
        )
        assert result.hypotheses[0] == encoder.pieces(expected.ids)
        # A sum of some twenty numbers of size 5.
        assert result.scores[0] == pytest.approx(expected.score, rel=1e-4)
    assert (folder / "vocabulary.bpe").read_bytes() == (
        run.vocabulary.read_bytes()
    )


@pytest.mark.parametrize(
    "changes, words",
    [
        (dict(attention_key_channels=8), "attention_key_channels=8"),
        (dict(attention_value_channels=32), "attention_value_channels=32"),
        (
            dict(layer_preprocess_sequence="n"),
            "layer_preprocess_sequence=n with layer_postprocess_sequence=dan",
        ),
        (
            dict(layer_postprocess_sequence="da"),
            "layer_preprocess_sequence=none with layer_postprocess_sequence=da",
        ),
    ],
)
def test_what_cannot_be_expressed_is_named(changes, words):
    hparams = transformer_tiny().replace(**_TINY).replace(**changes)
    with pytest.raises(UsageError, match=words):
        ctranslate2.check(hparams)


def test_a_variant_of_the_transformer_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ctranslate2", None)  # not asked for
    for name in ("transformer_restricted", "transformer_moe"):
        with pytest.raises(UsageError, match=f"the model {name}"):
            ctranslate2.check(registry.hparams(f"{name}_tiny"))


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(InputError, match=r"t2t_repro\[ctranslate2\]"):
        ctranslate2.check(transformer_tiny())


def _random_model(changes) -> Transformer:
    hparams = transformer_tiny().replace(**_TINY).replace(**changes)
    model = Transformer(hparams, _VOCABULARY)
    drawn = random_run.drawn_weights(model)
    for path, weight in model.weights_by_path().items():
        weight.assign(drawn[path])
    return model


def _pieces(ids) -> list[str]:
    """Without the end of sentence, which CTranslate2 adds itself."""
    return [_PIECES[i] for i in itertools.takewhile(lambda i: i != 1, ids)]
