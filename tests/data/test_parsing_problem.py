"""ParsingProblem: one id a bracket or tag, and the way back to a tree."""

import pytest

from t2t_repro.data.parsing_problem import SYMBOLS, ParsingProblem
from t2t_repro.errors import InputError, UsageError
from t2t_repro.text.linearised_trees import linearise, rebuild
from t2t_repro.text.trees import parse_tree, tree_line

_TREES = [
    "(TOP (S (NP (DT the) (NN dog)) (VP (VBZ barks)) (. .)))",
    # A unary chain, brackets as words, a tag that is a word.
    "(TOP (FRAG (NP (NP (-LRB- -LRB-) (NNP IN) (-RRB- -RRB-)))))",
    # Labels that are no symbols.
    "(TOP (SFOO (NP-SBJ (NNX INTEL)) (BAR (XX \u00e9t\u00e9\u00a0\u4e2d))))",
]


class _Trees(ParsingProblem):
    approx_vocab_size = 600

    def tree_files(self, split, tmp_dir):
        return [tmp_dir / f"{split}.trees"]


@pytest.fixture(scope="module")
def problem():
    return _Trees("parsing_trees")


@pytest.fixture(scope="module")
def encoder(problem, tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / problem.vocab_filename
    lines = []
    for tree in map(parse_tree, _TREES):
        lines.append(problem.input_line(" ".join(tree.words())))
        lines.append(problem.target_line(tree))
    problem.learn_vocabulary(iter(lines), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return problem.open_vocabulary(path)


def test_every_bracket_and_tag_is_one_id(encoder):
    # 26 constituents with two brackets each; 36 tags of words, 9 of others.
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 2 * 26 + 36 + 9
    line = "".join(f" {symbol}" for symbol in SYMBOLS)
    ids = encoder.encode(line)
    assert encoder.pieces(ids) == [f"\u2581{symbol}" for symbol in SYMBOLS]
    assert encoder.decode(ids) == line
    assert encoder.vocab_size <= 600


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("words_in_target", [False, True])
@pytest.mark.parametrize("text", _TREES)
def test_a_tree_survives(encoder, text, words_in_target, in_order):
    problem = _Trees("parsing_trees")
    problem.words_in_target = words_in_target
    problem.in_order = in_order
    tree = parse_tree(text)
    words = " ".join(tree.words())
    source = problem.input_line(words)
    assert encoder.decode(encoder.encode(source)) == source
    target = encoder.decode(encoder.encode(problem.target_line(tree)))
    assert target == problem.target_line(tree)
    assert problem.output_line(words, target) == (text, {})


def test_a_label_that_is_no_symbol_begins_like_one(encoder):
    assert encoder.pieces(encoder.encode(" (SFOO"))[0] == "\u2581(S"


def test_the_grammar_is_in_ids(problem, encoder):
    found = problem.grammar(encoder)
    opening, closing = (encoder.encode(f" {x}")[0] for x in ("(NP", ")NP"))
    assert found.closing[opening] == closing and len(found.closing) == 26
    assert encoder.encode(" NNP")[0] in found.tags and len(found.tags) == 45
    # In letters, and in bytes.
    for word in (" zebra", " \u4e2d"):
        first, *others = encoder.encode(word)
        assert found.begins_word[first]
        assert others and not any(found.begins_word[i] for i in others)
    assert not found.words_in_target


@pytest.mark.parametrize("words_in_target", [False, True])
def test_other_labels_are_named(words_in_target, tmp_path, messages):
    problem = _Trees("parsing_trees")
    problem.words_in_target = words_in_target
    lines = [" the dog", problem.target_line(parse_tree(_TREES[2]))] * 20
    problem.learn_vocabulary(iter(lines), tmp_path / "vocabulary")
    (said,) = messages
    assert "parsing_trees: BAR, NNX, NP-SBJ, SFOO, XX are labels" in said


def test_labels_that_are_no_symbols_have_no_grammar(encoder, messages):
    problem = _Trees("parsing_trees")
    problem.keep_functions = True
    assert problem.grammar(encoder) is None
    assert "parsing_trees decodes without a constraint" in messages[0]


def test_a_word_has_the_same_ids_wherever_it_stands(problem, encoder):
    first, last = (
        encoder.encode(problem.input_line(line))
        for line in ("dog the", "the dog")
    )
    assert first != last and sorted(first) == sorted(last)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("the  dog\t(barks) ", " the dog -LRB-barks-RRB-"),
        ("a\u00a0b c", " a\u00a0b c"),  # a no-break space is in the word
        ("a\u2581b", " a_b"),  # this one SentencePiece takes for a space
        ("", ""),
        (" ", ""),
    ],
)
def test_source_lines(problem, line, expected):
    assert problem.input_line(line) == expected


