"""What search, training and export may expect of every family.

A new family adds its smallest set to `_SETS`, and must pass. What costs here is
tracing: a step and a search are traced once for all tests of a family that can
do with it, and what takes one step or two is not traced.
"""

import contextlib
import typing
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import checkpoints, registry
from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.linear import Linear
from t2t_repro.train.cores import side_by_side
from t2t_repro.train.step import TrainStep
from tests import golden, mirrored
from tests.models import sixteen_bits

pytestmark = pytest.mark.long

_VOCABULARY = 13
# Its own hparams, and changes that make its dropout felt.
_SETS = {
    "transformer_tiny": dict(
        hidden_size=16, filter_size=32, num_heads=2, num_hidden_layers=2
    ),
    "transformer_moe_tiny": dict(
        hidden_size=16, num_heads=2, moe_hidden_sizes="16", relu_dropout=0.1
    ),
    "transformer_restricted_tiny": dict(
        hidden_size=16, filter_size=32, num_heads=2, attention_neighbourhood=2
    ),
    "bag_of_words_tiny": dict(hidden_size=16),
    "rnn_tiny": dict(hidden_size=16, dropout=0.2),
    "rnn_hard_attention_tiny": dict(hidden_size=16, dropout=0.2),
    "bytenet_tiny": dict(hidden_size=16, num_hidden_layers=3),
    "convs2s_tiny": dict(hidden_size=16, dropout=0.1),
    "extended_neural_gpu_tiny": dict(
        hidden_size=16, num_hidden_layers=1, dropout=0.1
    ),
    "memn2n_tiny": dict(hidden_size=16, time_noise=0.5),
}
# What compares the tokens of a replica, or draws for them, beside dropout.
_OFF_WITH_REPLICAS = {
    "transformer_moe": dict(ffn_layer="local_moe_tpu", moe_loss_coef=0.0),
}
# What one id answers: behind the first there is nothing to see.
_ONE_ANSWER = ("memn2n",)
# Whose training is in 32 bits: they look up and add up, and multiply little.
_LOOKUPS = ("memn2n", "bag_of_words")
# Ids of the targets that a search may find, the end included.
_LIMITS = [6, 5, 4]
# Of words (`text.words`) id 2 is a full stop, of others any piece.
_INPUTS = np.array([[5, 2, 6, 1], [8, 1, 0, 0], [9, 2, 1, 0]], np.int32)
_TARGETS = np.array([[4, 5, 9, 1], [3, 1, 0, 0], [7, 8, 1, 0]], np.int32)
_ANSWERS = np.array([[4, 1], [3, 1], [7, 1]], np.int32)
# How fields end that say how much is drawn while training.
_DRAWN_SHARES = ("dropout", "sampled", "noise")
# Of the whole pass and of its steps: sums of 16 float32 in another order.
_TOLERANCE = dict(rtol=0, atol=1e-4)


@pytest.fixture(scope="module", params=_SETS)
def hparams(request, small_family):
    changes = {
        "optimizer_multistep_accumulate_steps": 1,
        "learning_rate_warmup_steps": 2,
        "learning_rate_constant": 0.1,
        # With 1e-9 the rounding of a zero gradient becomes a full step.
        "optimizer_adam_epsilon": 1e-4,
    }
    values = registry.hparams(request.param)
    return values.replace(**changes, **_SETS[request.param])


@pytest.fixture(scope="module")
def model(hparams):
    return _new_model(hparams)


def _new_model(hparams):
    keras.utils.set_random_seed(1)
    return registry.model(hparams.MODEL)(hparams, _VOCABULARY)


def _logits(model, inputs, targets):
    return np.asarray(model.logits(model(inputs, targets)))


def test_the_set_names_the_family(hparams):
    assert isinstance(hparams, registry.model(hparams.MODEL).hparams)
    values = type(hparams).from_mapping(hparams.__dict__, "hparams.json")
    assert values == hparams


def test_no_position_sees_a_later_target(model, hparams):
    before = _logits(model, _INPUTS, _TARGETS)
    changed = _TARGETS.copy()
    changed[0, 2] = 10
    after = _logits(model, _INPUTS, changed)
    # Position 3 is the first that has seen id 2.
    np.testing.assert_array_equal(before[0, :3], after[0, :3])
    is_seen = np.abs(before[0, 3] - after[0, 3]).max() > 1e-5
    assert is_seen == (hparams.MODEL not in _ONE_ANSWER)


