"""Copy and reverse: what a path between two positions costs a model.

tensor2tensor's algorithmic problems of these names (its
`data_generators/algorithmic.py`, 1.15): sequences of random symbols, the target
the same or the same backwards. In the reversed order the first symbol to be
written stands right before, the last one as far away as the whole sequence is
long, twice: accuracy by distance shows which models have short paths.

Training and dev sequences have up to 40 symbols (70 in the "nlplike" ones,
whose symbols follow Zipf's law as words do). Test sequences have up to ten
times as many, but for the "nlplike" ones, as tensor2tensor's dev data have, so
that test says what a model makes of lengths that it never saw. Numbers are
drawn here, so the data are not tensor2tensor's to the bit; its dev data have
10,000 sequences.
"""

import itertools
import pathlib
import random
from collections.abc import Iterator

from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.registry import register_problem
from t2t_repro.text.lines import LinePairs

_PAIRS = {"train": 100_000, "dev": 1000, "test": 1000}


class _Algorithmic(TextToTextProblem):
    """Lines of numbers, `0` to `symbols - 1`, with spaces between them."""

    source_language = "symbols"
    target_language = "symbols"
    vocab_kind = "words"
    splits = ("train", "dev", "test")
    train_shards = 2
    decode_hparams = "beam_size=1,extra_length=1"
    metric = "accuracy"
    symbols: int
    length = 40
    test_length = 400
    reversed_target = False

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        del tmp_dir  # there is no raw material
        rng = random.Random(f"{self.symbols} {split}")
        for symbols in itertools.islice(self._drawn(rng, split), _PAIRS[split]):
            words = list(map(str, symbols))
            source = " ".join(words)
            if self.reversed_target:
                words.reverse()
            yield source, " ".join(words)

    def _drawn(self, rng: random.Random, split: str) -> Iterator[list[int]]:
        """Sequences without end: lengths and symbols uniform."""
        longest = self.test_length if split == "test" else self.length
        while True:
            length = rng.randint(1, longest)
            yield rng.choices(range(self.symbols), k=length)

    def expected_pairs(self, split: str, tmp_dir: pathlib.Path) -> int:
        del tmp_dir
        return _PAIRS[split]


@register_problem
class AlgorithmicIdentityBinary40(_Algorithmic):
    """Copy up to 40 bits."""

    symbols = 2
    approx_vocab_size = 16


@register_problem
class AlgorithmicIdentityDecimal40(_Algorithmic):
    """Copy up to 40 decimal digits."""

    symbols = 10
    approx_vocab_size = 16


@register_problem
class AlgorithmicReverseBinary40(AlgorithmicIdentityBinary40):
    """Reverse up to 40 bits."""

    reversed_target = True


@register_problem
class AlgorithmicReverseDecimal40(AlgorithmicIdentityDecimal40):
    """Reverse up to 40 decimal digits."""

    reversed_target = True


class _Nlplike(_Algorithmic):
    """Symbols as frequent as words are; lengths around the half of 70."""

    length = 70
    test_length = 70
    reversed_target = True
    exponent: float  # of Zipf's law

    def _drawn(self, rng: random.Random, split: str) -> Iterator[list[int]]:
        del split
        ranks = range(1, self.symbols + 1)
        weights = list(
            itertools.accumulate(rank**-self.exponent for rank in ranks)
        )
        while True:
            length = int(abs(rng.gauss(self.length / 2, self.length / 10)) + 1)
            yield rng.choices(
                range(self.symbols), cum_weights=weights, k=length
            )


@register_problem
class AlgorithmicReverseNlplike8k(_Nlplike):
    """Reverse sequences of 8,000 symbols with Zipf's law, exponent 1.3."""

    symbols = 8000
    exponent = 1.3
    approx_vocab_size = 8192


@register_problem
class AlgorithmicReverseNlplike32k(_Nlplike):
    """Reverse sequences of 32,000 symbols with Zipf's law, exponent 1.05."""

    symbols = 32_000
    exponent = 1.05
    approx_vocab_size = 32_768
