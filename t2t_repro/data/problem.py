"""The Problem: what to translate, from where, with which vocabulary.

A problem is declared in `problems/` (or a user's folder) by subclassing
`TextToTextProblem`: a few class attributes and one method that yields
sentence pairs. Nothing here imports TensorFlow.
"""

import abc
import collections
import itertools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from t2t_repro.data.filters import Filters
from t2t_repro.data.vocabulary_sample import EvenSample
from t2t_repro.errors import InputError, UsageError
from t2t_repro.text.encoder import TextEncoder
from t2t_repro.text.lines import LinePairs
from t2t_repro.text.tree_grammar import TreeGrammar

VOCAB_KINDS = ("bpe", "subwords", "words")

# As tensor2tensor's text problems: without a limit, one long URL would cost
# the square of its length.
_MAX_SUBTOKEN_LENGTH = 200


class TextToTextProblem(abc.ABC):
    """Sentence pairs with one vocabulary for both sides.

    Attributes:
      name: registered name, without `_rev`.
      is_reversed: source and target swapped (`_rev`); same data files.
    """

    # ISO 639-1 codes, such as "en".
    source_language: str
    target_language: str
    # Pieces to learn, of SentencePiece or of tensor2tensor ("subwords"), or
    # whole words.
    approx_vocab_size: int = 8192
    vocab_kind: str = "bpe"
    # Of training pairs; by default only those with an empty side are left out.
    filters: Filters = Filters()
    train_shards: int = 10  # dev and test have one
    splits: tuple[str, ...] = ("train", "dev")  # always these; perhaps "test"
    published_pairs: Mapping[str, int] = {}  # by split, where known
    # What `--decode_hparams` leaves open, such as "beam_size=21"; the rest is
    # the paper's for translation.
    decode_hparams: str = ""
    metric: str = "bleu"  # of its outputs; see `metrics.scores`
    # Whether `input_line` and `output_line` change nothing.
    has_plain_lines: bool = True

    def __init__(self, name: str, is_reversed: bool = False):
        """Called by the registry with the name that found the class."""
        for side in ("source_language", "target_language"):
            if not isinstance(getattr(self, side, None), str):
                raise UsageError(
                    f"{name} has no {side}: give its class one, such as 'en'."
                )
        if self.vocab_kind not in VOCAB_KINDS:
            raise UsageError(
                f"{name} has the vocab_kind {self.vocab_kind!r}: it must be"
                f" one of {', '.join(VOCAB_KINDS)}."
            )
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
        size, suffix = self.approx_vocab_size, self.vocab_kind
        return f"vocab.{self.name}.{size}.{suffix}"

    @abc.abstractmethod
    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """Streams (source line, target line) of a split, in a fixed order.

        In the forward direction. Raw material lies in `tmp_dir`, or is
        downloaded to it.
        """

    def generate_corpora(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, LinePairs]]:
        """The same as (name of a corpus, its pairs), to be counted apart.

        The pairs must be read before the next corpus is asked for.
        """
        yield self.name, self._pairs(split, tmp_dir)

    def _pairs(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """What `generate_samples` yields, if it is what it must be."""
        for pair in self.generate_samples(split, tmp_dir) or ():
            match pair:
                case (str(), str()):
                    yield pair
                case _:
                    raise InputError(
                        f"generate_samples of {self.name} yields"
                        f" {repr(pair)[:60]}: it must yield pairs of text, a"
                        " source line and a target line."
                    )

    def vocabulary_lines(self, tmp_dir: pathlib.Path) -> Iterator[str]:
        """Streams the training text that the vocabulary is learnt from.

        All of it for BPE, which takes its own sample of 4 million lines.
        """
        if self.vocab_kind == "subwords":
            return self.subword_sample(tmp_dir)
        return itertools.chain.from_iterable(self._pairs("train", tmp_dir))

    def subword_sample(self, tmp_dir: pathlib.Path) -> Iterator[str]:
        """About a million characters of each language, at even distances."""
        samples = (EvenSample(), EvenSample())
        for pair in self._pairs("train", tmp_dir):
            for sample, line in zip(samples, pair, strict=True):
                sample.add(line)
        for sample in samples:
            yield from sample.lines

    def input_line(self, line: str) -> str:
        """What the model reads for a user's line."""
        return line

    def output_line(
        self, line: str, text: str
    ) -> tuple[str, "collections.Counter[str]"]:
        """What the user gets for a line and the model's text.

        Returns:
          The output line, and how often what had to be repaired in it: a
          model's text is not always the tree that it should be.
        """
        del line
        return text, collections.Counter()

    def grammar(self, encoder: TextEncoder) -> TreeGrammar | None:
        """What a search for outputs is held to; None: it may write any text.

        Args:
          encoder: the vocabulary.
        """
        del encoder
        return None

    def default_hparams_set(self, pairs: int, has_gpu: bool) -> str | None:
        """For so many training pairs; None: --hparams_set must be given."""
        del pairs, has_gpu
        return None

    def expected_pairs(self, split: str, tmp_dir: pathlib.Path) -> int | None:
        """How many pairs will come, where that is known or quickly found."""
        del tmp_dir
        return self.published_pairs.get(split)

    def sources(self) -> list[dict[str, Any]]:
        """What the data is made from, for `data_dir/<problem>.json`.

        Returns:
          A dictionary per file or corpus. `split` is always there; `url` where
          it can be fetched, then `file` (its name in `tmp_dir`, by default the
          URL's), `sha256` and `size` where known; `corpus`, `year`.
        """
        return []

    def learn_vocabulary(
        self, lines: Iterator[str], path: pathlib.Path
    ) -> None:
        """Learns the shared vocabulary from lines of both languages."""
        # A command's --help needs no library.
        from t2t_repro.text import bpe, subwords, words

        if self.vocab_kind == "bpe":
            bpe.learn(lines, self.approx_vocab_size, path)
            return
        if self.vocab_kind == "words":
            words.learn(lines, self.approx_vocab_size, path)
            return
        subwords.SubwordTextEncoder.build_from_generator(
            lines,
            self.approx_vocab_size,
            max_subtoken_length=_MAX_SUBTOKEN_LENGTH,
        ).store_to_file(path)

    def open_vocabulary(self, path: pathlib.Path) -> TextEncoder:
        """Opens a vocabulary file, of the kind that its suffix says."""
        from t2t_repro.text import bpe, marian, subwords, words

        if path.suffix == words.SUFFIX:
            return words.WordEncoder(path)
        if path.suffix == subwords.SUFFIX:
            return subwords.SubwordEncoder(path)
        if path.suffix == marian.SUFFIX:
            return marian.MarianEncoder(path)
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
