"""What a random split of Tatoeba gives away: its test sentences in training.

    python -m benchmarks.leaks --tmp_dir=DIR

As tutorials do it, the pairs are shuffled and 15 % are taken for test, 15 % for
dev. Counts the test pairs of which a side, told by its words without case and
punctuation, is in the training part too, and scores a look-up without any
model: the first translation that training has of the same English sentence.
`problems/translate_tatoeba.py` splits by sentence, where all of these are 0.
"""

import random
from collections.abc import Sequence
from typing import Any

from absl import flags

from benchmarks import measure
from benchmarks.measure import Record
from t2t_repro import files, registry
from t2t_repro.bin import command

_PROBLEMS = ("translate_ende_tatoeba", "translate_enfr_tatoeba")
_SHARE = 0.15


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; see `measure.main`."""
    return measure.main("leaks", __doc__ or "", _define_flags, _measure, argv)


def _define_flags(values: flags.FlagValues) -> None:
    measure.define_texts(values, {"tmp_dir": "folder of the archives"})
    measure.define_choices(values, "problems", _PROBLEMS, _PROBLEMS, "which")
    flags.DEFINE_integer("seed", 1, "of the shuffle", flag_values=values)


def _measure(values: flags.FlagValues) -> Record:
    command.require(values, "tmp_dir")
    tmp_dir = files.absolute(values.tmp_dir)
    rows = []
    for name in values.problems:
        # Its class has what the split does not need: all pairs, in order.
        problem: Any = registry.problem(name)
        row = leaks(problem.all_pairs(tmp_dir), values.seed)
        rows.append({"problem": name, **row})
    return {"rows": rows, "seed": values.seed}


def leaks(pairs: Sequence[tuple[str, str]], seed: int) -> Record:
    """What of the test part of a random split stands in the training part.

    Args:
      pairs: English and the other language.
      seed: of the shuffle.

    Returns:
      Shares of the test pairs, and the BLEU of the look-up over those whose
      English it finds; None if it finds none.
    """
    from t2t_repro.problems.translate_tatoeba import words_of

    from t2t_repro.metrics import bleu

    shuffled = list(pairs)
    random.Random(seed).shuffle(shuffled)
    size = int(len(shuffled) * _SHARE)
    test, train = shuffled[:size], shuffled[2 * size :]
    known: dict[str, str] = {}
    for english, other in train:
        known.setdefault(words_of(english), other)
    others = {words_of(other) for _, other in train}
    look_ups, references, either = [], [], 0
    for english, other in test:
        found = known.get(words_of(english))
        if found is not None:
            look_ups.append(found)
            references.append(other)
        either += found is not None or words_of(other) in others
    return {
        "pairs": len(shuffled),
        "test pairs": size,
        "English in training": len(look_ups) / size,
        "either side in training": either / size,
        "BLEU of a look-up": (
            bleu.sacrebleu_score(look_ups, references).score
            if look_ups
            else None
        ),
    }


if __name__ == "__main__":
    raise SystemExit(main())
