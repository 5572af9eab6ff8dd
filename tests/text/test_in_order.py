"""Brackets behind first children, and back."""

import pytest

from t2t_repro.text.in_order import in_order, top_down
from t2t_repro.text.linearised_trees import linearise
from t2t_repro.text.trees import parse_tree

_TREE = "(S (NP (DT the) (NN dog)) (VP (VBZ barks)))"


def test_the_example():
    tokens = linearise(parse_tree(_TREE))
    expected = "DT (NP NN )NP (S VBZ (VP )VP )S"
    assert in_order(tokens) == expected.split()


def test_words_stay_with_their_tags():
    tokens = linearise(parse_tree(_TREE), words=True)
    expected = "the DT (NP dog NN )NP (S barks VBZ (VP )VP )S"
    assert in_order(tokens, per_leaf=2) == expected.split()


@pytest.mark.parametrize(
    "tree",
    [
        _TREE,
        "(A (B (C (D d))))",
        "(A (B (C (D d) (E e)) (F f)) (G (H h)) (I i))",
        "(A (B b) (C (D (E e)) (F (G g) (H h))))",
    ],
)
def test_there_and_back(tree):
    tokens = linearise(parse_tree(tree))
    assert top_down(in_order(tokens)) == tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(A", "(A"),
        (")A", ")A"),
        ("A (B", "(B A"),
        ("A (B )B )B (C", "(B A )B (C )B"),
        ("(A )A (B )C", "(B (A )A )C"),
        ("", ""),
    ],
)
def test_what_is_no_tree_stays_none(text, expected):
    assert top_down(text.split()) == expected.split()
