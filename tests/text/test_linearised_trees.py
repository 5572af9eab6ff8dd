"""Trees as token sequences and back, whatever the tokens are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2t_repro.text.linearised_trees import (
    Repair,
    linearise,
    rebuild,
    settle_punctuation,
    without_words,
)
from t2t_repro.text.trees import Tree, clean, parse_tree, tree_line


def _leaf(tag, word):
    return Tree(tag, word=word)


_OWL = parse_tree("(S (NP (DT The) (NN owl)) (VP (VBZ hoots)) (. .))")
_OWL_TOKENS = [
    "(S",
    *("(NP", "DT", "NN", ")NP"),
    *("(VP", "VBZ", ")VP"),
    *(".", ")S"),
]

_LABELS = st.text("ABX-=.,:$'|/", min_size=1, max_size=4)
_WORDS = st.one_of(
    st.sampled_from(["(", ")", "-LRB-", "(S", ")S", "XX", "\u00a0", ","]),
    st.text(
        st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5
    ).filter(lambda word: not set(word) & set(" \t\n\r\f\v")),
)
_TREES = st.recursive(
    st.builds(lambda tag, word: Tree(tag, word=word), _LABELS, _WORDS),
    lambda inner: st.builds(
        lambda label, children: Tree(label, tuple(children)),
        _LABELS,
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)
_GARBAGE = st.lists(
    st.one_of(
        st.sampled_from(["(S", ")S", "(NP", ")NP", "DT", "XX", "(", ")", ""]),
        st.text(max_size=4),
    ),
    max_size=30,
)


def test_linearise():
    assert linearise(_OWL) == _OWL_TOKENS
    assert linearise(_OWL, tags=False) == [
        "(S",
        *("(NP", "XX", "XX", ")NP"),
        *("(VP", "XX", ")VP"),
        *("XX", ")S"),
    ]
    assert linearise(Tree("TOP")) == []


@given(_TREES)
@settings(max_examples=400, deadline=None)
def test_linearise_then_rebuild_is_the_identity(tree):
    assert rebuild(linearise(tree), tree.words()) == (tree, {})


@given(_GARBAGE, st.lists(_WORDS, max_size=8))
@settings(max_examples=300, deadline=None)
def test_garbage_always_becomes_a_tree_over_the_words(tokens, words):
    tree, repairs = rebuild(tokens, words)
    assert tree.words() == words
    assert all(count > 0 for count in repairs.values())
    # What was repaired once needs no repair any more, and can be read.
    again = rebuild(linearise(tree), words)
    assert again == (tree, {})
    if not set("()") & set("".join(words)):
        assert parse_tree(tree_line(tree)) == tree


def test_written_trees_can_be_read_again():
    tree = Tree("S", (Tree("S", (Tree("S", (_leaf("S", "S"),)),)),))
    assert tree_line(tree) == "(TOP (S (S (S (S S)))))"
    assert parse_tree(tree_line(tree)) == tree


def test_no_tokens_and_no_words():
    assert rebuild([], []) == (Tree("TOP"), {})
    tree, repairs = rebuild([], ["Rain", "."])
    assert tree_line(tree) == "(TOP (XX Rain) (. .))"
    assert repairs == {Repair.MISSING_LEAF: 2, Repair.SEVERAL_ROOTS: 1}


@pytest.mark.parametrize(
    ("tokens", "line", "repairs"),
    [
        # Cut off in the middle: words left over belong to the root.
        (
            "(S (NP DT",
            "(S (NP (DT The)) (XX owl) (XX hoots) (. .))",
            {Repair.UNCLOSED: 2, Repair.MISSING_LEAF: 3},
        ),
        # An outer label closes the inner constituent too.
        (
            "(S (NP DT NN (VP VBZ )VP . )S",
            "(S (NP (DT The) (NN owl) (VP (VBZ hoots)) (. .)))",
            {Repair.UNCLOSED: 1},
        ),
        # A wrong label closes the innermost constituent.
        (
            "(S (NP DT NN )PP (VP VBZ )VP . )S",
            "(S (NP (DT The) (NN owl)) (VP (VBZ hoots)) (. .))",
            {Repair.MISLABELLED: 1},
        ),
        # But never the outermost, nor one that is not there.
        (
            ")S (S DT NN )VP VBZ . )S",
            "(S (DT The) (NN owl) (VBZ hoots) (. .))",
            {Repair.UNOPENED: 2},
        ),
        (
            "(S (NP )NP DT NN (VP VBZ )VP . RB )S",
            "(S (DT The) (NN owl) (VP (VBZ hoots)) (. .))",
            {Repair.EMPTY: 1, Repair.SURPLUS_LEAF: 1},
        ),
        (
            "(NP DT NN )NP (VP VBZ . )VP",
            "(TOP (NP (DT The) (NN owl)) (VP (VBZ hoots) (. .)))",
            {Repair.SEVERAL_ROOTS: 1},
        ),
        (
            "( (S ((S DT N(N NN VBZ . ) )S",
            "(S (DT The) (NN owl) (VBZ hoots) (. .))",
            {Repair.UNREADABLE: 4},
        ),
    ],
)
def test_repairs(tokens, line, repairs):
    tree, found = rebuild(tokens.split(), ["The", "owl", "hoots", "."])
    assert found == repairs
    assert tree == parse_tree(line)


def test_repairs_add_up_over_a_corpus():
    total = rebuild([], ["a"]).repairs + rebuild(["(S"], ["b"]).repairs
    assert total == {Repair.MISSING_LEAF: 2, Repair.EMPTY: 1}
    assert total[Repair.MISSING_LEAF.value] == 2


def test_decoder_that_repeats_itself_does_not_exhaust_the_stack():
    tokens = ["(NP"] * 5000 + ["NN"]
    tree, repairs = rebuild(tokens, ["owl"])
    assert repairs == {Repair.UNCLOSED: 5000}
    assert linearise(clean(tree)) == [*tokens, *[")NP"] * 5000]
    assert tree_line(tree).count("(NP") == 5000


def test_leaves_without_tags_are_told_apart_by_their_words():
    tree = parse_tree("(S (NP (NN Rain)) (: --) (NP (POS ')) (. !))")
    rebuilt, repairs = rebuild(linearise(tree, tags=False), tree.words())
    assert not repairs
    assert [leaf.label for leaf in rebuilt.leaves()] == ["XX"] * 4
    assert settle_punctuation(rebuilt) == parse_tree(
        "(S (NP (XX Rain)) (: --) (NP (XX ')) (. !))"
    )


def test_words_may_stand_before_their_leaves():
    tree = parse_tree("(S (NP (DT the) (NN dog)) (-LRB- -LRB-) (. .))")
    tokens = linearise(tree, words=True)
    assert " ".join(tokens) == ("(S (NP the DT dog NN )NP -LRB- -LRB- . . )S")
    assert without_words(tokens, tree.words()) == (linearise(tree), {})
    # A word before a bracket or the end had no tag.
    broken = ["(S", "(NP", "the", "DT", "dog", ")NP", ".", ".", "ran"]
    kept, repairs = without_words(broken, ["the", "dog", ".", "ran"])
    assert kept == ["(S", "(NP", "DT", "XX", ")NP", ".", "XX"]
    assert not repairs


def test_leaves_stay_with_their_words():
    words = ["the", "old", "dog", "barks", "."]
    # "old" is skipped, "barks" misspelt, "." written twice.
    text = "(S (NP the DT dog NN )NP (VP bark VBZ )VP . . . . )S"
    kept, repairs = without_words(text.split(" "), words)
    assert " ".join(kept) == "(S (NP DT XX NN )NP (VP VBZ )VP . )S"
    assert repairs == {Repair.MISSING_LEAF: 1, Repair.SURPLUS_LEAF: 1}
    # What is missing at the end is for `rebuild` to add.
    assert without_words(["(S", "the", "DT", ")S"], words) == (
        ["(S", "DT", ")S"],
        {},
    )


def test_settle_punctuation():
    tree = parse_tree("(S (, owl) (NN ,) (NP (NN .)) ('' ') (POS ') (. %))")
    assert settle_punctuation(tree) == parse_tree(
        "(S (XX owl) (, ,) (NP (. .)) ('' ') (POS ') (XX %))"
    )
