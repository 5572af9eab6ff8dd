"""The record of hyperparameters: overriding, reading back, refusing."""

import dataclasses
import json

import pytest

from hparams.transformer import transformer_base
from t2t_repro import hparam, registry
from t2t_repro.errors import InputError, UsageError
from t2t_repro.models.transformer_hparams import TransformerHParams
from tests import source_tree


@dataclasses.dataclass
class Record:
    """One field of every type."""

    flag: bool = False
    count: int = 1
    rate: float = 0.5
    word: str = "a"


def _parse(text):
    return hparam.parse_fields("--record", Record, text)


def test_fields_are_read_by_their_types():
    assert _parse("") == {}
    read = _parse(" flag=TRUE, count = 3,,rate=1e-3,word=a=b ,")
    assert read == {"flag": True, "count": 3, "rate": 0.001, "word": "a=b"}
    assert read["flag"] is True
    assert isinstance(_parse("rate=2")["rate"], float)
    assert _parse("flag=0")["flag"] is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count", "--record: 'count' is not of the form name=value."),
        ("=3", "--record: '=3' is not of the form name=value."),
        (
            "cuont=3",
            "--record: unknown name 'cuont'. Did you mean count?",
        ),
        ("count=1,count=2", "--record: count is given twice."),
        ("count=1.5", "--record: count=1.5: expected a whole number."),
        ("count=", "--record: count=: expected a whole number."),
        ("flag=yes", "--record: flag=yes: expected true or false."),
        ("rate=fast", "--record: rate=fast: expected a finite number."),
        ("rate=nan", "--record: rate=nan: expected a finite number."),
        ("rate=inf", "--record: rate=inf: expected a finite number."),
    ],
)
def test_what_cannot_be_read_is_said(text, message):
    with pytest.raises(UsageError) as error:
        _parse(text)
    assert str(error.value) == message


def test_override_changes_a_copy():
    base = transformer_base()
    changed = base.override("hidden_size=256,pos=emb")
    assert (changed.hidden_size, changed.pos) == (256, "emb")
    assert (base.hidden_size, base.pos) == (512, "timing_interleaved")
    assert changed.replace(hidden_size=512, pos=base.pos) == base


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hidden_size=0", "hidden_size=0: expected a value above 0"),
        ("num_heads=-8", "num_heads=-8: expected a value above 0"),
        ("batch_size=0", "batch_size=0: expected a value above 0"),
        ("num_encoder_layers=-1", "num_encoder_layers=-1: expected 0 or"),
        ("attention_key_channels=-64", "key_channels=-64: expected 0 or"),
        ("clip_grad_norm=-0.1", "clip_grad_norm=-0.1: expected 0 or"),
        ("learning_rate_constant=-1", "learning_rate_constant=-1.0: expected"),
        ("attention_dropout=1.0", "attention_dropout=1.0: expected a rate"),
        ("label_smoothing=-0.1", "label_smoothing=-0.1: expected a rate"),
        ("optimizer_adam_beta2=1", "optimizer_adam_beta2=1.0: expected a rate"),
        ("pos=sine", "pos='sine': expected one of 'timing_interleaved'"),
        ("layer_postprocess_sequence=dn", "'dn': expected one of 'dan', 'da'"),
        ("num_heads=7", "num_heads=7 does not divide 512 key channels"),
        (
            "attention_value_channels=100",
            "num_heads=8 does not divide 100 value channels",
        ),
        ("hidden_size=513,num_heads=9", "hidden_size=513: sines and cosines"),
    ],
)
def test_values_without_a_model_are_refused(text, message):
    with pytest.raises(UsageError) as error:
        transformer_base().override(text)
    assert message in str(error.value)


def test_an_odd_width_needs_no_sinusoids():
    changes = "hidden_size=513,num_heads=9,pos=emb"
    assert transformer_base().override(changes).hidden_size == 513


def test_zero_stands_for_the_width_or_the_number_of_layers():
    base = transformer_base()
    assert (base.key_channels, base.value_channels) == (512, 512)
    assert (base.encoder_layers, base.decoder_layers) == (6, 6)
    assert base.accumulate_steps == 1
    changed = base.replace(
        attention_key_channels=128,
        attention_value_channels=256,
        num_encoder_layers=12,
        num_decoder_layers=1,
        optimizer_multistep_accumulate_steps=8,
    )
    assert (changed.key_channels, changed.value_channels) == (128, 256)
    assert (changed.encoder_layers, changed.decoder_layers) == (12, 1)
    assert changed.accumulate_steps == 8


def test_json_is_flat_sorted_and_read_back():
    text = transformer_base().to_json()
    lines = text.split("\n")
    assert lines[0] == "{" and lines[-1] == "}"
    assert lines[1:-1] == sorted(lines[1:-1])
    assert len(lines) == 2 + len(dataclasses.fields(TransformerHParams))
    read = TransformerHParams.from_mapping(json.loads(text), "hparams.json")
    assert read == transformer_base()
    assert isinstance(read.attention_bias, bool)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden_size": None}, "hparams.json: hidden_size=null: expected a"),
        ({"hidden_size": 512.5}, "hparams.json: hidden_size=512.5: expected a"),
        ({"hidden_size": True}, "hparams.json: hidden_size=true: expected a"),
        ({"attention_bias": 3}, "hparams.json: attention_bias=3: expected"),
        ({"pos": ["emb"]}, "hparams.json: hparam pos='[\"emb\"]': expected"),
        ({"num_heads": 7}, "hparams.json: hparam num_heads=7 does not divide"),
        ({"wheels": 4}, "hparams.json has the unknown hparam 'wheels'"),
    ],
)
def test_a_damaged_file_is_an_input_error(change, message):
    values = {**dataclasses.asdict(transformer_base()), **change}
    with pytest.raises(InputError) as error:
        TransformerHParams.from_mapping(values, "hparams.json")
    assert message in str(error.value)
    # A file is wrong, not the command line.
    assert error.value.exit_status == 1


def test_a_file_without_a_field_is_an_input_error():
    values = dataclasses.asdict(transformer_base())
    del values["norm_epsilon"]
    with pytest.raises(InputError, match="lacks hparam 'norm_epsilon'"):
        TransformerHParams.from_mapping(values, "hparams.json")


@pytest.mark.parametrize(
    "name", ["transformer_base", "rnn_tiny", "convs2s_tiny", "bytenet_tiny"]
)
def test_runs_of_before_some_fields_came_still_open(name):
    path = source_tree.ROOT / "tests/testdata/hparams_of_2026_11.json"
    written = json.loads(path.read_text())[name]
    record = type(registry.hparams(name))
    assert dataclasses.asdict(record.from_mapping(written, "old")) == {
        **record.LATER,
        **written,
    }
