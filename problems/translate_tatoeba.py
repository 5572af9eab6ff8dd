"""Tatoeba's sentence pairs, as manythings.org/anki publishes them.

The corpus of everybody's tutorials: short sentences with English, sorted by
length, the translations of one sentence on neighbouring lines. A split by line
therefore leaks: a test sentence has other translations in the training text,
and BLEU rises with what was learnt by heart. Here a sentence, told by its words
without case and punctuation, is on one side only, and so is every translation
of it, in either direction.

The archive grows; the hashes are those of the versions of 2018-05-13 (German)
and 2017-09-29 (French). CC BY 2.0, www.manythings.org/anki and tatoeba.org.
"""

import hashlib
import pathlib
import re
import zipfile
from typing import Any, BinaryIO, cast

from t2t_repro.data import download
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.registry import register_problem
from t2t_repro.text import lines
from t2t_repro.text.lines import LinePairs

_URL = "https://www.manythings.org/anki/"
# Of a hundred English sentences, dev gets one and test another.
_PARTS, _HELD_OUT = 100, {0: "dev", 1: "test"}
_WORD = re.compile(r"\w+")


class _Tatoeba(TextToTextProblem):
    source_language = "en"
    approx_vocab_size = 8192
    train_shards = 4
    splits = ("train", "dev", "test")
    archive: str
    sha256: str

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """Streams a split in the order of the pairs' hashes.

        Dev and test have one pair an English sentence, the archive's first.
        """
        pairs = self.all_pairs(tmp_dir)
        if split == "train":
            chosen = _training_pairs(pairs)
        else:
            chosen = _held_out_pairs(pairs, split)
        yield from sorted(chosen, key=lambda pair: _digest("\t".join(pair)))

    def all_pairs(self, tmp_dir: pathlib.Path) -> list[tuple[str, str]]:
        """Every pair of the archive, in its order."""
        return _read(download.fetch(self._file(), tmp_dir))

    def sources(self) -> list[dict[str, Any]]:
        file = self._file()
        return [
            {"split": split, "url": file.url, "sha256": file.sha256}
            for split in self.splits
        ]

    def _file(self) -> download.RemoteFile:
        return download.RemoteFile(
            _URL + self.archive, self.archive, self.sha256
        )


@register_problem
class TranslateEndeTatoeba(_Tatoeba):
    """English to German: 170,000 short sentences, the tutorials' corpus."""

    target_language = "de"
    archive = "deu-eng.zip"
    sha256 = "b7688f84f99fa33c17397c14d8bd9cef1fdeb2ee0bf50074767023aee8926e28"


@register_problem
class TranslateEnfrTatoeba(_Tatoeba):
    """English to French: 143,000 short sentences, the tutorials' corpus."""

    target_language = "fr"
    archive = "fra-eng.zip"
    sha256 = "16c4f7d0df9e7c5e6c54cdb0447f3f4a18a55052ff5e2e0b27dd4a06c0e49d04"


def _read(path: pathlib.Path) -> list[tuple[str, str]]:
    """The pairs of an archive: its one `.txt` beside `_about.txt`."""
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = (n for n in archive.namelist() if not n.startswith("_"))
            with archive.open(name) as stream:
                rows = [
                    line.split("\t")
                    for line in lines.decoded(
                        cast(BinaryIO, stream), f"{name} of {path}"
                    )
                ]
    except (zipfile.BadZipFile, ValueError) as error:
        raise InputError(
            f"{path} is no archive of sentence pairs ({error}): expected a zip"
            f" file with one text, as {_URL} has it."
        ) from error
    # English and the other language; later versions add the source.
    return [(row[0], row[1]) for row in rows if len(row) > 1]


def _part(english: str) -> str:
    """The split that an English sentence belongs to."""
    return _HELD_OUT.get(int(_digest(words_of(english)), 16) % _PARTS, "train")


def _training_pairs(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """All pairs that share neither side with dev or test."""
    held_out = {
        words_of(other) for english, other in pairs if _part(english) != "train"
    }
    return [
        (english, other)
        for english, other in pairs
        if _part(english) == "train" and words_of(other) not in held_out
    ]


def _held_out_pairs(
    pairs: list[tuple[str, str]], split: str
) -> list[tuple[str, str]]:
    """The first pair of every English sentence of a split."""
    first: dict[str, tuple[str, str]] = {}
    for english, other in pairs:
        if _part(english) == split:
            first.setdefault(words_of(english), (english, other))
    return list(first.values())


def words_of(sentence: str) -> str:
    """A sentence without case, punctuation and spacing."""
    return " ".join(_WORD.findall(sentence.casefold()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
