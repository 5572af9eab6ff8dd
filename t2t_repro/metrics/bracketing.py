"""Labelled bracketing of one sentence, for section 6.3, by EVALB's rules.

The paper does not say how it scored; the field uses Sekine and Collins's EVALB
with COLLINS.prm, and every figure that program prints is reproduced, those of a
sentence here and those of a file in `t2t_repro.metrics.bracketing_report`:

* words whose tag is punctuation or `-NONE-` are deleted, then brackets are
  counted; brackets over no word, and those labelled TOP, do not count;
* a label ends at its first `-` or `=`; ADVP and PRT are the same label;
* a sentence's length is its gold words with punctuation, without `-NONE-`;
* a test tree without words is skipped, one with other words is an error.

What is left out: other parameter files, and EVALB's fixed arrays (200 words,
200 brackets, 5000 characters), past which it writes into other memory. A
percentage of nothing is 0 here, where EVALB may print nan.
"""

import collections
import dataclasses
import enum
import re
from collections.abc import Iterable
from collections.abc import Sequence

from t2t_repro.text.linearised_trees import PUNCTUATION_TAGS
from t2t_repro.text.trees import TOP
from t2t_repro.text.trees import TRACE

# All of COLLINS.prm but its cut-off length.
_DELETED = PUNCTUATION_TAGS | {TOP, TRACE}
_SAME_LABEL = {"PRT": "ADVP"}

# White space, `(TAG word)`, `(LABEL`, or `)`; EVALB knows ASCII spaces only.
_STEP = re.compile(r"\s+|\(([^\s()]*)(?:\s+([^\s()]*)\))?|\)", re.ASCII)


class Status(enum.IntEnum):
    """What became of a sentence, in EVALB's numbers."""

    SCORED = 0
    ERROR = 1
    SKIPPED = 2


@dataclasses.dataclass(frozen=True)
class Bracketing:
    """One tree as EVALB sees it.

    Attributes:
      tags: of the words that count.
      words: that count, left to right.
      spans: how often each (label, start, end) occurs.
      length: the number of words, punctuation included.
      fault: what is wrong with the brackets, from the column on; else None.
    """

    tags: tuple[str, ...]
    words: tuple[str, ...]
    spans: "collections.Counter[tuple[str, int, int]]"
    length: int
    fault: str | None


