"""Labelled bracketing F1, the figure of section 6.3, by EVALB's rules.

The paper does not say how it scored; the field uses Sekine and Collins's EVALB
with COLLINS.prm, and every figure that program prints is reproduced, of a
sentence and of a file, over all sentences and those of at most 40 words:

* words whose tag is punctuation or `-NONE-` are deleted, then brackets are
  counted; brackets over no word, and those labelled TOP, do not count;
* a label ends at its first `-` or `=`; ADVP and PRT are the same label;
* a sentence's length is its gold words with punctuation, without `-NONE-`;
* a test tree without words is skipped, one with other words is an error; both
  are left out of every average.

That last rule flatters a parser that fails. A `Summary` therefore also has
figures in which failures are zero recall: their gold brackets were to be
found, and none was.

What is left out: other parameter files and cut-off lengths, EVALB's stop after
ten errors, and its fixed arrays (200 words, 200 brackets, 5000 characters),
past which it writes into other memory. A percentage of nothing is 0 here, where
EVALB may print nan.
"""

import collections
import dataclasses
import enum
import re
from collections.abc import Iterable, Sequence

from t2t_repro.errors import InputError
from t2t_repro.text.linearised_trees import PUNCTUATION_TAGS
from t2t_repro.text.trees import TOP, TRACE

# Of the F1 that is compared: `Summary.brackets_with_failures`.
SIGNATURE = "COLLINS.prm, all lengths, failures as zero recall"

# COLLINS.prm.
CUT_OFF_LENGTH = 40
_DELETED = PUNCTUATION_TAGS | {TOP, TRACE}
_SAME_LABEL = {"PRT": "ADVP"}

# White space, `(TAG word)`, `(LABEL`, or `)`; EVALB knows ASCII spaces only.
_STEP = re.compile(r"\s+|\(([^\s()]*)(?:\s+([^\s()]*)\))?|\)", re.ASCII)

