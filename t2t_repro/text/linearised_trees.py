"""Trees as token sequences and back (section 6.3; Vinyals et al. 2015).

`(S (NP (DT the) (NN dog)) (VP (VBZ barks)))` becomes the target sequence

    (S (NP DT NN )NP (VP VBZ )VP )S

Closing brackets carry their label, and each word is one leaf token. The words
themselves are the source sequence, so they are left out, unless asked for, and
handed back to `rebuild`. The leaf token is the word's tag, as in tensor2tensor:
EVALB decides by tag which words are punctuation and do not count. The leading
bracket, which tensor2tensor does not write, tells a constituent from a leaf.

A model may emit anything. `rebuild` therefore never fails: it always gives a
tree over exactly the given words, repaired from left to right without a search
for the nearest well-formed sequence, and says what it had to repair.
"""

import collections
import difflib
import enum
import re
from collections.abc import Sequence
from typing import NamedTuple

from t2t_repro.text import trees
from t2t_repro.text.trees import Tree

UNKNOWN_TAG = "XX"

# The tags whose words EVALB does not count (COLLINS.prm).
PUNCTUATION_TAGS = frozenset({",", ":", "``", "''", "."})

# Words that the Penn Treebank tags in one way only. The single quote is not
# among them: it is a closing quote or a possessive.
_TAG_OF_WORD = {
    ",": ",",
    ".": ".",
    "?": ".",
    "!": ".",
    ":": ":",
    ";": ":",
    "-": ":",
    "--": ":",
    "...": ":",
    "`": "``",
    "``": "``",
    "''": "''",
}

_READABLE = re.compile(r"[()]?[^()\s]+", re.ASCII)


class Repair(enum.StrEnum):
    """What `rebuild` may have to do to a token sequence."""

    # A bracket was closed for the model: at the end, or by an outer label.
    UNCLOSED = "unclosed"
    # A closing bracket that closes nothing was dropped.
    UNOPENED = "unopened"
    # A closing bracket with a label that is not open closed the innermost one.
    MISLABELLED = "mislabelled"
    # A constituent without words was dropped.
    EMPTY = "empty"
    # A token that is neither bracket nor tag was dropped.
    UNREADABLE = "unreadable"
    # A word had no leaf token and was added to the root, tagged `XX` unless
    # it is punctuation.
    MISSING_LEAF = "missing_leaf"
    # A leaf token had no word and was dropped.
    SURPLUS_LEAF = "surplus_leaf"
    # Several trees stood side by side and were put under TOP.
    SEVERAL_ROOTS = "several_roots"


class Rebuilt(NamedTuple):
    """A tree over the given words, and how often each repair was made."""

    tree: Tree
    repairs: "collections.Counter[Repair]"


def linearise(
    tree: Tree, *, tags: bool = True, words: bool = False
) -> list[str]:
    """A tree as the target tokens of a sequence-to-sequence parser.

    Args:
      tree: its labels have neither brackets nor white space.
      tags: whether a leaf is its tag; else every leaf is `XX`, which Vinyals
        et al. found to parse better. No tag can be scored then, and
        `settle_punctuation` must follow `rebuild`.
      words: whether each leaf follows its word, as `escaped` writes it.
        `without_words` takes them out again.
    """
    tokens: list[str] = []
    for node, opening in trees.traverse(tree):
        if node.word is not None:
            if words:
                tokens.append(trees.escaped(node.word))
            tokens.append(node.label if tags else UNKNOWN_TAG)
        elif node.children:
            tokens.append(f"({node.label}" if opening else f"){node.label}")
    return tokens


def without_words(
    tokens: Sequence[str], words: Sequence[str]
) -> tuple[list[str], "collections.Counter[Repair]"]:
    """Takes out the words that `linearise(..., words=True)` wrote.

    A model that skipped a word or wrote one twice is found out here, and its
    later leaves stay with their own words.

    Returns:
      The same without words, for `rebuild`, and what was repaired: a leaf `XX`
      for a word that was skipped, no leaf for one that is not there. Words
      skipped at the end are left to `rebuild`.
    """
    kept, written = _split_leaves(tokens)
    skipped: collections.Counter[int] = collections.Counter()
    surplus: set[int] = set()
    matcher = difflib.SequenceMatcher(
        None, written, [trees.escaped(word) for word in words], autojunk=False
    )
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind != "equal":
            # As many as there are on both sides stand for each other.
            both = min(last - first, end - start)
            surplus.update(range(first + both, last))
            skipped[last] += end - start - both
    skipped.pop(len(written), None)
    tokens, leaf = [], 0
    for token in kept:
        if token[0] in "()":
            tokens.append(token)
            continue
        tokens += [UNKNOWN_TAG] * skipped[leaf]
        tokens += [token] * (leaf not in surplus)
        leaf += 1
    repairs = {
        Repair.MISSING_LEAF: skipped.total(),
        Repair.SURPLUS_LEAF: len(surplus),
    }
    return tokens, +collections.Counter(repairs)


