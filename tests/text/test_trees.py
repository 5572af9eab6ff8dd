"""Reading, writing and cleaning trees."""

import gzip
import json
import pathlib
import subprocess
import sys

import pytest

from t2t_repro.errors import InputError
from t2t_repro.text.linearised_trees import linearise, rebuild
from t2t_repro.text.trees import (
    Tree,
    clean,
    parse_tree,
    plain_label,
    read_trees,
    tree_line,
    words_and_tags_from_wsj_tree,
)

_ROOT = pathlib.Path(__file__).resolve().parents[2]

_MRG = """
( (S
    (NP-SBJ-1 (DT The) (NN owl) )
    (VP (VBD was)
      (VP (VBN seen)
        (NP (-NONE- *-1) )))
    (. .) ))
( (FRAG (NP=2 (NN Rain) ))
  (. .) )
"""


def _leaf(tag, word):
    return Tree(tag, word=word)


_OWL = Tree(
    "S",
    (
        Tree("NP", (_leaf("DT", "The"), _leaf("NN", "owl"))),
        Tree("VP", (_leaf("VBZ", "hoots"),)),
        _leaf(".", "."),
    ),
)


# Files.


def test_mrg_over_many_lines_loses_wrapper_traces_and_functions(tmp_path):
    path = tmp_path / "wsj.mrg"
    path.write_text(_MRG)
    lines = [tree_line(tree) for tree in read_trees(path)]
    assert lines == [
        "(TOP (S (NP (DT The) (NN owl)) (VP (VBD was) (VP (VBN seen))) (. .)))",
        # Two children: this wrapper had to become a constituent.
        "(TOP (FRAG (NP (NN Rain))) (. .))",
    ]


def test_wrapper_is_taken_off_after_cleaning(tmp_path):
    path = tmp_path / "wsj.mrg"
    path.write_text("( (S (NN a)) (NP-SBJ (-NONE- *)))")
    assert list(read_trees(path)) == [Tree("S", (_leaf("NN", "a"),))]


def test_traces_and_functions_can_be_kept(tmp_path):
    path = tmp_path / "wsj.mrg"
    path.write_text(_MRG)
    first, second = read_trees(path, keep_traces=True, keep_functions=True)
    assert "(NP-SBJ-1 (DT The) (NN owl))" in tree_line(first)
    assert "(NP (-NONE- *-1))" in tree_line(first)
    assert "(NP=2 (NN Rain))" in tree_line(second)
    (first, _) = read_trees(path, keep_functions=True)
    assert "NP-SBJ-1" in tree_line(first)
    assert "-NONE-" not in tree_line(first)


def test_one_tree_a_line_skips_blank_lines_and_unpacks(tmp_path):
    path = tmp_path / "trees.txt.gz"
    with gzip.open(path, "wt") as file:
        file.write("(TOP (NP (NN a)))\n\n( (NP (NN b)))\n(NP (NN c))\n")
    words = [tree.words() for tree in read_trees(path)]
    assert words == [["a"], ["b"], ["c"]]
    assert {tree.label for tree in read_trees(path)} == {"NP"}


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("(S (NP (NN a))", 1, "lacks 1 closing bracket"),
        ("(S (NN a)))", 11, "outside every tree"),
        ("word", 1, "outside every tree"),
        ("(S (NN a b))", 10, "second word"),
        ("(S (NN a) b)", 11, "beside a bracket"),
        ("(S (NN (X y)) (NP))", 18, "holds nothing"),
        ("(S (NN a (X y)))", 10, "opens after the word 'a'"),
        ("(S ( (NN a)))", 4, "no label"),
        ("(S (NN a)) (S (NN a))", None, "found 2"),
    ],
)
def test_broken_tree_names_file_line_and_column(tmp_path, line, column, says):
    path = tmp_path / "broken.trees"
    path.write_text(f"(S (NN fine))\n\n{line}\n(S (NN fine))\n")
    with pytest.raises(InputError) as raised:
        list(read_trees(path))
    where = f"{path}, line 3"
    if column is not None:
        where += f", column {column}"
    assert str(raised.value).startswith(f"{where}:")
    assert says in str(raised.value)


