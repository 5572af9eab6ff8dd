"""The Problem: what to translate, from where, with which vocabulary.

A problem is declared in `problems/` (or a user's folder) by subclassing
`TextToTextProblem`: a few class attributes and one method that yields
sentence pairs. Nothing here imports TensorFlow.
"""

import abc
import pathlib
from collections.abc import Iterator

from t2t_repro.errors import UsageError
from t2t_repro.text.encoder import TextEncoder

SPLITS = ("train", "dev", "test")


class TextToTextProblem(abc.ABC):
    """Sentence pairs with one vocabulary for both sides.

    Class attributes to set:
      source_language, target_language: ISO 639-1 codes, such as `"en"`.
      approx_vocab_size: pieces to learn.
      train_shards: number of training files (dev and test have one).
      splits: which of train, dev, test it has; train and dev always.
      has_public_test: whether references of `test` may be scored.

    Attributes:
      name: registered name, without `_rev`.
      is_reversed: source and target swapped (`_rev`); same data files.
    """

    source_language: str
    target_language: str
    approx_vocab_size: int = 8192
    train_shards: int = 10
    splits: tuple[str, ...] = ("train", "dev")

    def __init__(self, name: str, is_reversed: bool = False):
        """Called by the registry with the name that found the class."""
        self.name = name
        self.is_reversed = is_reversed

    @property
    def full_name(self) -> str:
        """The name as the user gives it, `_rev` included."""
        return f"{self.name}_rev" if self.is_reversed else self.name

    @property
    def languages(self) -> tuple[str, str]:
        """Source and target language in the direction of translation."""
        pair = (self.source_language, self.target_language)
        return pair[::-1] if self.is_reversed else pair

    @property
    def vocab_filename(self) -> str:
        """Name of the vocabulary file in `data_dir` and in a run directory."""
        return f"vocab.{self.name}.{self.approx_vocab_size}.bpe"

    @abc.abstractmethod
    def generate_samples(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, str]]:
        """Streams the pairs of a split in the forward direction.

        Args:
          split: one of `splits`.
          tmp_dir: where raw material lies or is downloaded to.

        Yields:
          (source line, target line), in a fixed order.

        Raises:
          InputError: the raw material is missing or damaged.
        """

    def sources(self) -> list[dict[str, str]]:
        """What the data is made from, for `data_dir/<problem>.json`."""
        return []

    def learn_vocabulary(
        self, lines: Iterator[str], path: pathlib.Path
    ) -> None:
        """Learns the shared vocabulary from lines of both languages."""
        from t2t_repro.text import bpe  # a command's --help needs no library

        bpe.learn(lines, self.approx_vocab_size, path)

    def open_vocabulary(self, path: pathlib.Path) -> TextEncoder:
        """Opens a vocabulary file, of the kind that its suffix says."""
        from t2t_repro.text import bpe
        from t2t_repro.text import subword_encoder

        if path.suffix == subword_encoder.SUFFIX:
            return subword_encoder.SubwordEncoder(path)
        return bpe.BpeEncoder(path)

    def shards(self, split: str) -> int:
        """Number of files of a split."""
        return self.train_shards if split == "train" else 1

    def check_split(self, split: str) -> None:
        """Raises UsageError when the problem has no such split."""
        if split not in self.splits:
            raise UsageError(
                f"{self.name} has no split {split!r}, only"
                f" {', '.join(self.splits)}."
            )
