"""tensor2tensor's hparams.json, field by field.

`tests/testdata/t2t/model_*/config.json` holds all fields of a real run.
"""

import json
import pathlib

import pytest

from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import t2t_hparams

_DATA = pathlib.Path(__file__).resolve().parents[1] / "testdata" / "t2t"


@pytest.fixture
def values():
    """Every field of a pre-norm run of tensor2tensor 1.15.7."""
    path = _DATA / "model_prenorm_v3" / "config.json"
    return json.loads(path.read_text())["hparams"]


@pytest.fixture
def run_folder(tmp_path, values):
    (tmp_path / "hparams.json").write_text(json.dumps(values))
    return tmp_path


def test_fields_that_change_the_result_are_taken(values):
    changed = {
        "hidden_size": 96,
        "num_heads": 3,
        "num_decoder_layers": 5,
        "attention_key_channels": 48,
        "pos": "emb",
        "norm_epsilon": 1e-5,
        "shared_embedding_and_softmax_weights": False,
        "shared_embedding": True,
        "multiply_embedding_mode": "none",
        "use_target_space_embedding": False,
        "label_smoothing": 0.2,
        "optimizer_adam_beta2": 0.98,
        "learning_rate_schedule": "legacy",
        "learning_rate_warmup_steps": 16000,
        "clip_grad_norm": 1,  # tensor2tensor writes whole floats so, too
        "batch_size": 1024,
        "max_length": 70,
        "pack_dataset": True,
    }
    hparams, differing, _ = t2t_hparams.convert({**values, **changed}, "x")
    for name, value in changed.items():
        assert getattr(hparams, name) == value, name
    # The rest as it was; what only this program has as tensor2tensor acts.
    assert hparams.layer_preprocess_sequence == "n"
    assert hparams.learning_rate_constant == 2.0
    assert hparams.attention_bias is False
    assert differing == {}


def test_fields_without_effect_are_listed(values):
    _, _, ignored = t2t_hparams.convert(values, "x")
    assert {"moe_k", "kernel_height", "use_pad_remover"} <= ignored.keys()
    assert not {"hidden_size", "norm_type", "optimizer"} & ignored.keys()


@pytest.mark.parametrize(
    ("name", "value", "supported"),
    [
        ("self_attention_type", "dot_product_relative", "'dot_product'"),
        ("ffn_layer", "local_moe", "'dense_relu_dense'"),
        ("norm_type", "batch", "'layer'"),
        ("pos", "timing_from_features", "'timing' or 'emb' or 'none'"),
        ("layer_preprocess_sequence", "an", "'none' or 'n'"),
        ("proximity_bias", True, "False"),
        ("attention_variables_3d", True, "False"),
        ("num_area_layers", 2, "0"),
        ("prepend_mode", "prepend_inputs_masked_attention", "'none'"),
        ("vocab_divisor", 128, "1"),
        ("bottom", {"inputs": "f"}, "{}"),
    ],
)
def test_another_network_is_refused(values, name, value, supported):
    with pytest.raises(InputError) as caught:
        t2t_hparams.convert({**values, name: value}, "dir/hparams.json")
    message = str(caught.value)
    assert message.startswith(f"dir/hparams.json: {name}={value!r} ")
    assert f"supported is {supported}." in message


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("num_heads", 5, "num_heads=5 does not divide 64"),
        ("hidden_size", "wide", "hidden_size=wide: expected a whole number"),
        ("relu_dropout", 1.5, "relu_dropout=1.5: expected a rate"),
    ],
)
def test_impossible_values_are_the_files_mistake(values, name, value, told):
    with pytest.raises(InputError, match=told) as caught:
        t2t_hparams.convert({**values, name: value}, "dir/hparams.json")
    assert not isinstance(caught.value, UsageError)  # exit status 1, not 2
    assert str(caught.value).count("dir/hparams.json") == 1


def test_a_missing_field_is_named(values):
    del values["filter_size"]
    with pytest.raises(InputError, match="lacks 'filter_size'"):
        t2t_hparams.convert(values, "x")


def test_older_versions_lack_some_fields(values):
    for name in ("shared_embedding", "use_target_space_embedding"):
        del values[name]
    hparams, _, _ = t2t_hparams.convert(values, "x")
    assert hparams.shared_embedding is False
    assert hparams.use_target_space_embedding is True


def test_what_only_changes_training_is_told(values):
    values |= {"optimizer": "Adafactor", "weight_decay": 0.1}
    _, differing, _ = t2t_hparams.convert(values, "x")
    assert differing == {"optimizer": "Adafactor", "weight_decay": 0.1}
    # The decay scheme counts with the legacy schedule alone.
    values |= {"optimizer": "adam", "weight_decay": 0.0}
    values["learning_rate_decay_scheme"] = "exp"
    assert t2t_hparams.convert(values, "x")[1] == {}
    values["learning_rate_schedule"] = "legacy"
    differing = t2t_hparams.convert(values, "x")[1]
    assert differing == {"learning_rate_decay_scheme": "exp"}


def test_accumulation_belongs_to_one_optimizer(values):
    values["optimizer_multistep_accumulate_steps"] = 8
    assert t2t_hparams.convert(values, "x")[0].accumulate_steps == 1
    values["optimizer"] = "multistep_adam"
    hparams, differing, _ = t2t_hparams.convert(values, "x")
    assert hparams.accumulate_steps == 8
    # tensor2tensor counts its micro-batches as steps of the schedule.
    assert differing == {"optimizer": "multistep_adam"}


def test_no_sentence_is_longer_than_a_batch(values):
    values |= {"max_length": 0, "batch_size": 512}
    assert t2t_hparams.convert(values, "x")[0].max_length == 512


def test_a_run_with_flags(run_folder):
    (run_folder / "flags.txt").write_text(
        "--problem=old\n--random_seed=1\n--data_dir=/data\n--nohelp\n"
    )
    (run_folder / "flags_t2t.txt").write_text(
        "--model=transformer\n--hparams_set=transformer_tiny\n"
        "--hparams=batch_size=2048\n--problem=translate_x\n"
    )
    run = t2t_hparams.read_run(run_folder)
    assert run.problem == "translate_x"
    assert run.data_dir == "/data"
    assert run.hparams_set == "tensor2tensor:transformer_tiny"
    assert run.hparams.hidden_size == 64


def test_a_run_without_flags(run_folder):
    run = t2t_hparams.read_run(run_folder)
    assert run.problem is None
    assert run.hparams_set == "tensor2tensor:unknown"


def test_another_model_is_refused(run_folder):
    (run_folder / "flags_t2t.txt").write_text("--model=transformer_moe\n")
    with pytest.raises(InputError) as caught:
        t2t_hparams.read_run(run_folder)
    assert "'transformer_moe': only 'transformer'" in str(caught.value)


def test_no_run_at_all(tmp_path):
    with pytest.raises(InputError, match="has no hparams.json"):
        t2t_hparams.read_run(tmp_path)


def test_every_set_of_tensor2tensor(shared):
    path = shared("oracle/t2t/hparams.json")
    refused = set()
    for name, fields in json.loads(path.read_text())["hparams"].items():
        try:
            hparams, _, _ = t2t_hparams.convert(fields, name)
        except InputError:
            refused.add(name)
            continue
        for field in ("hidden_size", "num_heads", "learning_rate_schedule"):
            assert getattr(hparams, field) == fields[field], (name, field)
    assert refused == {
        "transformer_prepend",
        "transformer_prepend_v1",
        "transformer_prepend_v2",
        "transformer_relative",
        "transformer_relative_big",
        "transformer_relative_tiny",
    }
