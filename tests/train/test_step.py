"""One step: the same result however the batch is dealt out.

Two logical CPU devices stand for two GPUs; `tests/conftest.py` makes them
before TensorFlow starts.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.rnn import rnn_hard_attention_tiny
from hparams.transformer import transformer_tiny
from t2t_repro.data.batching import Batch
from t2t_repro.errors import UsageError
from t2t_repro.models.rnn import Rnn
from t2t_repro.models.transformer import Transformer
from t2t_repro.train import failures
from t2t_repro.train.step import TrainStep
from tests import mirrored

_HPARAMS = transformer_tiny().replace(
    hidden_size=16,
    filter_size=32,
    num_heads=2,
    num_hidden_layers=1,
    layer_prepostprocess_dropout=0.0,
    learning_rate_warmup_steps=2,
    learning_rate_constant=0.1,
    # With the paper's 1e-9 the rounding of a zero gradient becomes a full step.
    optimizer_adam_epsilon=1e-4,
)
_VOCABULARY = 13
# Four sentences of very different length; the last one is padding alone.
_INPUTS = np.array(
    [[5, 6, 7, 8, 1], [9, 1, 0, 0, 0], [4, 4, 1, 0, 0], [0, 0, 0, 0, 0]]
)
_TARGETS = np.array([[3, 4, 5, 1], [2, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
_TOKENS = 4 + 2 + 1


def _deal(ids, parts):
    """`[sentences, columns]` -> `[parts, sentences / parts, columns]`."""
    return ids.reshape(parts, -1, ids.shape[1]).astype(np.int32)


def _make(devices, parts, xla="off", nan_policy="stop", cores=1, **changes):
    strategy = mirrored.strategy(devices)
    keras.utils.set_random_seed(3)
    hparams = _HPARAMS.replace(
        optimizer_multistep_accumulate_steps=parts // devices, **changes
    )
    with strategy.scope():
        model = Transformer(hparams, _VOCABULARY)
        return TrainStep(
            hparams, model, strategy, 5, xla, nan_policy, cores=cores
        )


def _train(devices, parts, steps=3, xla="off", padding=0, **changes):
    """Trains on the four sentences in `parts` equal parts.

    Returns:
      The results of the steps; the weights and the moments, by name.
    """
    step = _make(devices, parts, xla, **changes)
    inputs, targets = (
        _deal(np.pad(ids, ((0, padding), (0, 0))), parts)
        for ids in (_INPUTS, _TARGETS)
    )
    results = [step(inputs, targets) for _ in range(steps)]
    return results, _values(step)


def _values(step):
    return {name: value.numpy() for name, value in step.variables().items()}


@pytest.fixture(scope="module")
def reference():
    return _train(devices=1, parts=1, clip_grad_norm=0.5)


def test_scalars(reference):
    results, _ = reference
    assert [float(r.tokens) for r in results] == [_TOKENS] * 3
    # Untrained logits are small: the loss is near ln 13 = 2.56.
    assert 2.0 < float(results[0].loss) < 4.0
    assert float(results[2].loss) < float(results[0].loss)
    # 0.1 * 16^-0.5 * min(step^-0.5, step * 2^-1.5)
    expected = [2**-1.5 / 40, 2 * 2**-1.5 / 40, 3**-0.5 / 40]
    rates = [float(r.learning_rate) for r in results]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "devices, parts, xla, padding",
    [
        (1, 2, "off", 0),
        (1, 4, "off", 0),
        (2, 2, "off", 0),  # the second replica has one token
        (2, 4, "off", 0),  # the second replica's second micro-batch has none
        (2, 2, "off", 4),  # the second replica has four sentences of padding
        (2, 4, "off", 4),  # and so have both of its micro-batches
        (2, 2, "attention", 0),
        (2, 2, "replica", 0),
    ],
)
def test_dealing_the_batch_out_changes_nothing(
    reference, devices, parts, xla, padding
):
    results, values = _train(
        devices, parts, xla=xla, padding=padding, clip_grad_norm=0.5
    )
    for result, expected in zip(results, reference[0], strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    # Adam's first moments are the clipped gradients, (1 - beta1) of each.
    for name, expected in reference[1].items():
        np.testing.assert_allclose(values[name], expected, atol=1e-5)


def test_cores_that_share_a_batch_change_nothing():
    # Neither the mean over tokens nor the dropout: of five cores one has no
    # sentence, and one has padding alone.
    changes = {
        "layer_prepostprocess_dropout": 0.5,
        "attention_dropout": 0.5,
        "clip_grad_norm": 0.5,
    }
    whole, expected = _train(devices=1, parts=1, **changes)
    shared, values = _train(devices=1, parts=1, cores=5, **changes)
    np.testing.assert_allclose(shared, whole, rtol=1e-5)
    assert whole[0].loss != _train(devices=1, parts=1, steps=1)[0][0].loss
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, atol=1e-5)


@pytest.mark.parametrize("xla", ["off", "replica"])
def test_pairs_that_share_a_row_change_nothing(reference, xla):
    step = _make(1, 1, xla, clip_grad_norm=0.5, pack_dataset=True)
    inputs = [[5, 6, 7, 8, 1, 9, 1, 0], [4, 4, 1, 0, 0, 0, 0, 0]]
    targets = [[3, 4, 5, 1, 2, 1], [1, 0, 0, 0, 0, 0]]
    for expected in reference[0]:
        result = step(np.array([inputs]), np.array([targets]))
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    for name, value in _values(step).items():
        np.testing.assert_allclose(value, reference[1][name], atol=1e-5)


def test_gradient_descent_moves_by_the_rate_times_the_clipped_norm():
    sgd = dict(
        optimizer="sgd",
        clip_grad_norm=0.5,
        learning_rate_schedule="constant",
        learning_rate_constant=0.1,
    )
    before = _values(_make(1, 1, **sgd))
    (result,), after = _train(devices=1, parts=1, steps=1, **sgd)
    assert float(result.gradient_norm) > 0.5
    # Nothing but the weights and the step: a checkpoint has no moments.
    assert not [name for name in after if name.startswith("adam")]
    moved = [after[n] - before[n] for n in before if before[n].ndim]
    norm = np.sqrt(sum((change**2).sum() for change in moved))
    np.testing.assert_allclose(norm, 0.1 * 0.5, rtol=1e-4)


def test_clipping_bounds_the_gradient_that_is_applied(reference):
    norm = float(reference[0][0].gradient_norm)
    assert norm > 0.5  # reported before clipping
    _, unclipped = _train(devices=1, parts=1, clip_grad_norm=0.0)
    _, same = _train(devices=1, parts=1, clip_grad_norm=1e9)
    for name, expected in unclipped.items():
        np.testing.assert_allclose(same[name], expected, atol=1e-6)


@pytest.mark.parametrize(("devices", "parts"), [(1, 1), (2, 4)])
def test_what_is_not_trained_is_a_moving_average(devices, parts):
    """Of -loss here: b <- 0.9 b + 0.1 mean, however small gradients must be."""
    hparams = rnn_hard_attention_tiny().replace(
        hidden_size=8,
        hard_attention_sampled=0.0,  # all sentences, whatever the replica
        optimizer_multistep_accumulate_steps=parts // devices,
        clip_grad_norm=1e-3,
        label_smoothing=0.0,
    )
    strategy = mirrored.strategy(devices)
    with strategy.scope():
        model = Rnn(hparams, _VOCABULARY)
        step = TrainStep(hparams, model, strategy, 5, "off")
    name = "decoder/encdec_attention/baseline"
    # Without moments.
    assert [path for path in step.variables() if name in path] == [name]
    expected = 0.0
    for _ in range(2):
        result = step(_deal(_INPUTS, parts), _deal(_TARGETS, parts))
        expected += 0.1 * (-float(result.loss) - expected)
        found = float(step.weights[name].numpy())
        assert found == pytest.approx(expected, rel=1e-5)
    # About log 13 = 2.565 a word that is not known yet: 0.19 of -2.565.
    assert expected == pytest.approx(-0.487, abs=0.05)


def test_replicas_draw_different_dropout():
    # The same sentence on both replicas: with equal masks the loss of the two
    # would be the loss of one.
    strategy = mirrored.strategy(2)
    hparams = _HPARAMS.replace(layer_prepostprocess_dropout=0.5)
    with strategy.scope():
        model = Transformer(hparams, _VOCABULARY)
        step = TrainStep(hparams, model, strategy, seed=5, xla="off")
    keys = [
        tuple(step._dropout_key(tf.constant(done), tf.constant(part)).numpy())
        for done in range(3)
        for part in range(2)
    ]
    assert len(set(keys)) == 6


# Sentences apart from `_INPUTS`' ids: the poison is in row 12 alone.
_POISON = 12
_BAD_INPUTS = np.where(_INPUTS == 4, _POISON, _INPUTS)  # the third sentence


def _poisoned(devices, parts, nan_policy):
    """A step for which every sentence with source id 12 gives NaN.

    1e38 * sqrt(16) is beyond float32's 3.4e38, and inf - inf is NaN.
    """
    step = _make(
        devices,
        parts,
        nan_policy=nan_policy,
        shared_embedding_and_softmax_weights=False,
        learning_rate_schedule="constant",
        learning_rate_constant=0.01,
    )
    matrix = step.weights["source_embedding/matrix"]
    values = matrix.numpy()
    values[_POISON] = 1e38
    matrix.assign(values)
    return step


def test_a_skipped_step_leaves_no_trace():
    step = _poisoned(devices=1, parts=1, nan_policy="skip")
    start = _values(step)
    assert start["adam/updates_skipped"] == 0

    def run(*batches):
        for name, variable in step.variables().items():
            variable.assign(start[name])
        targets = _deal(_TARGETS, 1)
        results = [step(_deal(inputs, 1), targets) for inputs in batches]
        return [bool(r.is_finite) for r in results], _values(step)

    finite, found = run(_INPUTS, _BAD_INPUTS, _INPUTS[::-1])
    assert finite == [True, False, True]
    finite, expected = run(_INPUTS, _INPUTS[::-1])
    assert finite == [True, True]
    # The rate is constant: but for the counters the runs are the same, Adam's
    # bias correction (t = 2 at the last step) included.
    assert (found.pop("global_step"), expected.pop("global_step")) == (3, 2)
    skipped = "adam/updates_skipped"
    assert (found.pop(skipped), expected.pop(skipped)) == (1, 0)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_stop_changes_nothing_on_any_replica_and_names_the_culprit():
    # One sentence a micro-batch: the bad one is the second replica's first.
    step = _poisoned(devices=2, parts=4, nan_policy="stop")
    bad, good, targets = (
        _deal(ids, 4) for ids in (_BAD_INPUTS, _INPUTS, _TARGETS)
    )

    def copies():
        return [
            copy.numpy()
            for variable in step.variables().values()
            for copy in variable.values
        ]

    before = copies()
    result = step(bad, targets)
    assert not result.is_finite
    for found, expected in zip(copies(), before, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert step.updates_done.numpy() == 0
    said = failures.diagnosis(step, Batch(bad, targets))
    weights = list(step.weights)
    assert said == (
        "the loss of micro-batch 3 of 4 is not finite in 1 of its 1 rows"
        f" (1; the first is 1), and of {len(weights)} gradients {len(weights)}"
        f" are not, first that of {weights[0]}"
    )
    said = failures.diagnosis(step, Batch(good, targets))
    assert "micro-batches alone has a finite loss" in said
    assert step(good, targets).is_finite
    assert step.updates_done.numpy() == 1
    weight = step.weights["target_embedding/matrix"]
    weight.assign(np.full(weight.shape, np.nan, np.float32))
    assert failures.diagnosis(step, Batch(good, targets)) == (
        "the weight target_embedding/matrix was not finite before the step"
    )


def test_a_run_goes_on_with_another_policy():
    step = _make(devices=1, parts=1)
    assert "adam/updates_skipped" not in step.variables()
    rest = step.restore_optional(
        {
            "adam/updates_skipped": np.int64(3),
            "adam/loss_scale": np.float32(8),  # of no use in float32
            "data_position": np.zeros(3, np.int64),
        }
    )
    assert rest.keys() == {"data_position"}
    # Adam's count stays what it was, also in later checkpoints.
    assert step.variables()["adam/updates_skipped"] == 3


def test_unknown_choices_are_refused():
    with pytest.raises(UsageError, match="--nan_policy=go: expected one of"):
        _make(devices=1, parts=1, nan_policy="go")
