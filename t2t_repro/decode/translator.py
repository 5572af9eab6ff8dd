"""From lines to lines: batches of similar length, results in input order.

Lines are read, translated and given back in windows, so that memory does not
grow with their number. tensor2tensor read the whole file to sort it.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from t2t_repro.decode import parallel, sampling, shortlisted
from t2t_repro.decode.beam_search import Hypotheses, beam_search, greedy_search
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation
from t2t_repro.decode.shortlist import Shortlist
from t2t_repro.text.encoder import EOS_ID, TextEncoder

# Lines sorted by length at a time: enough to fill batches evenly, and a bound
# on memory for an input of any size.
_WINDOW_LINES = 4096

_Item = TypeVar("_Item")

logger = logging.getLogger("t2t_repro")


class Translator:
    """A model with its vocabulary and a way to search."""

    def __init__(
        self,
        model: Any,
        encoder: TextEncoder,
        options: DecodeOptions,
        shortlist: Shortlist | None = None,
    ):
        """Prepares the search; it is traced once, at the first batch.

        Args:
          model: a `Seq2Seq`, or an `Ensemble`.
          encoder: the vocabulary.
          options: how to search; their own `shortlist` is for who opens files.
          shortlist: what to search among; None: all ids.

        Raises:
          UsageError: the model does not go with a shortlist.
        """
        self._model = model
        self._encoder = encoder
        self._options = options
        self._shortlist = shortlist
        choose = None
        if shortlist is not None:
            shortlisted.check(model)
            choose = shortlisted.Chooser(shortlist)
        signature = [
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ]

        if options.samples:
            signature.append(tf.TensorSpec([None, None], tf.float32))

        @tf.function(input_signature=signature)
        def search(
            inputs: tf.Tensor, limits: tf.Tensor, *drawn: tf.Tensor
        ) -> Any:
            def find(model: Any) -> Hypotheses:
                if options.samples:
                    return sampling.sample(
                        model, inputs, limits, drawn[0], options
                    )
                return likeliest(model, inputs, limits, options)

            if choose is None:
                return find(model)
            return shortlisted.search(model, inputs, choose, find)

        self._search = search

    def with_options(self, options: DecodeOptions) -> "Translator":
        """The same weights, searched in another way."""
        return Translator(self._model, self._encoder, options, self._shortlist)

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

        def search(rows: Sequence[int]) -> list[list[Translation]]:
            return self._translate_batch(
                [sources[i] for i in rows], [first + i for i in rows]
            )

        batches = parallel.batches(wanted, self._options.batch_size)
        found = parallel.run(search, batches)
        for rows, hypotheses in zip(batches, found, strict=True):
            for row, hypothesis in zip(rows, hypotheses, strict=True):
                results[row] = hypothesis
            translated(len(rows))
        return results

    def _source_ids(self, line: str, number: int) -> list[int]:
        if not line.strip():
            return []
        most = self._options.max_input_size
        return source_ids(self._encoder, line, most, number)

    def _translate_batch(
        self, sources: Sequence[Sequence[int]], numbers: Sequence[int]
    ) -> list[list[Translation]]:
        lengths = np.array([len(ids) for ids in sources], np.int32)
        inputs = np.zeros((len(sources), lengths.max()), np.int32)
        for row, ids in enumerate(sources):
            inputs[row, : len(ids)] = ids
        arguments = [inputs, lengths + self._options.extra_length]
        if self._options.samples:
            seed = self._options.random_seed
            arguments.append(sampling.draws(seed, numbers, arguments[1]))
        result = self._search(*map(tf.constant, arguments))
        ids, scores = result.ids.numpy(), result.scores.numpy()
        return [
            self._hypotheses(ids[row], scores[row])
            for row in range(len(sources))
        ]

    def _hypotheses(
        self, ids: np.ndarray, scores: np.ndarray
    ) -> list[Translation]:
        """Those that were asked for, of `[beams, length]` and `[beams]`.

        Where fewer ended than were asked for, the rest have no ids.
        """
        wanted = self._options.hypotheses
        return [
            self._translation(row, float(score))
            for row, score in zip(ids[:wanted], scores[:wanted], strict=True)
        ]

    def _translation(self, ids: np.ndarray, score: float) -> Translation:
        kept = tuple(int(i) for i in ids[ids != 0])
        return Translation(self._encoder.decode(kept), score, kept)


def likeliest(
    model: Any, inputs: tf.Tensor, limits: tf.Tensor, options: DecodeOptions
) -> Hypotheses:
    """The search that the options ask for, where they do not draw.

    Args:
      model: a `Seq2Seq`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      options: beam, length penalty, and how many hypotheses must be final.
    """
    if options.beam_size == 1:
        return greedy_search(model, inputs, limits, options.search)
    return beam_search(
        model,
        inputs,
        limits,
        options.beam_size,
        options.alpha,
        options.hypotheses,
        options.search,
    )


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
