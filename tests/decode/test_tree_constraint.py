"""Trees and nothing else, by hand and out of any model."""

import itertools

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies

from t2t_repro.data.parsing_problem import ParsingProblem
from t2t_repro.decode.beam_search import beam_search
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translator
from t2t_repro.decode.tree_constraint import TreeConstraint
from t2t_repro.layers.attention import EVALUATION
from t2t_repro.models.seq2seq import Seq2Seq
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.text.in_order import in_order
from t2t_repro.text.tree_grammar import TreeGrammar
from t2t_repro.text.trees import parse_tree

# A vocabulary by hand, and "the dog" in it: a word of one id, a word of two.
_S, _END_S, _N, _END_N, _DT, _NN, _THE, _DO, _G = range(2, 11)
_THE_DOG = [_THE, _DO, _G, EOS_ID]
# The brackets of two constituents, and the end.
_BRACKETS = 2 + 1


def _constraint(
    words_in_target=True, in_order=False, most_open=9, most_opened_at_once=9
):
    return TreeConstraint(
        TreeGrammar(
            closing={_S: _END_S, _N: _END_N},
            tags=(_DT, _NN),
            begins_word=(False, False, *[True] * 8, False),
            words_in_target=words_in_target,
            in_order=in_order,
            most_open=most_open,
            most_opened_at_once=most_opened_at_once,
        )
    )


def _allowed(ids, constraint, limit=100, source=_THE_DOG):
    """What may come before each of the ids, and behind the last."""
    # The second of two sentences and beams: the first ones take other ids.
    inputs = tf.constant([[_DO, EOS_ID, 0, 0, 0], [*source, 0]])
    memory, state = constraint.start(inputs, tf.constant([50, limit]), 2)
    found = []
    for position in range(len(ids) + 1):
        allowed = constraint.allowed(memory, state).numpy()[1, 1]
        found.append(set(np.flatnonzero(allowed)))
        if position < len(ids):
            taken = [[_S, _G], [_END_N, ids[position]]]
            state = constraint.advance(memory, state, tf.constant(taken))
    return found


def test_words_in_the_target():
    ids = [_S, _N, _THE, _DT, _DO, _G, _NN, _END_N, _END_S, EOS_ID]
    assert _allowed(ids, _constraint()) == [
        {_S, _N},  # one constituent holds everything
        {_S, _N, _THE},  # none is empty
        {_S, _N, _THE},
        {_DT, _NN},  # "the" is whole
        {_S, _N, _DO, _END_N},  # closed by its own label
        {_G},  # "do" is not
        {_DT, _NN},
        {_END_N},  # no words are left for another constituent
        {_END_S},
        {EOS_ID},
        {EOS_ID},
    ]


def test_the_outermost_bracket_is_closed_last():
    assert _allowed([_S, _THE, _DT], _constraint())[-1] == {_S, _N, _DO}
    assert _allowed([_S, _DT], _constraint(False))[-1] == {_S, _N, _DT, _NN}


def test_tags_alone():
    ids = [_N, _DT, _S, _NN, _END_S, _END_N]
    assert _allowed(ids, _constraint(words_in_target=False)) == [
        {_S, _N},
        {_S, _N, _DT, _NN},
        {_S, _N, _DT, _NN},
        {_S, _N, _DT, _NN},
        {_END_S},
        {_END_N},
        {EOS_ID},
    ]


def test_brackets_behind_their_first_children():
    ids = [_THE, _DT, _S, _END_S, _N, _DO, _G, _NN, _END_N, EOS_ID]
    assert _allowed(ids, _constraint(in_order=True))[:-1] == [
        {_THE},
        {_DT, _NN},
        {_S, _N},  # nothing holds "the" yet
        {_DO, _END_S},  # it may be alone there
        {_S, _N},  # but something must hold "dog", too
        {_DO, _END_N},
        {_G},
        {_DT, _NN},
        {_S, _N, _END_N},  # "dog" alone in another, or the end of this one
        {_S, _N, EOS_ID},  # another that holds all, or none
    ]


def test_in_order_without_words():
    ids = [_DT, _S, _NN, _END_S]
    assert _allowed(ids, _constraint(False, in_order=True)) == [
        {_DT, _NN},
        {_S, _N},
        {_DT, _NN, _END_S},
        {_S, _N, _END_S},
        {_S, _N, EOS_ID},
    ]


def test_in_order_where_room_ends():
    # "the DT (S )S (N do g NN )N" and the end are 10 ids.
    ids = [_THE, _DT, _S]
    found = _allowed([*ids, _END_S], _constraint(in_order=True), 10)
    assert found[3:] == [{_DO, _END_S}, {_S, _N}]
    # With less, or no bracket more before a leaf, "dog" must come in.
    assert _allowed(ids, _constraint(in_order=True), 9)[-1] == {_DO}
    once = _constraint(in_order=True, most_opened_at_once=1)
    assert _allowed(ids, once)[-1] == {_DO}
    # And one that is closed is held by no other.
    ids += [_DO, _G, _NN, _S, _END_S]
    assert _allowed(ids, once)[-1] == {_END_S}


