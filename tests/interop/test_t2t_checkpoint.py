"""Variables of tensor2tensor checkpoints and the weights they become."""

import types

import ml_dtypes
import numpy as np
import pytest

from t2t_repro.errors import InputError
from t2t_repro.interop import t2t_checkpoint

_SHARED = "transformer/symbol_modality_23_2/shared/weights_"
_SPACES = "transformer/body/target_space_embedding/kernel"


def make_model(shapes, **hparams):
    """What a conversion asks of a model: names, shapes and sizes."""
    weights = {
        path: types.SimpleNamespace(shape=shape)
        for path, shape in shapes.items()
    }
    return types.SimpleNamespace(
        vocab_size=23,
        hparams=types.SimpleNamespace(
            **{"hidden_size": 2, "shared_embedding": False, **hparams}
        ),
        weights_by_path=lambda: weights,
    )


@pytest.fixture
def model():
    return make_model(
        {"embedding/matrix": (23, 2), "target_space_embedding/matrix": (3, 2)}
    )


@pytest.fixture
def tensors():
    """23 rows in 11 blocks of 3, 2, 2, ...; row i of the matrix is (i, -i)."""
    rows = np.arange(23, dtype=np.float32)
    blocks = np.split(np.stack([rows, -rows], axis=1), range(3, 23, 2))
    return {
        **{f"{_SHARED}{i}": block for i, block in enumerate(blocks)},
        _SPACES: np.array([[1, 1], [2, 2], [3, 3]], np.float32),
        "global_step": np.int64(500),
        "train_stats/problem_0_steps": np.int32(500),
        "losses_avg/problem_0/total_loss": np.float32(1.0),
    }


def with_slots(tensors):
    """Adds Adam slots: m = 10 times the variable, v = 100 times."""
    slots = {
        f"training/{name}/{slot}": factor * value
        for name, value in tensors.items()
        if name.startswith("transformer/")
        for slot, factor in (("Adam", 10.0), ("Adam_1", 100.0))
    }
    return {**tensors, **slots, "training/beta1_power": np.float32(0.5)}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("embedding/matrix", "symbol_modality_23_2/shared/weights_"),
        ("source_embedding/matrix", "symbol_modality_23_2/input_emb/weights_"),
        ("target_embedding/matrix", "symbol_modality_23_2/target_emb/weights_"),
        ("softmax/matrix", "symbol_modality_23_2/softmax/weights_"),
        ("encoder_positions/table", "body/inputs_positional_embedding"),
        (
            "decoder_norm/bias",
            "body/decoder/layer_prepostprocess/layer_norm/layer_norm_bias",
        ),
        (
            "decoder/layer_3/encdec_attention/output/kernel",
            "body/decoder/layer_3/encdec_attention/multihead_attention"
            "/output_transform/kernel",
        ),
        (
            "encoder/layer_0/feed_forward/inner/bias",
            "body/encoder/layer_0/ffn/conv1/bias",
        ),
        (
            "encoder/layer_0/feed_forward_residual/norm_before/scale",
            "body/encoder/layer_0/ffn/layer_prepostprocess/layer_norm"
            "/layer_norm_scale",
        ),
        (
            "decoder/layer_1/self_attention_residual/norm_after/scale",
            "body/decoder/layer_1/self_attention/layer_postprocess/layer_norm"
            "/layer_norm_scale",
        ),
    ],
)
def test_names(model, ours, theirs):
    assert t2t_checkpoint.t2t_name(ours, model) == f"transformer/{theirs}"


def test_a_matrix_that_only_source_and_target_share():
    model = make_model({}, shared_embedding=True)
    name = t2t_checkpoint.t2t_name("target_embedding/matrix", model)
    assert name == _SHARED


def test_a_weight_that_tensor2tensor_does_not_have(model):
    path = "encoder/layer_0/self_attention/query/bias"
    with pytest.raises(InputError, match=path):
        t2t_checkpoint.t2t_name(path, model)


def test_blocks_are_joined_by_number(model, tensors):
    found = t2t_checkpoint.convert(tensors, model, "ckpt")
    # By name, block 10 would come before block 2 and the rows out of order.
    matrix = found.weights["embedding/matrix"]
    assert matrix[:, 0].tolist() == list(range(23))
    assert found.sources["embedding/matrix"] == [
        f"{_SHARED}{i}" for i in range(11)
    ]
    assert found.step == 500
    assert found.ignored == [
        "losses_avg/problem_0/total_loss",
        "train_stats/problem_0_steps",
    ]


