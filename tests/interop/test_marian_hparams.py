"""Which field of a MarianMT model's config.json is which hparam."""

import pytest

from t2t_repro import files, registry
from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import marian_hparams
from tests import source_tree

_DATA = source_tree.ROOT / "tests" / "testdata" / "marian"


def test_a_model_of_uneven_stacks():
    """make.py gave 16 wide, 1 + 2 layers, 4 heads, 28, ReLU, not scaled."""
    config = files.read_json(_DATA / "multilingual" / "config.json")
    found = marian_hparams.hparams(config, "config.json")
    assert (found.hidden_size, found.num_heads, found.filter_size) == (
        16,
        4,
        28,
    )
    assert (found.encoder_layers, found.decoder_layers) == (1, 2)
    assert found.ffn_activation == "relu"
    assert found.multiply_embedding_mode == "none"
    assert found.layer_prepostprocess_dropout == 0.1
    # What every such model has.
    assert found.norm_epsilon == 1e-5 and found.attention_bias
    assert found.logits_bias and found.decoder_start == "padding"
    said = marian_hparams.config(found)
    assert {n: v for n, v in said.items() if config.get(n, v) != v} == {}


@pytest.mark.parametrize(
    "share, tie, expected",
    [
        (True, True, (True, False)),
        (True, False, (False, True)),
        (False, True, (False, False)),
        (False, False, (False, False)),
    ],
)
def test_what_is_shared_with_what(share, tie, expected):
    config = files.read_json(_DATA / "plain" / "config.json") | {
        "share_encoder_decoder_embeddings": share,
        "tie_word_embeddings": tie,
    }
    found = marian_hparams.hparams(config, "config.json")
    assert expected == (
        found.shared_embedding_and_softmax_weights,
        found.shared_embedding,
    )
    said = marian_hparams.config(found)
    assert said["share_encoder_decoder_embeddings"] == share
    # A softmax of its own that begins like the decoder's embedding.
    assert said["tie_word_embeddings"] == (share and tie)


def test_hparams_without_a_counterpart_are_named():
    base = registry.hparams("transformer_tiny")
    assert marian_hparams.check(base) is base
    for changes, says in (
        ({"pos": "timing"}, "pos=timing"),
        (
            {
                "layer_preprocess_sequence": "n",
                "layer_postprocess_sequence": "da",
            },
            "layer_preprocess_sequence=n",
        ),
        ({"attention_key_channels": 64}, "attention_key_channels=64"),
        ({"use_target_space_embedding": True}, "use_target_space_embedding"),
    ):
        with pytest.raises(UsageError, match=says):
            marian_hparams.check(base.replace(**changes))
    for model in ("rnn", "transformer_restricted", "transformer_moe"):
        with pytest.raises(UsageError, match=f"the model {model}"):
            marian_hparams.check(registry.hparams(f"{model}_tiny"))


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"model_type": "bart"}, "model_type='bart'"),
        ({"normalize_before": True}, "normalize_before=True"),
        ({"decoder_ffn_dim": 41}, "encoder_ffn_dim=40, decoder_ffn_dim=41"),
        ({"d_model": ...}, "lacks 'd_model'"),
        ({"d_model": True}, "d_model=True"),
        ({"d_model": "24"}, "d_model=24"),
        ({"encoder_attention_heads": -1}, "decoder_attention_heads"),
        ({"activation_function": "tanh"}, "ffn_activation='tanh'"),
        ({"dropout": 2}, "layer_prepostprocess_dropout=2.0"),
        ({"dropout": [1]}, "layer_prepostprocess_dropout"),
        ({"decoder_start_token_id": 3}, "decoder_start_token_id=3"),
    ],
)
def test_a_configuration_that_cannot_be_is_named(changes, says):
    config = files.read_json(_DATA / "plain" / "config.json") | changes
    config = {n: v for n, v in config.items() if v is not ...}
    with pytest.raises(InputError, match=says):
        marian_hparams.hparams(config, "config.json")