def test_brackets_side_by_side():
    constraint = _constraint(most_opened_at_once=2)
    found = _allowed([_S, _S, _THE, _DT, _N], constraint)
    assert [_N in allowed for allowed in found] == [
        *(True, True, False),
        *(False, True, True),  # a tag is needed, and then they count anew
    ]
    # A closing bracket is between them.
    found = _allowed([_S, _S, _THE, _DT, _END_S], constraint)
    assert found[-1] == {_S, _N, _DO}


def test_brackets_open_at_a_time():
    found = _allowed([_S, _N], _constraint(most_open=2))
    assert found[1:] == [{_S, _N, _THE}, {_THE}]


@pytest.mark.parametrize("words_in_target", [True, False])
def test_the_shortest_output(words_in_target):
    inputs = tf.constant([[_DO, EOS_ID, 0, 0], _THE_DOG])
    found = _constraint(words_in_target).shortest(inputs).numpy()
    ids = [1, 3] if words_in_target else [0, 0]
    assert found.tolist() == [ids[0] + 1 + _BRACKETS, ids[1] + 2 + _BRACKETS]


def test_a_bracket_opens_where_there_is_room_to_close_it():
    # "(S the DT do g NN )S" and the end are 8 ids.
    leaf = {_THE}
    for limit in (8, 9):
        assert _allowed([_S], _constraint(), limit)[1:] == [leaf]
    found = _allowed([_S, _N], _constraint(), 10)
    assert found == [{_S, _N}, {_S, _N, *leaf}, leaf]


class _Bigrams(Seq2Seq):
    """The next id depends on the last one, as a table says."""

    def __init__(self, vocab_size):
        super().__init__(None, vocab_size, "bigrams")
        self.table = tf.Variable(tf.zeros([vocab_size, vocab_size]))

    def encode(self, inputs, mode=EVALUATION):
        return inputs

    def start(self, encoded, beams):
        return encoded, tf.zeros([tf.shape(encoded)[0], beams, 1])

    def step(self, ids, position, memory, state, mode=EVALUATION):
        return tf.gather(self.table, ids), state

    def output_kernel(self):
        return tf.eye(self.vocab_size)

    def score(self, ids, free=()):
        """Log probability of ids, any word being as good as those in `free`.

        Args:
          ids: a list.
          free: positions of words, with whether an id is the first of one.
        """
        log_probs = tf.nn.log_softmax(tf.cast(self.table, tf.float64)).numpy()
        steps = list(itertools.pairwise([0, *ids]))
        total = 0.0
        for position, (before, number) in enumerate(steps):
            if position in free:
                others = np.exp(log_probs[before, _DT:])
                total += np.log(others.sum()) if free[position] else 0.0
            else:
                total += log_probs[before, number]
        return total


def _word_positions(ids):
    """Where words are, and whether an id is the first of one."""
    return {i: n in (_THE, _DO) for i, n in enumerate(ids) if n >= _THE}


def _all_trees(spare, ends, words, opened):
    """Tokens of what may follow, by recursion instead of states."""
    if not ends and not words:
        yield []
    if words and ends:
        for tag in ("DT", "NN"):
            for tree in _all_trees(spare, ends, words[1:], False):
                yield [words[0], tag, *tree]
    if words and spare >= 2:
        for label in "SN":
            inner = [*ends, f"){label}"]
            for tree in _all_trees(spare - 2, inner, words, True):
                yield [f"({label}", *tree]
    if ends and not opened and (len(ends) > 1 or not words):
        for tree in _all_trees(spare, ends[:-1], words, False):
            yield [ends[-1], *tree]


_IDS = {
    **{"(S": [_S], ")S": [_END_S], "(N": [_N], ")N": [_END_N]},
    **{"DT": [_DT], "NN": [_NN], "the": [_THE], "dog": [_DO, _G]},
}


