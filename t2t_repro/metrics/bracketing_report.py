"""Labelled bracketing F1, the figure of section 6.3, over a file of trees.

Sentences are scored by `t2t_repro.metrics.bracketing` and summed up as EVALB
does with COLLINS.prm: over all, and over those of at most 40 words. EVALB
leaves sentences that could not be scored out of every average.

That last rule flatters a parser that fails. A `Summary` therefore also holds
the figures in which failures are zero recall: their gold brackets were to be
found, and none was.

What is left out: EVALB's stop after ten errors, and any other cut-off length.
"""

import collections
import dataclasses
from collections.abc import Sequence

from t2t_repro.errors import InputError
from t2t_repro.metrics.bracketing import BracketCounts
from t2t_repro.metrics.bracketing import SentenceScore
from t2t_repro.metrics.bracketing import Status
from t2t_repro.metrics.bracketing import percent
from t2t_repro.metrics.bracketing import read_bracketing
from t2t_repro.metrics.bracketing import score_sentence

# That of COLLINS.prm, in words of the gold tree.
CUT_OFF_LENGTH = 40


@dataclasses.dataclass(frozen=True)
class Summary:
    """Sums over sentences; failures are averaged in only where said.

    Attributes:
      sentences: all of them.
      errors: sentences with status ERROR.
      skipped: sentences with status SKIPPED.
      repaired: test trees that had to be repaired; None if not known.
      brackets: of scored sentences, as is all below but the last line.
      complete: sentences whose every bracket is matched.
      crossing: test brackets that cross a gold bracket.
      without_crossing: sentences that have none of those.
      two_or_less_crossing: sentences that have at most two.
      words: compared words.
      correct_tags: words with the gold tag.
      brackets_with_failures: the same with the gold brackets of failures.
    """

    sentences: int
    errors: int
    skipped: int
    repaired: int | None
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
        """Scored sentences whose every bracket is matched, in percent."""
        return percent(self.complete, self.valid)

    @property
    def complete_match_with_failures(self) -> float:
        """The same, in percent of all sentences."""
        return percent(self.complete, self.sentences)

    @property
    def average_crossing(self) -> float:
        """Crossing brackets per scored sentence."""
        return self.crossing / self.valid if self.valid else 0.0

    @property
    def no_crossing(self) -> float:
        """Scored sentences without a crossing bracket, in percent."""
        return percent(self.without_crossing, self.valid)

    @property
    def at_most_two_crossing(self) -> float:
        """Scored sentences with two crossing brackets or less, in percent."""
        return percent(self.two_or_less_crossing, self.valid)

    @property
    def tagging_accuracy(self) -> float:
        """Compared words with the gold tag, in percent."""
        return percent(self.correct_tags, self.words)


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
    repaired: Sequence[bool] | None = None,
) -> Report:
    """Scores a parser's trees, one a line.

    Args:
      gold_lines: annotated trees.
      test_lines: the parser's; a blank or broken one is a failure.
      gold_name: the gold file, for messages.
      test_name: the test file, for messages.
      repaired: for each test tree, whether it had to be repaired, if known.

    Returns:
      Every sentence's score and the summaries.

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
        score = score_sentence(gold, read_bracketing(test_lines[index]))
        if repaired is not None:
            score = dataclasses.replace(score, repaired=repaired[index])
        scores.append(score)
    short = [score for score in scores if score.length <= CUT_OFF_LENGTH]
    return Report(tuple(scores), summarise(scores), summarise(short))


def summarise(scores: Sequence[SentenceScore]) -> Summary:
    """Sums sentences up as EVALB does, and with failures as zero recall."""
    scored = [score for score in scores if score.status == Status.SCORED]
    statuses = collections.Counter(score.status for score in scores)
    repaired = [score.repaired for score in scores]
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
        repaired=None if None in repaired else repaired.count(True),
        brackets=brackets,
        complete=sum(score.brackets.complete for score in scored),
        crossing=sum(score.crossing for score in scored),
        without_crossing=sum(score.crossing == 0 for score in scored),
        two_or_less_crossing=sum(score.crossing <= 2 for score in scored),
        words=sum(score.words for score in scored),
        correct_tags=sum(score.correct_tags for score in scored),
        brackets_with_failures=dataclasses.replace(brackets, gold=all_gold),
    )
