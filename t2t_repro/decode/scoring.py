"""The probability that a model gives to a translation that it is shown.

tensor2tensor's `--score_file` reads the same file, a pair a line, and like it
this counts the end of sentence and smooths nothing. Its figure was the mean
cross entropy of a target's pieces; ours is their sum as a log probability, in
nats: what beam search adds up before the length penalty. The one is the other
divided by minus the number of pieces.

Of the ids that a search found, this is exactly its own score. A *text* has
many spellings in pieces, of which the vocabulary's own is scored: a model that
spelled it in another way gave that spelling another probability.

Left out: lines without a source (tensor2tensor's language models).
"""

import abc
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.decode.line_translator import Ids, source_ids, windows
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError
from t2t_repro.layers import losses
from t2t_repro.text.encoder import EOS_ID, TextEncoder, of_targets

# Target ids at a time: with 32,000 pieces, their logits take 256 MB.
IDS_AT_ONCE = 2048


@dataclasses.dataclass(frozen=True)
class Score:
    """How likely a target is.

    Attributes:
      pieces: the target's, the end of sentence included.
      log_probabilities: of each piece, given the source and those before.
    """

    pieces: tuple[str, ...]
    log_probabilities: tuple[float, ...]

    @property
    def log_probability(self) -> float:
        """Of the whole target."""
        return sum(self.log_probabilities)

    def line(self, per_token: bool = False) -> str:
        """The output line.

        Args:
          per_token: whether each piece and its log probability follow the
            whole, all separated by tabs.
        """
        fields = [f"{self.log_probability:.6f}"]
        if per_token:
            for piece, value in zip(
                self.pieces, self.log_probabilities, strict=True
            ):
                fields += [piece, f"{value:.6f}"]
        return "\t".join(fields)


class LineScorer(abc.ABC):
    """Scores pairs of lines, whatever gives the probabilities."""

    def __init__(self, encoder: TextEncoder, options: DecodeOptions):
        """Takes a vocabulary, and `batch_size` and `max_input_size`.

        Targets are never cut.
        """
        self._encoder = encoder
        self._options = options

    def stream(
        self,
        pairs: Iterable[tuple[str, str]],
        scored: Callable[[int], None] = lambda count: None,
    ) -> Iterator[Score]:
        """Scores pairs in their order, reading a window at a time.

        Args:
          pairs: source and target lines; either may be empty.
          scored: is told of every batch, how many pairs it had.
        """
        first = 1
        for window in windows(pairs):
            ids = [
                self._ids(source, target, number)
                for number, (source, target) in enumerate(window, start=first)
            ]
            first += len(window)
            for (_, target), values in zip(
                ids, self.score_ids(ids, scored), strict=True
            ):
                pieces = self._encoder.pieces(target)
                yield Score(tuple(pieces), tuple(map(float, values)))

    @abc.abstractmethod
    def score_ids(
        self,
        pairs: Sequence[tuple[Ids, Ids]],
        scored: Callable[[int], None] = lambda count: None,
    ) -> list[np.ndarray]:
        """Log probabilities of each target's ids, in the pairs' order.

        Args:
          pairs: source and target ids, both with their end of sentence.
          scored: as in `stream`.

        Returns:
          `[target]` float32 for each pair.
        """

    def _ids(self, source: str, target: str, number: int) -> tuple[Ids, Ids]:
        most = self._options.max_input_size
        inputs = source_ids(self._encoder, source, most, number)
        return inputs, [*of_targets(self._encoder).encode(target), EOS_ID]


class Scorer(LineScorer):
    """A model with its vocabulary, shown pairs."""

    def __init__(
        self, model: Any, encoder: TextEncoder, options: DecodeOptions
    ):
        """Prepares the graph; it is traced once, at the first batch.

        Args:
          model: a `Seq2Seq`.
          encoder: the vocabulary.
          options: see `LineScorer`.
        """
        super().__init__(encoder, options)
        signature = [tf.TensorSpec([None, None], tf.int32)] * 2

        @tf.function(input_signature=signature, autograph=False)
        def log_probabilities(inputs: tf.Tensor, targets: tf.Tensor) -> Any:
            logits = model.logits(model(inputs, targets))
            return -losses.token_losses(logits, targets, 0.0)

        self._log_probabilities = log_probabilities

    def score_ids(
        self,
        pairs: Sequence[tuple[Ids, Ids]],
        scored: Callable[[int], None] = lambda count: None,
    ) -> list[np.ndarray]:
        """See `LineScorer`."""
        results: list[np.ndarray] = [np.zeros(0, np.float32)] * len(pairs)
        for rows in self._batches(pairs):
            inputs = _padded([pairs[row][0] for row in rows])
            targets = _padded([pairs[row][1] for row in rows])
            values = self._log_probabilities(
                tf.constant(inputs), tf.constant(targets)
            ).numpy()
            for row, own in zip(rows, values, strict=True):
                results[row] = own[: len(pairs[row][1])]
            scored(len(rows))
        return results

    def _batches(self, pairs: Sequence[tuple[Ids, Ids]]) -> Iterator[list[int]]:
        """Rows of similar lengths, the longest targets first."""
        order = sorted(
            range(len(pairs)),
            key=lambda i: (len(pairs[i][1]), len(pairs[i][0])),
            reverse=True,
        )
        while order:
            longest = len(pairs[order[0]][1])
            size = min(self._options.batch_size, IDS_AT_ONCE // longest)
            rows, order = order[: max(size, 1)], order[max(size, 1) :]
            yield rows


def read_pairs(lines: Iterable[str], name: str) -> Iterator[tuple[str, str]]:
    """Splits lines of a source, a tab and a target.

    Args:
      lines: of a file.
      name: of the file, for messages.

    Raises:
      InputError: a line has no tab, or several.
    """
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if len(fields) != 2:
            raise InputError(
                f"{name}, line {number}, has {len(fields) - 1} tabs: expected"
                " a source, one tab and a target."
            )
        yield fields[0], fields[1]


def _padded(rows: Sequence[Ids]) -> np.ndarray:
    """`[rows, longest]` int32, 0 behind the ends."""
    padded = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for row, ids in enumerate(rows):
        padded[row, : len(ids)] = ids
    return padded
