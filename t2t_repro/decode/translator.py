"""Lines translated by a model in TensorFlow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.decode import sampling, shortlisted
from t2t_repro.decode.beam_search import Hypotheses, beam_search, greedy_search
from t2t_repro.decode.constraint import ANYTHING, Constraint
from t2t_repro.decode.line_translator import Found, Ids, LineTranslator
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.shortlist import Shortlist
from t2t_repro.text.encoder import TextEncoder


class Translator(LineTranslator):
    """A model with its vocabulary and a way to search."""

    def __init__(
        self,
        model: Any,
        encoder: TextEncoder,
        options: DecodeOptions,
        shortlist: Shortlist | None = None,
        constraint: Constraint = ANYTHING,
    ):
        """Prepares the search; it is traced once, at the first batch.

        Args:
          model: a `Seq2Seq`, or an `Ensemble`.
          encoder: the vocabulary.
          options: how to search; their own `shortlist` is for who opens files.
          shortlist: what to search among; None: all ids.
          constraint: the form of an output, in ids of the whole vocabulary.

        Raises:
          UsageError: the model does not go with a shortlist.
        """
        super().__init__(encoder, options)
        choose = None
        if shortlist is not None:
            shortlisted.check(model)
            choose = shortlisted.Chooser(shortlist)
        self._constraint = constraint
        signature = [
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ]

        if options.samples:
            signature.append(tf.TensorSpec([None, None], tf.float32))

        # Autograph would parse the source of every function on the way.
        @tf.function(input_signature=signature, autograph=False)
        def search(
            inputs: tf.Tensor, limits: tf.Tensor, *drawn: tf.Tensor
        ) -> Any:
            def find(model: Any) -> Hypotheses:
                if options.samples:
                    return sampling.sample(
                        model, inputs, limits, drawn[0], options, constraint
                    )
                return likeliest(model, inputs, limits, options, constraint)

            if choose is None:
                return find(model)
            return shortlisted.search(model, inputs, choose, find)

        self._search = search

    def search(
        self, sources: Sequence[Ids], numbers: Sequence[int]
    ) -> list[list[Found]]:
        """See `LineTranslator`."""
        inputs, lengths = padded(sources)
        limits = lengths + self._options.extra_length
        limits = np.maximum(limits, self._constraint.shortest(inputs))
        arguments = [inputs, limits]
        if self._options.samples:
            seed = self._options.random_seed
            arguments.append(sampling.draws(seed, numbers, limits))
        result = self._search(*map(tf.constant, arguments))
        ids, scores = result.ids.numpy(), result.scores.numpy().tolist()
        return [
            list(zip(*own, strict=True))
            for own in zip(ids, scores, strict=True)
        ]


def padded(sources: Sequence[Ids]) -> tuple[np.ndarray, np.ndarray]:
    """`[batch, source]` int32 ids, 0 behind each, and `[batch]` lengths."""
    lengths = np.array([len(ids) for ids in sources], np.int32)
    inputs = np.zeros((len(sources), lengths.max()), np.int32)
    for row, ids in enumerate(sources):
        inputs[row, : len(ids)] = ids
    return inputs, lengths


def likeliest(
    model: Any,
    inputs: tf.Tensor,
    limits: tf.Tensor,
    options: DecodeOptions,
    constraint: Constraint = ANYTHING,
) -> Hypotheses:
    """The search that the options ask for, where they do not draw.

    Args:
      model: a `Seq2Seq`.
      inputs: `[batch, source]` int32, 0 = padding.
      limits: `[batch]` int32, most ids to generate for each sentence.
      options: beam, length penalty, and how many hypotheses must be final.
      constraint: the form of an output.
    """
    if options.beam_size == 1:
        return greedy_search(model, inputs, limits, options.search, constraint)
    return beam_search(
        model,
        inputs,
        limits,
        options.beam_size,
        options.alpha,
        options.hypotheses,
        options.search,
        constraint,
    )