_Span = tuple[str, int, int]  # label, first word, word behind the last


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
    spans: collections.Counter[_Span]
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
        return _percent(self.matched, self.gold)

    @property
    def precision(self) -> float:
        return _percent(self.matched, self.test)

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
    """

    length: int
    status: Status
    brackets: BracketCounts
    crossing: int = 0
    words: int = 0
    correct_tags: int = 0
    reason: str | None = None

    @property
    def tagging_accuracy(self) -> float:
        """Words with the gold tag, in percent."""
        return _percent(self.correct_tags, self.words)


@dataclasses.dataclass(frozen=True)
class Summary:
    """Sums over sentences, and averages in percent.

    Attributes:
      sentences: all of them.
      errors: sentences with status ERROR.
      skipped: sentences with status SKIPPED.
      brackets: of scored sentences, as is all below but the last line.
      complete: sentences whose every bracket is matched.
      crossing: test brackets that cross a gold bracket.
      without_crossing: sentences that have none of those.
      two_or_less_crossing: sentences that have at most two.
      words: compared words.
      correct_tags: words with the gold tag.
      brackets_with_failures: with the gold brackets of failures, too.
    """

    sentences: int
    errors: int
    skipped: int
    brackets: BracketCounts
    complete: int
    crossing: int
    without_crossing: int
    two_or_less_crossing: int
    words: int
    correct_tags: int
    brackets_with_failures: BracketCounts

    @property
    def failures(self) -> int:
        """The number of sentences that could not be scored."""
        return self.errors + self.skipped

    @property
    def valid(self) -> int:
        """The number of scored sentences."""
        return self.sentences - self.failures

    @property
    def complete_match(self) -> float:
        return _percent(self.complete, self.valid)

    @property
    def complete_match_with_failures(self) -> float:
        return _percent(self.complete, self.sentences)

    @property
    def average_crossing(self) -> float:
        """Crossing brackets per scored sentence."""
        return self.crossing / self.valid if self.valid else 0.0

    @property
    def no_crossing(self) -> float:
        return _percent(self.without_crossing, self.valid)

    @property
    def at_most_two_crossing(self) -> float:
        return _percent(self.two_or_less_crossing, self.valid)

    @property
    def tagging_accuracy(self) -> float:
        return _percent(self.correct_tags, self.words)


@dataclasses.dataclass(frozen=True)
class Report:
    """Every sentence, the sum of all, and of those up to 40 words (`short`)."""

    sentences: tuple[SentenceScore, ...]
    all: Summary
    short: Summary


def evaluate(
    gold_lines: Sequence[str],
    test_lines: Sequence[str],
    *,
    gold_name: str = "gold",
    test_name: str = "test",
) -> Report:
    """Scores a parser's trees, one a line.

    Args:
      gold_lines: annotated trees.
      test_lines: the parser's; a blank or broken one is a failure.
      gold_name: the gold file, for messages.
      test_name: the test file, for messages.

    Raises:
      InputError: the numbers of lines differ, or a gold tree is broken.
    """
    if len(gold_lines) != len(test_lines):
        raise InputError(
            f"{gold_name} has {len(gold_lines)} lines and {test_name} has"
            f" {len(test_lines)}. Give one tree a line in both, and an empty"
            " line where the parser failed."
        )
    scores = []
    for index, gold_line in enumerate(gold_lines):
        gold = read_bracketing(gold_line)
        if gold.fault is not None:
            raise InputError(
                f"{gold_name}, line {index + 1}, {gold.fault}. Write each gold"
                " tree on one line, with balanced brackets and one word to a"
                " tag: (TOP (NP (DT a) (NN dog)))."
            )
        scores.append(score_sentence(gold, read_bracketing(test_lines[index])))
    short = [score for score in scores if score.length <= CUT_OFF_LENGTH]
    return Report(tuple(scores), _summary(scores), _summary(short))


def read_bracketing(line: str) -> Bracketing:
    """Reads a line as EVALB does, and as far as that goes if it is broken.

    An unclosed bracket ends at -1, and a closing bracket too many is ignored:
    what EVALB makes of them before it calls the sentence an error. A blank line
    is a parser's failure.
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
    """Compares a parser's tree with an annotated one, which has no fault.

    No brackets of `test` count if the words are not the same.
    """
    gold_total = gold.spans.total()
    reason = _incomparable(gold.words, test.words)
    if reason is not None:
        return SentenceScore(
            gold.length,
            Status.ERROR if test.words else Status.SKIPPED,
            BracketCounts(0, gold_total, 0),
            reason=test.fault or reason,
        )
    matched = (gold.spans & test.spans).total()
    return SentenceScore(
        gold.length,
        Status.SCORED if test.fault is None else Status.ERROR,
        BracketCounts(matched, gold_total, test.spans.total()),
        crossing=sum(
            count
            for span, count in test.spans.items()
            if _crosses_any(span, gold.spans)
        ),
        words=len(gold.words),
        correct_tags=sum(
            _canonical(ours) == _canonical(theirs)
            for ours, theirs in zip(gold.tags, test.tags, strict=True)
        ),
        reason=test.fault,
    )


def _summary(scores: Sequence[SentenceScore]) -> Summary:
    scored = [score for score in scores if score.status == Status.SCORED]
    statuses = collections.Counter(score.status for score in scores)
    brackets = BracketCounts(
        sum(score.brackets.matched for score in scored),
        sum(score.brackets.gold for score in scored),
        sum(score.brackets.test for score in scored),
    )
    all_gold = sum(score.brackets.gold for score in scores)
    return Summary(
        sentences=len(scores),
        errors=statuses[Status.ERROR],
        skipped=statuses[Status.SKIPPED],
        brackets=brackets,
        complete=sum(score.brackets.complete for score in scored),
        crossing=sum(score.crossing for score in scored),
        without_crossing=sum(score.crossing == 0 for score in scored),
        two_or_less_crossing=sum(score.crossing <= 2 for score in scored),
        words=sum(score.words for score in scored),
        correct_tags=sum(score.correct_tags for score in scored),
        brackets_with_failures=dataclasses.replace(brackets, gold=all_gold),
    )


def _counted(
    brackets: Iterable[tuple[str, int, int, int]],
) -> collections.Counter[_Span]:
    """Drops the brackets that do not count and trims the others' labels."""
    spans: collections.Counter[_Span] = collections.Counter()
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


def _crosses_any(span: _Span, others: Iterable[_Span]) -> bool:
    """Whether it overlaps one of the others and neither contains the other."""
    _, start, end = span
    return any(
        left < start < right < end or start < left < end < right
        for _, left, right in others
    )


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
