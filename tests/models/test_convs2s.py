"""ConvS2S equals fairseq's, from whose arrays these are (fairseq 0.9.0).

fairseq's ids are 0 start, 1 padding, 2 end, 3 unknown, and one of its sources
is padded on the left; ours are moved to where this project has them.
"""

import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from hparams.convs2s import convs2s_tiny, convs2s_wmt_ende
from t2t_repro.decode.beam_search import greedy_search
from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import Mode
from t2t_repro.layers.losses import token_losses
from t2t_repro.models.convs2s import ConvS2S
from t2t_repro.models.convs2s_layers import scale_gradient
from tests.models import gradients, sixteen_bits

_FOLDER = pathlib.Path(__file__).parents[1] / "testdata/rivals/convs2s"
_BARE = convs2s_tiny().replace(
    shared_embedding_and_softmax_weights=False,
    dropout=0.0,
    max_length=38,  # fairseq's tables have 40 rows for 38 positions
)
# Sizes, and how many ids there are.
_CASES = {
    "k3_2layer": (_BARE.replace(hidden_size=16, output_size=12), 32),
    "mixed_dims_share": (
        _BARE.replace(
            hidden_size=12,
            encoder_convolutions="1*12x3+1*20x3+1*16x1",
            decoder_convolutions="1*12x3+1*20x2",
            attention_layers="1",
            share_input_output_embed=True,
        ),
        28,
    ),
}
_PLACES = {
    "fc1": "input",
    "fc2": "output",
    "fc3": "softmax",
    r"convolutions\.(\d)": r"layer_\1/convolution",
    r"projections\.(\d)": r"layer_\1/residual",
    r"attention\.(\d)\.in_projection": r"layer_\1/encdec_attention/query",
    r"attention\.(\d)\.out_projection": r"layer_\1/encdec_attention/output",
}
_PARTS = {"weight_v": "direction", "weight_g": "norm", "bias": "bias"}


def _theirs(count):
    """Their id of each of ours."""
    return np.array([1, 2, 0, *range(3, count)])


def _ours(ids):
    """Ids `[batch, length]` as ours, their padding behind them."""
    inverse = np.argsort(_theirs(64)).astype(np.int32)
    rows = [row[row != 1] for row in ids]
    return np.stack(
        [np.pad(inverse[row], (0, ids.shape[1] - row.size)) for row in rows]
    )


def _real(ids, values):
    """Values of the ids that are no padding, `[tokens, ...]`."""
    return values[ids != 1]


def _by_path(arrays, prefix, vocab_size):
    """Weights or gradients by our paths and in our shapes."""
    found = {}
    for key in arrays:
        if not key.startswith(f"{prefix}/"):
            continue
        name, value = key.removeprefix(f"{prefix}/"), arrays[key]
        stack = name.split(".")[0]
        if name.endswith("embed_tokens.weight"):
            side = {"encoder": "source", "decoder": "target"}[stack]
            value = value[_theirs(len(value))]
            rows = vocab_size - len(value)
            value = np.pad(value, ((0, rows), (0, 0)))
            found[f"{side}_embedding/matrix"] = value
        elif name.endswith("embed_positions.weight"):
            found[f"{stack}/positions/matrix"] = value[2:]
        else:
            place, part = name.removeprefix(f"{stack}.").rsplit(".", 1)
            if "fc3" in place:
                value = value[_theirs(vocab_size)]
            if part == "weight_g":
                value = value.reshape(-1)
            elif part == "weight_v" and value.ndim == 3:
                value = value.reshape(-1, value.shape[2])
            elif part == "weight_v":
                value = value.T
            for pattern, ours in _PLACES.items():
                place = re.sub(f"^{pattern}$", ours, place)
            if place != "softmax":
                place = f"{stack}/{place}"
            found[f"{place}/{_PARTS[part]}"] = value
    return found


@pytest.fixture(scope="module", params=_CASES)
def case(request):
    arrays = dict(np.load(_FOLDER / f"{request.param}.npz"))
    hparams, vocab_size = _CASES[request.param]
    model = ConvS2S(hparams, vocab_size)
    values = _by_path(arrays, "weights", vocab_size)
    weights = model.weights_by_path()
    assert values.keys() == weights.keys()
    for path, weight in weights.items():
        weight.assign(values[path])
    return arrays, model


def _near(found, expected, share=1e-5):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=share * scale)


def test_encoder(case):
    arrays, model = case
    source = arrays["src_tokens"]
    encoded = model.encode(_ours(source))
    present = np.asarray(encoded.inputs) != 0
    for found, name in (
        (encoded.keys, "encoder_out_x"),
        (encoded.values, "encoder_out_y"),
    ):
        found = np.asarray(found)[:, 0][present]
        _near(found, _real(source, arrays[name]))


def test_logits_and_loss(case):
    arrays, model = case
    targets = _ours(arrays["target"])
    x = model(_ours(arrays["src_tokens"]), targets)
    logits = np.asarray(model.logits(x))
    expected = arrays["logits_eval"][..., _theirs(logits.shape[-1])]
    real = targets != 0
    _near(logits[real], expected[real])
    losses = np.asarray(token_losses(logits, targets, 0.0))
    np.testing.assert_allclose(losses.sum(), arrays["nll_sum"], rtol=1e-5)
    expected = arrays["token_nll"].reshape(targets.shape)
    np.testing.assert_allclose(losses[real], expected[real], atol=1e-4)


