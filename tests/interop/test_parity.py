"""The core against the original tensor2tensor 1.15.7, number by number.

`tests/testdata/t2t` holds two small networks with random weights (post-norm
and pre-norm; 300 ids, hidden 64, 4 heads, 2 + 2 layers) and what
tensor2tensor computed with them in float32. `weights_toytrained` are the same
networks after learning to reverse sequences, so that every search ends.
"""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.interop import t2t_checkpoint, t2t_hparams
from t2t_repro.layers import losses
from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.models.transformer import Transformer
from t2t_repro.train.step import TrainStep

_DATA = pathlib.Path(__file__).resolve().parents[1] / "testdata" / "t2t"
_VOCABULARY = 300
_EOS = 1
# Name in the files: extra length, beams, alpha, and how many best are kept.
_SEARCHES = {
    "greedy": (50, 1, 0.0, 1),
    "beam4_a06_top1": (50, 4, 0.6, 1),
    "beam4_a06_top4": (50, 4, 0.6, 4),
    "beam4_a10_top1": (20, 4, 1.0, 1),
    "beam8_a00_top1": (20, 8, 0.0, 1),
}


class Case:
    """One network: its files, and a model that can take its weights."""

    def __init__(self, name):
        self.folder = _DATA / name
        self.hparams, _, _ = t2t_hparams.convert(
            self.json("config")["hparams"], name
        )
        self.model = Transformer(self.hparams, _VOCABULARY)
        self.forward = self.arrays("forward")
        self.inputs = self.forward["inputs"]
        self.targets = self.forward["targets"]
        self._searches = {}

    def json(self, name):
        return json.loads((self.folder / f"{name}.json").read_text())

    def arrays(self, name):
        with np.load(self.folder / f"{name}.npz") as file:
            return dict(file)

    def by_path(self, name):
        """Arrays that tensor2tensor named like its weights, by our path."""
        tensors = {**self.arrays(name), "global_step": np.int64(0)}
        return t2t_checkpoint.convert(tensors, self.model, name).weights

    def searching(self, beams, alpha, keep):
        """A search as a graph, traced once for all sets of weights."""

        def search(inputs, limits):
            if beams == 1:
                return greedy_search(self.model, inputs, limits)
            return beam_search(self.model, inputs, limits, beams, alpha, keep)

        if (beams, alpha, keep) not in self._searches:
            self._searches[beams, alpha, keep] = tf.function(
                search,
                input_signature=[
                    tf.TensorSpec([None, None], tf.int32),
                    tf.TensorSpec([None], tf.int32),
                ],
                autograph=False,
            )
        return self._searches[beams, alpha, keep]

    def load(self, name, model=None):
        """Gives the model one of the case's sets of weights."""
        model = model or self.model
        values = self.by_path(name)
        for path, weight in model.weights_by_path().items():
            weight.assign(values[path])
        return model


@pytest.fixture(
    scope="module", params=["model_postnorm_v1", "model_prenorm_v3"]
)
def case(request):
    return Case(request.param)


def _summed_loss(model, decoded, targets, smoothing):
    """Cross entropy summed over the targets."""
    logits = model.logits(decoded)
    return tf.reduce_sum(losses.token_losses(logits, targets, smoothing))


def assert_close_at(mask, actual, expected, scale=1e-4):
    """Compares where the mask is set, within `scale` of the largest value."""
    expected = expected[mask]
    np.testing.assert_allclose(
        np.asarray(actual)[mask],
        expected,
        rtol=0,
        atol=scale * np.abs(expected).max(),
    )


def test_encoder_decoder_and_logits(case):
    model = case.load("weights")
    encoded = model.encode(case.inputs)
    decoded = model.decode(case.targets, encoded)
    logits = model.logits(decoded)
    forward = case.forward
    # At padding of the source the original has another value, which nothing
    # looks at: it leaves the feed-forward net out there.
    real, everywhere = case.inputs != 0, np.full(case.targets.shape, True)
    assert not real.all() and not (case.targets != 0).all()
    assert_close_at(real, encoded.states, forward["encoder_output"])
    assert_close_at(everywhere, decoded, forward["body_output"])
    assert_close_at(everywhere, logits, forward["logits_eval"])


def test_losses(case):
    model = case.load("weights")
    forward = case.forward
    decoded = model(case.inputs, case.targets, mode=EVALUATION)
    rows = model.logits(tf.reshape(decoded, [-1, decoded.shape[-1]]))
    labels = case.targets.reshape(-1)
    constant = losses.normalizing_constant(0.1, _VOCABULARY)
    assert constant == pytest.approx(float(forward["normalizing_constant"]))
    for smoothing, subtracted, name in (
        (0.1, constant, "token_xent_ls01"),
        (0.0, 0.0, "token_xent_ls0"),
    ):
        token_loss = losses.cross_entropy(rows, labels, smoothing) - subtracted
        np.testing.assert_allclose(
            np.where(labels == 0, 0.0, token_loss),
            forward[name].reshape(-1),
            rtol=1e-4,
            atol=1e-4,
        )
    count = float(losses.token_count(case.targets))
    assert count == float(forward["xent_den"])
    smoothed = float(_summed_loss(model, decoded, case.targets, 0.1)) / count
    assert smoothed - constant == pytest.approx(
        float(forward["train_loss"]), rel=1e-5
    )
    plain = float(_summed_loss(model, decoded, case.targets, 0.0)) / count
    assert plain == pytest.approx(
        float(forward["eval_loss_no_label_smoothing"]), rel=1e-5
    )


