"""Small models that no training made."""

from typing import Any

import numpy as np

from t2t_repro import registry


def new(name: str, vocabulary: int, **changes: Any) -> Any:
    """A model that is not sure of anything in the same way twice.

    Args:
      name: of an hparams set; the weights are drawn by its length.
      vocabulary: ids.
      **changes: to the set.
    """
    hparams = registry.hparams(name).replace(**changes)
    model = registry.model(hparams.MODEL)(hparams, vocabulary)
    rng = np.random.default_rng(len(name))
    for weight in model.weights:
        weight.assign(rng.normal(0.0, 0.4, weight.shape))
    return model
