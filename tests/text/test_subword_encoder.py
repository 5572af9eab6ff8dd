"""tensor2tensor's subwords behind the interface of training and decoding."""

import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError
from t2t_repro.text.subword_encoder import SubwordEncoder

# Ids 2 and 3, then the characters from id 4 on.
_SUBTOKENS = ["<pad>_", "<EOS>_", "ab_", "c", *"\\_u;0123456789<>EOSpadb"]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "vocab.x.27.subwords"
    file.write_text("".join(f"'{subtoken}'\n" for subtoken in _SUBTOKENS))
    return file


def test_lines_to_ids_and_back(path):
    encoder = SubwordEncoder(path)
    assert encoder.vocab_size == len(_SUBTOKENS)
    # "ab" is "ab_"; "cab" is "c" and "ab_".
    assert encoder.encode("ab cab") == [2, 3, 2]
    assert encoder.encode_lines(["ab", "", "cab"]) == [[2], [], [3, 2]]
    assert encoder.decode([2, 3, 2]) == "ab cab"
    assert encoder.pieces([3, 2, 1]) == ["c", "ab_", "<EOS>_"]


def test_padding_and_what_follows_the_end_are_no_text(path):
    assert SubwordEncoder(path).decode([0, 2, 1, 3, 2, 0]) == "ab"


def test_a_problem_opens_a_vocabulary_by_its_suffix(path):
    problem = registry.problem("translate_ende_multi30k")
    assert isinstance(problem.open_vocabulary(path), SubwordEncoder)
    other = path.rename(path.with_suffix(".bpe"))
    with pytest.raises(InputError, match="not a SentencePiece model"):
        problem.open_vocabulary(other)
