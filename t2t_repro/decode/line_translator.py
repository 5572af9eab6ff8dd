"""From lines to lines: batches of similar length, results in input order.

Lines are read, translated and given back in windows, so that memory does not
grow with their number. tensor2tensor read the whole file to sort it.
"""

import abc
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from t2t_repro.decode import parallel
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation
from t2t_repro.text.encoder import EOS_ID, PAD_ID, TextEncoder

# Lines sorted by length at a time: enough to fill batches evenly, and a bound
# on memory for an input of any size.
_WINDOW_LINES = 4096

_Item = TypeVar("_Item")

# Ids with the end of sentence; and the score that `Translation` explains.
Ids = Sequence[int]
Found = tuple[Ids, float]

logger = logging.getLogger("t2t_repro")


class LineTranslator(abc.ABC):
    """From lines to lines, whatever searches."""

    def __init__(self, encoder: TextEncoder, options: DecodeOptions):
        """Takes a vocabulary and how to search."""
        self._encoder = encoder
        self._options = options

    @abc.abstractmethod
    def search(
        self, sources: Sequence[Ids], numbers: Sequence[int]
    ) -> list[list[Found]]:
        """Searches a batch; is called by several threads.

        Args:
          sources: ids of each sentence.
          numbers: of their lines.

        Returns:
          Hypotheses of each, best first, as many as `hypotheses` of the
          options or more. Where fewer ended, the rest have no ids.
        """

    def translate(self, lines: Iterable[str]) -> list[list[Translation]]:
        """All hypotheses of every line, best first, in the lines' order."""
        return list(self.stream(lines))

    def stream(
        self,
        lines: Iterable[str],
        first: int = 1,
        at_once: int = _WINDOW_LINES,
        translated: Callable[[int], None] = lambda count: None,
    ) -> Iterator[list[Translation]]:
        """`translate`, reading and yielding in order, a window at a time.

        An empty line (or one of white space) becomes one empty translation. A
        line over `max_input_size` ids is cut there, which is said.

        Args:
          lines: need not be known beforehand.
          first: number of the first line, for messages and for what is drawn.
          at_once: lines to read before the first of them is translated.
          translated: is told of every batch, how many sentences it had.
        """
        for window in windows(lines, at_once):
            yield from self._translate_window(window, first, translated)
            first += len(window)

    def _translate_window(
        self,
        lines: Sequence[str],
        first: int,
        translated: Callable[[int], None],
    ) -> list[list[Translation]]:
        sources = [
            self._source_ids(line, number)
            for number, line in enumerate(lines, start=first)
        ]
        results = [[Translation("", 0.0, ())] for _ in lines]
        wanted = [i for i, ids in enumerate(sources) if ids]
        translated(len(lines) - len(wanted))
        wanted.sort(key=lambda i: len(sources[i]), reverse=True)

        def search(rows: Sequence[int]) -> list[list[Found]]:
            return self.search(
                [sources[i] for i in rows], [first + i for i in rows]
            )

        batches = parallel.batches(wanted, self._options.batch_size)
        found = parallel.run(search, batches)
        for rows, hypotheses in zip(batches, found, strict=True):
            for row, own in zip(rows, hypotheses, strict=True):
                wanted_of_row = own[: self._options.hypotheses]
                results[row] = [self._translation(*h) for h in wanted_of_row]
            translated(len(rows))
        return results

    def _source_ids(self, line: str, number: int) -> list[int]:
        if not line.strip():
            return []
        most = self._options.max_input_size
        return source_ids(self._encoder, line, most, number)

    def _translation(self, ids: Ids, score: float) -> Translation:
        kept = tuple(int(i) for i in ids if i != PAD_ID)
        return Translation(self._encoder.decode(kept), score, kept)


def source_ids(
    encoder: TextEncoder, line: str, most: int, number: int | None = None
) -> list[int]:
    """What the model reads for a line: its ids, with the end of sentence.

    Args:
      encoder: the vocabulary.
      line: may be empty.
      most: ids at the most, the end of sentence included; -1: no limit.
      number: of the line, for the warning that it is cut; None: no warning.
    """
    ids = encoder.encode(line)
    if 0 < most <= len(ids):
        if number is not None:
            logger.warning(
                "line %d has %d pieces and is cut to %d (max_input_size)",
                number,
                len(ids) + 1,
                most,
            )
        ids = ids[: most - 1]
    return [*ids, EOS_ID]


def windows(
    lines: Iterable[_Item], at_once: int = _WINDOW_LINES
) -> Iterator[list[_Item]]:
    """Cuts a stream into lists of so many lines."""
    iterator = iter(lines)
    while window := list(itertools.islice(iterator, at_once)):
        yield window
