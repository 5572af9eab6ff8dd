"""Problems whose text comes through TensorFlow Datasets.

`--tmp_dir` is its data_dir: what was made there before, by whatever program, is
used as it is.
"""

import pathlib
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from t2t_repro.data import tfds_pairs
from t2t_repro.data import vocabulary_sample
from t2t_repro.data.download import RemoteFile
from t2t_repro.data.problem import TextToTextProblem

_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


class Part(NamedTuple):
    """One of the corpora that a data set is made from.

    Attributes:
      split: where it goes.
      name: what `<problem>.json` calls it.
      year: of the WMT that published this version.
      archive: the file that TensorFlow Datasets fetches.
    """

    split: str
    name: str
    year: int
    archive: RemoteFile


class TfdsProblem(TextToTextProblem):
    """Sentence pairs of a data set whose features are languages.

    Class attributes to set, besides the base class's:
      dataset: name, configuration and version: `name/config:1.0.0`.
      parts: what it is made from.
      pairs_published: number of pairs by split, where known.
      vocabulary_characters: of each language, for subwords.
    """

    splits = ("train", "dev", "test")
    dataset: str
    parts: tuple[Part, ...] = ()
    pairs_published: dict[str, int] = {}
    vocabulary_characters = 5 * vocabulary_sample.BYTES_PER_FILE

    def generate_samples(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, str]]:
        """Streams a split in the order of the records, which are shuffled."""
        yield from tfds_pairs.pairs(
            self.dataset,
            _SPLITS[split],
            (self.source_language, self.target_language),
            tmp_dir,
        )

    def generate_corpora(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
        """One for the whole split: records do not say where they are from."""
        yield self.dataset, self.generate_samples(split, tmp_dir)

    def vocabulary_lines(self, tmp_dir: pathlib.Path) -> Iterator[str]:
        """For subwords, the first lines: as good a sample as any, shuffled."""
        if self.vocab_kind != "subwords":
            yield from super().vocabulary_lines(tmp_dir)
            return
        left = [self.vocabulary_characters] * 2
        for pair in self.generate_samples("train", tmp_dir):
            for side, line in enumerate(pair):
                if left[side] > 0:
                    left[side] -= len(line)
                    yield line
            if max(left) <= 0:
                return

    def expected_pairs(self, split: str) -> int | None:
        """What the catalog of TensorFlow Datasets publishes."""
        return self.pairs_published.get(split)

    def sources(self) -> list[dict[str, Any]]:
        """One entry per corpus, all in the folder of the data set."""
        place = str(tfds_pairs.folder(self.dataset, pathlib.Path()))
        return [
            {
                "split": part.split,
                "corpus": part.name,
                "year": part.year,
                "through": f"tensorflow_datasets {self.dataset}",
                "url": part.archive.url,
                "file": place,
                "size": part.archive.size,
                "sha256": part.archive.sha256,
            }
            for part in self.parts
        ]
