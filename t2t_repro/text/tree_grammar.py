"""Which ids of a vocabulary may follow which in a linearised tree.

`linearised_trees` says what such a tree looks like in tokens; here it is in
ids, for a search that may write nothing else. That needs every bracket and tag
to be one id. The rest of the vocabulary makes up the words, of which only the
first id has a space in front.
"""

import dataclasses
from collections.abc import Sequence

from t2t_repro.text.encoder import TextEncoder


@dataclasses.dataclass(frozen=True)
class TreeGrammar:
    """What linearised trees over a source's words are made of.

    Attributes:
      closing: of an id that opens a constituent, the id that closes it.
      tags: ids of the leaves' tags.
      begins_word: `[vocabulary]`, whether an id is the first of a token.
      words_in_target: whether each tag follows its word; the word's ids are
        then those of the source.
      in_order: whether brackets stand behind first children, see `in_order`.
      most_open: constituents open at a time.
      most_opened_at_once: constituents opened from one leaf to the next.
    """

    closing: dict[int, int]
    tags: tuple[int, ...]
    begins_word: tuple[bool, ...]
    words_in_target: bool
    in_order: bool
    most_open: int
    most_opened_at_once: int


def tree_grammar(
    encoder: TextEncoder,
    symbols: Sequence[str],
    words_in_target: bool,
    in_order: bool,
    most_open: int,
    most_opened_at_once: int,
) -> TreeGrammar | None:
    """The grammar in the ids of a vocabulary.

    Args:
      encoder: the vocabulary.
      symbols: brackets with their labels, such as `(NP` and `)NP`, and tags.
      words_in_target: see `TreeGrammar`, as all that follow.
      in_order: where brackets stand.
      most_open: is what keeps a hypothesis' brackets in a fixed space.
      most_opened_at_once: is what makes a tree over few words end.

    Returns:
      None where a symbol is several ids, or shares one with another.
    """
    encoded = encoder.encode_lines([f" {symbol}" for symbol in symbols])
    ids = {
        symbol: found[0]
        for symbol, found in zip(symbols, encoded, strict=True)
        if len(found) == 1
    }
    if len(set(ids.values())) < len(symbols):
        return None
    closing = {
        ids[symbol]: ids[f"){symbol[1:]}"]
        for symbol in symbols
        if symbol.startswith("(")
    }
    bracket = next(iter(closing))
    before = encoder.decode([bracket]) + " "
    return TreeGrammar(
        closing=closing,
        tags=tuple(
            number for symbol, number in ids.items() if symbol[0] not in "()"
        ),
        begins_word=tuple(
            encoder.decode([bracket, number]).startswith(before)
            for number in range(encoder.vocab_size)
        ),
        words_in_target=words_in_target,
        in_order=in_order,
        most_open=most_open,
        most_opened_at_once=most_opened_at_once,
    )
