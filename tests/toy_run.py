"""A tiny run on the toy corpus, trained once for all tests that need one."""

import dataclasses
import pathlib

import numpy as np

from t2t_repro.bin import t2t_datagen, t2t_trainer

PROBLEM = "translate_ende_toy"
SET = "transformer_tiny"
# One layer and two batch shapes: what costs time here is tracing.
HPARAMS = (
    "hidden_size=32,filter_size=64,num_heads=2,num_hidden_layers=1,"
    "batch_size=512,batch_shapes=2,learning_rate_warmup_steps=40"
)
STEPS = 6


@dataclasses.dataclass(frozen=True)
class ToyRun:
    """Where everything lies.

    Attributes:
      data_dir: vocabulary and records.
      output_dir: run directory with the checkpoints of steps 3 and 6.
    """

    data_dir: pathlib.Path
    output_dir: pathlib.Path


def trainer_arguments(
    data_dir: pathlib.Path, output_dir: pathlib.Path, steps: int = STEPS
) -> list[str]:
    """The flags of t2t-trainer for such a run."""
    return [
        f"--problem={PROBLEM}",
        f"--data_dir={data_dir}",
        f"--output_dir={output_dir}",
        f"--hparams_set={SET}",
        f"--hparams={HPARAMS}",
        f"--train_steps={steps}",
        "--local_eval_frequency=3",
        "--eval_steps=1",
        "--eval_bleu_sentences=2",
    ]


def make(folder: pathlib.Path) -> ToyRun:
    """Generates the data and trains a few steps, if that is still to do."""
    data_dir, output_dir = folder / "data", folder / "run"
    if (output_dir / f"model.ckpt-{STEPS}.index").exists():
        return ToyRun(data_dir, output_dir)
    arguments = [f"--problem={PROBLEM}", f"--data_dir={data_dir}"]
    assert t2t_datagen.main([*arguments, f"--tmp_dir={folder}"]) == 0
    assert t2t_trainer.main(trainer_arguments(data_dir, output_dir)) == 0
    return ToyRun(data_dir, output_dir)


def assert_same_checkpoint(
    folder: pathlib.Path, other: pathlib.Path, step: int
) -> None:
    """Every tensor of a checkpoint is the same in both runs, bit for bit."""
    from t2t_repro import checkpoints  # commands are tested without TensorFlow

    found, expected = (
        checkpoints.read(checkpoints.path_of(run, step))
        for run in (folder, other)
    )
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
