"""Trees made of other trees' constituents."""

import collections

from problems.tree_recombination import recombined
from t2t_repro.text.trees import parse_tree, traverse, tree_line

_TREES = [
    parse_tree(line)
    for line in (
        "(S (NP (DT the) (NN dog)) (VP (VBZ sees) (NP (DT a) (NN cat))))",
        "(S (NP (PRP I)) (VP (VBP like) (NP (NNS trees))))",
        "(S (NP (NNP Ann)) (VP (VBZ sleeps)))",
    )
]


def _rules(tree):
    """The label above and the label of every constituent."""
    return {
        (node.label, child.label)
        for node, opening in traverse(tree)
        if opening
        for child in node.children
    }


def test_new_sentences_of_known_constituents():
    copies = list(recombined(_TREES, copies=50, seed=1))
    assert len(copies) == 150
    known = set().union(*map(_rules, _TREES))
    assert all(_rules(tree) <= known for tree in copies)
    found = collections.Counter(" ".join(tree.words()) for tree in copies)
    assert found["the dog sees a cat"] > 10  # most of it stays as it was
    assert found["the dog sees trees"] and found["I sees a cat"]
    # A subject is no object: the label above is not the same.
    assert not any(text.endswith(("Ann", "I", "dog")) for text in found)


def test_the_same_for_the_same_seed():
    one, two, other = (
        [tree_line(tree) for tree in recombined(_TREES, copies=9, seed=seed)]
        for seed in (1, 1, 2)
    )
    assert one == two != other


def test_sentences_do_not_grow():
    # One word gives way to at most 2 * 1 + 3 = 5, never to these six.
    long = parse_tree(
        "(S (NP (DT a) (JJ b) (JJ c) (JJ d) (JJ e) (NN f)) (VP (VB go)))"
    )
    short = parse_tree("(S (NP (PRP I)) (VP (VB go)))")
    copies = list(recombined([short, long], copies=60, seed=1))
    assert {len(tree.words()) for tree in copies[::2]} == {2}
    assert {len(tree.words()) for tree in copies[1::2]} == {2, 7}


def test_a_sentence_of_one_word():
    leaf = parse_tree("(NN dog)")
    assert list(recombined([leaf], copies=2, seed=1)) == [leaf, leaf]
