"""Which training pairs to leave out, and a count of each reason.

Section 5.1 says 36 million pairs of the 40.8 million that WMT 2014 has for
English and French, and not which. Every rule here is a number in the problem's
class, so that what was left out can be read there, and its effect counted in
`<problem>.json`. They are applied in `sieve.py`. Left out: language
identification and rules that need a model.
"""

import dataclasses


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
