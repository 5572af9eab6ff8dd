"""The page: weights survive, text stays text, nothing is loaded."""

import base64
import html.parser
import importlib.resources
import json
import re
import zlib

import numpy as np
import pytest

import t2t_repro
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.visualize import page
from t2t_repro.visualize.attention_maps import AttentionMaps

_EVIL = "<script>alert('x')</script>"


class _Reader(html.parser.HTMLParser):
    """Collects elements, their attributes, and the text of each kind."""

    def __init__(self):
        super().__init__()
        self.elements, self.text, self._open = [], {}, []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        tag = self._open[-1] if self._open else ""
        self.text.setdefault(tag, []).append(data)


def _read(text):
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader


def read_data(text):
    """The sentences in a page, weights unpacked as page.js does."""
    data = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', text, re.S
    )
    sentences = json.loads(data[1])
    for sentence in sentences:
        for maps in sentence["attentions"]:
            packed = base64.b64decode(maps["weights"])
            roots = np.frombuffer(zlib.decompress(packed), np.uint8)
            maps["weights"] = np.square(roots / 255).reshape(
                maps["layers"],
                maps["heads"],
                len(maps["queries"]),
                len(maps["keys"]),
            )
    return sentences


def _maps(queries, keys, weights):
    return AttentionMaps("name", "row", "column", queries, keys, weights, ())


def _sentence(label="a", **fields):
    weights = np.random.default_rng(1).dirichlet([0.3] * 3, size=(2, 4, 2))
    maps = _maps((label, "b"), ("c",) * 3, weights)
    given = {"source": "so", "output": "out", "attentions": [maps]}
    return page.Sentence(**given | fields), weights


def test_weights_survive():
    sentence, weights = _sentence()
    text = page.build("Title", ["fact"], [sentence])
    (maps,) = read_data(text)[0]["attentions"]
    assert (maps["queries"], maps["keys"]) == (["a", "b"], ["c"] * 3)
    # A root is off by 1/510 at most, and so its square by 2/510 of the root.
    error = abs(maps["weights"] - weights)
    assert (error <= np.sqrt(weights) / 255 + 1 / 510**2).all()
    assert sentence.weight_count == 2 * 4 * 2 * 3


def test_a_long_sentence_is_a_small_page():
    """Of 512 pieces: sharp attention, even attention, all at one word."""
    rng = np.random.default_rng(1)
    even = np.full((512, 512), 1 / 512)
    sharp = rng.dirichlet([0.01] * 512, size=512)
    weights = np.stack([even, sharp, np.eye(512)])[None].astype(np.float32)
    words = ("word",) * 512
    maps = _maps(words, words, weights)
    text = page.build("Title", [], [page.Sentence("so", "out", [maps])])
    # Not a byte a weight; two bytes in base64 would be 2.1 million.
    assert len(text) < weights.size
    (maps,) = read_data(text)[0]["attentions"]
    # The root of 1/512 is 11.27/255: as 11 it stands for 0.19 %, as it is.
    assert maps["weights"][0, 0, 0, 0] == pytest.approx((11 / 255) ** 2)
    np.testing.assert_array_equal(maps["weights"][0, 2], np.eye(512))


def test_words_are_never_drawn_over_what_stays_in_sight():
    style = importlib.resources.files("t2t_repro.visualize") / "page.css"
    rules = dict(
        re.findall(r"^([^\n{}]+) \{([^}]*)\}", style.read_text(), re.MULTILINE)
    )
    # At the top alone: at the bottom it would hide the last words.
    sticky = [name for name, body in rules.items() if "sticky" in body]
    assert sticky == ["#panel, #reading"]
    assert {"top: 0", "z-index: 1"} <= {
        part.strip() for part in rules[sticky[0]].split(";")
    }
    assert "isolation: isolate" in rules["#stage"]


@pytest.mark.parametrize(
    "place", ["title", "fact", "source", "output", "label"]
)
def test_text_is_never_markup(place):
    given = {"title": "t", "fact": "f", "source": "s", "output": "o"}
    given |= {"label": "l", place: _EVIL}
    sentence, _ = _sentence(
        given["label"], source=given["source"], output=given["output"]
    )
    text = page.build(given["title"], [given["fact"]], [sentence])
    reader = _read(text)
    # The data and the page's own script, wherever the text stands.
    scripts = [found for tag, found in reader.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert _EVIL not in text
    if place in ("source", "label"):
        (shown,) = read_data(text)
        assert _EVIL in (shown["source"], shown["attentions"][0]["queries"][0])
    shown = {"title": "title", "fact": "li", "source": "dd", "output": "dd"}
    if place in shown:
        assert _EVIL in "".join(reader.text[shown[place]])


def test_nothing_comes_from_elsewhere():
    text = page.build("Title", [], [_sentence()[0]])
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    reader = _read(text)
    for tag, attributes in reader.elements:
        assert tag not in ("link", "img", "iframe", "object")
        assert not {"src", "href"} & attributes.keys()
    policies = [
        attributes["content"]
        for tag, attributes in reader.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none';")


def test_a_tree_is_shown_where_there_is_one():
    with_tree, _ = _sentence(tree="<svg></svg>")
    text = page.build("Title", [], [_sentence()[0], with_tree])
    assert text.count('<figure class="parse" tabindex="0"><svg></svg>') == 1


def test_the_script_finds_every_element_it_names():
    reader = _read(page.build("Title", [], [_sentence()[0]]))
    found = {attributes.get("id") for _, attributes in reader.elements}
    wanted = re.findall(r'byId\("([\w-]+)"\)', "".join(reader.text["script"]))
    assert {"attentions", "layer", "cells", "scale"} <= set(wanted) <= found


def test_a_translation_is_the_decoders(trained):
    loaded = t2t_repro.load(trained.output_dir)
    sentence = page.translate(loaded, "ab cd ef")
    assert sentence.output == loaded("ab cd ef")
    assert (sentence.source, sentence.tree) == ("ab cd ef", "")
    target = loaded.encoder.encode(sentence.output)
    assert len(sentence.attentions[1].queries) == len(target) + 1
    assert EOS_ID not in target
