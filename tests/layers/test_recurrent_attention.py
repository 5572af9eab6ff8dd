"""Attention scores against real programs, and against the paper's formulas.

`tests/testdata/rivals/attention_scores`: tf.contrib.seq2seq of TensorFlow
1.15.5, OpenNMT-py's global attention, and the formulas of Luong et al. 2015 in
float64, which no program at hand has all of.
"""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import registry
from t2t_repro.layers import recurrent_attention as attention
from t2t_repro.models.rnn_layers import SourceAttention

_DATA = (
    pathlib.Path(__file__).resolve().parents[1]
    / "testdata/rivals/attention_scores"
)


def _arrays(name):
    with np.load(_DATA / f"{name}.npz") as file:
        return dict(file)


def _visible(lengths, count):
    return (np.arange(count) < lengths[:, None])[:, None, None]


# The real programs, with their gradients.


def _contrib(case, arrays):
    """The case's weights by short names, and its scores as a function."""
    weights = {
        name.rsplit("/", 1)[1]: tf.constant(array)
        for name, array in arrays.items()
        if name.startswith(f"{case}/weight/") and not name.endswith("/kernel")
    }
    for layer in ("memory_layer", "query_layer"):
        for name, array in arrays.items():
            if name.startswith(f"{case}/weight/") and f"/{layer}/" in name:
                weights[layer] = tf.constant(array)

    def scores(query, memory):
        key = memory @ weights["memory_layer"]
        if case.startswith("luong"):
            found = attention.dot_scores(query, key)
            return found * weights.get("attention_g", 1.0)
        v = weights["attention_v"]
        if "attention_g" in weights:
            v = v * weights["attention_g"] / tf.norm(v)
        query = query @ weights["query_layer"] + weights.get("attention_b", 0)
        return attention.additive_scores(query, key, v[None])

    return weights, scores


@pytest.mark.parametrize(
    "case",
    [
        "luong_general",
        "luong_general_scaled",
        "bahdanau",
        "bahdanau_normalized",
    ],
)
def test_tensorflows_own(case):
    arrays = _arrays("tf_contrib_seq2seq")
    weights, scores = _contrib(case, arrays)
    memory = tf.constant(arrays["memory"])
    query = tf.constant(arrays[f"{case}/query"])
    visible = _visible(arrays["memory_lengths"], memory.shape[1])
    real = tf.constant(visible[:, 0, 0, :, None].astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch([memory, query, *weights.values()])
        seen = memory * real
        alignments = attention.weights_of(scores(query, seen), visible)
        context = attention.contexts(alignments, seen)[:, 0]
        loss = tf.reduce_sum(context * arrays[f"{case}/context_cotangent"])
    for ours, name in ((alignments[:, 0], "alignments"), (context, "context")):
        np.testing.assert_allclose(
            ours, arrays[f"{case}/{name}"], rtol=0, atol=1e-6
        )
    sources = {"memory": memory, "query": query, **weights}
    for name, gradient in tape.gradient(loss, sources).items():
        (theirs,) = (
            array
            for path, array in arrays.items()
            if path.startswith(f"{case}/grad/")
            and path.removesuffix("/kernel").endswith(f"/{name}")
        )
        # rtol 1e-4 of the array's own size: sums of terms of either sign.
        np.testing.assert_allclose(
            gradient,
            theirs,
            rtol=1e-4,
            atol=1e-6,
            err_msg=name,
        )


def _onmt_vector(case, weights, query, context):
    read = tf.concat([context, query], axis=-1)
    vector = read @ tf.transpose(weights["linear_out.weight"])
    if case == "mlp":
        return vector + weights["linear_out.bias"]
    return tf.tanh(vector)


def _onmt_scores(case, weights, query, memory):
    if case == "dot":
        return attention.dot_scores(query, memory)
    if case == "general":  # on the query's side there
        query = query @ tf.transpose(weights["linear_in.weight"])
        return attention.dot_scores(query, memory)
    query = query @ tf.transpose(weights["linear_query.weight"])
    key = memory @ tf.transpose(weights["linear_context.weight"])
    return attention.additive_scores(
        query + weights["linear_query.bias"], key, weights["v.weight"]
    )


@pytest.mark.parametrize("case", ["dot", "general", "mlp"])
def test_opennmts(case):
    arrays = _arrays("onmt_global_attention")
    start = f"{case}/weight/"
    weights = {
        name.removeprefix(start): tf.constant(array)
        for name, array in arrays.items()
        if name.startswith(start)
    }
    memory = tf.constant(arrays["encoder"])
    query = tf.constant(arrays[f"{case}/query"])
    visible = _visible(arrays["encoder_lengths"], memory.shape[1])
    with tf.GradientTape() as tape:
        tape.watch([memory, query, *weights.values()])
        scores = _onmt_scores(case, weights, query, memory)
        alignments = attention.weights_of(scores, visible)
        context = attention.contexts(alignments, memory)[:, 0]
        vector = _onmt_vector(case, weights, query, context)
        loss = tf.reduce_sum(vector * arrays[f"{case}/output_cotangent"])
    for ours, name in (
        (scores[:, 0], "score"),
        (alignments[:, 0], "alignments"),
        (vector, "attentional_vector"),
    ):
        theirs = arrays[f"{case}/{name}"]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)
    sources = {"encoder": memory, "query": query, **weights}
    for name, gradient in tape.gradient(loss, sources).items():
        theirs = arrays[f"{case}/grad/{name}"]
        np.testing.assert_allclose(gradient, theirs, rtol=0, atol=2e-6)


