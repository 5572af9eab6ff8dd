"""The lines that subwords are learnt from: about a million characters a file.

Learning keeps every different word in memory and reads the words several
times, so tensor2tensor looked at no more of each file of each language,
whatever its size (its complaint: issue 155).
"""

from collections.abc import Iterable, Iterator

BYTES_PER_FILE = 1_000_000


def as_tensor2tensor(
    lines: Iterable[str], file_size: int, budget: int = BYTES_PER_FILE
) -> Iterator[str]:
    """The lines that tensor2tensor 1.15's `generate_lines_for_vocab` took.

    Every n-th line, n so that twice the budget would be taken from the whole
    file; it stops when the budget is used, that is in the middle.

    Args:
      lines: the file's lines.
      file_size: its bytes, unpacked.
      budget: characters to take, the last line in full.
    """
    between = int(file_size / budget / 2)
    skipped, left = 0, budget
    for line in lines:
        if skipped < between:
            skipped += 1
            continue
        if left <= 0:
            return
        stripped = line.strip()
        left -= len(stripped)
        skipped = 0
        yield stripped


class EvenSample:
    """Lines at even distances from a stream of unknown length.

    Takes every line until the budget of characters is used, then drops every
    second one and goes on with twice the distance: never more than the budget
    in memory (and one line), never less than about half of it at the end of a
    long text.

    Attributes:
      lines: lines number 0, n, 2n, ... of what was added.
    """

    def __init__(self, budget: int = BYTES_PER_FILE):
        self.lines: list[str] = []
        self._budget = budget
        self._size = self._number = 0
        self._distance = 1

    def add(self, line: str) -> None:
        """Adds the next line of the text."""
        is_taken = self._number % self._distance == 0
        self._number += 1
        if not is_taken:
            return
        self.lines.append(line)
        self._size += len(line)
        while self._size > self._budget and len(self.lines) > 1:
            self.lines = self.lines[::2]
            self._size = sum(map(len, self.lines))
            self._distance *= 2
