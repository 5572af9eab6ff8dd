"""The parsing problem of section 6.3: words in, a linearised tree out.

The source is the sentence's words, the target what `linearised_trees.linearise`
writes: brackets with labels, and a tag for each word, both over one shared
vocabulary. Every bracket and tag of the Penn Treebank is one id, so that a
target has as many ids as tokens; words are cut into subwords, so that no word
is unknown.

Tags stay in the target, as in tensor2tensor. Vinyals et al. (2015) found `XX`
for every word slightly better with millions of trees; here EVALB's tagging
accuracy stays meaningful. A decoder has to count leaves to know at which word
it is, which thousands of trees do not teach; `words_in_target` spares it that.

A search writes nothing but such trees (`grammar`); where it may write anything,
what comes out is repaired.
"""

import abc
import collections
import logging
import pathlib
import re
from collections.abc import Iterable, Iterator

from t2t_repro import files
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import UsageError
from t2t_repro.text import trees
from t2t_repro.text.encoder import TextEncoder
from t2t_repro.text.in_order import in_order, top_down
from t2t_repro.text.linearised_trees import (
    linearise,
    rebuild,
    settle_punctuation,
    without_words,
)
from t2t_repro.text.lines import LinePairs
from t2t_repro.text.tree_grammar import TreeGrammar, tree_grammar
from t2t_repro.text.trees import Tree, escaped

# Treebank II (Bies et al. 1995), constituents and tags. A label that is not
# here, such as NP-SBJ, is spelled in subwords: longer, but as lossless.
_CONSTITUENTS = """
    ADJP ADVP CONJP FRAG INTJ LST NAC NP NX PP PRN PRT QP RRC S SBAR SBARQ SINV
    SQ UCP VP WHADJP WHADVP WHNP WHPP X
"""
_TAGS = """
    CC CD DT EX FW IN JJ JJR JJS LS MD NN NNP NNPS NNS PDT POS PRP PRP$ RB RBR
    RBS RP SYM TO UH VB VBD VBG VBN VBP VBZ WDT WP WP$ WRB
    # $ . , : -LRB- -RRB- `` ''
"""
SYMBOLS = [
    *(bracket + label for label in _CONSTITUENTS.split() for bracket in "()"),
    *_TAGS.split(),
]
_KNOWN = {symbol.lstrip("()") for symbol in SYMBOLS}
# Of other labels, how many are named.
_NAMED = 5

# SentencePiece writes a space so. Every token of either side has one in front,
# the first too: a word is the same ids wherever it stands.
_SPACE = "\u2581"
# Only ASCII spaces separate words, as in `t2t_repro.text.trees`.
_TOKEN = re.compile(r"\S+", re.ASCII)

logger = logging.getLogger("t2t_repro")


