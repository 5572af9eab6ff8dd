"""What is said of a batch that is too large, and of bad numbers."""

import re
import types

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro import registry, run_directory
from t2t_repro.bin import t2t_trainer
from t2t_repro.data.shapes import BatchShape
from t2t_repro.errors import InputError
from t2t_repro.train import failures, trainer
from t2t_repro.train.step import TrainStep
from tests import toy_run


def _oom(text="OOM when allocating tensor with shape[15,29]"):
    return tf.errors.ResourceExhaustedError(None, None, text)


@pytest.mark.parametrize(
    "error, expected",
    [
        (_oom(), True),
        (tf.errors.InternalError(None, None, "RESOURCE_EXHAUSTED: Out"), True),
        (_oom("/runs/events: No space left on device"), False),
        (tf.errors.InternalError(None, None, "no such kernel"), False),
    ],
)
def test_what_is_out_of_memory(error, expected):
    assert failures.is_out_of_memory(error) is expected


def test_the_largest_need_not_be_the_longest():
    hparams = registry.hparams("transformer_base")
    long_source, equal = BatchShape(10, 100, 20), BatchShape(20, 50, 50)
    # Logits: 10 * 20 * 2 * 32000 = 12.8 million numbers against 64 million;
    # attention: 2 * 8 * 10 * (6 * 10000 + 6 * 20 * 120) = 11.9 million
    # against 2 * 8 * 20 * 3 * 6 * 2500 = 14.4 million; the layers' width of
    # 2 * 2048 + 10 * 512 = 9216 times 6 * 10 * 120 against 6 * 20 * 100
    # positions: 66 million against 111 million.
    shapes = [long_source, equal]
    assert failures.largest_batch(shapes, hparams, 32000) == equal
    # As many sentences of either: now the longer ones.
    shapes = [BatchShape(20, 100, 20), BatchShape(20, 50, 50)]
    assert failures.largest_batch(shapes, hparams, 10) == shapes[0]


class _Small:
    """A step that has memory for so many sentences."""

    def __init__(self, rows):
        self.rows, self.asked = rows, []

    def variables(self):
        return {}

    def __call__(self, inputs, targets):
        self.asked.append(inputs.shape[1])
        assert not inputs.any() and not targets.any()
        if inputs.shape[1] > self.rows:
            raise _oom()
        return types.SimpleNamespace(loss=tf.constant(0.0))


class _Batches:
    shapes, parts = [BatchShape(40, 10, 12)], 1


def _refusal(trained, rows):
    run = run_directory.load(trained.output_dir)
    step = _Small(rows)
    with pytest.raises(InputError) as caught:
        failures.rehearse(step, run, _Batches)
    return str(caught.value), step.asked


def test_the_advice_was_tried(trained):
    message, asked = _refusal(trained, rows=12)
    assert asked == [40, 20, 10]
    assert "batch of 40 rows of up to 10 source and 12 target" in message
    # 10 sentences of 12 are 120 of the 512 pieces: five parts hold them all.
    assert "10 fit: give --hparams=batch_size=120," in message
    assert "optimizer_multistep_accumulate_steps=5" in message


def test_not_one_sentence_fits(trained):
    message, asked = _refusal(trained, rows=0)
    assert asked == [40, 20, 10, 5, 2, 1]
    assert "--hparams=max_length=6" in message


def test_a_rehearsal_changes_no_bit(trained, monkeypatch):
    run = run_directory.load(trained.output_dir)
    options = trainer.TrainOptions()
    found = []
    rehearse = failures.rehearse

    def twice(step, *rest):
        before = {n: v.numpy() for n, v in step.variables().items()}
        rehearse(step, *rest)
        found.append(before)
        after = step.variables()
        for name, value in before.items():
            np.testing.assert_array_equal(after[name], value, err_msg=name)

    monkeypatch.setattr(failures, "rehearse", twice)
    trainer.Trainer(run, trained.data_dir, options).restore()
    assert len(found[0]) == 3 * 31 + 1 and found[0]["global_step"] == 0


def test_out_of_memory_is_one_line(trained, tmp_path, capsys, monkeypatch):
    """At the start, before there is a run, and at any later step."""
    arguments = toy_run.trainer_arguments(trained.data_dir, tmp_path / "run")
    call, calls = TrainStep.__call__, []

    def fail(self, inputs, targets):
        calls.append(inputs.shape)
        if len(calls) == failing:
            raise _oom()
        return call(self, inputs, targets)

    monkeypatch.setattr(TrainStep, "__call__", fail)
    failing = 1
    assert t2t_trainer.main(arguments) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"rows .* fit: give --hparams=batch_size=\d+", line)
    assert not (tmp_path / "run").exists()
    calls.clear()
    failing = 3
    assert t2t_trainer.main([*arguments, "--schedule=train"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"should fit: give --hparams=batch_size=\d+", line)


_GOOD = {"a": np.zeros(2), "b": np.ones((2, 2))}
_BAD = {"a": np.zeros(2), "b": np.array([1, np.inf])}


def test_nothing_to_say_of_a_finite_micro_batch():
    assert failures.of_micro_batch("it", np.ones((2, 3)), _GOOD) is None


def test_a_gradient_alone():
    # Four losses of 1.5.
    said = failures.of_micro_batch("it", np.full((2, 2), 1.5), _BAD)
    assert said == (
        "the loss of it is finite (6), and of 2 gradients 1 are not, first"
        " that of b"
    )


def test_sentences_are_named_up_to_five():
    losses = np.zeros((8, 2))
    losses[[1, 2, 4, 5, 6, 7], 1] = np.nan
    said = failures.of_micro_batch("it", losses, _GOOD)
    assert said == (
        "the loss of it is not finite in 6 of its 8 rows (2, 3, 5, 6, 7,"
        " ...; the first is 1), and of 2 gradients 0 are not"
    )
