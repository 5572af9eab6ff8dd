"""Experts equal tensor2tensor's (1.15.7), from whose arrays these are."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.layers import mixture_of_experts
from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.expert_gating import (
    Routes,
    by_expert,
    chances,
    largest_gates,
    squared_variation,
)
from t2t_repro.layers.mixture_of_experts import (
    ExpertLinear,
    MixtureOfExperts,
    NoisyTopK,
    TopTwo,
    through_experts,
)

_FOLDER = pathlib.Path(__file__).parents[1] / "testdata/rivals/moe"
_KEY = np.array([3, 4], np.int32)
# k, and the coefficient of the loss.
_CASES = {"local_moe_e4_k2": (2, 0.01), "local_moe_e6_k1_2hidden": (1, 0.1)}
_GATING = "moe/local_moe/noisy_top_k_gating"


def _weights(arrays, prefix):
    """Weights or gradients by our paths, experts in one array."""
    names = [name for name in arrays if name.startswith(prefix + "moe/")]
    found: dict = {}
    for name in names:
        *_, place, part = name.split("/")
        if place.startswith("parallel_"):
            found.setdefault(part, []).append(arrays[name])
        else:
            ours = {"w_gate": "gate/kernel", "w_noise": "gate/noise"}[part]
            found[ours] = arrays[name]
    linear = sorted(name for name in found if name.startswith("w_"))
    for number, name in enumerate(linear):
        is_last = number == len(linear) - 1
        ours = "output" if is_last else f"hidden_{number}"
        found[f"{ours}/kernel"] = np.stack(found.pop(name))
    return found


def _load(layer, values):
    weights = {w.path.removeprefix("experts/"): w for w in layer.weights}
    assert weights.keys() == values.keys()
    for path, weight in weights.items():
        weight.assign(values[path])
    return {path: weight.value for path, weight in weights.items()}


def _near(found, expected, scale=1.0):
    np.testing.assert_allclose(
        tf.convert_to_tensor(found), expected, rtol=1e-3, atol=1e-5 * scale
    )


@pytest.fixture(scope="module", params=_CASES)
def case(request):
    k, coefficient = _CASES[request.param]
    arrays = {}
    for part in ("weights", "forward", "gradients"):
        arrays |= np.load(_FOLDER / f"{request.param}_{part}.npz")
    values = _weights(arrays, "")
    count = values["gate/kernel"].shape[1]
    # So many places that nobody is dropped, as there.
    gate = NoisyTopK(count, k, coefficient, count / k, "gate")
    sizes = tuple(
        kernel.shape[2]
        for path, kernel in sorted(values.items())
        if "gate" not in path
    )
    layer = MixtureOfExperts(gate, count, sizes, True, 0.0, "experts")
    layer.build((None, None, arrays["x"].shape[-1]))
    # There, leading axes are any; here a batch of sentences.
    x = arrays["x"].reshape(-1, *arrays["x"].shape[-2:])
    return arrays, layer, _load(layer, values), x


@pytest.mark.parametrize("run", ["eval", "train"])
def test_outputs_and_gradients(case, run, monkeypatch):
    arrays, layer, weights, x = case
    x = tf.constant(x)
    is_training = run == "train"
    noise = arrays["noise"]
    monkeypatch.setattr(
        mixture_of_experts, "gaussian", lambda shape, seed: noise
    )
    losses: list = []
    mode = Mode(dropout_key=_KEY, losses=losses) if is_training else EVALUATION
    watched = {"x": x, **weights}
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        output = layer(x, mode=mode)
        if not is_training:
            losses = [_loss_of_evaluation(layer, x)]
        total = losses[0] + tf.reduce_sum(
            tf.reshape(output, [-1]) * arrays["output_cotangent"].reshape(-1)
        )
    expected = arrays[f"{run}/output"]
    np.testing.assert_allclose(
        np.reshape(output, expected.shape), expected, rtol=0, atol=2e-6
    )
    np.testing.assert_allclose(losses[0], arrays[f"{run}/aux_loss"], rtol=1e-5)
    for loss, kind in (
        (total, "grad_total"),
        (losses[0], "grad_aux_loss_only"),
    ):
        prefix = f"{run}/{kind}/"
        theirs = _weights(arrays, prefix)
        theirs["x"] = arrays[f"{prefix}x"].reshape(x.shape)
        found = tape.gradient(
            loss, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        for path, gradient in theirs.items():
            _near(found[path], gradient, max(1.0, np.abs(gradient).max()))


def _loss_of_evaluation(layer, x):
    """As there; ours has none, as nobody learns from it."""
    gate = layer._gate
    scores = gate.scores(tf.reshape(x, [-1, x.shape[-1]]))
    experts, gates = largest_gates(scores, gate._k)
    dense = by_expert(experts, gates, gate._num_experts)
    load = tf.reduce_sum(tf.cast(dense > 0, tf.float32), axis=0)
    importance = tf.reduce_sum(dense, axis=0)
    variation = squared_variation(importance) + squared_variation(load)
    return gate._loss_coef * variation


@pytest.mark.parametrize("run", ["eval", "train"])
def test_gates_importance_and_load(case, run):
    arrays, layer, weights, x = case
    k = layer._gate._k
    tokens = x.reshape(-1, x.shape[-1])
    clean = tokens @ np.asarray(weights["gate/kernel"])
    noisy, deviation = clean, None
    if run == "train":
        deviation = np.log1p(np.exp(tokens @ np.asarray(weights["gate/noise"])))
        deviation = (deviation + 0.01).astype(np.float32)
        noisy = clean + arrays["noise"] * deviation
    experts, gates = largest_gates(noisy, k)
    dense = np.asarray(by_expert(experts, gates, clean.shape[1]))
    np.testing.assert_allclose(dense, arrays[f"{run}/gates"], rtol=0, atol=2e-6)
    np.testing.assert_allclose(
        dense.sum(axis=0), arrays[f"{run}/importance"], rtol=0, atol=1e-5
    )
    load = dense > 0
    if run == "train":
        load = np.asarray(chances(clean, noisy, deviation, k))
    np.testing.assert_allclose(
        load.sum(axis=0), arrays[f"{run}/load"], rtol=0, atol=1e-5
    )


def test_two_largest_with_a_capacity_for_each_sentence():
    arrays = {}
    for part in ("weights", "forward", "gradients"):
        arrays |= np.load(_FOLDER / f"local_moe_tpu_e4_{part}.npz")
    names = {
        "logits/kernel": "gate/kernel",
        "logits/bias": "gate/bias",
        "x0/w": "hidden_0/kernel",
        "x1/w": "output/kernel",
    }
    gate = TopTwo(4, 2, 0.001, 1.0, "gate")
    layer = MixtureOfExperts(gate, 4, (12, 8), False, 0.0, "experts")
    layer.build((None, None, 8))
    weights = _load(
        layer, {ours: arrays[f"moe_tpu/{n}"] for n, ours in names.items()}
    )
    x = tf.constant(arrays["x"])
    mode = Mode(dropout_key=_KEY, losses=[])
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = layer(x, mode=mode)
        (loss,) = mode.losses
        total = loss + tf.reduce_sum(output * arrays["output_cotangent"])
    np.testing.assert_allclose(output, arrays["output"], rtol=0, atol=2e-6)
    np.testing.assert_allclose(loss, arrays["aux_loss"], rtol=1e-5)
    found = tape.gradient(total, {"x": x, **weights})
    _near(found["x"], arrays["grad_total/x"])
    for name, ours in names.items():
        _near(found[ours], arrays[f"grad_total/moe_tpu/{name}"])


def _noisy(**changes):
    sizes = dict(num_experts=4, k=2, loss_coef=1.0, overhead=1.0)
    gate = NoisyTopK(**{**sizes, **changes}, name="gate")
    gate.build((None, None, 3))
    # All noise, no preference: every expert as good as any other.
    assert all(not np.asarray(weight).any() for weight in gate.weights)
    return gate


def test_in_evaluation_all_are_sent_and_an_expert_may_get_all():
    gate = _noisy()
    # The scores are alike, so all tokens have the experts 0 and 1.
    routes = gate(np.ones((2, 5, 3), np.float32), mode=EVALUATION)
    np.testing.assert_array_equal(routes.experts, [[0, 1]] * 10)
    np.testing.assert_array_equal(routes.gates, np.full((10, 2), 0.5))
    assert int(routes.capacity) == 10
    np.testing.assert_array_equal(routes.places[:, 0], np.arange(10))


def test_in_training_experts_are_full_at_their_share():
    gate = _noisy()
    gate.kernel.assign(np.eye(3, 4) * 10.0)
    x = np.zeros((2, 6, 3), np.float32)
    x[..., 0], x[..., 1] = 2, 1
    present = np.ones((2, 6), bool)
    present[1, 2:] = False
    mode = Mode(dropout_key=_KEY, losses=[], present=present)
    routes = gate(x, mode=mode)
    # 8 tokens, 2 choices each, 4 experts: 4 places. All choose 0 and then 1.
    np.testing.assert_array_equal(routes.experts, [[0, 1]] * 12)
    kept = np.asarray(routes.gates) > 0
    np.testing.assert_array_equal(kept.sum(axis=0), [4, 4])
    assert kept[:4].all()
    # The shape is for the 12 positions there are.
    assert int(routes.capacity) == 6
    # Expert 0 is all there is, by gate and by chance: (8, 0, 0, 0) has mean 2
    # and variance 12; by chance two experts get 8 each, mean 4, variance 16.
    (loss,) = mode.losses
    assert float(loss) == pytest.approx(12 / 4 + 16 / 16, rel=0.01)


def test_padding_changes_neither_loss_nor_places():
    gate = _noisy(overhead=1.5)
    rng = np.random.default_rng(1)
    gate.kernel.assign(rng.normal(size=(3, 4)))
    x = rng.normal(size=(1, 12, 3)).astype(np.float32)
    losses, gates = [], []
    for filler in (0.0, 7.0):
        x[0, 8:] = filler
        mode = Mode(
            dropout_key=_KEY, losses=[], present=(np.arange(12) < 8)[None]
        )
        routes = gate(x, mode=mode)
        gates.append(np.asarray(routes.gates))
        losses.append(float(mode.losses[0]))
    np.testing.assert_array_equal(gates[0], gates[1])
    assert losses[0] == losses[1] > 0
    assert not gates[0][8:].any()


def test_noise_follows_the_key():
    gate = _noisy()
    x = np.ones((1, 50, 3), np.float32)

    def experts(key):
        mode = Mode(dropout_key=np.array(key, np.int32))
        return np.asarray(gate(x, mode=mode).experts)

    np.testing.assert_array_equal(experts([1, 1]), experts([1, 1]))
    assert (experts([1, 1]) != experts([1, 2])).any()


def test_a_sentence_of_padding_alone_gives_no_loss():
    for kind in (NoisyTopK, TopTwo):
        gate = kind(4, 2, 1.0, 1.0, "gate")
        gate.build((None, None, 3))
        mode = Mode(dropout_key=_KEY, losses=[], present=np.zeros((2, 5), bool))
        routes = gate(np.ones((2, 5, 3), np.float32), mode=mode)
        assert not np.asarray(routes.gates).any()
        assert float(mode.losses[0]) == 0.0


def test_tokens_meet_their_experts_alone():
    # Expert e multiplies by 10^e. Token 0 has 0.5 of expert 0 and 0.5 of 2,
    # token 1 is sent nowhere, token 2 to expert 1 alone.
    routes = Routes(
        experts=np.array([[0, 2], [1, 0], [1, 0]], np.int32),
        gates=np.array([[0.5, 0.5], [0, 0], [1, 0]], np.float32),
        places=np.array([[0, 0], [5, 5], [1, 9]], np.int32),
        capacity=2,
    )
    x = np.array([[2.0], [4.0], [7.0]], np.float32)

    def experts(places):
        assert places.shape == (3, 2, 1)
        return places * np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)

    found = through_experts(x, routes, 3, experts)
    np.testing.assert_allclose(found, [[1 + 100], [0], [70]])


def test_a_token_does_not_depend_on_others_in_evaluation():
    gate = NoisyTopK(4, 2, 0.1, 1.0, "gate")
    layer = MixtureOfExperts(gate, 4, (6, 8), True, 0.5, "experts")
    layer.build((None, None, 8))
    rng = np.random.default_rng(1)
    gate.kernel.assign(rng.normal(size=(8, 4)))
    x = rng.normal(size=(3, 9, 8)).astype(np.float32)
    together = np.asarray(layer(x, mode=EVALUATION))
    for row in range(3):
        alone = layer(x[row : row + 1, :4], mode=EVALUATION)
        np.testing.assert_allclose(alone[0], together[row, :4], atol=1e-6)


def test_kernels_begin_glorot_uniform_each():
    layer = ExpertLinear(8, 300, "linear")
    layer.build((None, None, 100))
    # Uniform within sqrt(6 / 400): deviation sqrt(2 / 400).
    assert np.asarray(layer.kernel).std() == pytest.approx(0.0707, rel=0.02)


def test_bfloat16_weights_are_used_and_scores_stay():
    gate = NoisyTopK(4, 2, 0.1, 1.0, "gate")
    layer = MixtureOfExperts(gate, 4, (6, 8), True, 0.0, "experts")
    layer.build((None, None, 8))
    x = np.random.default_rng(1).normal(size=(2, 3, 8)).astype(np.float32)
    exact = np.asarray(layer(x, mode=EVALUATION))
    narrow = layer(tf.cast(x, tf.bfloat16), mode=EVALUATION)
    assert narrow.dtype == tf.bfloat16
    for part in layer._flatten_layers():
        if isinstance(part, ExpertLinear):
            part.multiply_in("bfloat16")
    found = np.asarray(layer(x, mode=EVALUATION))
    assert 0 < np.abs(found - exact).max() < 0.05


def test_xla_compiles_training():
    gate = NoisyTopK(4, 2, 0.1, 1.0, "gate")
    layer = MixtureOfExperts(gate, 4, (6, 8), True, 0.1, "experts")
    layer.build((None, None, 8))
    x = np.random.default_rng(1).normal(size=(2, 5, 8)).astype(np.float32)

    @tf.function(jit_compile=True)
    def run(x):
        with tf.GradientTape() as tape:
            mode = Mode(dropout_key=tf.constant([1, 2]), losses=[])
            output = layer(x, mode=mode)
            loss = tf.reduce_sum(output) + mode.losses[0]
        return tape.gradient(loss, layer._output.kernel.value)

    assert np.isfinite(run(x)).all()
