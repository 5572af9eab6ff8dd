"""More trees from few: constituents change places (Jia and Liang 2016).

A sequence-to-sequence parser knows nothing of constituents before it is
trained, and a few thousand sentences teach it their words rather than their
grammar. Where a noun phrase under a verb phrase is put in the place of another
one, the tree stays right for the new sentence, whatever it may mean. Not in the
paper. Left out: any judgement of how likely the new sentence is.
"""

import collections
import random
from collections.abc import Iterator, Sequence

from t2t_repro.text.trees import Tree, traverse

# Small enough that most of a sentence stays as it was.
_EXCHANGE = 0.15
# A constituent of n words gives way to one of at most 2 n + 3, so that
# sentences do not grow from copy to copy.
_LONGEST = (2, 3)

_Pool = dict[tuple[str, str], list[tuple[int, Tree]]]


def recombined(trees: Sequence[Tree], copies: int, seed: int) -> Iterator[Tree]:
    """Goes through `trees` `copies` times, the same for the same seed.

    Yields:
      For each tree a copy in which constituents below the root may be those of
      other trees, with the same label and the same label above them.
    """
    pool = _constituents(trees)
    generator = random.Random(seed)
    for _ in range(copies):
        for tree in trees:
            yield _exchange(tree, pool, generator)


def _constituents(trees: Sequence[Tree]) -> _Pool:
    """All constituents and their lengths, by the label above and their own."""
    pool: _Pool = collections.defaultdict(list)
    for tree in trees:
        for node, opening in traverse(tree):
            if opening:
                for child in node.children:
                    if child.word is None:
                        key = node.label, child.label
                        pool[key].append((len(child.leaves()), child))
    return pool


def _exchange(tree: Tree, pool: _Pool, generator: random.Random) -> Tree:
    children = []
    for child in tree.children:
        if child.word is not None:
            children.append(child)
        elif generator.random() < _EXCHANGE:
            length, other = generator.choice(pool[tree.label, child.label])
            factor, more = _LONGEST
            fits = length <= factor * len(child.leaves()) + more
            children.append(other if fits else child)
        else:
            children.append(_exchange(child, pool, generator))
    return Tree(tree.label, tuple(children), tree.word)
