"""Ranges to search, and a seeded draw from one (tensor2tensor's ranged sets).

    from t2t_repro.hparams import ranges
    print(ranges.sample(NAME, SEED))

prints what `t2t-trainer --hparams` takes. One seed is one trial: a search is a
loop over seeds, and any trial can be repeated. Learning from trials is left to
tools that do it well. The bounds are our choice around the paper's values.
"""

import math
import random
from typing import NamedTuple

from t2t_repro.errors import UsageError, nearest


class Range(NamedTuple):
    """Values of one field: even between the ends, or even in the logarithm."""

    low: float
    high: float
    is_log: bool = False


class Choice(NamedTuple):
    """Values of one field, all equally likely."""

    values: tuple[int | float | str, ...]


_REGULARISATION: dict[str, Range | Choice] = {
    "layer_prepostprocess_dropout": Range(0.0, 0.4),
    "attention_dropout": Range(0.0, 0.3),
    "relu_dropout": Range(0.0, 0.3),
    "label_smoothing": Range(0.0, 0.2),
}
RANGES: dict[str, dict[str, Range | Choice]] = {
    "transformer_base_range": {
        # Times the paper's schedule, whose constant is 1.
        "learning_rate_constant": Range(0.3, 3.0, is_log=True),
        "learning_rate_warmup_steps": Choice((1000, 2000, 4000, 8000, 16000)),
        "optimizer_adam_beta1": Range(0.85, 0.95),
        "optimizer_adam_beta2": Range(0.97, 0.999),
        **_REGULARISATION,
    },
    # What section 6.3 chose on section 22: dropout and the learning rate.
    "transformer_parsing_range": {
        "learning_rate_constant": Range(0.3, 3.0, is_log=True),
        **_REGULARISATION,
    },
}


def sample(name: str, seed: int) -> str:
    """Draws a value for each field of a key of `RANGES`, the same for a seed.

    Returns:
      What `--hparams` takes: `"learning_rate_constant=0.81,..."`.
    """
    if name not in RANGES:
        raise UsageError(f"unknown range {name!r}.{nearest(name, RANGES)}")
    draw = random.Random(seed)
    pairs = []
    for field, values in RANGES[name].items():
        if isinstance(values, Choice):
            pairs.append(f"{field}={draw.choice(values.values)}")
        elif values.is_log:
            power = draw.uniform(math.log(values.low), math.log(values.high))
            pairs.append(f"{field}={math.exp(power):.6g}")
        else:
            pairs.append(f"{field}={draw.uniform(values.low, values.high):.6g}")
    return ",".join(pairs)