def test_attention_maps(case):
    arrays, model = case
    source, targets = arrays["src_tokens"], _ours(arrays["target"])
    maps: dict = {}
    model(_ours(source), targets, mode=Mode(maps=maps))
    assert "decoder/layer_0/encdec_attention" in maps
    # fairseq's mean counts layers without attention too.
    layers = len(model.hparams.decoder)
    mean = np.asarray(sum(maps.values()))[:, 0] / layers
    for row, ids in enumerate(source):
        real = targets[row] != 0
        found = mean[row][real][:, : (ids != 1).sum()]
        _near(found, arrays["avg_attention"][row][real][:, ids != 1])


def test_gradients(case):
    arrays, model = case
    targets = _ours(arrays["target"])
    with tf.GradientTape() as tape:
        x = model(_ours(arrays["src_tokens"]), targets)
        loss = tf.reduce_sum(token_losses(model.logits(x), targets, 0.0))
    found = gradients.by_path(tape, loss, model.weights_by_path())
    expected = _by_path(arrays, "gradients", model.vocab_size)
    assert found.keys() == expected.keys()
    gradients.assert_near(found, expected, rtol=1e-3, atol=1e-5)


def test_greedy(case):
    arrays, model = case
    expected = arrays["greedy_ids"]
    limits = tf.fill([len(expected)], expected.shape[1])
    inputs = tf.constant(_ours(arrays["src_tokens"]))
    found = greedy_search(model, inputs, limits).ids.numpy()[:, 0]
    for row, ids in enumerate(expected):
        length = np.flatnonzero(ids == 2)[0] + 1
        np.testing.assert_array_equal(
            found[row, :length], _ours(ids[None, :length])[0]
        )
    # The incremental decoder's logits, up to where a row has ended.
    forced = np.asarray(model.logits(model(inputs, found)))
    logits = arrays["greedy_logits"][..., _theirs(forced.shape[-1])]
    real = found != 0
    _near(forced[real], logits[:, : found.shape[1]][real])


def test_kernels_begin_as_the_section_on_initialization_says():
    keras.utils.set_random_seed(1)
    model = ConvS2S(convs2s_tiny().replace(dropout=0.2), 500)
    weights = model.weights_by_path()
    # Convolutions N(0, sqrt(4 p / n)) of n = 3 * 128 inputs, p = 0.8 kept.
    kernel = np.asarray(weights["encoder/layer_0/convolution/direction"])
    assert kernel.std() == pytest.approx((4 * 0.8 / 384) ** 0.5, rel=0.02)
    kernel = np.asarray(weights["decoder/input/direction"])
    assert kernel.std() == pytest.approx((0.8 / 128) ** 0.5, rel=0.02)
    table = np.asarray(weights["target_embedding/matrix"])
    assert table.std() == pytest.approx(0.1, rel=0.02)
    # g = |v|.
    np.testing.assert_allclose(
        weights["decoder/input/norm"],
        np.linalg.norm(kernel, axis=0),
        rtol=1e-6,
    )


def test_a_scaled_gradient_changes_no_value():
    x = tf.Variable([3.0, 4.0])
    with tf.GradientTape() as tape:
        y = scale_gradient(tf.convert_to_tensor(x), 0.25)
        loss = tf.reduce_sum(y * y)
    np.testing.assert_array_equal(y, x)
    # 2 y / 4.
    np.testing.assert_array_equal(tape.gradient(loss, x), [1.5, 2.0])


def test_bfloat16():
    model = ConvS2S(_CASES["mixed_dims_share"][0].replace(dropout=0.1), 28)
    sixteen_bits.assert_step_is_near(model, atol=0.05)


def test_stacks_are_read():
    hparams = convs2s_wmt_ende()
    assert len(hparams.encoder) == len(hparams.decoder) == 15
    assert hparams.encoder[9] == (512, 1024, 3)
    assert hparams.encoder[14] == (2048, 2048, 1)
    assert hparams.replace(attention_layers="1+3").attended == {0, 2}
    # Two layers of 128 by default, as a report writes them.
    words = convs2s_tiny().architecture()
    assert words["decoder_convolutions"] == "2*128x3"


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(encoder_convolutions="9*512"), "encoder_convolutions='9\\*512'"),
        (dict(decoder_convolutions="0*8x3"), "expected layers, channels"),
        (dict(attention_layers="1,2"), "numbers such as 1\\+3"),
        (dict(attention_layers="3"), "layers 1 to 2"),
        (dict(attention_layers="0"), "layers 1 to 2"),
        (dict(output_size=64), "give 0"),
        (dict(dropout=1.0), "dropout=1.0"),
    ],
)
def test_what_cannot_be_built_is_named(change, words):
    with pytest.raises(UsageError, match=words):
        convs2s_tiny().replace(**change)


def test_operations():
    hparams = convs2s_tiny().replace(
        hidden_size=4,
        encoder_convolutions="1*2x3+1*6x1",
        decoder_convolutions="2*2x3",
        attention_layers="2",
    )
    # Encoder, a position: 2 * 2 * 3 * 2 * 2 = 48; 2 * 2 * 1 * 2 * 6 = 48 and
    # its residual 2 * 2 * 6 = 24; ends 2 * 4 * 2 = 16 and 2 * 4 * 6 = 48: 184.
    # Decoder over n = 3: 2 * 48; attention 2 * 2 * 2 * 4 = 32 and
    # 2 * 2 * 3 * 4 = 48; ends 16 and 2 * 2 * 4 = 16; softmax of 10 ids
    # 2 * 4 * 10 = 80: 288.
    assert hparams.forward_flops((1, 3, 2), 10) == 3 * 184 + 2 * 288
    assert hparams.forward_flops((5, 3, 2), 10) == 5 * 1128
    assert hparams.decoding_flops((7, 3, 2), 10, 4) == 7 * (552 + 8 * 288)
