"""IBM's model 1 on the two sentences by which everyone learns it."""

import numpy as np
import pytest

from t2t_repro.data import lexicon
from t2t_repro.data.records import Pairs, Sequences

# das Haus - the house, das Buch - the book.
_DAS, _HAUS, _BUCH, _THE, _HOUSE, _BOOK = range(2, 8)
_VOCABULARY = 8
_SENTENCES = [
    ([_DAS, _HAUS], [_THE, _HOUSE]),
    ([_DAS, _BUCH], [_THE, _BOOK]),
]


def _sequences(rows):
    starts = np.cumsum([0, *map(len, rows)])
    return Sequences(np.concatenate(rows).astype(np.int32), starts)


def _pairs(sentences=_SENTENCES):
    sources, targets = zip(*sentences, strict=True)
    return Pairs(_sequences(sources), _sequences(targets))


def _as_dict(found):
    return dict(
        zip(
            zip(found.sources.tolist(), found.targets.tolist(), strict=True),
            found.probabilities,
            strict=True,
        )
    )


def test_the_first_round_counts_equal_shares():
    # Each target word is half of either source word's. das: 1/2 + 1/2 of the,
    # 1/2 of house, 1/2 of book, 2 in all; Haus: 1/2 of the, 1/2 of house.
    found = _as_dict(lexicon.fit(_pairs(), _VOCABULARY, 1))
    assert found == pytest.approx(
        {
            (_DAS, _THE): 1 / 2,
            (_DAS, _HOUSE): 1 / 4,
            (_DAS, _BOOK): 1 / 4,
            (_HAUS, _THE): 1 / 2,
            (_HAUS, _HOUSE): 1 / 2,
            (_BUCH, _THE): 1 / 2,
            (_BUCH, _BOOK): 1 / 2,
        }
    )


def test_the_second_round_gives_the_house_to_haus():
    # house: das has 1/4 and Haus 1/2, so that 1/3 is of das and 2/3 of Haus;
    # the: 1/2 each. das: 1 of the, 1/3 of house, 1/3 of book, 5/3 in all;
    # Haus: 1/2 of the, 2/3 of house, 7/6 in all.
    found = _as_dict(lexicon.fit(_pairs(), _VOCABULARY, 2))
    assert found == pytest.approx(
        {
            (_DAS, _THE): 3 / 5,
            (_DAS, _HOUSE): 1 / 5,
            (_DAS, _BOOK): 1 / 5,
            (_HAUS, _THE): 3 / 7,
            (_HAUS, _HOUSE): 4 / 7,
            (_BUCH, _THE): 3 / 7,
            (_BUCH, _BOOK): 4 / 7,
        }
    )


def test_in_the_end_each_word_has_its_own():
    found = _as_dict(lexicon.fit(_pairs(), _VOCABULARY, 200))
    for pair in ((_DAS, _THE), (_HAUS, _HOUSE), (_BUCH, _BOOK)):
        assert found[pair] == pytest.approx(1, abs=0.01)


def test_the_empty_word_stands_in_front_of_every_source():
    inputs = lexicon.with_empty_word(_pairs()).inputs
    assert inputs.values.tolist() == [0, _DAS, _HAUS, 0, _DAS, _BUCH]
    assert inputs.starts.tolist() == [0, 3, 6]
    # With it, each target word is a third of three source words': 2/3 of the
    # and 1/3 of house and of book, of 4/3 in all.
    found = _as_dict(
        lexicon.fit(lexicon.with_empty_word(_pairs()), _VOCABULARY, 1)
    )
    assert found[0, _THE] == pytest.approx(1 / 2)
    assert found[0, _BOOK] == pytest.approx(1 / 4)


def test_a_word_that_stands_twice_counts_twice():
    # a a - b c: both are of a alone, 1 and 1 of 2.
    found = lexicon.fit(_pairs([([2, 2], [3, 4])]), 5, 3)
    assert _as_dict(found) == pytest.approx({(2, 3): 0.5, (2, 4): 0.5})


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    pairs = _pairs(
        [
            [rng.integers(1, 30, rng.integers(1, 9)) for _ in range(2)]
            for _ in range(50)
        ]
    )
    whole = lexicon.fit(pairs, 30, 3)
    # Less than the links of one pair, and of some.
    for size in (1, 100):
        monkeypatch.setattr(lexicon, "_LINKS_AT_ONCE", size)
        for found, expected in zip(
            lexicon.fit(pairs, 30, 3), whole, strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_of_many_pairs_every_nth_is_read():
    pairs = _pairs([([i, 1], [i, 1, 1]) for i in range(2, 7)])
    # 5 pairs of 6 links: with room for 12, every third is read.
    few = lexicon.some(pairs, 12)
    assert few.inputs.values.tolist() == [2, 1, 5, 1]
    assert few.targets.values.tolist() == [2, 1, 1, 5, 1, 1]
    assert few.targets.starts.tolist() == [0, 3, 6]
    assert len(lexicon.some(pairs, 30)) == len(pairs)


def test_the_best_stand_in_front():
    found = lexicon.fit(_pairs(), _VOCABULARY, 2)
    ids, probabilities = lexicon.best(found, _VOCABULARY, 2, 0.1)
    # Of das, house and book are equally likely: the smaller id is first.
    assert ids[_DAS].tolist() == [_THE, _HOUSE]
    assert ids[_HAUS].tolist() == [_HOUSE, _THE]
    np.testing.assert_allclose(probabilities[_HAUS], [4 / 7, 3 / 7], 1e-6)
    assert not ids[_BOOK].any() and not probabilities[_BOOK].any()
    ids, probabilities = lexicon.best(found, _VOCABULARY, 3, 0.5)
    assert ids[_DAS].tolist() == [_THE, 0, 0]
    assert probabilities[_DAS].tolist() == pytest.approx([0.6, 0, 0])