def _split_leaves(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tokens without words, and the words; one without a leaf gets `XX`."""
    kept: list[str] = []
    written: list[str] = []
    after_word = False
    for token in [*tokens, ")"]:
        is_bracket = token[0] in "()"
        if is_bracket and after_word:
            kept.append(UNKNOWN_TAG)
        if is_bracket or after_word:
            kept.append(token)
        else:
            written.append(token)
        after_word = not is_bracket and not after_word
    return kept[:-1], written


def rebuild(tokens: Sequence[str], words: Sequence[str]) -> Rebuilt:
    """Turns target tokens back into a tree over exactly the given words.

    Words meet leaf tokens from left to right. What `linearise` wrote of a tree
    with tags gives that very tree; without words it is `Tree("TOP")`.
    """
    assembly = _Assembly(words)
    for token in tokens:
        if not _READABLE.fullmatch(token):
            assembly.repairs[Repair.UNREADABLE] += 1
        elif token.startswith("("):
            assembly.open(token[1:])
        elif token.startswith(")"):
            assembly.close(token[1:])
        else:
            assembly.leaf(token)
    return Rebuilt(assembly.finish(), assembly.repairs)


def settle_punctuation(tree: Tree) -> Tree:
    """Makes a predicted tree's punctuation tags agree with its words.

    EVALB counts words by tag: one comma tagged as a noun, or one noun tagged
    as a comma, and the whole sentence is an error. Words of punctuation have
    one possible tag, so this needs no gold tree; a lone `'` keeps its tag. Any
    other word that was tagged punctuation becomes `XX`.
    """
    return trees.map_labels(tree, _settled_label)


class _Assembly:
    """The state of `rebuild`: constituents still open, words still unused."""

    def __init__(self, words: Sequence[str]):
        self.repairs: collections.Counter[Repair] = collections.Counter()
        self._words = words
        self._used = 0
        self._roots: list[Tree] = []
        # Label and children of each open constituent, outermost first.
        self._pending: list[tuple[str, list[Tree]]] = []

    def open(self, label: str) -> None:
        """Begins a constituent."""
        self._pending.append((label, []))

    def leaf(self, tag: str) -> None:
        """Uses the next word."""
        if self._used == len(self._words):
            self.repairs[Repair.SURPLUS_LEAF] += 1
            return
        self._siblings().append(Tree(tag, word=self._words[self._used]))
        self._used += 1

    def close(self, label: str) -> None:
        """Ends the constituent that the label most plausibly means."""
        labels = [pending for pending, _ in self._pending]
        if label in labels:
            while self._pending[-1][0] != label:
                self._end_unclosed()
            self._end()
        elif len(labels) > 1:
            self.repairs[Repair.MISLABELLED] += 1
            self._end()
        else:
            # The outermost constituent is never ended by a wrong label: all
            # that follows would fall outside of it.
            self.repairs[Repair.UNOPENED] += 1

    def finish(self) -> Tree:
        """Closes what is open, adds the words left over, returns the root."""
        while self._pending:
            self._end_unclosed()
        rest = [
            Tree(_TAG_OF_WORD.get(word, UNKNOWN_TAG), word=word)
            for word in self._words[self._used :]
        ]
        self._used = len(self._words)
        roots = self._roots
        if rest:
            self.repairs[Repair.MISSING_LEAF] += len(rest)
            if len(roots) == 1 and roots[0].word is None:
                (root,) = roots
                roots = [Tree(root.label, (*root.children, *rest))]
            else:
                roots = [*roots, *rest]
        if len(roots) == 1:
            return roots[0]
        if roots:
            self.repairs[Repair.SEVERAL_ROOTS] += 1
        return Tree(trees.TOP, tuple(roots))

    def _siblings(self) -> list[Tree]:
        return self._pending[-1][1] if self._pending else self._roots

    def _end_unclosed(self) -> None:
        if self._pending[-1][1]:
            self.repairs[Repair.UNCLOSED] += 1
        self._end()

    def _end(self) -> None:
        label, children = self._pending.pop()
        if children:
            self._siblings().append(Tree(label, tuple(children)))
        else:
            self.repairs[Repair.EMPTY] += 1


def _settled_label(node: Tree) -> str:
    word = node.word or ""
    if word in _TAG_OF_WORD:
        return _TAG_OF_WORD[word]
    # Numbers and signs such as `%` too: none of them has such a tag in gold.
    if node.label in PUNCTUATION_TAGS and node.word not in (None, "'"):
        return UNKNOWN_TAG
    return node.label
