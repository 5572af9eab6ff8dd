"""One HTML page that shows a model's attention, whole in one file.

tensor2tensor's and BertViz' view, in which words stand in two columns and lines
between them have a colour for each head, written anew: it needs no network, no
notebook and no library, and a browser is told to load nothing (its security
policy). It is page.html, with page.css, drawing.js and page.js put in.

Of a weight its square root is kept, in 8 bits, as it is drawn: near 1 a weight
is off by at most 0.4 %, near 0.01 by 0.04 %. The browser unpacks what zlib
packed.
"""

import base64
import dataclasses
import html
import importlib.resources
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.text.trees import parse_tree
from t2t_repro.visualize import attention_maps
from t2t_repro.visualize.attention_maps import AttentionMaps
from t2t_repro.visualize.tree_svg import tree_svg

_LARGEST = 255  # what a weight of 1 is kept as


@dataclasses.dataclass(frozen=True)
class Sentence:
    """A sentence to show.

    Attributes:
      source: the user's line.
      output: what the model makes of it.
      attentions: by kind.
      tree: an `<svg>` element of a parse; empty for none.
    """

    source: str
    output: str
    attentions: Sequence[AttentionMaps]
    tree: str = ""

    @property
    def weight_count(self) -> int:
        """How many weights the page will hold for it."""
        return sum(maps.weights.size for maps in self.attentions)


def translate(loaded: LoadedRun, line: str) -> Sentence:
    """What the page shows of a line, which is not empty.

    It is translated as t2t-decoder does; a parsing run's has a tree.
    """
    text, attentions = attention_maps.of_sentence(loaded, line)
    output, _ = loaded.problem.output_line(line, text)
    is_parsing = loaded.problem.metric == "f1"
    tree = tree_svg(parse_tree(output)) if is_parsing else ""
    return Sentence(line, output, attentions, tree)


def build(
    title: str, facts: Sequence[str], sentences: Sequence[Sentence]
) -> str:
    """The HTML, ASCII alone in its data.

    Args:
      title: what it shows.
      facts: of the run, short.
      sentences: at least one, all of one model.
    """
    sections = "\n".join(
        _section(number, sentence) for number, sentence in enumerate(sentences)
    )
    return _asset("page.html").format(
        title=html.escape(title),
        style=_asset("page.css"),
        facts="".join(f"<li>{html.escape(fact)}</li>" for fact in facts),
        sections=sections,
        data=_json([_data(sentence) for sentence in sentences]),
        script=_asset("drawing.js") + _asset("page.js"),
    )


def _section(number: int, sentence: Sentence) -> str:
    tree = f'<figure class="parse" tabindex="0">{sentence.tree}</figure>'
    return (
        f'<section class="sentence" data-sentence="{number}">'
        f"<dl><dt>Source</dt><dd>{html.escape(sentence.source)}</dd>"
        f"<dt>Output</dt><dd>{html.escape(sentence.output)}</dd></dl>"
        f"{tree if sentence.tree else ''}</section>"
    )


def _data(sentence: Sentence) -> dict[str, Any]:
    return {
        "source": sentence.source,
        "attentions": [
            {
                "name": maps.name,
                "queryTitle": maps.query_title,
                "keyTitle": maps.key_title,
                "queries": maps.queries,
                "keys": maps.keys,
                "layers": maps.weights.shape[0],
                "heads": maps.weights.shape[1],
                "weights": _packed(maps.weights),
            }
            for maps in sentence.attentions
        ],
    }


def _packed(weights: np.ndarray) -> str:
    """Base64 of what zlib makes of the roots, a byte each."""
    roots = np.rint(np.sqrt(np.clip(weights, 0.0, 1.0)) * _LARGEST)
    packed = zlib.compress(roots.astype(np.uint8).tobytes())
    return base64.b64encode(packed).decode("ascii")


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _asset(name: str) -> str:
    folder = importlib.resources.files("t2t_repro.visualize")
    return (folder / name).read_text(encoding="utf-8")