@pytest.mark.parametrize(
    ("limit", "brackets_in_order"), [(8, False), (10, False), (10, True)]
)
def test_a_wide_beam_finds_the_best_of_all_trees(limit, brackets_in_order):
    model = _Bigrams(11)
    rng = np.random.default_rng(limit)
    model.table.assign(rng.normal(0.0, 3.0, [11, 11]))
    tokens = list(_all_trees(limit - 6, [], ["the", "dog"], False))
    if brackets_in_order:
        tokens = [in_order(tree, per_leaf=2) for tree in tokens]
    trees = [[i for t in tree for i in _IDS[t]] + [EOS_ID] for tree in tokens]
    # Without brackets inside: two labels, two tags for each word.
    assert limit > 8 or len(trees) == 2 * 2 * 2
    scores = [
        model.score(ids, free=_word_positions(ids))
        / ((5 + len(ids)) / 6) ** 0.6
        for ids in trees
    ]
    best = sorted(scores, reverse=True)
    count = len(trees)
    found = beam_search(
        model,
        tf.constant([[*_THE_DOG, 0]]),
        tf.constant([limit]),
        beam_size=count + 3,
        alpha=0.6,
        keep=count + 3,
        constraint=_constraint(in_order=brackets_in_order),
    )
    # Every tree, once, with what the model gives its brackets and tags, and
    # that words come; and none besides.
    np.testing.assert_allclose(found.scores[0, :count], best, rtol=1e-4)
    rows = [row[row > 0].tolist() for row in found.ids[0].numpy()]
    assert sorted(rows[:count]) == sorted(trees)
    assert rows[count:] == [[], [], []]


class _Trees(ParsingProblem):
    approx_vocab_size = 600

    def tree_files(self, split, tmp_dir):
        raise NotImplementedError


_WORDS = ["the", "dog", "(", "caf\u00e9", ",", "''", "IN", "INTEL", "\u4e2d"]
_WAYS = {
    "greedy": {"beam_size": 1},
    "beam": {"beam_size": 4, "n_best": 4},
    "sampling": {"beam_size": 1, "sampling_method": "random"},
    "transformers": {"beam_size": 3, "search": "huggingface"},
}


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """All linearisations by their letters, and their vocabulary."""
    every = {kind: _Trees("parsing_trees") for kind in ("", "w", "i", "wi")}
    for kind, problem in every.items():
        problem.words_in_target = "w" in kind
        problem.in_order = "i" in kind
    problem = every[""]
    path = tmp_path_factory.mktemp("vocabulary") / problem.vocab_filename
    # Some words are in parts, one in bytes.
    lines = [" the dog , '' '' the dog , the dog , i n t e l c a f"] * 3
    problem.learn_vocabulary(iter(lines), path)
    return every, problem.open_vocabulary(path)


@pytest.mark.parametrize(
    ("way", "kind"),
    [*((way, "w") for way in _WAYS), ("beam", ""), ("sampling", "")]
    + [("beam", "wi"), ("sampling", "i")],
)
def test_any_model_writes_trees_that_need_no_repair(problems, way, kind):
    every, encoder = problems
    problem = every[kind]
    constraint = TreeConstraint(problem.grammar(encoder))
    members = [_Bigrams(encoder.vocab_size) for _ in range(2)]
    model = Ensemble(members) if way == "greedy" else members[0]
    searched = {}

    def translate(lines, extra_length):
        # Batches of two have padding, and the limit is often too small.
        options = DecodeOptions(
            batch_size=2, extra_length=extra_length, **_WAYS[way]
        )
        if not searched:
            searched["by"] = Translator(
                model, encoder, options, constraint=constraint
            )
        translator = searched["by"]
        translator._options = options
        return translator.translate(map(problem.input_line, lines))

    @hypothesis.settings(max_examples=25, deadline=None, database=None)
    @hypothesis.given(
        sentences=strategies.lists(
            strategies.lists(
                strategies.sampled_from(_WORDS), min_size=1, max_size=7
            ),
            min_size=1,
            max_size=4,
        ),
        extra_length=strategies.sampled_from([0, 1, 5, 40]),
        seed=strategies.integers(0, 2**32 - 1),
        # Of single logits, and of what the model thinks of an id everywhere.
        spread=strategies.sampled_from([(1.0, 0.0), (5.0, 20.0), (0.1, 80.0)]),
    )
    def check(sentences, extra_length, seed, spread):
        rng = np.random.default_rng(seed)
        size = encoder.vocab_size
        for member in members:
            table = rng.normal(0.0, spread[0], [size, size])
            table += rng.normal(0.0, spread[1], size)
            member.table.assign(table)
        lines = [" ".join(sentence) for sentence in sentences]
        found = translate(lines, extra_length)
        for line, hypotheses in zip(lines, found, strict=True):
            assert hypotheses[0].ids
            texts = [h.text for h in hypotheses if h.ids]
            assert len(set(texts)) == len(texts)
            for text in texts:
                tree, repairs = problem.output_line(line, text)
                assert not repairs
                written = line.replace("(", "-LRB-").split()
                assert parse_tree(tree).words() == written
            ids = hypotheses[0].ids
            assert ids[-1] == EOS_ID and EOS_ID not in ids[:-1]
            if way == "sampling" and not problem.words_in_target:
                score = members[0].score(ids)
                np.testing.assert_allclose(hypotheses[0].score, score, 1e-3)

    check()
