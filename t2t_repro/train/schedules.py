"""`--schedule`: which of tensor2tensor's ways to run a command takes.

`continuous_train_and_eval`, the default, and `train_and_evaluate` train and
evaluate in turn, in one process and on the live weights; tensor2tensor's two
differed in how Estimator was called. `train` never evaluates. `evaluate`
evaluates the newest checkpoint once and ends. Left out: its `test`,
`run_std_server`, the predicates of `continuous_eval` and the TPU's schedules;
t2t-translate-all follows a run's checkpoints.
"""

import logging
import pathlib

import tensorflow as tf

from t2t_repro import checkpoints
from t2t_repro import run_directory
from t2t_repro.decode.loaded_run import open_run
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError
from t2t_repro.run_directory import Run
from t2t_repro.train import evaluation
from t2t_repro.train.options import TrainOptions
from t2t_repro.train.summaries import Summaries
from t2t_repro.train.trainer import Trainer

logger = logging.getLogger("t2t_repro")


def run(
    planned: Run,
    data_dir: pathlib.Path,
    options: TrainOptions,
    strategy: tf.distribute.Strategy | None = None,
) -> None:
    """Does what `options.schedule` says.

    Args:
      planned: the run directory, there already or only planned.
      data_dir: TFRecord files of the run's problem.
      options: see there.
      strategy: of several workers; None: of this machine alone.

    Raises:
      InputError: something is missing, damaged or impossible.
    """
    if options.schedule == "evaluate":
        _evaluate(planned, data_dir, options)
    else:
        Trainer(planned, data_dir, options, strategy).train()


def _evaluate(
    planned: Run, data_dir: pathlib.Path, options: TrainOptions
) -> None:
    if not run_directory.exists(planned.folder):
        raise InputError(
            f"--schedule=evaluate, but {planned.folder} is no run yet: train"
            " first, or give the --output_dir of a run."
        )
    done = checkpoints.steps(planned.folder)
    if not done:
        raise InputError(
            f"{planned.folder} has no checkpoint yet: train first."
        )
    loaded = open_run(planned, DecodeOptions(), "newest")
    figures = evaluation.of_run(
        planned,
        loaded.model,
        data_dir,
        options.eval_steps,
        options.eval_bleu_sentences,
    ).evaluate()
    assert figures is not None  # nobody could have ended it
    summaries = Summaries(planned.folder, done[-1], done[-1])
    try:
        summaries.evaluation(done[-1], figures)
    finally:
        summaries.close()
