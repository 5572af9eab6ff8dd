"""Problems whose text comes through TensorFlow Datasets, in a fixed order.

`--tmp_dir` is its data_dir: what was made there before, by whatever program, is
used as it is. TensorFlow Datasets downloads (with ten tries each), checks
hashes, and writes its own shuffled records, whole or not at all. Left out: its
mirrors of prepared data and its folder of files given by hand. Making the data
needs, per corpus, memory for all lines of both sides (some 15 GB for 10^9
French-English).
"""

import contextlib
import logging
import pathlib
import shutil
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from t2t_repro import files, tensorflow_start
from t2t_repro.data import vocabulary_sample
from t2t_repro.data.download import RemoteFile
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.text.lines import LinePairs

_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
_AT_ONCE = 1024

logger = logging.getLogger("t2t_repro")


class Part(NamedTuple):
    """One of the corpora that a data set is made from."""

    split: str
    name: str
    year: int  # of the WMT that published this version
    archive: RemoteFile  # what TensorFlow Datasets fetches


class TfdsProblem(TextToTextProblem):
    """Sentence pairs of a data set whose features are languages."""

    splits = ("train", "dev", "test")
    dataset: str  # with configuration and version: `name/config:1.0.0`
    parts: tuple[Part, ...] = ()
    # Of each language, for subwords.
    vocabulary_characters = 5 * vocabulary_sample.BYTES_PER_FILE

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """Streams a split in the order of the records, which are shuffled."""
        yield from read_dataset(
            self.dataset,
            _SPLITS[split],
            (self.source_language, self.target_language),
            tmp_dir,
        )

    def generate_corpora(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, LinePairs]]:
        """One for the whole split: records do not say where they are from."""
        yield self.dataset, self.generate_samples(split, tmp_dir)

    def subword_sample(self, tmp_dir: pathlib.Path) -> Iterator[str]:
        """The first lines: as good as any, since the records are shuffled."""
        left = [self.vocabulary_characters] * 2
        for pair in self.generate_samples("train", tmp_dir):
            for side, line in enumerate(pair):
                if left[side] > 0:
                    left[side] -= len(line)
                    yield line
            if max(left) <= 0:
                return

    def sources(self) -> list[dict[str, Any]]:
        """One entry per corpus, all in the folder of the data set."""
        place = str(dataset_folder(self.dataset, pathlib.Path()))
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


def dataset_folder(dataset: str, data_dir: pathlib.Path) -> pathlib.Path:
    """Where TensorFlow Datasets keeps a data set, `name/config:1.0.0`."""
    return data_dir / dataset.replace(":", "/")


def read_dataset(
    dataset: str,
    split: str,
    languages: tuple[str, str],
    data_dir: pathlib.Path,
) -> LinePairs:
    """Streams a split; makes the data set first where it is not there.

    Args:
      dataset: with configuration and version: `name/config:1.0.0`.
      split: what TensorFlow Datasets calls it, such as `"validation"`.
      languages: the features to take as source and target.
      data_dir: the folder of all data sets.
    """
    tensorflow_start.load()
    import tensorflow as tf
    import tensorflow_datasets as tfds

    place = dataset_folder(dataset, data_dir)
    if not place.exists():
        _prepare(dataset, data_dir)
    try:
        examples = tfds.load(
            dataset,
            split=split,
            data_dir=str(data_dir),
            download=False,
            shuffle_files=False,
            # One file after the other: the order must not depend on threads.
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
        )
        for block in examples.batch(_AT_ONCE).as_numpy_iterator():
            sides = (block[language].tolist() for language in languages)
            for source, target in zip(*sides, strict=True):
                yield source.decode().strip(), target.decode().strip()
    except (tf.errors.OpError, OSError, ValueError, AssertionError) as error:
        raise InputError(
            f"cannot read {split} of {dataset} in {place} ({_brief(error)}):"
            " remove the folder, so that it is made again, or put a whole one"
            " in its place."
        ) from error


def _prepare(dataset: str, data_dir: pathlib.Path) -> None:
    import tensorflow_datasets as tfds

    files.make_folder(data_dir)
    logger.info("making %s with TensorFlow Datasets in %s", dataset, data_dir)
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    # Each of the ten tries would be a warning of two lines.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    before = _unfinished(data_dir)
    try:
        # Its progress is no output of ours.
        with contextlib.redirect_stdout(sys.stderr):
            tfds.builder(dataset, data_dir=str(data_dir)).download_and_prepare()
    # Its own errors, those of requests, and assertions about unequal files.
    except Exception as error:
        for leftover in _unfinished(data_dir) - before:
            shutil.rmtree(leftover, ignore_errors=True)
        place = dataset_folder(dataset, data_dir)
        raise InputError(
            f"cannot make {dataset} ({_brief(error)}). Where there is network"
            f" and room, run `tfds build {dataset} --data_dir=DIR`, place"
            f" DIR/{place.relative_to(data_dir)} by hand at {place} and run"
            " this again."
        ) from error


def _unfinished(data_dir: pathlib.Path) -> set[pathlib.Path]:
    return set((data_dir / "downloads").rglob("*.tmp.*"))


def _brief(error: BaseException) -> str:
    """The error in one line, without a graph's trace."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
