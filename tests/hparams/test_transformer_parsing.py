"""Section 6.3: the parsing sets."""

import pytest

from t2t_repro import registry

# What section 6.3 leaves to us: it was chosen on section 22 and not published,
# or, for max_length, is not in the paper at all.
_UNPUBLISHED = (
    "layer_prepostprocess_dropout",
    "attention_dropout",
    "max_length",
)


@pytest.mark.parametrize("data", ["", "_semisupervised"])
def test_all_but_the_sizes_and_the_unpublished_is_base(data):
    base = registry.hparams("transformer_base")
    parsing = registry.hparams(f"transformer_parsing_base{data}")
    assert parsing.encoder_layers == parsing.decoder_layers == 4
    assert parsing.hidden_size == 1024
    assert parsing.num_heads == 8  # so d_k = d_v = 1024 / 8 = 128
    assert parsing.filter_size == 2048
    ours = {name: getattr(parsing, name) for name in _UNPUBLISHED}
    expected = base.replace(num_hidden_layers=4, hidden_size=1024, **ours)
    assert parsing == expected


def test_less_text_gets_more_dropout():
    names = ("", "_semisupervised")
    rates = [
        (sets.layer_prepostprocess_dropout, sets.attention_dropout)
        for sets in (
            registry.hparams(f"transformer_parsing_base{name}")
            for name in names
        )
    ]
    assert rates == [(0.2, 0.2), (0.1, 0.1)]


def test_the_sample_is_the_paper_in_small():
    sample = registry.hparams("transformer_parsing_sample")
    assert sample.encoder_layers == sample.decoder_layers == 4
    assert (sample.hidden_size, sample.filter_size) == (128, 512)
    assert sample.layer_postprocess_sequence == "dan"


def test_the_second_sample_set_is_the_first_with_norms_first():
    first, second = (
        registry.hparams(f"transformer_parsing_sample{version}")
        for version in ("", "_v2")
    )
    of_captions = registry.hparams("transformer_multi30k_v2")
    shared = (
        "layer_preprocess_sequence",
        "layer_postprocess_sequence",
        "learning_rate_schedule",
        "learning_rate_constant",
        "learning_rate_warmup_steps",
        "batch_shapes",
    )
    assert second == first.replace(
        layer_prepostprocess_dropout=0.2,
        learning_rate_decay_steps=13_000,
        **{name: getattr(of_captions, name) for name in shared},
    )


def test_trees_fit(shared):
    longest = registry.hparams("transformer_parsing_base").max_length
    lengths = []
    trees = (shared("data/ptb") / "train.plain.trees").read_text().split("\n")
    for tree in filter(None, trees):
        # A leaf is "(TAG word)", one token; another node is an opening and a
        # closing token; then EOS. What ends in a bracket is a word.
        leaves = sum(part.endswith(")") for part in tree.split())
        lengths.append(2 * (tree.count("(") - leaves) + leaves + 1)
    assert len(lengths) == 3396
    # The longest has 576 tokens.
    assert sum(n > longest for n in lengths) == 1
