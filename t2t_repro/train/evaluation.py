"""How good a model is on the dev data, while it trains.

Teacher-forced figures are called what they are (`nll`, `perplexity`,
`token_accuracy`); `bleu` is sacreBLEU of real beam-search translations.
"""

import math
import pathlib
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_repro.data import batching
from t2t_repro.data import records
from t2t_repro.data.batching import Batch
from t2t_repro.data.records import Pairs
from t2t_repro.data.shapes import choose_shapes
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translator
from t2t_repro.errors import InputError
from t2t_repro.evaluations import Evaluation
from t2t_repro.layers import losses
from t2t_repro.metrics.bleu import sacrebleu_score
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import TextEncoder
from t2t_repro.visualize.board import Sample

# Dev data is short: few shapes, so that evaluation is traced quickly.
_SHAPES = 4


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
        sources = [encoder.decode(pairs.inputs.row(i)) for i in rows]
        references = [encoder.decode(pairs.targets.row(i)) for i in rows]
        # By length, as they are translated in parts: little padding in each.
        order = sorted(range(count), key=lambda i: len(sources[i]))
        self._sources = [sources[i] for i in order]
        self._references = [references[i] for i in order]
        self._translator = Translator(model, encoder, DecodeOptions())
        self.samples: list[Sample] = []
        self._measure = tf.function(
            self._measure_batch,
            input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2,
        )

    def evaluate(
        self, should_stop: Callable[[], int] = lambda: 0
    ) -> Evaluation | None:
        """Reads the weights as they are now; `samples` are new afterwards.

        Args:
          should_stop: asked between batches; anything but 0 ends it there.

        Returns:
          None where it was ended.
        """
        nll, right, tokens = 0.0, 0.0, 0.0
        for batch in self._batches:
            if should_stop():
                return None
            sums = self._measure(batch.inputs, batch.targets)
            nll, right, tokens = (
                total + float(part)
                for total, part in zip((nll, right, tokens), sums, strict=True)
            )
        nll /= max(tokens, 1.0)
        hypotheses: list[str] = []
        size = DecodeOptions().batch_size
        while len(hypotheses) < len(self._sources):
            if should_stop():
                return None
            part = self._sources[len(hypotheses) :][:size]
            hypotheses += [
                best[0].text for best in self._translator.translate(part)
            ]
        self.samples = list(
            map(Sample, self._sources, self._references, hypotheses)
        )
        return Evaluation(
            nll=nll,
            # Beyond this the exponential says nothing and may overflow.
            perplexity=math.exp(min(nll, 50.0)),
            token_accuracy=right / max(tokens, 1.0),
            bleu=sacrebleu_score(hypotheses, self._references).score,
        )

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Teacher-forced nll and token accuracy of a batch, without dropout.

        Args:
          batch: of training, `[replicas * accumulate, batch, columns]`.
        """
        nll, right, tokens = self._measure(
            batch.inputs.reshape(-1, batch.inputs.shape[-1]),
            batch.targets.reshape(-1, batch.targets.shape[-1]),
        )
        safe = max(float(tokens), 1.0)
        return float(nll) / safe, float(right) / safe

    def _measure_batch(
        self, inputs: tf.Tensor, targets: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sums over the tokens of `[batch, columns]` ids."""
        logits = self._model.logits(self._model(inputs, targets))
        present = targets != 0
        guesses = tf.argmax(logits, axis=-1, output_type=tf.int32)
        right = (guesses == targets) & present
        return (
            tf.reduce_sum(losses.token_losses(logits, targets, 0.0)),
            tf.reduce_sum(tf.cast(right, tf.float32)),
            tf.reduce_sum(tf.cast(present, tf.float32)),
        )


def of_run(
    run: Run,
    model: Any,
    data_dir: pathlib.Path,
    eval_steps: int,
    bleu_sentences: int,
) -> Evaluator:
    """An evaluator over the dev data of a run's problem.

    Args:
      run: the run directory.
      model: its model.
      data_dir: TFRecord files.
      eval_steps: batches for the teacher-forced figures; 0: all.
      bleu_sentences: pairs that are translated.

    Raises:
      InputError: the data are missing, damaged or empty.
    """
    problem = run.open_problem()
    paths = records.shard_paths(data_dir, problem.name, "dev")
    pairs = records.read_pairs(paths, run.encoder().vocab_size)
    if not len(pairs):
        raise InputError(f"{paths[0]} holds no pairs: generate data again.")
    if problem.is_reversed:
        pairs = pairs.reversed()
    shapes = choose_shapes(pairs.lengths(), run.hparams.batch_size, _SHAPES)
    batches = list(batching.evaluation_batches(pairs, shapes))
    return Evaluator(
        model,
        run.encoder(),
        batches[:eval_steps] if eval_steps else batches,
        pairs,
        bleu_sentences,
    )
