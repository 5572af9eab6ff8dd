"""Lets training pairs through that a problem's filters allow, and counts.

What the rules are and mean stands in `filters.py`.
"""

import hashlib
import re
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from t2t_repro.data.filters import Counts
from t2t_repro.data.filters import Filters

# About what the Moses tokenizer makes: words, and each punctuation mark alone.
_TOKEN = re.compile(r"\w+|[^\w\s]")
# Digests of the latest pairs stay in a set, some 100 bytes each (100 MB), until
# there are so many; then they join the sorted array, 8 bytes each.
_LATEST = 2**20


class Sieve:
    """Applies filters to one split, of which it remembers the pairs."""

    def __init__(self, filters: Filters | None):
        """Starts a split.

        Args:
          filters: what to drop; None lets everything pass, empty pairs too, as
            evaluation must.
        """
        self._filters = filters
        self._seen = _Seen()

    def sift(
        self, pairs: Iterable[tuple[str, str]], counts: Counts
    ) -> Iterator[tuple[str, str]]:
        """Yields what may stay and counts the rest.

        Args:
          pairs: source and target lines.
          counts: added to as the pairs go by.
        """
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
