"""TensorFlow Datasets' own WMT 2014 builder, with few sentences of ours.

Only where its text comes from is replaced, and only while it writes: features,
version, shuffling and files are the real ones.
"""

import contextlib
import pathlib
from collections.abc import Iterator
from unittest import mock

_SIZES = {"train": 40, "validation": 3, "test": 2}


def pairs(split: str, source: str, target: str) -> list[tuple[str, str]]:
    """The sentences of a split, sorted; one has spaces around it."""
    return sorted(
        (f"{source} {split} {number}", f"{target} {split} {number}")
        for number in range(_SIZES[split])
    )


def prepare(dataset: str, data_dir: pathlib.Path) -> None:
    """Makes the data set as `tfds build` would."""
    import tensorflow_datasets as tfds

    with patched(dataset):
        tfds.builder(dataset, data_dir=str(data_dir)).download_and_prepare()


@contextlib.contextmanager
def patched(dataset: str, fails: OSError | None = None) -> Iterator[None]:
    """Gives the builder its text, or an error half way through it."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_cls(dataset.split("/")[0])
    languages = dataset.split("/")[1].split(":")[0].split("-")

    def split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in _SIZES}

    def generate_examples(self, split):
        first, second = languages
        for number, pair in enumerate(pairs(split, first, second)):
            if fails and number == 10:
                raise fails
            yield number, {first: f" {pair[0]}", second: f"{pair[1]} "}

    with (
        mock.patch.object(builder, "_split_generators", split_generators),
        mock.patch.object(builder, "_generate_examples", generate_examples),
    ):
        yield
