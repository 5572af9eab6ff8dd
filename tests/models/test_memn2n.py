"""The memory network equals a port of its authors' program.

The arrays are what github vinhkhuc/MemN2N-babi-python computed on stories of
random words. Its words have no end of sentence and no full stop: ours of its
word w > 0 is w + 2, and what our two ids add to a softmax is left out here.
"""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from hparams.memn2n import memn2n_tiny
from t2t_repro.layers.attention import Mode
from t2t_repro.models.memn2n import MemN2N
from t2t_repro.models.memn2n_layers import position_encoding
from t2t_repro.train.optimizers import Sgd

_FOLDER = pathlib.Path(__file__).parents[1] / "testdata/rivals/memn2n"
_NEW = 2  # ids that their program lacks: 1 and 2
_CASES = ["bow_layerwise_proj", "pe_adjacent_time", "pe_adjacent_time_linear"]


def _hparams(config, arrays):
    return memn2n_tiny().replace(
        hidden_size=config["dim"],
        num_hidden_layers=config["hops"],
        memory_slots=config["memory_slots"],
        sentence_words=arrays["question_words"].shape[0],
        sentence_encoding="bag" if config["bag_of_words"] else "position",
        weight_tying=config["weight_tying"].replace("-", "_"),
        relu_between_hops=config["relu_between_hops"],
        linear_attention=config["softmax_removed_from_memories"],
        time_noise=0.0,
    )


def _paths(config):
    """Our path of each of their arrays."""
    hops = config["hops"]
    if config["weight_tying"] == "layer-wise":
        return {
            "B_question": "question/matrix",
            "A1": "memory/matrix",
            "C1": "output/matrix",
            "W_answer": "answer/matrix",
            "H": "memn2n/hop",
        }
    between = {
        f"C{k}": f"output_{k}_memory_{k + 1}/matrix" for k in range(1, hops)
    }
    return {
        "B_question": "question_memory_1/matrix",
        **between,
        f"C{hops}": f"output_{hops}_answer/matrix",
    }


def _ours(array):
    """`[d, their ids]` as `[our ids, d]`; H, `[d, d]`, is multiplied left."""
    if array.shape[0] == array.shape[1]:
        return array.T
    new = np.zeros((array.shape[0], _NEW))
    return np.concatenate([array[:, :1], new, array[:, 1:]], axis=1).T


def _sources(arrays):
    """`[batch, source]`: words, full stops, the question and its end."""
    moved = np.where(arrays["memory_words"] > 0, arrays["memory_words"] + 2, 0)
    rows = []
    for row, length in enumerate(arrays["story_lengths"]):
        ids = []
        # Theirs begin with the oldest sentence, too; the age stands last.
        for sentence in moved[:-1, :length, row].T:
            ids += [*sentence[sentence > 0], 2]
        question = arrays["question_words"][:, row]
        rows.append([*ids, *(question[question > 0] + 2), 1])
    longest = max(map(len, rows))
    padded = [[*row, *[0] * (longest - len(row))] for row in rows]
    return np.array(padded, np.int32)


class _Case:
    def __init__(self, name):
        self.arrays = dict(np.load(_FOLDER / f"{name}.npz"))
        self.config = json.loads((_FOLDER / f"{name}.json").read_text())
        self.paths = _paths(self.config)
        slots = self.config["memory_slots"]
        self.words = self.arrays["logits"].shape[0] - slots + _NEW
        self.model = MemN2N(_hparams(self.config, self.arrays), self.words)
        self.inputs = _sources(self.arrays)
        answers = self.arrays["answer"] + 2
        self.targets = np.stack([answers, np.ones_like(answers)], 1)
        self.restore()

    def restore(self):
        weights = self.model.weights_by_path()
        assert weights.keys() == set(self.paths.values())
        for name, path in self.paths.items():
            weights[path].assign(_ours(self.arrays[f"weights/{name}"]))

    def their_logits(self):
        """`[batch, their ids]`."""
        x = self.model(self.inputs, self.targets)[:, 0]
        logits = x @ self.model.output_kernel()
        theirs = [0, *range(1 + _NEW, logits.shape[1])]
        return tf.gather(logits, theirs, axis=1)

    def loss(self):
        return tf.reduce_sum(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                self.arrays["answer"], self.their_logits()
            )
        )


@pytest.fixture(scope="module", params=_CASES)
def case(request):
    return _Case(request.param)


def test_logits_and_loss(case):
    np.testing.assert_allclose(
        case.their_logits(), case.arrays["logits"].T, atol=1e-5
    )
    expected = case.arrays["loss_sum"]
    np.testing.assert_allclose(case.loss(), expected, rtol=1e-6)