class ParsingProblem(TextToTextProblem):
    """Trees of sentences.

    Class attributes to set, besides the base class's:
      keep_traces, keep_functions: see `trees.read_trees`.
      words_in_target: whether each tag follows its word. The paper has no
        words there; they make a target half as long again.
      in_order: whether brackets stand behind first children, see `in_order`.
      most_open, most_opened_at_once: see `TreeGrammar`.
    """

    source_language = "en"
    target_language = "trees"
    keep_traces = False
    keep_functions = False
    words_in_target = False
    in_order = False
    # Of constituents, in what is decoded: about twice what the public sample's
    # training trees have, 28 open at a time and 6 opened from one leaf to the
    # next (with recombined copies 31 and 6, in order 7).
    most_open = 64
    most_opened_at_once = 12
    # Section 6.3: beam 21, alpha 0.3, at most 300 ids beyond the input. Few
    # sentences at a time, as each has 21 long hypotheses.
    decode_hparams = "beam_size=21,alpha=0.3,extra_length=300,batch_size=8"
    metric = "f1"
    has_plain_lines = False

    def __init__(self, name: str, is_reversed: bool = False):
        """Raises UsageError where words from trees without words are asked."""
        if is_reversed:
            raise UsageError(
                f"{name}_rev: a linearised tree does not hold its words, so"
                f" that it cannot be the source. Take {name}."
            )
        super().__init__(name)

    @abc.abstractmethod
    def tree_files(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterable[pathlib.Path]:
        """The files of a split in `tmp_dir`, in a fixed order."""

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """Streams source and target lines, without traces by default."""
        annotated = self._read(self.tree_files(split, tmp_dir))
        if split == "train":
            annotated = self.training_trees(annotated)
        for tree in annotated:
            yield _source(tree.words()), self.target_line(tree)

    def training_trees(self, annotated: Iterator[Tree]) -> Iterator[Tree]:
        """The trees to train on, given the annotated ones: here these."""
        return annotated

    def learn_vocabulary(
        self, lines: Iterator[str], path: pathlib.Path
    ) -> None:
        """Learns subwords from the words, and adds the trees' symbols.

        It is said which other labels the trees have.
        """
        from t2t_repro.text import bpe

        others: set[str] = set()

        def words() -> Iterator[str]:
            for line in lines:
                # A source line has no bracket left.
                if "(" in line:
                    others.update(self._labels(line) - _KNOWN)
                else:
                    yield line

        with files.replacing(path) as temporary:
            bpe.learn(words(), self.approx_vocab_size - len(SYMBOLS), temporary)
            temporary.write_bytes(_with_symbols(temporary.read_bytes()))
        if others and self._has_symbols_only:
            logger.warning(
                "%s: %s are labels that a search does not write where it is"
                " held to trees. Give the problem decode_hparams with"
                " constrained=false if it needs them.",
                self.name,
                ", ".join(sorted(others)[:_NAMED])
                + ", ..." * (len(others) > _NAMED),
            )

    def input_line(self, line: str) -> str:
        """The source line of a sentence.

        Args:
          line: its words, tokenised as in the Penn Treebank and separated by
            spaces; brackets as `-LRB-` or as themselves.
        """
        return _source(_TOKEN.findall(line))

    def target_line(self, tree: Tree) -> str:
        """The target of a tree; `output_line` makes the tree of it again."""
        tokens = linearise(tree, words=self.words_in_target)
        if self.in_order:
            tokens = in_order(tokens, per_leaf=1 + self.words_in_target)
        return _line(tokens)

    def output_line(
        self, line: str, text: str
    ) -> tuple[str, "collections.Counter[str]"]:
        """Makes the tree that a model means: one over exactly these words.

        Returns:
          Its line, and how often what had to be repaired (see
          `linearised_trees.Repair`).
        """
        tokens, words = _TOKEN.findall(text), _TOKEN.findall(line)
        repairs: collections.Counter[str] = collections.Counter()
        if self.words_in_target:
            tokens, found = without_words(tokens, words)
            repairs.update({repair.value: n for repair, n in found.items()})
        if self.in_order:
            tokens = top_down(tokens)
        rebuilt = rebuild(tokens, words)
        repairs.update(
            {repair.value: n for repair, n in rebuilt.repairs.items()}
        )
        return trees.tree_line(settle_punctuation(rebuilt.tree)), repairs

    def grammar(self, encoder: TextEncoder) -> TreeGrammar | None:
        """That of trees whose labels are all in `SYMBOLS`.

        None, which is said, where function tags and traces are kept, or where
        a symbol is not one id of the vocabulary.
        """
        found = None
        if self._has_symbols_only:
            found = tree_grammar(
                encoder,
                SYMBOLS,
                self.words_in_target,
                self.in_order,
                self.most_open,
                self.most_opened_at_once,
            )
        if found is None:
            logger.info(
                "%s decodes without a constraint: not every bracket and tag"
                " that it may write is one id. Its trees are repaired.",
                self.name,
            )
        return found

    @property
    def _has_symbols_only(self) -> bool:
        return not (self.keep_traces or self.keep_functions)

    def _labels(self, line: str) -> set[str]:
        """Those of a target line, without brackets."""
        tokens = _TOKEN.findall(line)
        leaves = [token for token in tokens if token[0] not in "()"]
        tags = leaves[1::2] if self.words_in_target else leaves
        return {*tags, *(token[1:] for token in tokens if token[0] == "(")}

    def _read(self, paths: Iterable[pathlib.Path]) -> Iterator[Tree]:
        for path in paths:
            yield from trees.read_trees(
                path,
                keep_traces=self.keep_traces,
                keep_functions=self.keep_functions,
            )


def _source(words: Iterable[str]) -> str:
    """With an underscore for what would make two words of one."""
    return _line(escaped(word).replace(_SPACE, "_") for word in words)


def _line(tokens: Iterable[str]) -> str:
    return "".join(f" {token}" for token in tokens)


def _with_symbols(model: bytes) -> bytes:
    """Makes each symbol one piece of a SentencePiece model.

    SentencePiece finds the longest user-defined piece before it merges, so a
    word in capitals that begins like a tag (`INTEL`) is cut there. That is as
    lossless, and happens to one word type in a thousand.
    """
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    proto.ParseFromString(model)
    learnt = {piece.piece: piece for piece in proto.pieces}
    for symbol in SYMBOLS:
        # Punctuation is both word and tag, and may have been learnt.
        piece = learnt.get(_SPACE + symbol) or proto.pieces.add()
        piece.piece = _SPACE + symbol
        piece.type = proto.SentencePiece.USER_DEFINED
    return proto.SerializeToString()
