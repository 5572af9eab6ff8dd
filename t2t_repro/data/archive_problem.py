"""Problems whose text lies in published archives, as tensor2tensor's did.

A subclass is a table of corpora. The vocabulary is tensor2tensor's kind,
learnt from the same lines of the same files.
"""

import pathlib
from collections.abc import Iterator
from typing import Any

from t2t_repro.data import archives
from t2t_repro.data import download
from t2t_repro.data import vocabulary_sample
from t2t_repro.data.archives import Corpus
from t2t_repro.data.problem import TextToTextProblem


class ArchiveProblem(TextToTextProblem):
    """Sentence pairs out of archives.

    Class attributes to set, besides the base class's:
      corpora: by split, in the order of reading.
    """

    vocab_kind = "subwords"
    corpora: dict[str, tuple[Corpus, ...]]

    def generate_samples(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, str]]:
        """Streams the corpora of a split one after the other."""
        for _, samples in self.generate_corpora(split, tmp_dir):
            yield from samples

    def generate_corpora(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
        """Streams them apart."""
        for corpus in self.corpora[split]:
            yield corpus.name, archives.pairs(corpus, tmp_dir)

    def vocabulary_lines(self, tmp_dir: pathlib.Path) -> Iterator[str]:
        """tensor2tensor's sample: about a million characters of each file."""
        if self.vocab_kind != "subwords":
            yield from super().vocabulary_lines(tmp_dir)
            return
        for corpus in self.corpora["train"]:
            path = download.fetch(corpus.archive, tmp_dir)
            for member in (corpus.source, corpus.target):
                yield from vocabulary_sample.as_tensor2tensor(
                    archives.member_lines(path, member),
                    archives.member_size(path, member),
                )

    def expected_pairs(self, split: str) -> int | None:
        """The sum of the published numbers of lines."""
        lines = [corpus.lines for corpus in self.corpora[split]]
        known = [number for number in lines if number is not None]
        return sum(known) if len(known) == len(lines) else None

    def sources(self) -> list[dict[str, Any]]:
        """One entry per corpus and split."""
        return [
            {
                "split": split,
                "corpus": corpus.name,
                "year": corpus.year,
                "url": corpus.archive.url,
                "file": corpus.archive.name,
                "size": corpus.archive.size,
                "sha256": corpus.archive.sha256,
                "members": [corpus.source, corpus.target],
                "lines": corpus.lines,
            }
            for split in self.splits
            for corpus in self.corpora[split]
        ]