# The formulas of the paper.

_PAPER = _arrays("luong_paper_numpy")
_WIDTH = int(_PAPER["D"])


def _paper_scores(name):
    query, memory = _PAPER["h_t"], _PAPER["h_s"]
    if name == "dot":
        return attention.dot_scores(query, memory)
    if name == "general":
        key = memory @ _PAPER["W_a_general"].T
        return attention.dot_scores(query, key)
    if name == "location":
        by_position = query @ _PAPER["W_a_location"].T
        return attention.location_scores(by_position, memory.shape[1])
    units = query.shape[-1]
    return attention.additive_scores(
        query @ _PAPER["W_a_concat"][:, :units].T,
        memory @ _PAPER["W_a_concat"][:, units:].T,
        _PAPER["v_a_concat"][None],
    )


def _paper_centre(window):
    if window == "local_m":
        steps = np.arange(_PAPER["h_t"].shape[1], dtype=np.int32)
        lengths = _PAPER["lengths"].astype(np.int32)
        return attention.monotonic_centre(steps, lengths)
    return attention.predicted_centre(
        _PAPER["h_t"] @ _PAPER["W_p"].T, _PAPER["v_p"], _PAPER["lengths"]
    )


@pytest.mark.parametrize("window", attention.WINDOWS)
@pytest.mark.parametrize("score", attention.SCORES)
def test_the_papers_formulas(score, window):
    scores = _paper_scores(score)
    count = scores.shape[-1]
    visible = _visible(_PAPER["lengths"], count)
    if window == "global":
        expected = _PAPER[f"global/{score}/score"]
        np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6)
        weights = attention.weights_of(scores, visible)
    else:
        centre = _paper_centre(window)
        inside = attention.in_window(centre, count, _WIDTH)
        weights = attention.weights_of(scores, inside & visible)
    if window == "local_p":
        np.testing.assert_allclose(centre, _PAPER["local_p/p_t"], rtol=1e-6)
        before = _PAPER[f"local_p/{score}/align_before_gaussian"]
        np.testing.assert_allclose(weights[:, 0], before, rtol=1e-6)
        weights = weights * attention.gaussian(centre, count, _WIDTH)
    expected = _PAPER[f"{window}/{score}/align"]
    np.testing.assert_allclose(weights[:, 0], expected, rtol=1e-6)
    context = attention.contexts(weights, tf.constant(_PAPER["h_s"]))
    expected = _PAPER[f"{window}/{score}/context"]
    np.testing.assert_allclose(context[:, 0], expected, rtol=1e-6)


def _layer(score, window):
    """The model's own layer, with the paper's weights."""
    hparams = registry.hparams("lstm_seq2seq").replace(
        hidden_size=6,
        max_length=8,
        attention_mechanism=score,
        attention_layer="tanh",
        attention_layer_size=6,
        attention_window=window,
        attention_window_width=_WIDTH,
    )
    layer = SourceAttention(hparams, "encdec_attention")
    layer.build()
    # [h_t ; c] here, [c ; h_t] there.
    values = {"head_0/kernel": np.roll(_PAPER["W_c"], 6, axis=1).T}
    if score == "general":
        values["attention/key/kernel"] = _PAPER["W_a_general"].T
    elif score == "location":
        values["attention/query/kernel"] = _PAPER["W_a_location"].T
    elif score == "concat":
        values["attention/query/kernel"] = _PAPER["W_a_concat"][:, :6].T
        values["attention/key/kernel"] = _PAPER["W_a_concat"][:, 6:].T
        values["attention/v"] = _PAPER["v_a_concat"][None]
    if window == "local_p":
        values["attention/centre/kernel"] = _PAPER["W_p"].T
        values["attention/centre_v"] = _PAPER["v_p"]
    paths = {
        weight.path.removeprefix("encdec_attention/"): weight
        for weight in layer.weights
    }
    assert paths.keys() == values.keys()
    for path, value in values.items():
        paths[path].assign(value)
    return layer


@pytest.mark.parametrize("window", attention.WINDOWS)
@pytest.mark.parametrize("score", attention.SCORES)
def test_the_layer_makes_the_papers_vector(score, window):
    """In float32, so compared as the float32 programs above are."""
    layer = _layer(score, window)
    query = keras.ops.convert_to_tensor(_PAPER["h_t"], "float32")
    source = keras.ops.convert_to_tensor(_PAPER["h_s"], "float32")
    ids = _visible(_PAPER["lengths"], 8)[:, 0, 0].astype(np.int32)
    look = layer(query, query, np.arange(5), layer.memory(ids, source))
    for ours, name in (
        (look.weights[:, 0], "align"),
        (look.contexts, "context"),
        (look.vectors, "h_tilde"),
    ):
        theirs = _PAPER[f"{window}/{score}/{name}"]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6)


def test_a_source_longer_than_the_table_shares_its_last_place():
    by_position = np.array([[[1.0, 2.0]]], np.float32)
    scores = attention.location_scores(by_position, 4)
    np.testing.assert_array_equal(scores, [[[[1.0, 2.0, 2.0, 2.0]]]])
