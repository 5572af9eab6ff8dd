"""Learning rate: section 5.3, equation 3, and tensor2tensor's schedules."""

import math
from typing import Any

from keras import ops

from t2t_repro.errors import UsageError, nearest
from t2t_repro.hparam import HParams

# tensor2tensor's first schedule multiplies by 5000 and its optimizer by 0.002.
_LEGACY_SCALE = 10.0


def learning_rate(hparams: HParams, updates_done: Any) -> Any:
    """The rate of the next update, scalar float32.

    Args:
      hparams: has the schedule and its numbers.
      updates_done: scalar; the paper's step_num is this plus 1.

    Raises:
      UsageError: unknown schedule.
    """
    done = ops.cast(updates_done, "float32")
    kind = hparams.learning_rate_schedule
    if kind == "noam":
        return hparams.learning_rate_constant * _noam(hparams, done)
    if kind == "legacy":
        return _LEGACY_SCALE * hparams.learning_rate * _noam(hparams, done)
    rate = ops.ones(())
    for factor in kind.split("*"):
        rate = rate * _factor(factor.strip(), hparams, done)
    return rate


def check(hparams: HParams) -> None:
    """Raises UsageError when the schedule's name is wrong."""
    learning_rate(hparams, 0)


def remark(hparams: HParams, train_steps: int) -> str:
    """One line on a rate that reaches 0 elsewhere than the training ends.

    Args:
      hparams: have the schedule and its numbers.
      train_steps: updates to reach.

    Returns:
      The line; empty where there is nothing to say.
    """
    if "single_cycle_cos_decay" not in hparams.learning_rate_schedule:
        return ""
    warmup = hparams.learning_rate_warmup_steps
    end = warmup + hparams.learning_rate_decay_steps
    if end == train_steps:
        return ""
    what = (
        "the training ends before, at a higher rate"
        if train_steps < end
        else "updates behind it change nothing"
    )
    line = (
        f"the learning rate comes down to 0 at step {end}, not at"
        f" --train_steps={train_steps}: {what}"
    )
    if train_steps > warmup:
        steps = train_steps - warmup
        line += f"; --hparams=learning_rate_decay_steps={steps} lets them meet"
    return line


def _noam(hparams: HParams, done: Any) -> Any:
    """d_model^-0.5 * min(step^-0.5, step * warmup^-1.5), equation 3."""
    step = done + 1.0
    warmup = hparams.learning_rate_warmup_steps
    return hparams.hidden_size**-0.5 * ops.minimum(
        step**-0.5, step * warmup**-1.5
    )


def _factor(name: str, hparams: HParams, done: Any) -> Any:
    """One factor of a product schedule; these count updates from 0."""
    warmup = float(hparams.learning_rate_warmup_steps)
    factors = {
        "constant": lambda: hparams.learning_rate_constant,
        "linear_warmup": lambda: ops.minimum(1.0, done / warmup),
        "rsqrt_decay": lambda: ops.maximum(done, warmup) ** -0.5,
        "rsqrt_hidden_size": lambda: hparams.hidden_size**-0.5,
        "staircase_decay": lambda: _staircase(hparams, done - warmup),
        "single_cycle_cos_decay": lambda: _half_wave(hparams, done - warmup),
    }
    if name not in factors:
        raise UsageError(
            f"hparam learning_rate_schedule={hparams.learning_rate_schedule}:"
            f" unknown part {name!r}."
            f"{nearest(name, [*factors, 'noam', 'legacy'])} Expected noam,"
            f" legacy, or a product of {', '.join(factors)}."
        )
    return factors[name]()


def _staircase(hparams: HParams, done: Any) -> Any:
    """One stair down whenever so many updates are done, after the warm-up."""
    stairs = ops.floor(done / float(hparams.learning_rate_decay_steps))
    return hparams.learning_rate_decay_rate ** ops.maximum(0.0, stairs)


def _half_wave(hparams: HParams, done: Any) -> Any:
    """From 1 to 0 along a cosine, after the warm-up; it stays there.

    tensor2tensor's would rise again.
    """
    share = ops.clip(done / float(hparams.learning_rate_decay_steps), 0.0, 1.0)
    return 0.5 * (1.0 + ops.cos(math.pi * share))