def test_attention_weights(case):
    model = case.load("weights")
    maps: dict = {}
    model(case.inputs, case.targets, mode=Mode(maps=maps))
    expected = case.arrays("attention_weights")
    assert len(maps) == len(expected) == 6
    for place, weights in maps.items():
        theirs = expected[
            f"transformer/body/{place}/multihead_attention"
            "/dot_product_attention"
        ]
        weights = np.asarray(weights)
        if place == "encoder/layer_1/self_attention":
            # A padded query of the second layer comes out of what the
            # original left out in the first; no other position sees it.
            real = np.broadcast_to(
                (case.inputs != 0)[:, None, :], theirs.shape[:3]
            )
            weights, theirs = weights[real], theirs[real]
        np.testing.assert_allclose(weights, theirs, rtol=0, atol=1e-5)


def test_gradients(case):
    model = case.load("weights")
    weights = model.weights_by_path()
    with tf.GradientTape() as tape:
        decoded = model(case.inputs, case.targets, mode=EVALUATION)
        loss = _summed_loss(model, decoded, case.targets, 0.1)
        loss /= losses.token_count(case.targets)
    gradients = tape.gradient(loss, [w.value for w in weights.values()])
    expected = case.by_path("gradients")
    assert weights.keys() == expected.keys()
    for path, gradient in zip(weights, gradients, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient),
            expected[path],
            rtol=2e-3,
            atol=2e-5,
            err_msg=path,
        )


def test_ten_updates(case):
    recorded = case.json("train10")
    hparams = case.hparams.replace(**recorded["overrides"])
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = case.load("weights", Transformer(hparams, _VOCABULARY))
        step = TrainStep(hparams, model, strategy, seed=1, xla="off")
    results = [
        step(case.inputs[None], case.targets[None])
        for _ in recorded["learning_rate"]
    ]
    np.testing.assert_allclose(
        [float(r.learning_rate) for r in results],
        recorded["learning_rate"],
        rtol=1e-5,
    )
    constant = losses.normalizing_constant(0.1, _VOCABULARY)
    reported = np.array([float(r.loss) for r in results]) - constant
    np.testing.assert_allclose(reported[:2], recorded["loss"][:2], rtol=1e-5)
    np.testing.assert_allclose(reported, recorded["loss"], rtol=2e-3)
    expected = case.by_path("train10_weights_after")
    apart = np.concatenate(
        [
            np.abs(weight.numpy() - expected[path]).reshape(-1)
            for path, weight in step.weights.items()
        ]
    )
    # Adam turns the sign of a gradient near zero into a whole step.
    assert np.mean(apart <= 1e-3) >= 0.99


@pytest.mark.parametrize(
    ("weights", "decodes", "tolerance"),
    [
        ("weights", "decode", 2e-4),
        ("weights_toytrained", "decode_toytrained", 1e-4),
    ],
)
def test_decodes(case, weights, decodes, tolerance):
    case.load(weights)
    expected = case.arrays(decodes)
    inputs = expected["inputs"]

    for name, (extra, *search) in _SEARCHES.items():
        if f"{name}_ids" not in expected:
            continue
        # The original's limit: the padded length, the same for every row.
        limits = tf.fill([len(inputs)], inputs.shape[1] + extra)
        found = case.searching(*search)(inputs, limits)
        # [batch, kept, length] and [batch, kept], also where one is kept.
        kept = search[-1]
        theirs = expected[f"{name}_ids"].reshape(len(inputs), kept, -1)
        their_scores = expected[f"{name}_scores"].reshape(len(inputs), kept)
        same = [
            list(map(until_eos, ours)) == list(map(until_eos, originals))
            for ours, originals in zip(
                found.ids.numpy()[:, :kept], theirs, strict=True
            )
        ]
        assert sum(same) >= len(inputs) - (name != "greedy"), (name, same)
        np.testing.assert_allclose(
            found.scores.numpy()[same, :kept],
            their_scores[same],
            rtol=0,
            atol=tolerance,
            err_msg=name,
        )


def until_eos(ids):
    """Ids up to and including the first end of sentence, else all."""
    ids = [int(number) for number in ids]
    if _EOS in ids:
        return ids[: ids.index(_EOS) + 1]
    while ids and ids[-1] == 0:
        ids.pop()
    return ids
