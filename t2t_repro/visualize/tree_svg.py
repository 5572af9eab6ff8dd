"""A constituency tree as a picture (SVG), for the parses of section 6.3.

A node stands as many rows down as it is deep, over the middle of what it spans,
and a word under its tag, so that no two branches cross. What is left out: how
wide a letter really is, which only the browser knows. Colours are the page's.
"""

import dataclasses
import html

from t2t_repro.text.trees import Tree, traverse

_LEVEL = 44  # from one row to the next, in pixels
_WORD_DROP = 22  # from a tag to its word
_LETTER = 8.4  # of a letter of 14 px, wide enough for most
_GAP = 14  # between neighbours
_MARGIN = 16
# From the line a label stands on to the ends of its branches.
_ABOVE, _BELOW = 15, 6


@dataclasses.dataclass
class _Placed:
    """A node with its place."""

    node: Tree
    depth: int  # rows below the root
    width: float  # of its label, or of an only child's ancestors if wider
    children: list["_Placed"] = dataclasses.field(default_factory=list)
    centre: float = 0.0  # x in pixels


def tree_svg(tree: Tree) -> str:
    """An `<svg>` element that names no colour and no other file.

    The tree may be of any depth and width, its labels and words any text.
    """
    nodes = _place(tree)
    deepest = max(node.depth for node in nodes)
    left = min(n.centre - n.width / 2 for n in nodes) - _MARGIN
    right = max(n.centre + n.width / 2 for n in nodes) + _MARGIN
    width = round(right - left)
    height = 2 * _MARGIN + deepest * _LEVEL + _WORD_DROP + _ABOVE
    parts = [part for node in nodes for part in _draw(node)]
    words = html.escape(" ".join(tree.words()), quote=True)
    return (
        f'<svg class="tree" role="img" aria-label="Parse tree of: {words}"'
        f' width="{width}" height="{height}"'
        f' viewBox="{left:.0f} 0 {width} {height}">{"".join(parts)}</svg>'
    )


def _place(tree: Tree) -> list[_Placed]:
    """All nodes, children before their parent, the root last."""
    placed: list[_Placed] = []
    open_nodes: list[_Placed] = []
    edge = 0.0
    for node, opening in traverse(tree):
        if not opening:
            found = open_nodes.pop()
            if found.children:
                ends = found.children[0], found.children[-1]
                found.centre = sum(end.centre for end in ends) / 2
            placed.append(found)
            continue
        found = _Placed(node, len(open_nodes), len(node.label) * _LETTER)
        if open_nodes:
            parent = open_nodes[-1]
            parent.children.append(found)
            if len(parent.node.children) == 1:
                found.width = max(found.width, parent.width)
        if node.word is None:
            open_nodes.append(found)
            continue
        found.width = max(found.width, len(node.word) * _LETTER)
        found.centre = edge + found.width / 2
        edge += found.width + _GAP
        placed.append(found)
    return placed


def _draw(placed: _Placed) -> list[str]:
    x, y = placed.centre, _baseline(placed)
    parts = [
        f'<line x1="{x:.1f}" y1="{y + _BELOW}" x2="{child.centre:.1f}"'
        f' y2="{_baseline(child) - _ABOVE}"/>'
        for child in placed.children
    ]
    kind = "constituent" if placed.node.word is None else "tag"
    parts.append(_text(kind, x, y, placed.node.label))
    if placed.node.word is not None:
        parts.append(_text("word", x, y + _WORD_DROP, placed.node.word))
    return parts


def _baseline(placed: _Placed) -> int:
    return _MARGIN + _ABOVE + placed.depth * _LEVEL


def _text(kind: str, x: float, y: float, text: str) -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="middle">'
        f"{html.escape(text)}</text>"
    )
