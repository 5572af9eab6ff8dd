"""The tree's picture: valid XML, every label, children under their parent."""

from xml.etree import ElementTree

from t2t_repro.text.trees import Tree, parse_tree
from t2t_repro.visualize.tree_svg import tree_svg


def _texts(svg):
    """(text, x, y) of every label and word."""
    return [
        (element.text, float(element.get("x")), float(element.get("y")))
        for element in ElementTree.fromstring(svg).iter("text")
    ]


def test_places_by_hand():
    svg = tree_svg(parse_tree("(S (NP (DT the) (NN dog)) (VP (VBZ barks)))"))
    # A letter is 8.4 wide, a gap 14: "the" is at 0 to 25.2, "dog" at 39.2 to
    # 64.4, "barks" at 78.4 to 120.4.
    centre = {text: x for text, x, _ in _texts(svg)}
    assert centre["the"] == centre["DT"] == 12.6
    assert centre["dog"] == 51.8 and centre["barks"] == 99.4
    assert centre["NP"] == 32.2 and centre["VP"] == 99.4
    assert centre["S"] == 65.8
    # The first row is at 16 + 15, the next 44 below; words 22 under tags.
    row = {text: y for text, _, y in _texts(svg)}
    assert (row["S"], row["NP"], row["NN"], row["dog"]) == (31, 75, 119, 141)
    # One branch for each node but the root.
    assert len(list(ElementTree.fromstring(svg).iter("line"))) == 5


def test_everything_is_inside():
    """A label wider than its word may begin left of it."""
    svg = tree_svg(parse_tree("(WHADVP (X (Y a)) (LONGLABEL (Z (Q b))))"))
    left, _, width, height = map(
        float, ElementTree.fromstring(svg).get("viewBox").split()
    )
    for text, x, y in _texts(svg):
        half = len(text) * 8.4 / 2
        assert left <= x - half and x + half <= left + width
        assert 0 < y < height


def test_text_is_escaped():
    leaf = Tree('<b">', word="<script>alert(1)</script>&")
    svg = tree_svg(Tree('S"<', (leaf,)))
    assert "<script" not in svg
    assert [text for text, _, _ in _texts(svg)] == [
        leaf.label,
        leaf.word,
        'S"<',
    ]


def test_very_deep_and_empty():
    tree = Tree("NN", word="x")
    for _ in range(3000):
        tree = Tree("S", (tree,))
    assert len(_texts(tree_svg(tree))) == 3002
    assert _texts(tree_svg(Tree("TOP")))[0][0] == "TOP"