def test_the_source_is_seen(model):
    changed = np.where(_INPUTS == 6, 10, _INPUTS)
    difference = _logits(model, _INPUTS, _TARGETS) - _logits(
        model, changed, _TARGETS
    )
    assert np.abs(difference[0]).max() > 1e-5
    np.testing.assert_allclose(difference[1:], 0.0, **_TOLERANCE)


def test_padding_and_neighbours_change_nothing(model):
    together = _logits(model, _INPUTS, _TARGETS)
    alone = _logits(model, _INPUTS[1:2, :2], _TARGETS[1:2, :2])
    np.testing.assert_allclose(together[1, :2], alone[0], **_TOLERANCE)
    wider = np.pad(_INPUTS, ((0, 0), (0, 5)))
    padded = _logits(model, wider, _TARGETS)
    np.testing.assert_allclose(together, padded, **_TOLERANCE)


def test_steps_and_reordered_beams_equal_the_whole_pass(model):
    # Two beams with ids of their own, which change places after position 1
    # and become the children of one after position 2.
    histories = np.stack([_TARGETS, _TARGETS[:, ::-1] % 9 + 2], 1)
    places = {1: np.array([[1, 0]] * 3), 2: np.array([[0, 0], [1, 1], [0, 1]])}
    kernel = model.output_kernel()
    memory, state = model.start(model.encode(_INPUTS), 2)
    last = np.zeros((3, 2), np.int32)
    for position in range(4):
        x, state = model.step(last, np.int32(position), memory, state)
        logits = np.asarray(model.logits(x, kernel))
        for beam in range(2):
            whole = _logits(model, _INPUTS, histories[:, beam])
            np.testing.assert_allclose(
                logits[:, beam], whole[:, position], **_TOLERANCE
            )
        parents = places.get(position, np.array([[0, 1]] * 3))
        state = model.reorder(state, parents.astype(np.int32))
        histories = np.take_along_axis(histories, parents[..., None], axis=1)
        # What comes after is each beam's own again.
        future = histories[:, 1, position + 1 :]
        histories[:, 1, position + 1 :] = (future + position) % 9 + 2
        last = histories[:, :, position].astype(np.int32)


@pytest.fixture(scope="module")
def searches(model):
    """Programs of both searches of `[3, source]` ids: greedy, by beams."""
    limits = tf.constant(_LIMITS)
    traced = tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False
    )
    return (
        traced(lambda inputs: greedy_search(model, inputs, limits)),
        traced(
            lambda inputs: beam_search(
                model, inputs, limits, 3, alpha=0.0, keep=3
            )
        ),
    )


def test_found_scores_are_the_models_own(model, searches):
    for search in searches:
        found = search(tf.constant(_INPUTS))
        assert (found.scores.numpy()[:, 0] > -100.0).all()
        for beam in range(found.ids.shape[1]):
            ids = found.ids[:, beam].numpy()
            log_probs = tf.nn.log_softmax(model.logits(model(_INPUTS, ids)))
            chosen = tf.gather(log_probs, ids, batch_dims=2).numpy()
            for row, limit in enumerate(_LIMITS):
                if not ids[row].any():
                    continue  # fewer than three have ended
                ends = np.flatnonzero(ids[row] == 1)
                length = ends[0] + 1 if ends.size else limit
                np.testing.assert_allclose(
                    found.scores[row, beam],
                    chosen[row, :length].sum(),
                    **_TOLERANCE,
                )


def test_dropout_follows_the_key(model):
    def run(key):
        mode = Mode(dropout_key=np.array(key, np.int32))
        return np.asarray(model(_INPUTS, _TARGETS, mode=mode))

    np.testing.assert_array_equal(run([1, 1]), run([1, 1]))
    assert np.abs(run([1, 1]) - run([1, 2])).max() > 1e-5
    assert np.abs(run([1, 1]) - np.asarray(model(_INPUTS, _TARGETS))).max() > 0


def test_products_of_16_bits_are_near_and_logits_have_32(hparams):
    model = _new_model(hparams)
    has_products = any(
        isinstance(layer, Linear) for layer in model._flatten_layers()
    )
    exact, trained, whole, first = sixteen_bits.passes(model, _INPUTS, _TARGETS)
    assert whole.dtype == first.dtype == tf.float32
    assert (trained.dtype == tf.bfloat16) == (hparams.MODEL not in _LOOKUPS)
    assert np.any(np.abs(whole - exact) > 1e-5) == has_products
    for found, expected in (
        (tf.cast(model.logits(trained), tf.float32), exact),
        (whole, exact),
        (first, exact[:, :1]),
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.2)


