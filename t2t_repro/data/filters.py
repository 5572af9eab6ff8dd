"""Which training pairs to leave out, and a count of each reason.

Section 5.1 says 36 million pairs of the 40.8 million that WMT 2014 has for
English and French, and not which. Every rule here is a number in the problem's
class, and its effect is counted in `<problem>.json`. Left out: language
identification and rules that need a model.
"""

import dataclasses
import hashlib
import re
from collections.abc import Iterable

import numpy as np

from t2t_repro.text.lines import LinePairs

# About what the Moses tokenizer makes: words, and each punctuation mark alone.
_TOKEN = re.compile(r"\w+|[^\w\s]")
# Digests of the latest pairs stay in a set, some 100 bytes each (100 MB), until
# there are so many; then they join the sorted array, 8 bytes each.
_LATEST = 2**20


@dataclasses.dataclass(frozen=True)
class Filters:
    """Rules for training pairs; pairs with an empty side are always dropped.

    Attributes:
      max_tokens: drop pairs with a longer side. A token is a run of letters
        and digits or one other character that is no space.
      max_ratio: drop pairs whose longer side has more than so many times the
        tokens of the shorter.
      drop_duplicates: drop pairs that came before. Takes 8 bytes a pair (16
        for a moment, now and then) and 100 MB; two different pairs of 36
        million are taken for equal with a probability of 4e-5.
    """

    max_tokens: int | None = None
    max_ratio: float | None = None
    drop_duplicates: bool = False


@dataclasses.dataclass
class Counts:
    """What became of a corpus's pairs."""

    pairs_read: int = 0
    pairs_kept: int = 0
    empty_dropped: int = 0
    too_long_dropped: int = 0
    ratio_dropped: int = 0
    duplicates_dropped: int = 0


class PairFilter:
    """Applies filters to the corpora of one split, and remembers the pairs."""

    def __init__(self, filters: Filters | None):
        """None lets everything pass, empty pairs too, as evaluation must."""
        self._filters = filters
        self._seen = _Seen()

    def kept(
        self, pairs: Iterable[tuple[str, str]], counts: Counts
    ) -> LinePairs:
        """Yields the pairs that may stay; `counts` grow as they go by."""
        for source, target in pairs:
            counts.pairs_read += 1
            reason = self._reason(source, target)
            if reason is None:
                counts.pairs_kept += 1
                yield source, target
            else:
                setattr(counts, reason, getattr(counts, reason) + 1)

    def _reason(self, source: str, target: str) -> str | None:
        """The count that the pair belongs to, the first that applies."""
        rules = self._filters
        if rules is None:
            return None
        if not (source.strip() and target.strip()):
            return "empty_dropped"
        if rules.max_tokens is not None or rules.max_ratio is not None:
            short, long = sorted(
                len(_TOKEN.findall(side)) for side in (source, target)
            )
            if rules.max_tokens is not None and long > rules.max_tokens:
                return "too_long_dropped"
            if rules.max_ratio is not None and long > rules.max_ratio * short:
                return "ratio_dropped"
        if rules.drop_duplicates and not self._seen.add(source, target):
            return "duplicates_dropped"
        return None


class _Seen:
    """A set of 8-byte digests that only grows."""

    def __init__(self) -> None:
        self._sorted = np.zeros(0, np.uint64)
        self._latest: set[int] = set()

    def add(self, source: str, target: str) -> bool:
        """Adds a pair; whether it was new."""
        text = f"{source}\n{target}".encode("utf-8", "surrogatepass")
        digest = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())
        if digest in self._latest or self._is_sorted(digest):
            return False
        self._latest.add(digest)
        if len(self._latest) >= _LATEST:
            latest = np.fromiter(self._latest, np.uint64, len(self._latest))
            latest.sort()
            self._sorted = np.concatenate([self._sorted, latest])
            self._sorted.sort(kind="stable")  # merges two sorted runs
            self._latest.clear()
        return True

    def _is_sorted(self, digest: int) -> bool:
        # As uint64: NumPy would turn a Python integer and the whole array to
        # floating point, in which neighbours are equal.
        wanted = np.uint64(digest)
        place = np.searchsorted(self._sorted, wanted)
        return bool(place < len(self._sorted) and self._sorted[place] == wanted)
