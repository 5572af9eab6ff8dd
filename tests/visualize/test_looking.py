"""Looking inside a real run: sums, positions, trees."""

import numpy as np
import pytest

import t2t_repro
from t2t_repro.text import encoder
from t2t_repro.visualize import looking

_LINE = "ab cd ef"


@pytest.fixture(scope="module")
def loaded(trained):
    return t2t_repro.load(trained.output_dir)


def test_rows_sum_to_1_and_nobody_looks_ahead(loaded):
    stacks = looking.look_at_pair(loaded, _LINE, "ab cd")
    assert [stack.name for stack in stacks] == [
        "encoder",
        "decoder",
        "encoder-decoder",
    ]
    for stack in stacks:
        # One layer of two heads.
        rows, columns = len(stack.queries), len(stack.keys)
        assert stack.weights.shape == (1, 2, rows, columns)
        np.testing.assert_allclose(stack.weights.sum(-1), 1, atol=1e-5)
    future = np.triu(stacks[1].weights, 1)
    assert future.max() == 0 < stacks[1].weights[..., 1, 0].min()


def test_labels_are_those_of_the_ids(loaded):
    found, decoder, cross = looking.look_at_pair(loaded, _LINE, "ab cd")
    ids = loaded.run.encoder().encode(_LINE)
    assert len(found.queries) == len(ids) + 1
    assert found.keys == cross.keys and cross.keys[-1] == "<end>"
    assert "".join(found.queries[:-1]).replace("\u00b7", "") == "abcdef"
    assert decoder.keys == ("<start>", *decoder.queries[:-1])
    assert cross.queries == decoder.queries and decoder.queries[-1] == "<end>"


def test_an_earlier_word_changes_later_rows_alone(loaded):
    """Rows are the steps that predict: step i has not read target i."""
    encode = loaded.run.encoder().encode
    one, other = "ab cd", "ab ef"
    pair = [looking.look_at_pair(loaded, _LINE, text) for text in (one, other)]
    same = next(
        i
        for i, (a, b) in enumerate(
            zip(encode(one), encode(other), strict=False)
        )
        if a != b
    )
    first, second = (stacks[2].weights[0, 0] for stacks in pair)
    # The differing id is predicted in row `same` and read in the next.
    np.testing.assert_array_equal(first[: same + 1], second[: same + 1])
    assert abs(first[same + 1] - second[same + 1]).max() > 0


def test_a_translation_is_the_decoders(loaded):
    sentence = looking.look_at(loaded, _LINE)
    assert sentence.output == loaded(_LINE)
    assert (sentence.source, sentence.tree) == (_LINE, "")
    target = loaded.run.encoder().encode(sentence.output)
    assert len(sentence.stacks[1].queries) == len(target) + 1
    assert encoder.EOS_ID not in target
