"""tensor2tensor's sets against tensor2tensor 1.15.7's own values."""

import dataclasses
import json
import pathlib

import pytest

from hparams import tensor2tensor
from t2t_repro import registry
from t2t_repro.models.transformer_hparams import TransformerHParams

_THEIRS = {
    "transformer_base_v1": "transformer_base_v1",
    "transformer_base_v2": "transformer_base_v2",
    "transformer_base_v3": "transformer_base_v3",
    "transformer_big_v3": "transformer_big",
    "transformer_base_single_gpu": "transformer_base_single_gpu",
    "transformer_big_single_gpu": "transformer_big_single_gpu",
    "transformer_small": "transformer_small",
    "transformer_parsing_base_v3": "transformer_parsing_base",
}
# Fields that tensor2tensor does not have, or not under this meaning.
_OURS = {
    "attention_bias",
    "batch_shapes",
    "optimizer",
    "learning_rate_decay_rate",
    "learning_rate_decay_steps",
    "decoder_start",
    "ffn_activation",
    "logits_bias",
}
_NUMBERS = (
    pathlib.Path(__file__).resolve().parents[1] / "testdata/t2t_hparams.json"
)


def _without_ours(hparams):
    values = dataclasses.asdict(hparams)
    return {name: values[name] for name in values.keys() - _OURS}


@pytest.mark.parametrize(("ours", "theirs"), _THEIRS.items())
def test_every_common_field_has_their_value(ours, theirs):
    numbers = json.loads(_NUMBERS.read_text())
    hparams = registry.hparams(ours)
    assert hparams == getattr(tensor2tensor, ours)()
    assert _without_ours(hparams) == numbers[theirs]
    # They have no bias in a projection either.
    assert hparams.attention_bias is False


def test_the_copied_numbers_are_theirs(shared):
    path = shared("oracle/t2t") / "hparams.json"
    theirs = json.loads(path.read_text())["hparams"]
    fields = dataclasses.fields(TransformerHParams)
    names = {field.name for field in fields} - _OURS
    expected = {
        name: {field: theirs[name][field] for field in names}
        for name in _THEIRS.values()
    }
    assert json.loads(_NUMBERS.read_text()) == expected


def test_version_3_is_their_plain_base(shared):
    path = shared("oracle/t2t") / "hparams.json"
    theirs = json.loads(path.read_text())["hparams"]
    assert theirs["transformer_base_v3"] == theirs["transformer_base"]


def test_where_version_1_departs_from_the_paper():
    paper = dataclasses.asdict(registry.hparams("transformer_base"))
    first = dataclasses.asdict(registry.hparams("transformer_base_v1"))
    differences = {name for name in paper if paper[name] != first[name]}
    assert differences == {
        "pos",
        "use_target_space_embedding",
        "learning_rate_schedule",  # the same rates under another name
        "batch_size",
    }
