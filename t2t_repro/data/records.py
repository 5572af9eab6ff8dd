"""TFRecord files of id sequences, under tensor2tensor's names and features.

A record is a `tf.train.Example` with the int64 lists `inputs` and `targets`,
each ending in the end of sentence. Directories written by tensor2tensor's own
t2t-datagen are read as they are.
"""

import dataclasses
import glob
import os
import pathlib
import re
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from t2t_repro.errors import InputError

_PARSE_AT_ONCE = 4096
_FEATURES = {
    "inputs": tf.io.RaggedFeature(tf.int64),
    "targets": tf.io.RaggedFeature(tf.int64),
}


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Many id sequences in one flat array.

    Attributes:
      values: `[sum of lengths]` int32.
      starts: `[count + 1]` int64; sequence i lies from
        `starts[i]` up to `starts[i + 1]`.
    """

    values: np.ndarray
    starts: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """`[count]` int64."""
        return np.diff(self.starts)

    def row(self, index: int) -> np.ndarray:
        """One sequence, `[length]` int32."""
        return self.values[self.starts[index] : self.starts[index + 1]]

    def padded(self, rows: np.ndarray, length: int) -> np.ndarray:
        """The chosen sequences as one `[len(rows), length]` int32 array.

        Args:
          rows: `[batch]` indices; -1 makes a row of padding alone.
          length: columns; no chosen sequence may be longer.
        """
        lengths = np.where(rows >= 0, self.lengths[rows], 0)
        columns = np.arange(length)[None, :]
        present = columns < lengths[:, None]
        positions = np.where(present, self.starts[rows][:, None] + columns, 0)
        return np.where(present, self.values[positions], 0).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Sentence pairs as ids, source and target alike ending in EOS."""

    inputs: Sequences
    targets: Sequences

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.inputs.starts) - 1

    def lengths(self) -> np.ndarray:
        """`[count, 2]` int64: source and target length."""
        return np.stack([self.inputs.lengths, self.targets.lengths], axis=1)

    def reversed(self) -> "Pairs":
        """The other direction."""
        return Pairs(self.targets, self.inputs)


def shard_name(problem: str, split: str, shard: int, shards: int) -> str:
    """tensor2tensor's file name, such as `p-train-00003-of-00010`."""
    return f"{problem}-{split}-{shard:05d}-of-{shards:05d}"


def shard_paths(
    data_dir: str | os.PathLike[str], problem: str, split: str
) -> list[str]:
    """The shards of a split, in order.

    Raises:
      InputError: none, or not all of them, are there.
    """
    stem = os.path.join(glob.escape(os.fspath(data_dir)), f"{problem}-{split}")
    pattern = re.compile(rf"-{split}-(\d{{5}})-of-(\d{{5}})$")
    found = {
        path: match
        for path in sorted(glob.glob(f"{stem}-*-of-*"))
        if (match := pattern.search(path))
    }
    if not found:
        raise InputError(
            f"{data_dir} holds no {split} data of {problem}: run t2t-datagen"
            f" --problem={problem} --data_dir={data_dir} first."
        )
    counts = {int(match[2]) for match in found.values()}
    if len(counts) != 1 or len(found) != counts.pop():
        raise InputError(
            f"{data_dir} holds only part of the {split} data of {problem}"
            f" ({len(found)} files, the last {pathlib.Path(max(found)).name}):"
            " remove them and run t2t-datagen again."
        )
    return list(found)


def serialize(inputs: Sequence[int], targets: Sequence[int]) -> bytes:
    """One record."""
    features = {
        name: tf.train.Feature(int64_list=tf.train.Int64List(value=ids))
        for name, ids in (("inputs", inputs), ("targets", targets))
    }
    return tf.train.Example(
        features=tf.train.Features(feature=features)
    ).SerializeToString(deterministic=True)


def read_pairs(paths: Sequence[str]) -> Pairs:
    """Reads whole files into memory.

    Raises:
      InputError: a file is damaged or holds something else.
    """
    return concatenate(list(_read_blocks(paths)))


def concatenate(blocks: Sequence[Pairs]) -> Pairs:
    """Many small tables as one, in order."""
    return Pairs(
        _join([block.inputs for block in blocks]),
        _join([block.targets for block in blocks]),
    )


def read_lengths(paths: Sequence[str]) -> np.ndarray:
    """`[count, 2]` source and target lengths of all records, little memory."""
    blocks = [block.lengths() for block in _read_blocks(paths)]
    return np.concatenate([np.zeros((0, 2), np.int64), *blocks])


def _read_blocks(paths: Sequence[str]) -> Iterator[Pairs]:
    for path in paths:
        dataset = tf.data.TFRecordDataset(path).batch(_PARSE_AT_ONCE)
        try:
            for block in dataset:
                parsed = tf.io.parse_example(block, _FEATURES)
                pairs = Pairs(_flat(parsed["inputs"]), _flat(parsed["targets"]))
                if not pairs.lengths().all():
                    raise ValueError("a record without inputs or targets")
                yield pairs
        except (tf.errors.OpError, ValueError) as error:
            reason = str(error).split("\n")[0][:200]
            raise InputError(
                f"{path} is damaged or not a file of sentence pairs"
                f" ({reason}): remove it and run t2t-datagen again."
            ) from error


def _flat(ragged: tf.RaggedTensor) -> Sequences:
    values = ragged.values.numpy().astype(np.int32)
    return Sequences(values, ragged.row_splits.numpy())


def _join(blocks: Sequence[Sequences]) -> Sequences:
    zero = np.zeros(1, np.int64)
    lengths = np.concatenate([zero, *(block.lengths for block in blocks)])
    values = [np.zeros(0, np.int32), *(block.values for block in blocks)]
    return Sequences(np.concatenate(values), np.cumsum(lengths))