def _new_step(hparams, devices=1):
    strategy = mirrored.strategy(devices)
    with strategy.scope():
        model = _new_model(hparams)
        return TrainStep(hparams, model, strategy, seed=5, xla="off")


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    """Operation by operation, which is quicker for a step or two."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def _values(step):
    return {name: value.numpy() for name, value in step.variables().items()}


class _Course(typing.NamedTuple):
    """A training: its batch, losses, and all variables by steps done."""

    batch: tuple[np.ndarray, np.ndarray]
    losses: list[float]
    values: dict[int, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def course(hparams):
    targets = _ANSWERS if hparams.MODEL in _ONE_ANSWER else _TARGETS
    batch = _INPUTS[None], targets[None]
    step = _new_step(hparams)
    course = _Course(batch, [], {})
    for done in range(1, golden.STEPS + 1):
        course.losses.append(float(step(*batch).loss))
        if done in (2, 4):
            course.values[done] = _values(step)
    return course


def test_saved_and_resumed_is_bit_for_bit(hparams, course, tmp_path):
    assert course.losses[3] < course.losses[0]
    prefix = checkpoints.save(tmp_path, 2, course.values[2])
    resumed = _new_step(hparams)
    checkpoints.restore(prefix, resumed.variables())
    for _ in range(2):
        resumed(*course.batch)
    values = _values(resumed)
    for name, value in course.values[4].items():
        np.testing.assert_array_equal(values[name], value, name)


def test_losses_are_what_they_were(request, course):
    name = request.node.callspec.params["hparams"]
    if request.config.getoption("--rewrite-golden"):
        golden.rewrite(name, course.losses)
    golden.check(name, course.losses)


def test_two_replicas_equal_one(hparams):
    # What is drawn is another on every replica.
    shares = {
        name: 0.0 for name in vars(hparams) if name.endswith(_DRAWN_SHARES)
    }
    others = _OFF_WITH_REPLICAS.get(hparams.MODEL, {})
    hparams = hparams.replace(**shares, **others)
    inputs = np.concatenate([_INPUTS, _INPUTS[:1] * 0])
    targets = np.concatenate([_TARGETS, _TARGETS[:1] * 0])
    results = []
    for devices in (1, 2):
        step = _new_step(hparams, devices)
        batch = [
            array.reshape(devices, -1, array.shape[1])
            for array in (inputs, targets)
        ]
        with _untraced() if devices == 1 else contextlib.nullcontext():
            for _ in range(2):
                step(*batch)
        results.append(_values(step))
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], value, atol=1e-5)


def test_parts_on_two_cores_equal_the_whole(hparams):
    """With all that is drawn, where a batch may be cut."""
    if not hparams.is_sum_over_sentences:
        pytest.skip("its loss compares the sentences of a batch")
    whole = _new_step(hparams)._summed_gradients
    batch = tf.constant(_INPUTS), tf.constant(_TARGETS)
    (loss, gradients), (sum_of_losses, sums) = (
        # Not traced: once is enough.
        of_batch(*batch, tf.constant([5, 9]), tf.constant(0.1))
        for of_batch in (whole, side_by_side(whole, 2))
    )
    np.testing.assert_allclose(sum_of_losses, loss, rtol=1e-5)
    for found, expected in zip(sums, gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_it_exports_with_its_search(model, searches, tmp_path):
    _, search = searches
    module = tf.Module()
    module.weights = [weight.value for weight in model.weights]
    module.search = search
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    inputs = tf.constant(_INPUTS)
    np.testing.assert_array_equal(loaded.search(inputs).ids, search(inputs).ids)


@pytest.mark.parametrize("parts", [1, 2])
def test_auxiliary_losses_join_the_mean_over_tokens(hparams, parts):
    """Of 0.5 nats a token, however the tokens are dealt out."""
    hparams = hparams.replace(optimizer_multistep_accumulate_steps=parts)
    inputs = np.concatenate([_INPUTS, _INPUTS[:1] * 0])
    targets = np.concatenate([_TARGETS, _TARGETS[:1] * 0])
    losses = []
    for auxiliary in (None, 0.5):
        step = _new_step(hparams)
        encode = step._model.encode

        def penalised(inputs, mode, encode=encode, auxiliary=auxiliary):
            if auxiliary is not None:
                mode.losses.append(tf.constant(auxiliary))
            return encode(inputs, mode)

        step._model.encode = penalised
        with _untraced():
            result = step(
                inputs.reshape(parts, -1, inputs.shape[1]),
                targets.reshape(parts, -1, targets.shape[1]),
            )
        losses.append(float(result.loss))
    assert losses[1] - losses[0] == pytest.approx(0.5, abs=1e-5)