def test_unclosed_mrg_tree_is_found_where_the_next_begins(tmp_path):
    path = tmp_path / "WSJ.MRG"
    path.write_text("( (S\n  (NN a))\n( (S (NN b)))\n")
    with pytest.raises(InputError, match="line 3, column 1: .*close the tree"):
        list(read_trees(path))


def test_unclosed_last_mrg_tree_is_found_where_it_begins(tmp_path):
    path = tmp_path / "wsj.mrg"
    path.write_text("( (S (NN b)))\n( (S\n  (NN a))\n")
    with pytest.raises(InputError, match="line 2, column 1: .*begins here"):
        list(read_trees(path))


def test_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="none.mrg"):
        list(read_trees(tmp_path / "none.mrg"))


def test_reading_trees_does_not_load_tensorflow_or_nltk():
    code = (
        "import sys, t2t_repro.text.linearised_trees;"
        "print([m for m in ('tensorflow', 'nltk', 'numpy') if m in"
        " sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
    )
    assert result.stdout.strip() == "[]"


# Trees.


def test_parse_tree_and_tree_line_are_inverse():
    text = "(TOP (S (NP (DT The) (NN owl)) (VP (VBZ hoots)) (. .)))"
    assert parse_tree(text) == _OWL
    assert parse_tree(text.replace("(TOP (S", "( (S")) == _OWL
    assert parse_tree(text.removeprefix("(TOP ")[:-1]) == _OWL
    assert tree_line(_OWL) == text


def test_brackets_as_words_are_escaped_when_written():
    tree = Tree("X", (_leaf("-LRB-", "("), _leaf("NN", "a)")))
    assert tree_line(tree) == "(TOP (X (-LRB- -LRB-) (NN a-RRB-)))"


@pytest.mark.parametrize("word", ["", "a b", "a\n"])
def test_unwritable_word_is_refused(word):
    with pytest.raises(ValueError, match="white space"):
        tree_line(_leaf("NN", word))


def test_word_and_children_exclude_each_other():
    with pytest.raises(ValueError, match="both"):
        Tree("NP", (_leaf("NN", "a"),), "b")


@pytest.mark.parametrize(
    ("label", "plain"),
    [
        ("NP-SBJ=1", "NP"),
        ("NP=2", "NP"),
        ("PP-LOC-CLR-3", "PP"),
        ("-LRB-", "-LRB-"),
        ("-RRB-", "-RRB-"),
        ("-NONE-", "-NONE-"),
        ("PRP$", "PRP$"),
        ("ADVP|PRT", "ADVP"),
    ],
)
def test_plain_label(label, plain):
    assert plain_label(label) == plain


def test_tree_of_traces_alone_becomes_the_empty_tree():
    tree = parse_tree("(TOP (S (NP-SBJ (-NONE- *)) (VP (-NONE- *?*))))")
    assert clean(tree) == Tree("TOP")
    assert tree_line(clean(tree)) == "(TOP)"
    assert parse_tree("(TOP)") == parse_tree("( )") == Tree("TOP")
    assert clean(tree, keep_traces=True).words() == ["*", "*?*"]


# tensor2tensor's notation.


def test_words_and_tags_in_tensor2tensors_notation():
    words, tags = words_and_tags_from_wsj_tree(tree_line(_OWL))
    assert words == "The owl hoots ."
    assert tags == "S NP DT NN /NP VP VBZ /VP . /S"


def test_words_and_tags_agree_with_tensor2tensor(shared):
    cases = json.loads((shared("oracle/t2t") / "parsing.json").read_text())
    assert sum(map(len, cases.values())) == 60
    for case in sum(cases.values(), []):
        found = words_and_tags_from_wsj_tree(case["tree"])
        assert found == (case["words"], case["tags"])


@pytest.mark.parametrize("split", ["train", "dev"])
def test_treebank_sample_is_cleaned_as_its_plain_form(shared, split):
    folder = shared("data/ptb")
    plain = (folder / f"{split}.plain.trees").read_text().splitlines()
    trees = list(read_trees(folder / f"{split}.raw.trees"))
    assert [tree_line(tree) for tree in trees] == plain
    for tree in trees:
        rebuilt = rebuild(linearise(tree), tree.words())
        assert rebuilt == (tree, {})