@pytest.mark.parametrize(
    ("text", "tree", "repairs"),
    [
        (" (S (NP DT NN )NP )S", "(S (NP (DT a) (NN b)))", {}),
        (
            " (S (NP DT )VP",
            "(S (NP (DT a)) (XX b))",
            {"mislabelled": 1, "unclosed": 1, "missing_leaf": 1},
        ),
        (
            " (S DT (NP NN NN )NP )S )S",
            "(S (DT a) (NP (NN b)))",
            {"surplus_leaf": 1, "unopened": 1},
        ),
        ("", "(XX a) (XX b)", {"missing_leaf": 2, "several_roots": 1}),
    ],
)
def test_output_is_a_tree_over_the_words(problem, text, tree, repairs):
    assert problem.output_line("a  b", text) == (f"(TOP {tree})", repairs)


def test_output_of_an_empty_line(problem):
    assert problem.output_line("", "") == ("(TOP)", {})
    assert problem.output_line(" ", " (S NN )S") == (
        "(TOP)",
        {"surplus_leaf": 1, "empty": 1},
    )


def test_punctuation_gets_its_tag(problem):
    line, repairs = problem.output_line("Yes !", " (INTJ UH NN )INTJ")
    assert (line, repairs) == ("(TOP (INTJ (UH Yes) (. !)))", {})


def test_brackets_in_words_are_written_out(problem):
    line, _ = problem.output_line("f(x)", " (NP NN )NP")
    assert line == "(TOP (NP (NN f-LRB-x-RRB-)))"


def test_samples(problem, tmp_path):
    (tmp_path / "dev.trees").write_text(
        "( (S (NP-SBJ (DT the) (NN dog)) (VP (VBZ barks) (NP (-NONE- *)))) )\n"
        "\n"
        "((NP (-NONE- *T*)))\n"
    )
    assert list(problem.generate_samples("dev", tmp_path)) == [
        (" the dog barks", " (S (NP DT NN )NP (VP VBZ )VP )S"),
        ("", ""),  # nothing but a trace
    ]


def test_traces_and_function_tags_on_request(tmp_path):
    class Whole(_Trees):
        keep_traces = True
        keep_functions = True

    (tmp_path / "dev.trees").write_text("((S (NP-SBJ (-NONE- *)) (VB go)))\n")
    assert list(Whole("whole").generate_samples("dev", tmp_path)) == [
        (" * go", " (S (NP-SBJ -NONE- )NP-SBJ VB )S")
    ]


def test_a_broken_tree_is_named_with_its_place(problem, tmp_path):
    (tmp_path / "train.trees").write_text("(TOP (NN a))\n(TOP (NP (NN a))\n")
    with pytest.raises(InputError, match=r"train.trees, line 2, column 1: .*1"):
        list(problem.generate_samples("train", tmp_path))


def test_trees_cannot_be_the_source():
    with pytest.raises(UsageError, match="Take parsing_trees"):
        _Trees("parsing_trees", is_reversed=True)


@pytest.mark.parametrize("split", ["train", "dev"])
def test_the_sample_survives(shared, tmp_path, split):
    """All 3,396 + 273 trees through the vocabulary and back."""
    folder = shared("data/ptb")
    problem = _Trees("parsing_trees")
    trees = [
        parse_tree(line)
        for line in (folder / f"{split}.plain.trees").read_text().splitlines()
    ]
    assert len(trees) == {"train": 3396, "dev": 273}[split]
    sources = [problem.input_line(" ".join(tree.words())) for tree in trees]
    path = tmp_path / problem.vocab_filename
    problem.learn_vocabulary(iter(sources), path)
    encoder = problem.open_vocabulary(path)
    found = encoder.encode_lines([problem.target_line(tree) for tree in trees])
    for tree, source, ids in zip(trees, sources, found, strict=True):
        assert encoder.decode(encoder.encode(source)) == source
        assert len(ids) == len(linearise(tree))
        words = source.split(" ")[1:]
        rebuilt, repairs = rebuild(encoder.decode(ids).split(" ")[1:], words)
        assert tree_line(rebuilt) == tree_line(tree) and not repairs
