"""From a sentence to what a page or a summary shows of it.

A translation is searched for as t2t-decoder does, and then read once more with
itself as the decoder's input, so that every step's attention is there at once.
The maps are the same as those of the search, whose steps read the same ids.
"""

from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.text.trees import parse_tree
from t2t_repro.visualize import pieces
from t2t_repro.visualize.page import Sentence
from t2t_repro.visualize.stacks import Stack
from t2t_repro.visualize.stacks import stacks
from t2t_repro.visualize.tree_drawing import tree_svg


def look_at(loaded: LoadedRun, line: str) -> Sentence:
    """Translates a line, and gathers what its page shows.

    Args:
      loaded: the run.
      line: the user's, not empty.

    Returns:
      With a tree where the run is on a parsing problem.
    """
    text, found = _attend(loaded, line, None)
    text, _ = loaded.problem.output_line(line, text)
    is_parsing = loaded.problem.metric == "f1"
    tree = tree_svg(parse_tree(text)) if is_parsing else ""
    return Sentence(source=line, output=text, stacks=found, tree=tree)


def look_at_pair(loaded: LoadedRun, line: str, target: str) -> list[Stack]:
    """The attentions while a given translation is read.

    Args:
      loaded: the run.
      line: the user's.
      target: as the model writes it.
    """
    return _attend(loaded, line, target)[1]


def _attend(
    loaded: LoadedRun, line: str, target: str | None
) -> tuple[str, list[Stack]]:
    attention = loaded.attention(line, target)
    return attention.text, stacks(
        attention.maps,
        pieces.labels(loaded.encoder, attention.source),
        pieces.labels(loaded.encoder, attention.target),
    )
