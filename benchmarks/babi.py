"""bAbI as Sukhbaatar et al. 2015 measured it: the best of ten trainings.

    python -m benchmarks.babi --tmp_dir=DIR --model=memn2n_babi_3hop --seeds=10

The trainer's own data, batches and step, task by task. Of the trainings, which
differ in their seed, the one with the fewest errors on its own training data,
and of these with the least loss there, is the one whose test error counts. A
set that has another of its name with `_linear` behind it begins with 60 epochs
of that.
"""

import contextlib
import dataclasses
import itertools
import pathlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from absl import flags

from benchmarks import devices, measure
from benchmarks.measure import Record
from t2t_repro import files, registry
from t2t_repro.bin import command
from t2t_repro.errors import UsageError
from t2t_repro.hparam import HParams

_ROWS = 32  # section 4.2: questions of a batch
# Section 4.1 goes on until the dev loss does not fall any more, the authors'
# program for 20 epochs. On task 2 it is lowest near 40.
_LINEAR_EPOCHS = 60
_MOST_SLOTS = 50
# Test errors in percent on 1,000 training questions: the authors' program with
# PE LS RN, one training (github vinhkhuc/MemN2N-babi-python, bechmarks).
_AUTHORS = {1: 0.1, 2: 8.2, 6: 7.9, 16: 0.4}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("babi", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    measure.define_texts(values, {"tmp_dir": "folder of the bAbI tasks"})
    flags.DEFINE_string(
        "model", "memn2n_babi_3hop", "hparams set", flag_values=values
    )
    flags.DEFINE_string(
        "hparams", "", "changes to it, as t2t-trainer's", flag_values=values
    )
    known = [str(number) for number in range(1, 21)]
    measure.define_choices(
        values, "tasks", known, ["1", "2", "6", "16"], "numbers of tasks"
    )
    measure.define_integers(
        values,
        {
            "seeds": (10, "trainings of each task"),
            "epochs": (100, "of each training, without its linear start"),
        },
    )


def _measure(values: flags.FlagValues) -> Record:
    command.require(values, "tmp_dir")
    tmp_dir = files.absolute(values.tmp_dir)
    command.require_folder("tmp_dir", tmp_dir)
    devices.start(1)
    rows = []
    for task in map(int, values.tasks):
        begin = time.perf_counter()
        trained = _of_task(task, tmp_dir, values)
        best = min(
            trained, key=lambda one: (one.train_error, one.last_epoch_loss)
        )
        tests = sorted(one.test_error for one in trained)
        rows.append(
            {
                "task": task,
                "model": values.model,
                "trainings": len(trained),
                "train_error": best.train_error,
                "dev_error": best.dev_error,
                "test_error": best.test_error,
                "authors_test_error": _AUTHORS.get(task),
                "least_test_error": tests[0],
                "median_test_error": tests[len(tests) // 2],
                "seconds": time.perf_counter() - begin,
                "all": [dataclasses.astuple(one) for one in trained],
            }
        )
    details = {row["task"]: row.pop("all") for row in rows}
    return {"epochs": values.epochs, "rows": rows, "trainings": details}


@dataclasses.dataclass(frozen=True)
class _Trained:
    """Errors in percent of whole answers, and the loss of a question."""

    seed: int
    last_epoch_loss: float  # as it is minimised, noise included
    train_loss: float
    train_error: float
    dev_error: float
    test_error: float


def _of_task(
    task: int, tmp_dir: pathlib.Path, values: flags.FlagValues
) -> list[_Trained]:
    from t2t_repro import run_directory
    from t2t_repro.data import generate, records

    problem = registry.problem(f"babi_qa{task}")
    with tempfile.TemporaryDirectory() as folder:
        data_dir = pathlib.Path(folder)
        generate.generate(problem, data_dir, tmp_dir)
        encoder = problem.open_vocabulary(
            run_directory.data_vocabulary(problem, data_dir)
        )
        paths = records.shard_paths(data_dir, problem.name, "train")
        splits = {
            split: records.read_split(problem, data_dir, split)
            for split in problem.splits
        }
        sets = [(values.model, values.epochs)]
        linear = f"{values.model}_linear"
        with contextlib.suppress(UsageError):
            registry.hparams(linear)
            sets.insert(0, (linear, _LINEAR_EPOCHS))
        stages = [
            _Stage(
                fitted(
                    registry.hparams(name).override(values.hparams),
                    problem.generate_samples("train", tmp_dir),
                ),
                encoder.vocab_size,
                paths,
                epochs,
            )
            for name, epochs in sets
        ]
        trained = []
        for seed in range(values.seeds):
            weights = stages[0].fresh_weights(seed)
            for stage in stages:
                weights, last_loss = stage.train(weights, seed)
            found = {n: stages[-1].evaluate(p) for n, p in splits.items()}
            errors = (found[name][1] for name in ("train", "dev", "test"))
            losses = last_loss, found["train"][0]
            trained.append(_Trained(seed, *losses, *errors))
            print(f"task {task}: {trained[-1]}", flush=True)
    return trained


def fitted(hparams: HParams, pairs: Iterator[tuple[str, str]]) -> HParams:
    """A set for the sizes of one task.

    Args:
      hparams: of any family; batches of a memory network become so many
        questions, other families' stay as they are.
      pairs: the training data as text.
    """
    stories = [source.split(" . ") for source, _ in pairs]
    longest = max(sum(len(s.split()) + 1 for s in story) for story in stories)
    if hparams.MODEL != "memn2n":
        return hparams
    return hparams.replace(
        batch_size=_ROWS * longest,
        memory_slots=min(_MOST_SLOTS, max(map(len, stories)) - 1),
        sentence_words=max(
            len(s.split()) for s in itertools.chain.from_iterable(stories)
        ),
    )


class _Stage:
    """A model, its step and its batches."""

    def __init__(
        self,
        hparams: HParams,
        vocab_size: int,
        paths: Sequence[str],
        epochs: int,
    ):
        """Traces nothing yet."""
        import tensorflow as tf

        from benchmarks import steps
        from t2t_repro.data import records, shapes

        self._hparams, self._vocab_size = hparams, vocab_size
        self._paths, self._epochs = paths, epochs
        self._shapes = shapes.choose_shapes(
            records.read_lengths(paths),
            hparams.batch_size,
            hparams.batch_shapes,
        )
        self._step = steps.new_step(hparams, vocab_size, 1, "off", "float32")
        self._count = tf.function(
            self._count_batch,
            input_signature=[tf.TensorSpec([None, None], tf.int32)] * 2,
        )

    def fresh_weights(self, seed: int) -> dict[str, Any]:
        """By path, as a training with this seed begins."""
        import keras

        keras.utils.set_random_seed(seed)
        model = registry.model(self._hparams.MODEL)(
            self._hparams, self._vocab_size
        )
        return {
            path: weight.numpy()
            for path, weight in model.weights_by_path().items()
        }

    def train(
        self, weights: Mapping[str, Any], seed: int
    ) -> tuple[dict[str, Any], float]:
        """Trains for its epochs.

        Returns:
          The weights by path; the loss of a token, a mean over the batches of
          the last epoch.
        """
        import numpy as np

        from t2t_repro.data.batching import Position, TrainingBatches

        for path, variable in self._step.variables().items():
            zeros = np.zeros(variable.shape, variable.dtype.as_numpy_dtype)
            variable.assign(weights.get(path, zeros))
        batches = TrainingBatches(self._paths, self._shapes, 1, seed)
        last: list[Any] = []
        for after, batch in batches.stream(Position()):
            result = self._step(batch.inputs, batch.targets)
            if after.epoch >= self._epochs - 1:
                last.append(result.loss)
            if after.epoch >= self._epochs:
                break
        weights = {p: w.numpy() for p, w in self._step.weights.items()}
        return weights, float(np.mean(last))

    def evaluate(self, pairs: Any) -> tuple[float, float]:
        """Loss of a question, and percent of answers that are not right."""
        from t2t_repro.data import batching, shapes

        limits = shapes.choose_shapes(
            pairs.lengths(), self._hparams.batch_size, 1
        )
        loss = wrong = 0.0
        for batch in batching.evaluation_batches(pairs, limits):
            sums = self._count(batch.inputs, batch.targets)
            loss, wrong = loss + float(sums[0]), wrong + float(sums[1])
        return loss / len(pairs), 100.0 * wrong / len(pairs)

    def _count_batch(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        """Sums over `[batch, columns]` ids: loss, and rows with an error.

        An answer of one word is what greedy search finds if each of its ids
        is the best one behind those before it.
        """
        import tensorflow as tf

        from t2t_repro.layers import losses

        model = self._step._model
        logits = model.logits(model(inputs, targets))
        guesses = tf.argmax(logits, axis=-1, output_type=tf.int32)
        wrong = tf.reduce_any((guesses != targets) & (targets != 0), axis=1)
        return (
            tf.reduce_sum(losses.token_losses(logits, targets, 0.0)),
            tf.reduce_sum(tf.cast(wrong, tf.float32)),
        )


if __name__ == "__main__":
    raise SystemExit(main())
