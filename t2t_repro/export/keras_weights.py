"""Weights as Keras saves them, and what it takes to build their model again.

    model.weights.h5     `model.save_weights`
    model.json           model, vocab_size and every hparam
    vocabulary.bpe       or vocabulary.subwords

The model is keras.ops code, so the weights load on any Keras backend. Not a
`.keras` file: that would need this package to be read, and the JSON is easier
to read without it.
"""

import dataclasses
import json
import pathlib
from typing import Any

from t2t_repro import files
from t2t_repro.run_directory import Run

_WEIGHTS = "model.weights.h5"
_DESCRIPTION = "model.json"


def export(run: Run, model: Any, folder: pathlib.Path) -> None:
    """Writes weights, hparams and vocabulary.

    Args:
      run: the run directory.
      model: with the weights to export.
      folder: where to.
    """
    model.save_weights(folder / _WEIGHTS)
    description = {
        "model": run.model,
        "vocab_size": model.vocab_size,
        "hparams": dataclasses.asdict(run.hparams),
    }
    files.replace_file(
        folder / _DESCRIPTION,
        json.dumps(description, indent=1, sort_keys=True) + "\n",
    )
    run.copy_vocabulary(folder)
