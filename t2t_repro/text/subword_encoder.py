"""tensor2tensor's subwords as a vocabulary of a run (`.subwords` files).

`subwords.py` speaks tensor2tensor's interface, in which `<pad>` and `<EOS>`
are text like any other; this is the one that training and decoding expect.
"""

import pathlib
from collections.abc import Iterable
from collections.abc import Sequence

from t2t_repro.text.encoder import until_end
from t2t_repro.text.subwords import SURROGATE
from t2t_repro.text.subwords import SubwordTextEncoder

SUFFIX = ".subwords"


class SubwordEncoder:
    """A vocabulary file of tensor2tensor; an `encoder.TextEncoder`."""

    def __init__(self, path: str | pathlib.Path):
        """Reads the vocabulary file.

        Raises:
          InputError: it is missing or damaged.
        """
        self.path = pathlib.Path(path)
        self._subwords = SubwordTextEncoder(path)

    @property
    def vocab_size(self) -> int:
        """Number of ids, padding and end of sentence included."""
        return self._subwords.vocab_size

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without the end of sentence."""
        return self._subwords.encode(text)

    def encode_lines(self, lines: Sequence[str]) -> list[list[int]]:
        """`encode` of many lines."""
        return [self._subwords.encode(line) for line in lines]

    def decode(self, ids: Iterable[int]) -> str:
        """The line; ids from the first end of sentence on are ignored.

        A model can spell out the escape of a surrogate, which no text has and
        no file can hold: it becomes U+FFFD.
        """
        return SURROGATE.sub("\ufffd", self._subwords.decode(until_end(ids)))

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The subtoken of each id, as it stands in the vocabulary file."""
        return self._subwords.decode_list(ids)
