"""chrF2 and TER of plain text, as sacreBLEU's command computes them.

chrF2 (Popovic 2015) is an F-score of n-grams of one to six characters with
twice the weight on recall; TER (Snover et al. 2006) counts the edits from the
translation to the reference for 100 words of it, so that less is better.
Defaults are sacreBLEU's: chrF2 without words and spaces, TER without regard to
case. Left out: chrF++.
"""

import dataclasses
from collections.abc import Sequence

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from t2t_repro.metrics.bleu import lines_sha256, require_pairs


@dataclasses.dataclass(frozen=True)
class PlainScore:
    """A corpus score, and what is needed to repeat it.

    Attributes:
      score: from 0; chrF2's end is 100, TER has none.
      signature: how it was computed.
      reference_sha256: as that of `bleu.BleuScore`.
    """

    score: float
    signature: str
    reference_sha256: str


def chrf2(
    hypotheses: Sequence[str],
    *references: Sequence[str],
    test_set: str = "",
    language_pair: str = "",
) -> PlainScore:
    """chrF2; see `bleu.sacrebleu_score` for arguments and errors."""
    return _score(CHRF(), hypotheses, references, test_set, language_pair)


def ter(
    hypotheses: Sequence[str],
    *references: Sequence[str],
    test_set: str = "",
    language_pair: str = "",
) -> PlainScore:
    """TER; see `bleu.sacrebleu_score` for arguments and errors."""
    return _score(TER(), hypotheses, references, test_set, language_pair)


def _score(
    metric: Metric,
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    test_set: str,
    language_pair: str,
) -> PlainScore:
    for reference in references:
        require_pairs(hypotheses, reference)
    found = metric.corpus_score(hypotheses, references)
    signature = metric.get_signature()
    signature.update("test", test_set or None)
    signature.update("lang", language_pair or None)
    return PlainScore(
        score=found.score,
        signature=signature.format(),
        reference_sha256=",".join(map(lines_sha256, references)),
    )
