"""How good a model is on the dev data, while it trains.

Teacher-forced figures are called what they are (`nll`, `perplexity`,
`token_accuracy`); `bleu` is sacreBLEU of real beam-search translations.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_repro.data.batching import Batch
from t2t_repro.data.records import Pairs
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translator
from t2t_repro.evaluate.bleu import sacrebleu_score
from t2t_repro.text.encoder import TextEncoder
from t2t_repro.train.step import summed_loss


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Figures on the dev data.

    Attributes:
      nll: mean negative log-likelihood of a token, no smoothing, in nats.
      perplexity: exp(nll), per subword.
      token_accuracy: share of tokens whose id had the highest score.
      bleu: sacreBLEU of a fixed part of the dev data, beam search.
    """

    nll: float
    perplexity: float
    token_accuracy: float
    bleu: float


class Evaluator:
    """Evaluates live weights; graphs are traced at the first evaluation."""

    def __init__(
        self,
        model: Any,
        encoder: TextEncoder,
        batches: Sequence[Batch],
        pairs: Pairs,
        bleu_sentences: int,
    ):
        """Prepares the data.

        Args:
          model: whose weights are read.
          encoder: turns the ids back into text, losslessly.
          batches: for the teacher-forced figures.
          pairs: the dev data.
          bleu_sentences: how many pairs, evenly spread, are translated.
        """
        self._model = model
        self._batches = batches
        count = min(bleu_sentences, len(pairs))
        rows = [i * len(pairs) // count for i in range(count)]
        self._sources = [encoder.decode(pairs.inputs.row(i)) for i in rows]
        self._references = [encoder.decode(pairs.targets.row(i)) for i in rows]
        self._translator = Translator(model, encoder, DecodeOptions())
        self._measure = tf.function(
            self._measure_batch,
            input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2,
        )

    def evaluate(self) -> Evaluation:
        """Reads the weights as they are now."""
        nll, right, tokens = 0.0, 0.0, 0.0
        for batch in self._batches:
            sums = self._measure(batch.inputs, batch.targets)
            nll, right, tokens = (
                total + float(part)
                for total, part in zip((nll, right, tokens), sums, strict=True)
            )
        nll /= max(tokens, 1.0)
        hypotheses = [
            best[0].text for best in self._translator.translate(self._sources)
        ]
        return Evaluation(
            nll=nll,
            # Beyond this the exponential says nothing and may overflow.
            perplexity=math.exp(min(nll, 50.0)),
            token_accuracy=right / max(tokens, 1.0),
            bleu=sacrebleu_score(hypotheses, self._references).score,
        )

    def _measure_batch(
        self, inputs: tf.Tensor, targets: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sums over the tokens of `[batch, columns]` ids."""
        decoded = self._model(inputs, targets)
        present = targets != 0
        rows = tf.reshape(decoded, [-1, decoded.shape[-1]])
        guesses = tf.argmax(
            self._model.logits(rows), axis=-1, output_type=tf.int32
        )
        right = (tf.reshape(guesses, tf.shape(targets)) == targets) & present
        return (
            summed_loss(self._model, decoded, targets, smoothing=0.0),
            tf.reduce_sum(tf.cast(right, tf.float32)),
            tf.reduce_sum(tf.cast(present, tf.float32)),
        )
