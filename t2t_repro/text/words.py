"""Whole words: the vocabulary of a small, closed language.

Words are what spaces separate. The file has one a line, in the order of the
ids, as tensor2tensor's token vocabularies have. The full stop has an id of its
own at a fixed place, so that a model can cut a text into sentences. Of a word
that is not there only this is known: it is lost.
"""

import collections
import pathlib
from collections.abc import Iterable, Sequence

from t2t_repro.errors import InputError
from t2t_repro.files import replace_file
from t2t_repro.text import lines as text_lines
from t2t_repro.text.encoder import until_end

SUFFIX = ".words"
FULL_STOP = "."
FULL_STOP_ID = 2
_UNKNOWN = "<unk>"
_UNKNOWN_ID = 3
RESERVED_WORDS = ["<pad>", "<EOS>", FULL_STOP, _UNKNOWN]


def learn(lines: Iterable[str], vocab_size: int, path: pathlib.Path) -> None:
    """Writes the vocabulary of a text: its words, the most frequent first.

    Args:
      lines: the text.
      vocab_size: ids there may be; the rarest words beyond it are left out.
      path: of the file.
    """
    counts = collections.Counter(
        word for line in lines for word in line.split()
    )
    for word in RESERVED_WORDS:
        del counts[word]
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    kept = ordered[: max(0, vocab_size - len(RESERVED_WORDS))]
    replace_file(path, "\n".join([*RESERVED_WORDS, *kept]) + "\n")


class WordEncoder:
    """A vocabulary file, opened."""

    def __init__(self, path: str | pathlib.Path):
        """Reads it.

        Raises:
          InputError: it cannot be read, or is no such file.
        """
        self._words = text_lines.read_lines(path)
        self._ids = {word: number for number, word in enumerate(self._words)}
        reserved = self._words[: len(RESERVED_WORDS)]
        if reserved != RESERVED_WORDS or len(self._ids) != len(self._words):
            raise InputError(
                f"{path} is not a vocabulary of words: it must begin with"
                f" {', '.join(RESERVED_WORDS)}, a line each, and have no word"
                " twice. Remove it, so that t2t-datagen makes it again."
            )

    @property
    def vocab_size(self) -> int:
        """Number of ids, the reserved ones included."""
        return len(self._words)

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without the end of sentence."""
        return [self._ids.get(word, _UNKNOWN_ID) for word in text.split()]

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """`encode` of many lines."""
        return [self.encode(line) for line in lines]

    def decode(self, ids: Iterable[int]) -> str:
        """The words, with spaces between them."""
        return " ".join(self.pieces(until_end(ids)))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The word of each id."""
        return [self._words[number] for number in ids]
