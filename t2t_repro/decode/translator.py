"""From lines to lines: batches of similar length, results in input order."""

import dataclasses
import logging
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.decode.beam_search import beam_search
from t2t_repro.decode.beam_search import greedy_search
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.text.encoder import TextEncoder

# Lines sorted by length at a time: enough to fill batches evenly, and a bound
# on memory for an input of any size.
_WINDOW_LINES = 4096

logger = logging.getLogger("t2t_repro")


@dataclasses.dataclass(frozen=True)
class Translation:
    """One hypothesis.

    Attributes:
      text: the line; empty for an empty source line.
      score: see `beam_search.Hypotheses`; 0 for an empty source line.
      ids: without padding, the end of sentence included.
    """

    text: str
    score: float
    ids: tuple[int, ...]


class Translator:
    """A model with its vocabulary and a way to search."""

    def __init__(
        self, model: Any, encoder: TextEncoder, options: DecodeOptions
    ):
        """Prepares the search; it is traced once, at the first batch."""
        self._encoder = encoder
        self._options = options
        self.truncated_lines = 0
        signature = [
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ]

        @tf.function(input_signature=signature)
        def search(inputs: tf.Tensor, limits: tf.Tensor) -> Any:
            if options.beam_size == 1:
                return greedy_search(model, inputs, limits)
            return beam_search(
                model,
                inputs,
                limits,
                options.beam_size,
                options.alpha,
                options.beam_size if options.return_beams else 1,
            )

        self._search = search

    def translate(self, lines: Sequence[str]) -> list[list[Translation]]:
        """All hypotheses of every line, best first, in the lines' order."""
        return list(self.stream(lines))

    def stream(self, lines: Sequence[str]) -> Iterator[list[Translation]]:
        """`translate`, yielding in order with bounded work ahead.

        An empty line (or one of white space) becomes one empty translation. A
        line over `max_input_size` ids is cut there and counted.
        """
        for first in range(0, len(lines), _WINDOW_LINES):
            window = lines[first : first + _WINDOW_LINES]
            yield from self._translate_window(window, first)

    def _translate_window(
        self, lines: Sequence[str], first: int
    ) -> list[list[Translation]]:
        sources = [
            self._source_ids(line, first + number)
            for number, line in enumerate(lines, start=1)
        ]
        results = [[Translation("", 0.0, ())] for _ in lines]
        wanted = [i for i, ids in enumerate(sources) if ids]
        wanted.sort(key=lambda i: len(sources[i]), reverse=True)
        size = self._options.batch_size
        for begin in range(0, len(wanted), size):
            rows = wanted[begin : begin + size]
            hypotheses = self._translate_batch([sources[i] for i in rows])
            for row, hypothesis in zip(rows, hypotheses, strict=True):
                results[row] = hypothesis
        return results

    def _source_ids(self, line: str, number: int) -> list[int]:
        if not line.strip():
            return []
        ids = self._encoder.encode(line)
        most = self._options.max_input_size
        if most > 0 and len(ids) >= most:
            self.truncated_lines += 1
            logger.warning(
                "line %d has %d pieces and is cut to %d (max_input_size)",
                number,
                len(ids) + 1,
                most,
            )
            ids = ids[: most - 1]
        return [*ids, EOS_ID]

    def _translate_batch(
        self, sources: Sequence[Sequence[int]]
    ) -> list[list[Translation]]:
        lengths = np.array([len(ids) for ids in sources], np.int32)
        inputs = np.zeros((len(sources), lengths.max()), np.int32)
        for row, ids in enumerate(sources):
            inputs[row, : len(ids)] = ids
        result = self._search(
            tf.constant(inputs),
            tf.constant(lengths + self._options.extra_length),
        )
        ids, scores = result.ids.numpy(), result.scores.numpy()
        kept = ids.shape[1] if self._options.return_beams else 1
        return [
            [
                self._translation(ids[row, beam], float(scores[row, beam]))
                for beam in range(kept)
            ]
            for row in range(len(sources))
        ]

    def _translation(self, ids: np.ndarray, score: float) -> Translation:
        kept = tuple(int(i) for i in ids[ids != 0])
        return Translation(self._encoder.decode(kept), score, kept)
