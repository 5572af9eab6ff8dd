"""chrF2 and TER by hand.

tests/bin/test_t2t_bleu.py compares them with sacreBLEU's own command.
"""

import hashlib

import pytest

from t2t_repro.errors import InputError
from t2t_repro.metrics import chrf_ter


def test_ter_by_hand():
    # One word replaced of five, and in the second line one moved: 2 edits.
    found = chrf_ter.ter(
        ["ein rot Hund läuft schnell", "b c a"],
        ["ein roter Hund läuft schnell", "a b c"],
    )
    assert found.score == pytest.approx(100 * 2 / 8)
    assert "|tok:tercom|" in found.signature
    lines = "ein roter Hund läuft schnell\na b c\n"
    assert found.reference_sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_ter_does_not_look_at_case():
    assert chrf_ter.ter(["der HUND"], ["Der Hund"]).score == 0.0


def test_chrf2_by_hand():
    # Letters: 3 of 4 are right either way. Pairs: 2 of 3 (ab, bc). Triples: 1
    # of 2. Fours: 0 of 1; longer ones there are none, and of the orders that
    # there are the mean of precision and of recall is (3/4 + 2/3 + 1/2) / 4.
    found = chrf_ter.chrf2(["abcd"], ["abce"])
    assert found.score == pytest.approx(100 * (3 / 4 + 2 / 3 + 1 / 2) / 4)
    assert found.signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|")


def test_recall_counts_twice():
    # Precision 1, recall 1/2 of the letters, 0 of the pairs of which the
    # translation has none: of the one order F2 = 5 * 1 * 1/2 / (4 * 1 + 1/2).
    found = chrf_ter.chrf2(["a"], ["ab"])
    assert found.score == pytest.approx(100 * 5 * 0.5 / 4.5)


def test_the_test_set_is_named():
    for score in (chrf_ter.chrf2, chrf_ter.ter):
        found = score(["a"], ["a"], test_set="wmt14", language_pair="en-de")
        assert "|test:wmt14|lang:en-de|" in found.signature


@pytest.mark.parametrize("score", [chrf_ter.chrf2, chrf_ter.ter])
def test_lines_must_pair_up(score):
    with pytest.raises(InputError, match="has 2 lines and the reference 1:"):
        score(["a", "b"], ["a"])
