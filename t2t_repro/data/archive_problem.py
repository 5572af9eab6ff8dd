"""Problems whose text lies in published tar archives, as tensor2tensor's did.

A subclass is a table of corpora, each two members of an archive, line by line
translations. Members are streamed out of the archive by name and never
unpacked to the disk: none can write anywhere, and a corpus takes no room twice.
A member that ends in `.gz` is unpacked on the way, and of one that ends in
`.sgm` only the segments are read, with their text as it stands (entities too),
as tensor2tensor, TensorFlow Datasets and sacreBLEU do.
"""

import contextlib
import gzip
import lzma
import pathlib
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple, cast

from t2t_repro.data import download, vocabulary_sample
from t2t_repro.data.download import RemoteFile
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.text import lines
from t2t_repro.text.lines import LinePairs

_SEGMENT = re.compile(r"<seg\b[^>]*>(.*?)</seg>", re.IGNORECASE)
_SEGMENT_START = re.compile(r"<seg\b", re.IGNORECASE)
_BLOCK = 2**20


class Corpus(NamedTuple):
    """Two members of an archive."""

    name: str
    year: int  # of the WMT that published this version
    archive: RemoteFile
    source: str  # names of the members
    target: str
    lines: int | None = None  # where known


class ArchiveProblem(TextToTextProblem):
    """Sentence pairs out of archives."""

    vocab_kind = "subwords"
    corpora: dict[str, tuple[Corpus, ...]]  # by split, in the order of reading

    def __init__(self, name: str, is_reversed: bool = False):
        """Sums up the published numbers of lines."""
        super().__init__(name, is_reversed)
        self.published_pairs: Mapping[str, int] = {
            split: sum(corpus.lines or 0 for corpus in corpora)
            for split, corpora in self.corpora.items()
            if all(corpus.lines is not None for corpus in corpora)
        }

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """Streams the corpora of a split one after the other."""
        for corpus in self.corpora[split]:
            yield from read_corpus(corpus, tmp_dir)

    def generate_corpora(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, LinePairs]]:
        """Streams them apart."""
        for corpus in self.corpora[split]:
            yield corpus.name, read_corpus(corpus, tmp_dir)

    def subword_sample(self, tmp_dir: pathlib.Path) -> Iterator[str]:
        """tensor2tensor's: about a million characters of each file."""
        for corpus in self.corpora["train"]:
            path = download.fetch(corpus.archive, tmp_dir)
            for member in (corpus.source, corpus.target):
                yield from vocabulary_sample.as_tensor2tensor(
                    member_lines(path, member), member_size(path, member)
                )

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


def read_corpus(corpus: Corpus, tmp_dir: pathlib.Path) -> LinePairs:
    """Streams its pairs of lines, without spaces around them."""
    path = download.fetch(corpus.archive, tmp_dir)
    for source, target in lines.pair_up(
        member_lines(path, corpus.source),
        member_lines(path, corpus.target),
        f"{corpus.source} in {path}",
        f"{corpus.target} in {path}",
    ):
        yield source.strip(), target.strip()


def member_lines(path: pathlib.Path, name: str) -> Iterator[str]:
    """Streams the lines of a member; those of `.sgm` are its segments."""
    with _member(path, name) as stream:
        text = lines.decoded(stream, f"{name} in {path}")
        yield from _segments(text, name) if name.endswith(".sgm") else text


def member_size(path: pathlib.Path, name: str) -> int:
    """Bytes of a member, unpacked; reads through one that is packed."""
    with _member(path, name) as stream:
        if not name.endswith(".gz"):
            return stream.seek(0, 2)
        return sum(map(len, iter(lambda: stream.read(_BLOCK), b"")))


@contextlib.contextmanager
def _member(path: pathlib.Path, name: str) -> Iterator[BinaryIO]:
    try:
        with tarfile.open(path, "r:*") as archive:
            stream = archive.extractfile(_find(archive, path, name))
            if name.endswith(".gz"):
                with gzip.open(cast(BinaryIO, stream)) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield cast(BinaryIO, stream)
    except (
        tarfile.TarError,
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"cannot read {name} in {path}: {reason}. Remove the archive, so"
            " that it is fetched again."
        ) from error


def _find(
    archive: tarfile.TarFile, path: pathlib.Path, name: str
) -> tarfile.TarInfo:
    # Not getmember: it would unpack the whole archive to see all names first.
    for member in archive:
        if posixpath.normpath(member.name) == name:
            if not member.isfile():
                raise InputError(
                    f"{name} in {path} is a link or folder: it must be a file;"
                    " this is another archive than the expected one."
                )
            return member
    raise InputError(
        f"{path} has no member {name}: it is another archive than the expected"
        " one. Remove it, so that it is fetched again."
    )


def _segments(text: Iterable[str], name: str) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        found = _SEGMENT.findall(line)
        if len(found) != len(_SEGMENT_START.findall(line)):
            raise InputError(
                f"{name}, line {number}, opens a <seg> that it does not close:"
                " put each segment on a line of its own."
            )
        yield from found