def test_without_slots_moments_are_zero(model, tensors):
    found = t2t_checkpoint.convert(tensors, model, "ckpt")
    assert found.moments == {}
    variables = found.variables()
    assert variables.keys() == {
        "embedding/matrix",
        "target_space_embedding/matrix",
        "adam/m/embedding/matrix",
        "adam/m/target_space_embedding/matrix",
        "adam/v/embedding/matrix",
        "adam/v/target_space_embedding/matrix",
        "global_step",
        "data_position",
    }
    assert not variables["adam/v/embedding/matrix"].any()
    assert variables["adam/v/embedding/matrix"].shape == (23, 2)
    assert variables["global_step"].dtype == np.int64
    assert variables["data_position"].tolist() == [0, 0, 0]


def test_slots_become_moments(model, tensors):
    found = t2t_checkpoint.convert(with_slots(tensors), model, "ckpt")
    variables = found.variables()
    rows = np.arange(23)
    first, second = (variables[f"adam/{s}/embedding/matrix"] for s in "mv")
    assert first[:, 0].tolist() == (10 * rows).tolist()
    assert second[:, 0].tolist() == (100 * rows).tolist()
    assert "training/beta1_power" in found.ignored
    assert not [name for name in found.ignored if "Adam" in name]


def test_half_of_the_slots_is_no_checkpoint(model, tensors):
    tensors = with_slots(tensors)
    name = f"training/{_SHARED}4/Adam_1"
    del tensors[name]
    with pytest.raises(InputError, match=name):
        t2t_checkpoint.convert(tensors, model, "ckpt")


@pytest.mark.parametrize("name", [f"{_SHARED}4", _SPACES, "global_step"])
def test_a_missing_variable_is_named(model, tensors, name):
    del tensors[name]
    with pytest.raises(InputError, match=rf"ckpt has no {name} "):
        t2t_checkpoint.convert(tensors, model, "ckpt")


def test_another_shape_is_named(model, tensors):
    tensors[_SPACES] = tensors[_SPACES][:, :1]
    with pytest.raises(InputError, match=r"\(3, 1\) for transformer/body"):
        t2t_checkpoint.convert(tensors, model, "ckpt")


def test_another_vocabulary_is_told_by_both_sizes(model, tensors):
    model.vocab_size = 24
    with pytest.raises(InputError, match="of 23 ids.* file has 24"):
        t2t_checkpoint.convert(tensors, model, "ckpt")


def test_half_precision_becomes_float32(model, tensors):
    tensors[_SPACES] = tensors[_SPACES].astype(ml_dtypes.bfloat16)
    found = t2t_checkpoint.convert(tensors, model, "ckpt")
    matrix = found.weights["target_space_embedding/matrix"]
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1, 1], [2, 2], [3, 3]]


def test_the_target_space_in_use_becomes_row_0(model, tensors):
    path = "target_space_embedding/matrix"
    found = t2t_checkpoint.convert(with_slots(tensors), model, "ckpt", 2)
    assert found.weights[path][:, 0].tolist() == [3, 2, 1]
    assert found.moments[f"adam/m/{path}"][:, 0].tolist() == [30, 20, 10]


def test_moments_tell_which_target_space_was_trained(model, tensors):
    tensors = with_slots(tensors)
    tensors[f"training/{_SPACES}/Adam_1"] = np.array(
        [[0, 0], [0, 0.5], [0, 0]], np.float32
    )
    with pytest.raises(InputError, match="give --target_space_id=1"):
        t2t_checkpoint.convert(tensors, model, "ckpt")
    t2t_checkpoint.convert(tensors, model, "ckpt", 1)


def test_the_newest_checkpoint(tmp_path):
    for name in ("model.ckpt-900", "model.ckpt-1000", "model.ckpt-x"):
        (tmp_path / f"{name}.index").touch()
        (tmp_path / f"{name}.data-00000-of-00002").touch()
    newest = t2t_checkpoint.newest(tmp_path)
    assert newest == str(tmp_path / "model.ckpt-1000")


def test_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="has no model.ckpt-STEP.index"):
        t2t_checkpoint.newest(tmp_path)