def test_id_0_has_all_that_is_no_word(case):
    found = case.model.logits(case.model(case.inputs, case.targets))
    assert found.shape[-1] == case.words
    theirs = case.arrays["logits"]
    slots = case.config["memory_slots"]
    no_words = np.exp(theirs[[0, *range(-slots, 0)]]).sum(axis=0)
    np.testing.assert_allclose(found[:, 0, 0], np.log(no_words), atol=1e-5)
    np.testing.assert_allclose(
        found[:, 0, 1 + _NEW :], theirs[1:-slots].T, atol=1e-5
    )
    # Behind the answer nothing but the end.
    np.testing.assert_array_equal(tf.nn.softmax(found)[:, 1, 1], 1.0)


def test_attention_stands_at_the_ends_of_sentences(case):
    maps: dict = {}
    case.model(case.inputs, case.targets, mode=Mode(maps=maps))
    assert len(maps) == case.config["hops"]
    for hop in range(case.config["hops"]):
        found = np.asarray(maps[f"decoder/layer_{hop}/memory_attention"])
        assert found.shape == (len(found), 1, 2, case.inputs.shape[1])
        expected = case.arrays[f"attention_hop{hop + 1}"]
        for row, length in enumerate(case.arrays["story_lengths"]):
            np.testing.assert_allclose(
                found[row, 0, 0, case.inputs[row] == 2],
                expected[:length, row],
                atol=1e-5,
            )
        # Nothing elsewhere, and nothing for the end.
        assert not found[:, 0, 0][case.inputs != 2].any()
        assert not found[:, 0, 1].any()


def test_gradients(case):
    weights = case.model.weights_by_path()
    values = [weights[path].value for path in case.paths.values()]
    with tf.GradientTape() as tape:
        loss = case.loss()
    gradients = tape.gradient(loss, values)
    for name, found in zip(case.paths, gradients, strict=True):
        expected = _ours(case.arrays[f"gradients/{name}"])
        # Row 0 is before its resetting, and 1 and 2 are not theirs.
        first = 0 if name == "H" else 1 + _NEW
        np.testing.assert_allclose(
            tf.convert_to_tensor(found)[first:],
            expected[first:],
            rtol=1e-4,
            atol=1e-5,
            err_msg=name,
        )


def test_five_updates(case):
    weights = case.model.weights_by_path()
    by_path = {path: weights[path].value for path in case.paths.values()}
    sgd = Sgd(case.model.hparams, by_path)
    losses = []
    for done in range(5):
        with tf.GradientTape() as tape:
            loss = case.loss()
        losses.append(float(loss))
        # Of each matrix by itself, where the trainer clips all together.
        clipped = [
            tf.clip_by_norm(tf.convert_to_tensor(gradient), 40.0)
            for gradient in tape.gradient(loss, list(by_path.values()))
        ]
        sgd.apply(clipped, tf.constant(0.01), tf.constant(done, tf.int64))
    is_linear = case.config["softmax_removed_from_memories"]
    np.testing.assert_allclose(
        losses,
        case.arrays["losses_of_5_updates"],
        rtol=1e-3 if is_linear else 1e-4,
    )
    np.testing.assert_allclose(
        case.their_logits(),
        case.arrays["logits_after_5_updates"].T,
        rtol=1e-3,
        atol=1e-2 if is_linear else 1e-4,
    )
    case.restore()


def test_position_encoding_is_the_programs():
    arrays = np.load(_FOLDER / "pe_adjacent_time.npz")
    expected = arrays["position_encoding"].T
    found = position_encoding(*expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_relu_between_hops():
    values = memn2n_tiny().replace(hidden_size=4, relu_between_hops=True)
    inputs = np.array([[4, 2, 5, 1]], np.int32)
    state = MemN2N(values, 8).encode(inputs).state
    assert (np.asarray(state) >= 0).all()


def test_noise_is_of_training_alone():
    # Ten sentences, and half as many empty ones between them at the most.
    values = memn2n_tiny().replace(time_noise=0.5)
    model = MemN2N(values, 30)
    inputs = np.array([[*[5, 2, 6, 2] * 5, 7, 1]], np.int32)
    quiet = np.asarray(model.encode(inputs).state)
    np.testing.assert_array_equal(quiet, model.encode(inputs).state)
    keys = [np.array([1, n], np.int32) for n in range(4)]
    noisy = {
        np.asarray(model.encode(inputs, Mode(dropout_key=k)).state).tobytes()
        for k in keys
    }
    assert len(noisy | {quiet.tobytes()}) > 2
