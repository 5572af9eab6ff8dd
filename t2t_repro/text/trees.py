"""Constituency trees and the files they come in: section 6.3's corpora.

A treebank is written as brackets: a pre-terminal is `(NN dog)`, a constituent
is `(NP (DT a) (NN dog))`. Two layouts are read: the Penn Treebank's `.mrg`
(trees over many lines, each in a bracket without a label) and one tree a line.
The bracket that only wraps a tree, whether it is labelled `TOP` or not at all,
is taken off when a tree is read and put back, as `TOP`, when one is written.

Traces and function tags are dropped by default, as parsers are trained and
scored without them. Left out: head rules and binarisation.
"""

import dataclasses
import os
import re
from collections.abc import Callable, Iterable, Iterator

from t2t_repro.errors import InputError
from t2t_repro.text.lines import iterate_lines

TOP = "TOP"
TRACE = "-NONE-"

# Only ASCII spaces separate tokens: a no-break space is part of its word.
_TOKEN = re.compile(r"[()]|[^()\s]+", re.ASCII)
_WORD = re.compile(r"\S+", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Tree:
    """A pre-terminal (a tag over one word) or a constituent (over children).

    `Tree("TOP")`, with neither, stands for a sentence without words.
    """

    label: str
    children: tuple["Tree", ...] = ()
    word: str | None = None

    def __post_init__(self) -> None:
        if self.children and self.word is not None:
            raise ValueError(
                f"a tree labelled {self.label!r} has both a word and children"
            )

    def leaves(self) -> list["Tree"]:
        """The pre-terminals, left to right."""
        return [node for node, _ in traverse(self) if node.word is not None]

    def words(self) -> list[str]:
        """The words, left to right."""
        return [leaf.word for leaf in self.leaves() if leaf.word is not None]


def traverse(tree: Tree) -> Iterator[tuple[Tree, bool]]:
    """Walks a tree as its brackets are written, however deep it is.

    Yields:
      `(node, True)` at a constituent's opening bracket and for a pre-terminal,
      `(node, False)` at a constituent's closing bracket.
    """
    # A decoder that repeats itself makes trees too deep for recursion.
    stack = [(tree, True)]
    while stack:
        node, opening = stack.pop()
        yield node, opening
        if opening and node.word is None:
            stack.append((node, False))
            stack.extend((child, True) for child in reversed(node.children))


def parse_tree(text: str, source: str = "tree") -> Tree:
    """Reads exactly one tree, over one line or many, without its wrapper."""
    return _unwrap(_parse_one(text, source))


def read_trees(
    path: str | os.PathLike[str],
    *,
    keep_traces: bool = False,
    keep_functions: bool = False,
) -> Iterator[Tree]:
    """Streams the trees of a file, without their wrapping brackets.

    In a file named `*.mrg` a tree may take any number of lines; in any other
    every line that is not blank is one tree. Either may be packed (`.gz`).

    Args:
      path: the file.
      keep_traces: keeps empty elements such as `(-NONE- *T*-1)`.
      keep_functions: keeps function tags and indices, as in `NP-SBJ=1`.
    """
    name = os.fspath(path)
    for tree in _parse_layout(enumerate(iterate_lines(path), start=1), name):
        # In this order: a wrapper may be left with one child by cleaning.
        yield _unwrap(
            clean(tree, keep_traces=keep_traces, keep_functions=keep_functions)
        )


def clean(
    tree: Tree, *, keep_traces: bool = False, keep_functions: bool = False
) -> Tree:
    """Drops what parsers are neither trained nor scored on.

    `Tree("TOP")` is what remains of a tree of traces alone.
    """

    def relabel(node: Tree) -> str | None:
        if node.word is not None and node.label == TRACE and not keep_traces:
            return None
        return node.label if keep_functions else plain_label(node.label)

    return map_labels(tree, relabel)


def map_labels(tree: Tree, relabel: Callable[[Tree], str | None]) -> Tree:
    """Copies a tree with other labels, or without some of its leaves.

    `relabel` gives each node's new label, or None to drop a leaf. Constituents
    that lose all their leaves go too; `Tree("TOP")` if no leaf is left.
    """
    levels: list[list[Tree]] = [[]]
    for node, opening in traverse(tree):
        if node.word is not None:
            label = relabel(node)
            if label is not None:
                levels[-1].append(Tree(label, word=node.word))
        elif opening:
            levels.append([])
        else:
            children = levels.pop()
            if children:
                label = relabel(node) or node.label
                levels[-1].append(Tree(label, tuple(children)))
    return levels[0][0] if levels[0] else Tree(TOP)


def plain_label(label: str) -> str:
    """The label without function tags and indices: NP-SBJ=1 is NP."""
    # Labels such as -LRB- and -NONE- have none. ADVP|PRT is an annotator's
    # doubt: the first reading stands.
    return re.split("[-=|]", label, maxsplit=1)[0] or label


def escaped(word: str) -> str:
    """The word as the Penn Treebank writes it: without a bracket."""
    return word.replace("(", "-LRB-").replace(")", "-RRB-")


def tree_line(tree: Tree) -> str:
    """A tree on one line, such as `(TOP (NP (DT a) (NN dog)))`.

    Raises:
      ValueError: a word is empty or has white space in it.
    """
    if tree.label != TOP or tree.word is not None:
        tree = Tree(TOP, (tree,))
    pieces: list[str] = []
    for node, opening in traverse(tree):
        if not opening:
            pieces.append(")")
        elif node.word is None:
            pieces.append(f" ({node.label}")
        else:
            pieces.append(f" ({node.label} {_written(node.word)})")
    return "".join(pieces).lstrip()


def words_and_tags_from_wsj_tree(tree_string: str) -> tuple[str, str]:
    """Splits a tree as tensor2tensor's parsing problems did.

    Returns:
      The words; labels, tags and a `/label` for each closing bracket, without
      the outermost bracket. Both are joined by spaces.
    """
    words: list[str] = []
    tags: list[str] = []
    for node, opening in traverse(_parse_one(tree_string, "tree")):
        tags.append(node.label if opening else f"/{node.label}")
        if node.word is not None:
            words.append(node.word)
    return " ".join(words), " ".join(tags[1:-1])


@dataclasses.dataclass
class _Open:
    """A bracket that has been opened and not yet closed."""

    where: str
    label: str | None = None
    word: str | None = None
    children: list[Tree] = dataclasses.field(default_factory=list)

    def take(self, token: str, where: str) -> None:
        """Makes a token the label, or else the word."""
        if self.children:
            raise InputError(
                f"{where}: the word {token!r} stands beside a bracket. Give it"
                " a tag: (NN word)."
            )
        if self.label is None:
            self.label = token
        elif self.word is None:
            self.word = token
        else:
            raise InputError(
                f"{where}: {token!r} is a second word in one bracket, after"
                f" {self.word!r}. Give each word a bracket with its tag."
            )

    def close(self, where: str, outermost: bool) -> Tree:
        """The finished node."""
        wrapper = outermost and self.label in (None, TOP)
        if self.word is None and not self.children and not wrapper:
            raise InputError(
                f"{where}: ({self.label or ''}) holds nothing. Remove it, or"
                " give it a word."
            )
        if self.label is None and not outermost:
            raise InputError(
                f"{self.where}: this bracket has no label, as only a tree's"
                " outermost may. Label it, or close the tree before it."
            )
        return Tree(self.label or "", tuple(self.children), self.word)


def _parse_layout(
    lines: Iterable[tuple[int, str]], source: str
) -> Iterator[Tree]:
    """The trees of numbered lines, in the layout that the file's name tells."""
    if source.lower().removesuffix(".gz").endswith(".mrg"):
        yield from _parse(lines, source)
        return
    for number, line in lines:
        if line.strip():
            yield _only(list(_parse([(number, line)], source)), source, number)


def _parse_one(text: str, source: str) -> Tree:
    numbered = enumerate(text.split("\n"), start=1)
    return _only(list(_parse(numbered, source)), source, 1)


def _only(trees: list[Tree], source: str, line: int) -> Tree:
    if len(trees) != 1:
        raise InputError(
            f"{source}, line {line}: expected one tree, found {len(trees)}."
        )
    return trees[0]


def _parse(lines: Iterable[tuple[int, str]], source: str) -> Iterator[Tree]:
    """Yields the trees of numbered lines, wrapping brackets included."""
    pending: list[_Open] = []
    for number, line in lines:
        for match in _TOKEN.finditer(line):
            token = match.group()
            where = f"{source}, line {number}, column {match.start() + 1}"
            if token == "(":
                if pending and pending[-1].word is not None:
                    raise InputError(
                        f"{where}: a bracket opens after the word"
                        f" {pending[-1].word!r}. Close the word's bracket"
                        " first; a bracket that is a word is written -LRB-."
                    )
                pending.append(_Open(where))
            elif not pending:
                raise InputError(
                    f"{where}: {token!r} is outside every tree. Balance the"
                    " brackets before it."
                )
            elif token == ")":
                node = pending.pop().close(where, outermost=not pending)
                if pending:
                    pending[-1].children.append(node)
                else:
                    yield node
            else:
                pending[-1].take(token, where)
    if pending:
        raise InputError(
            f"{pending[0].where}: the tree that begins here lacks"
            f" {len(pending)} closing bracket(s). Balance its brackets."
        )


def _unwrap(tree: Tree) -> Tree:
    """Takes off brackets that only say that a tree begins here."""
    while tree.label in ("", TOP) and len(tree.children) == 1:
        (tree,) = tree.children
    return tree if tree.label else Tree(TOP, tree.children, tree.word)


def _written(word: str) -> str:
    if not _WORD.fullmatch(word):
        raise ValueError(
            f"cannot write the word {word!r} in a tree: expected one or more"
            " characters other than white space"
        )
    return escaped(word)
