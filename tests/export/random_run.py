"""A run whose model says something: weights drawn, not trained.

The toy run of the other tests has learnt six steps, and translates everything
to nothing. Comparing two programs takes texts that differ from line to line.
"""

import pathlib
import shutil

import numpy as np

from t2t_repro import checkpoints, run_directory
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID

_STEP = 7


def make(
    trained_dir: pathlib.Path, folder: pathlib.Path, end: float = 4.0
) -> Run:
    """A copy of a run directory with one checkpoint of drawn weights.

    Args:
      trained_dir: the run directory.
      folder: where the copy goes.
      end: see `drawn_weights`.
    """
    shutil.copytree(
        trained_dir, folder, ignore=shutil.ignore_patterns("model.ckpt-*")
    )
    run = run_directory.load(folder)
    weights = drawn_weights(run.new_model(), end)
    checkpoints.save(folder, _STEP, weights)
    return run


def drawn_weights(model, end: float = 4.0) -> dict[str, np.ndarray]:
    """Random values for every weight, biases and norms included.

    They are large enough that attention is not even.

    Args:
      model: whose weights.
      end: by how much the vector of the end of sentence is longer. With 4 some
        hypotheses end and others meet their limit, with 8 nearly all end.
    """
    rng = np.random.default_rng(0)
    drawn = {}
    for path, weight in model.weights_by_path().items():
        shape = tuple(weight.shape)
        size = 0.5 if path.endswith(("scale", "bias")) else shape[0] ** -0.5
        values = rng.normal(0.0, size, shape) + path.endswith("scale")
        if path.endswith("matrix"):
            values[EOS_ID] *= end
        drawn[path] = values.astype(np.float32)
    return drawn
