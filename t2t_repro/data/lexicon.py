"""Which ids translate which: IBM's model 1 (Brown et al. 1993, section 4.1).

Every id of a target is taken to translate one id of its source, whichever, and
some rounds of expectation and maximisation find how likely each does. Words
that translate none of them have the empty word to come from: the padding's id,
in front of every source. Ids take the place of words, as the model knows
nothing else.

It is a sparse table in NumPy. A million pairs of sentences have a billion
links between their ids, so that of many pairs every second, third or nth is
read; what most of a vocabulary translates to shows in a fraction of them.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from t2t_repro.data.records import Pairs, Sequences
from t2t_repro.text.encoder import PAD_ID

# Links between ids that are read at all, four bytes each, and at a time.
_MOST_LINKS = 2**27
_LINKS_AT_ONCE = 2**22


class Lexicon(NamedTuple):
    """The pairs of ids that were seen, by source and then by target.

    Attributes:
      sources: `[entries]` int64, the empty word's 0 among them.
      targets: `[entries]` int64.
      probabilities: `[entries]` float64; those of one source sum to 1.
    """

    sources: np.ndarray
    targets: np.ndarray
    probabilities: np.ndarray


class _Links(NamedTuple):
    """What may translate what in some sentences.

    Attributes:
      entries: `[links]` int32, the entry of each; a target id's are neighbours.
      counts: `[target ids]`, how many links each has: its source's length.
    """

    entries: np.ndarray
    counts: np.ndarray


def with_empty_word(pairs: Pairs) -> Pairs:
    """Puts the empty word in front of every source."""
    values, starts = pairs.inputs.values, pairs.inputs.starts
    values = np.insert(values, starts[:-1], PAD_ID)
    return Pairs(
        Sequences(values, starts + np.arange(len(starts))), pairs.targets
    )


def some(pairs: Pairs, most_links: int = _MOST_LINKS) -> Pairs:
    """Every nth pair, so that they have no more links than that by far.

    Args:
      pairs: of ids.
      most_links: products of source and target length, summed.
    """
    every = math.ceil(pairs.lengths().prod(axis=1).sum() / most_links)
    rows = np.arange(0, len(pairs), max(every, 1))
    return Pairs(_take(pairs.inputs, rows), _take(pairs.targets, rows))


def fit(pairs: Pairs, vocab_size: int, rounds: int) -> Lexicon:
    """Estimates t(target | source), from equal chances on.

    Args:
      pairs: of ids, the empty word in front where there is to be one.
      vocab_size: above all ids.
      rounds: of expectation and maximisation.

    Returns:
      What is most likely to have made the targets of the sources, nearly.
    """
    # Twice through them: their keys together would take twice the memory.
    seen = [np.unique(block) for block, _ in _blocks(pairs, vocab_size)]
    keys = np.unique(np.concatenate(seen))
    links = [
        _Links(np.searchsorted(keys, block).astype(np.int32), counts)
        for block, counts in _blocks(pairs, vocab_size)
    ]
    sources, targets = np.divmod(keys, vocab_size)
    probabilities = np.ones(len(keys))
    for _ in range(rounds):
        expected = np.zeros(len(keys))
        for block in links:
            expected += _expected(block, probabilities)
        totals = np.bincount(sources, expected, vocab_size)
        probabilities = expected / totals[sources]
    return Lexicon(sources, targets, probabilities)


def best(
    lexicon: Lexicon, vocab_size: int, count: int, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest targets of every source.

    Args:
      lexicon: from `fit`.
      vocab_size: rows of the result.
      count: columns of the result.
      least: what is less likely is left out.

    Returns:
      `[vocabulary, count]` ids, int32, the likeliest first, and their
      probabilities, float32; behind the last of a row both are 0.
    """
    sources, targets, probabilities = lexicon
    order = np.lexsort((targets, -probabilities, sources))
    first = np.searchsorted(sources, np.arange(vocab_size))
    rank = np.arange(len(sources)) - first[sources]
    kept = (rank < count) & (probabilities[order] >= least)
    places = sources[kept], rank[kept]
    ids = np.zeros((vocab_size, count), np.int32)
    values = np.zeros((vocab_size, count), np.float32)
    ids[places] = targets[order][kept]
    values[places] = probabilities[order][kept]
    return ids, values


def _expected(links: _Links, probabilities: np.ndarray) -> np.ndarray:
    """How often each entry is expected to be the link of a target id."""
    chances = probabilities[links.entries]
    first = np.cumsum(links.counts) - links.counts
    sums = np.add.reduceat(chances, first)
    chances /= np.repeat(sums, links.counts)
    return np.bincount(links.entries, chances, len(probabilities))


def _blocks(
    pairs: Pairs, vocab_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The links of some sentences at a time, as keys, and their counts.

    A key is source x vocabulary + target.
    """
    inputs, targets = pairs.inputs, pairs.targets
    sums = np.cumsum(pairs.lengths().prod(axis=1))
    ends = np.arange(_LINKS_AT_ONCE, sums[-1] + _LINKS_AT_ONCE, _LINKS_AT_ONCE)
    cuts = np.unique([0, *np.searchsorted(sums, ends, "right"), len(pairs)])
    for begin, end in zip(cuts[:-1], cuts[1:], strict=True):
        lengths = targets.lengths[begin:end]
        counts = np.repeat(inputs.lengths[begin:end], lengths)
        starts = np.repeat(inputs.starts[begin:end], lengths)
        values = targets.values[targets.starts[begin] : targets.starts[end]]
        sources = inputs.values[_spans(starts, counts)].astype(np.int64)
        keys = sources * vocab_size + np.repeat(values, counts)
        yield keys, counts


def _take(sequences: Sequences, rows: np.ndarray) -> Sequences:
    lengths = sequences.lengths[rows]
    values = sequences.values[_spans(sequences.starts[rows], lengths)]
    return Sequences(values, np.concatenate([[0], np.cumsum(lengths)]))


def _spans(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each start and the numbers behind it, as many as its length."""
    first = np.cumsum(lengths) - lengths
    return np.repeat(starts - first, lengths) + np.arange(lengths.sum())
