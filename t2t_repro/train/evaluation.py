"""How good a model is on the dev data, while it trains.

Teacher-forced figures are called what they are (`nll`, `perplexity`,
`token_accuracy`); the problem's own metric, such as `bleu`, is of what beam
search makes with the problem's own options, as t2t-decoder writes it.
"""

import functools
import pathlib
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from t2t_repro import checkpoints, run_directory
from t2t_repro.data import batching, records
from t2t_repro.data.batching import Batch
from t2t_repro.data.shapes import choose_shapes
from t2t_repro.decode import options as decode_options
from t2t_repro.decode.loaded_run import LoadedRun, open_run
from t2t_repro.errors import InputError
from t2t_repro.evaluations import Evaluation, perplexity
from t2t_repro.layers import losses
from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.metrics.scores import corpus_score
from t2t_repro.run_directory import Run
from t2t_repro.train.summaries import Summaries
from t2t_repro.visualize.tensorboard import Sample

# Dev data is short: few shapes, so that evaluation is traced quickly.
_SHAPES = 4


class Evaluator:
    """Evaluates live weights; graphs are traced at the first evaluation.

    Attributes:
      samples: of the last evaluation.
    """

    def __init__(
        self,
        run: Run,
        model: Any,
        data_dir: pathlib.Path,
        eval_steps: int,
        sentences: int,
    ):
        """Reads the dev data of the run's problem.

        Args:
          run: the run directory.
          model: whose weights are read; decoded as its problem is.
          data_dir: TFRecord files.
          eval_steps: batches for the teacher-forced figures; 0: all.
          sentences: how many pairs, evenly spread, are translated.

        Raises:
          InputError: the data are missing, damaged or empty.
        """
        loaded = LoadedRun(run, model, decode_options.of_run(run, ""))
        self._loaded = loaded
        pairs = records.read_split(
            loaded.problem, data_dir, "dev", loaded.encoder.vocab_size
        )
        shapes = choose_shapes(pairs.lengths(), run.hparams.batch_size, _SHAPES)
        batches = list(batching.evaluation_batches(pairs, shapes))
        self._batches = batches[: eval_steps or None]
        texts = pairs.texts(loaded.encoder)
        count = min(sentences, len(texts))
        chosen = [texts[i * len(texts) // count] for i in range(count)]
        # By length, as they are translated in parts: little padding in each.
        chosen.sort(key=lambda pair: len(pair[0]))
        self._sources = [source for source, _ in chosen]
        self._references = [
            loaded.problem.output_line(source, target)[0]
            for source, target in chosen
        ]
        self.samples: list[Sample] = []
        self._measure = self._traced(EVALUATION)
        self._measure_training = self._measure
        if run.hparams.is_packed:
            self._measure_training = self._traced(Mode(is_packed=True))

    def _traced(self, mode: Mode) -> Any:
        return tf.function(
            functools.partial(self._measure_batch, mode),
            input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2,
            autograph=False,
        )

    def evaluate(
        self, should_stop: Callable[[], int] = lambda: 0
    ) -> Evaluation | None:
        """Evaluates the weights as they are now; sets `samples`.

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
        outputs: list[str] = []
        begin = time.monotonic()
        size = self._loaded.options.batch_size
        while len(outputs) < len(self._sources):
            if should_stop():
                return None
            part = self._sources[len(outputs) :][:size]
            # A line for each part would drown the training's own.
            found = self._loaded.translate(part, log_repairs=False)
            outputs += [hypotheses[0].text for hypotheses in found]
        seconds = time.monotonic() - begin
        self.samples = list(
            map(Sample, self._sources, self._references, outputs)
        )
        score = corpus_score(
            self._loaded.problem.metric, outputs, self._references
        )
        return Evaluation(
            nll=nll,
            perplexity=perplexity(nll),
            token_accuracy=right / max(tokens, 1.0),
            metric=score.metric,
            score=score.value,
            signature=score.signature,
            sentences_per_second=len(outputs) / max(seconds, 1e-9),
        )

    def measure(self, batch: Batch) -> tuple[float, float]:
        """Teacher-forced nll and token accuracy of a batch, without dropout.

        Args:
          batch: of training, `[replicas * accumulate, batch, columns]`.
        """
        nll, right, tokens = self._measure_training(
            batch.inputs.reshape(-1, batch.inputs.shape[-1]),
            batch.targets.reshape(-1, batch.targets.shape[-1]),
        )
        safe = max(float(tokens), 1.0)
        return float(nll) / safe, float(right) / safe

    def _measure_batch(
        self, mode: Mode, inputs: tf.Tensor, targets: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sums over the tokens of `[batch, columns]` ids."""
        model = self._loaded.model
        logits = model.logits(model(inputs, targets, mode=mode))
        present = targets != 0
        guesses = tf.argmax(logits, axis=-1, output_type=tf.int32)
        right = (guesses == targets) & present
        return (
            tf.reduce_sum(losses.token_losses(logits, targets, 0.0)),
            tf.reduce_sum(tf.cast(right, tf.float32)),
            tf.reduce_sum(tf.cast(present, tf.float32)),
        )


def evaluate_newest(
    run: Run, data_dir: pathlib.Path, eval_steps: int, sentences: int
) -> None:
    """`--schedule=evaluate`: logs the dev figures of the newest checkpoint.

    Raises:
      InputError: there is no run, no checkpoint, or the data are damaged.
    """
    if not run_directory.exists(run.folder):
        raise InputError(
            f"--schedule=evaluate, but {run.folder} is no run yet: train"
            " first, or give the --output_dir of a run."
        )
    done = checkpoints.steps(run.folder)
    if not done:
        raise InputError(f"{run.folder} has no checkpoint yet: train first.")
    model = open_run(run, decode_options.DecodeOptions(), "newest").model
    evaluator = Evaluator(run, model, data_dir, eval_steps, sentences)
    figures = evaluator.evaluate()
    assert figures is not None  # nothing could have ended it
    summaries = Summaries(run.folder, done[-1], done[-1])
    try:
        summaries.evaluation(done[-1], figures)
    finally:
        summaries.close()
