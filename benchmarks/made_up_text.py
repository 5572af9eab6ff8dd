"""Two languages that do not exist, for measuring what text costs.

Words are made of syllables and are as unequal in frequency as real ones
(Zipf's law), sentences are of about 25 words: a vocabulary learnt from it has
pieces of all lengths, which is what tokenising costs depend on.
"""

import pathlib
from collections.abc import Iterator

import numpy as np

from t2t_repro.text.lines import write_lines_atomically

_WORDS = 30_000
_SYLLABLES = (
    "ba be bi bo bu da de di do du fa fe ga ge gi ka ke ki ko la le li lo lu"
    " ma me mi mo mu na ne ni no nu pa pe ra re ri ro ru sa se si so su ta te"
    " ti to tu va ve vi vo ver ung ein sch ion tion ment"
)
_MEAN_WORDS = 25
_DEV_LINES = 50


def write(folder: pathlib.Path, pairs: int) -> None:
    """Writes train.src, train.tgt, dev.src and dev.tgt.

    Args:
      folder: as `translate_from_files` takes it.
      pairs: lines of each training file.
    """
    for side, seed in (("src", 1), ("tgt", 2)):
        rng = np.random.default_rng(seed)
        words = _lexicon(rng)
        for split, count in (("train", pairs), ("dev", _DEV_LINES)):
            write_lines_atomically(
                folder / f"{split}.{side}", _sentences(rng, words, count)
            )


def _lexicon(rng: np.random.Generator) -> list[str]:
    """Words of one to four syllables, the most frequent first."""
    syllables = _SYLLABLES.split()
    drawn = rng.integers(len(syllables), size=(_WORDS, 4))
    lengths = rng.integers(1, 5, _WORDS)
    return [
        "".join(syllables[i] for i in row[:length])
        for row, length in zip(drawn.tolist(), lengths.tolist(), strict=True)
    ]


def _sentences(
    rng: np.random.Generator, words: list[str], count: int
) -> Iterator[str]:
    chance = 1.0 / np.arange(1, len(words) + 1)
    edges = np.cumsum(chance / chance.sum())
    for _ in range(count):
        length = max(1, rng.poisson(_MEAN_WORDS))
        drawn = np.searchsorted(edges, rng.random(length) * edges[-1])
        sentence = " ".join(words[i] for i in drawn.tolist())
        yield f"{sentence.capitalize()}."