@dataclasses.dataclass(frozen=True)
class BracketCounts:
    """Numbers of brackets, and their ratios in percent."""

    matched: int
    gold: int
    test: int

    @property
    def recall(self) -> float:
        """Matched brackets of the gold brackets."""
        return percent(self.matched, self.gold)

    @property
    def precision(self) -> float:
        """Matched brackets of the test brackets."""
        return percent(self.matched, self.test)

    @property
    def f1(self) -> float:
        """The harmonic mean of recall and precision."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def complete(self) -> bool:
        """Whether every bracket on either side is matched."""
        return self.matched == self.gold == self.test


@dataclasses.dataclass(frozen=True)
class SentenceScore:
    """How one test tree compares with its gold tree.

    Attributes:
      length: of the gold tree, by which sentences are cut off.
      status: whether the sentence counts in EVALB's averages.
      brackets: of a failed sentence too, whose `gold` was there to be found.
      crossing: test brackets that cross a gold bracket.
      words: compared words; 0 if the trees could not be compared.
      correct_tags: words with the gold tag.
      reason: why the status is not SCORED; else None.
      repaired: whether the test tree had to be repaired; None if not known.
    """

    length: int
    status: Status
    brackets: BracketCounts
    crossing: int = 0
    words: int = 0
    correct_tags: int = 0
    reason: str | None = None
    repaired: bool | None = None

    @property
    def tagging_accuracy(self) -> float:
        """Words with the gold tag, in percent."""
        return percent(self.correct_tags, self.words)


def percent(part: int, whole: int) -> float:
    """A share in percent; that of nothing is 0."""
    return 100.0 * part / whole if whole else 0.0


def read_bracketing(line: str) -> Bracketing:
    """Reads a line as EVALB does, and as far as that goes if it is broken.

    An unclosed bracket ends at -1, and a closing bracket too many is ignored:
    what EVALB makes of them before it calls the sentence an error.

    Args:
      line: one tree; blank for a parser's failure.

    Returns:
      What of it counts.
    """
    tags: list[str] = []
    words: list[str] = []
    # Label, start, end, and the column for a message.
    brackets: list[tuple[str, int, int, int]] = []
    pending: list[int] = []
    length = position = 0
    fault = None
    while position < len(line):
        match = _STEP.match(line, position)
        column = position + 1
        if match is None:
            fault = f"column {column}: expected a bracket"
            break
        position = match.end()
        label, word = match.groups()
        if word is not None:
            if label != TRACE:
                length += 1
            if label not in _DELETED:
                tags.append(label)
                words.append(word)
        elif label is not None:
            pending.append(len(brackets))
            brackets.append((label, len(words), -1, column))
        elif match.group() == ")" and pending:
            index = pending.pop()
            label, start, _, opened = brackets[index]
            brackets[index] = (label, start, len(words), opened)
        elif match.group() == ")":
            fault = fault or f"column {column}: this bracket closes nothing"
    if pending and fault is None:
        column = brackets[pending[-1]][-1]
        fault = f"column {column}: this bracket is never closed"
    return Bracketing(
        tuple(tags), tuple(words), _counted(brackets), length, fault
    )


def score_sentence(gold: Bracketing, test: Bracketing) -> SentenceScore:
    """Compares two readings of one sentence.

    Args:
      gold: the annotated tree; it has no fault.
      test: the parser's tree.

    Returns:
      The comparison; no brackets of `test` count if the words are not the same.
    """
    gold_total = sum(gold.spans.values())
    reason = _incomparable(gold.words, test.words)
    if reason is not None:
        return SentenceScore(
            gold.length,
            Status.ERROR if test.words else Status.SKIPPED,
            BracketCounts(0, gold_total, 0),
            reason=test.fault or reason,
        )
    return SentenceScore(
        gold.length,
        Status.SCORED if test.fault is None else Status.ERROR,
        BracketCounts(
            (gold.spans & test.spans).total(),
            gold_total,
            test.spans.total(),
        ),
        crossing=sum(
            count
            for (_, start, end), count in test.spans.items()
            if _crosses_any(start, end, gold.spans)
        ),
        words=len(gold.words),
        correct_tags=sum(
            _canonical(ours) == _canonical(theirs)
            for ours, theirs in zip(gold.tags, test.tags, strict=True)
        ),
        reason=test.fault,
    )


def _counted(
    brackets: Iterable[tuple[str, int, int, int]],
) -> "collections.Counter[tuple[str, int, int]]":
    """Drops the brackets that do not count and trims the others' labels."""
    spans: collections.Counter[tuple[str, int, int]] = collections.Counter()
    for label, start, end, _ in brackets:
        # Unlike everywhere else, EVALB trims `-NONE-` here, to nothing.
        label = re.split("[-=]", label, maxsplit=1)[0]
        if start != end and label not in _DELETED:
            spans[_canonical(label), start, end] += 1
    return spans


def _canonical(label: str) -> str:
    return _SAME_LABEL.get(label, label)


def _incomparable(gold: Sequence[str], test: Sequence[str]) -> str | None:
    """Says why two sentences' words forbid comparing their trees."""
    if not test:
        return "the test tree has no words"
    if len(gold) != len(test):
        return f"the gold tree has {len(gold)} words, the test tree {len(test)}"
    for ours, theirs in zip(gold, test, strict=True):
        if ours != theirs:
            return f"the gold word {ours!r} is {theirs!r} in the test tree"
    return None


def _crosses_any(
    start: int, end: int, spans: Iterable[tuple[str, int, int]]
) -> bool:
    """Whether a span overlaps one of the others and neither holds the other."""
    return any(
        left < start < right < end or start < left < end < right
        for _, left, right in spans
    )
