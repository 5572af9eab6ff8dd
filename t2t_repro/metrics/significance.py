"""Whether a translation is better than another by more than chance.

Two tests over the same sentences, as sacreBLEU's command does them: bootstrap
resampling (Koehn 2004), which draws sentences again and again, and approximate
randomisation (Riezler and Maxwell 2005), which swaps the two translations of a
sentence at random. Both ask how often a difference as large as the one that was
measured comes about if the systems are alike.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import PairedTest

from t2t_repro.errors import UsageError
from t2t_repro.metrics.bleu import require_pairs

# sacreBLEU's own variable, and what it takes without.
_SEED, _DEFAULT_SEED = "SACREBLEU_SEED", "12345"


@dataclasses.dataclass(frozen=True)
class Paired:
    """What the tests say of one metric.

    Attributes:
      score: of the translation.
      baseline: of the other one.
      bootstrap_p: of paired bootstrap resampling.
      mean: of the translation over the resamples.
      interval: half the width of the middle 95 % of them.
      baseline_mean: as `mean`, of the other one.
      baseline_interval: as `interval`, of the other one.
      bootstrap_signature: how; with the seed and the number of resamples.
      randomisation_p: of approximate randomisation.
      randomisation_signature: how; with the seed and the number of trials.
    """

    score: float
    baseline: float
    bootstrap_p: float
    mean: float
    interval: float
    baseline_mean: float
    baseline_interval: float
    bootstrap_signature: str
    randomisation_p: float
    randomisation_signature: str


def paired_tests(
    names: Sequence[str],
    hypotheses: Sequence[str],
    baseline: Sequence[str],
    *references: Sequence[str],
) -> dict[str, Paired]:
    """Tests two translations of the same sentences.

    Args:
      names: of metrics: "sacrebleu", "chrf2", "ter".
      hypotheses: the translation, one sentence to a line.
      baseline: the other one, of as many lines.
      *references: one or several, each of as many lines.

    Returns:
      By name.

    Raises:
      InputError: the line counts differ or are 0.
      UsageError: SACREBLEU_SEED is no seed.
    """
    for lines in (hypotheses, baseline):
        for reference in references:
            require_pairs(lines, reference)
    seed = os.environ.get(_SEED, _DEFAULT_SEED)
    if seed.lower() != "none" and not seed.isdecimal():
        raise UsageError(
            f"{_SEED}={seed!r} in the environment is no seed: give a whole"
            " number or None, or unset it."
        )
    # The references are counted once.
    metrics = {name: _metric(name, references) for name in names}
    systems = [("baseline", baseline), ("translation", hypotheses)]
    found: dict[str, list[Any]] = {}
    for kind in ("bs", "ar"):
        test = PairedTest(systems, metrics, references=None, test_type=kind)
        signatures, results = test()
        del results["System"]
        # By sacreBLEU's own names, in our order.
        found[kind] = [
            (signatures[name].format(), *pair) for name, pair in results.items()
        ]
    return {
        name: _paired(*both)
        for name, *both in zip(names, found["bs"], found["ar"], strict=True)
    }


def _metric(name: str, references: Sequence[Sequence[str]]) -> Metric:
    if name == "sacrebleu":
        return BLEU(tokenize="13a", force=True, references=references)
    return {"chrf2": CHRF, "ter": TER}[name](references=references)


def _paired(
    bootstrap: tuple[str, Any, Any], randomisation: tuple[str, Any, Any]
) -> Paired:
    """From signature, baseline and translation of each test."""
    signature, baseline, translation = bootstrap
    return Paired(
        score=float(translation.score),
        baseline=float(baseline.score),
        bootstrap_p=float(translation.p_value),
        mean=float(translation.mean),
        interval=float(translation.ci),
        baseline_mean=float(baseline.mean),
        baseline_interval=float(baseline.ci),
        bootstrap_signature=signature,
        randomisation_p=float(randomisation[2].p_value),
        randomisation_signature=randomisation[0],
    )
