"""Linearised trees with each bracket behind its first child.

Liu and Zhang (2017): `(S (NP DT NN )NP (VP VBZ )VP )S` is, in order,

    DT (NP NN )NP (S VBZ (VP )VP )S

A decoder then names a constituent once it has seen how it begins, instead of
before it has seen anything of it. Left out: their other reductions.
"""

from collections.abc import Iterable, Sequence


def in_order(tokens: Sequence[str], per_leaf: int = 1) -> list[str]:
    """Puts the brackets of a linearised tree behind their first children.

    Args:
      tokens: as `linearised_trees.linearise` writes them.
      per_leaf: tokens of a leaf, 2 where its word is in front of it.
    """
    moved: list[str] = []
    # Of each open constituent the bracket, until it is written.
    waiting: list[str] = []
    missing = per_leaf
    for token in tokens:
        if token.startswith("("):
            waiting.append(token)
            continue
        moved.append(token)
        if token.startswith(")"):
            waiting.pop()
        else:
            missing -= 1
            if missing:
                continue
            missing = per_leaf
        if waiting and waiting[-1]:
            moved.append(waiting[-1])
            waiting[-1] = ""
    return moved


def top_down(tokens: Sequence[str]) -> list[str]:
    """Puts brackets in front of what stands before them: `in_order` undone.

    Args:
      tokens: leaves of one token each; anything that a model may write. What
        is no tree stays none.
    """
    # What is whole of each open constituent, its bracket and first child being
    # one; the outermost level is outside of all.
    levels: list[list[list[str]]] = [[]]
    for token in tokens:
        if token.startswith("("):
            first = levels[-1].pop() if levels[-1] else []
            levels.append([[token, *first]])
        elif token.startswith(")") and len(levels) > 1:
            levels[-2].append([*_flat(levels.pop()), token])
        else:
            levels[-1].append([token])
    return _flat(whole for level in levels for whole in level)


def _flat(parts: Iterable[list[str]]) -> list[str]:
    return [token for part in parts for token in part]
