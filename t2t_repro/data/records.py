"""TFRecord files of id sequences, under tensor2tensor's names and features.

A record is a `tf.train.Example` with the int64 lists `inputs` and `targets`,
each ending in the end of sentence. Directories written by tensor2tensor's own
t2t-datagen are read as they are.
"""

import contextlib
import dataclasses
import glob
import mmap
import os
import pathlib
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro import files
from t2t_repro.errors import InputError
from t2t_repro.text.encoder import TextEncoder

_PARSE_AT_ONCE = 4096
_LARGEST_ID = 2**31 - 1
# Before a record its length and a sum over that, behind it a sum over it.
_LENGTH = struct.Struct("<Q")
_FRAME_BYTES = 16
_FEATURES = {
    "inputs": tf.io.RaggedFeature(tf.int64),
    "targets": tf.io.RaggedFeature(tf.int64),
}


@dataclasses.dataclass(frozen=True)
class Sequences:
    """Many id sequences in one array: i is `values[starts[i] : starts[i + 1]]`.

    `values` is `[sum of lengths]` int32, `starts` `[count + 1]` int64.
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

    def joined(self, order: np.ndarray, sizes: np.ndarray) -> "Sequences":
        """Sequences one behind another, as fewer and longer ones.

        Args:
          order: `[chosen]` indices.
          sizes: `[rows]` how many of these each row has; their sum is `chosen`.
        """
        lengths = self.lengths[order]
        ends = np.cumsum(lengths)
        shifts = np.repeat(self.starts[order] - (ends - lengths), lengths)
        values = self.values[shifts + np.arange(len(shifts))]
        starts = np.concatenate([[0], ends[np.cumsum(sizes) - 1]])
        return Sequences(values, starts.astype(np.int64))

    def padded(self, rows: np.ndarray, length: int) -> np.ndarray:
        """The chosen sequences as one `[batch, length]` int32 array.

        Args:
          rows: `[batch]` indices; -1 makes a row of padding alone.
          length: no chosen sequence may be longer.
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

    def texts(self, encoder: TextEncoder) -> list[tuple[str, str]]:
        """Source and target of each pair as text."""
        return [
            (
                encoder.decode(self.inputs.row(i)),
                encoder.decode(self.targets.row(i)),
            )
            for i in range(len(self))
        ]


@dataclasses.dataclass
class WrittenCounts:
    """What was written of a split."""

    pairs_written: int = 0
    input_ids: int = 0
    target_ids: int = 0


def shard_name(problem: str, split: str, shard: int, shards: int) -> str:
    """tensor2tensor's file name, such as `p-train-00003-of-00010`."""
    return f"{problem}-{split}-{shard:05d}-of-{shards:05d}"


def shard_paths(
    data_dir: str | os.PathLike[str], problem: str, split: str
) -> list[str]:
    """The shards of a split, in order."""
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


def write_shards(
    pairs: Iterable[tuple[Sequence[int], Sequence[int]]],
    paths: Sequence[pathlib.Path],
) -> WrittenCounts:
    """Writes pair i to shard i modulo their number; all appear at the end."""
    counts = WrittenCounts()
    try:
        with contextlib.ExitStack() as stack:
            # Left in this order: writers are closed before files are renamed.
            temporaries = [
                stack.enter_context(files.replacing(path)) for path in paths
            ]
            writers = [
                stack.enter_context(tf.io.TFRecordWriter(str(path)))
                for path in temporaries
            ]
            for inputs, targets in pairs:
                writer = writers[counts.pairs_written % len(writers)]
                writer.write(serialize(inputs, targets))
                counts.pairs_written += 1
                counts.input_ids += len(inputs)
                counts.target_ids += len(targets)
    except tf.errors.OpError as error:
        raise InputError(
            f"cannot write {paths[0]}: {error.message}. Make room, or give"
            " another --data_dir."
        ) from error
    return counts


def read_pairs(paths: Sequence[str], vocab_size: int | None = None) -> Pairs:
    """Reads whole files into memory."""
    return concatenate(list(_read_blocks(paths, vocab_size)))


def read_split(
    problem: Any,
    data_dir: pathlib.Path,
    split: str,
    vocab_size: int | None = None,
) -> Pairs:
    """Reads a split of a `TextToTextProblem` in its direction."""
    problem.check_split(split)
    paths = shard_paths(data_dir, problem.name, split)
    pairs = read_pairs(paths, vocab_size)
    if not len(pairs):
        raise InputError(f"{paths[0]} holds no pairs: generate data again.")
    return pairs.reversed() if problem.is_reversed else pairs


def concatenate(blocks: Sequence[Pairs]) -> Pairs:
    """Many small tables as one, in order."""
    return Pairs(
        _join([block.inputs for block in blocks]),
        _join([block.targets for block in blocks]),
    )


def read_lengths(
    paths: Sequence[str],
    vocab_size: int | None = None,
    check: Callable[[Pairs], None] | None = None,
) -> np.ndarray:
    """`[count, 2]` source and target lengths; see `read_pairs`.

    `check` is shown all pairs, some at a time, and may raise.
    """
    lengths = [np.zeros((0, 2), np.int64)]
    for pairs in _read_blocks(paths, vocab_size):
        if check is not None:
            check(pairs)
        lengths.append(pairs.lengths())
    return np.concatenate(lengths)


def _read_blocks(
    paths: Sequence[str], vocab_size: int | None
) -> Iterator[Pairs]:
    largest = _LARGEST_ID if vocab_size is None else vocab_size - 1
    for path in paths:
        try:
            _check_frames(path)
            dataset = tf.data.TFRecordDataset(path).batch(_PARSE_AT_ONCE)
            for block in dataset:
                parsed = tf.io.parse_example(block, _FEATURES)
                pairs = Pairs(
                    _flat(parsed["inputs"], largest),
                    _flat(parsed["targets"], largest),
                )
                if not pairs.lengths().all():
                    raise ValueError("a record without inputs or targets")
                yield pairs
        except (tf.errors.OpError, OSError, ValueError) as error:
            reason = " ".join(_message(error).split())[:200]
            raise InputError(
                f"{path} is damaged or not a file of sentence pairs"
                f" ({reason}): remove it and run t2t-datagen again."
            ) from error


def _check_frames(path: str) -> None:
    """Raises ValueError where records' lengths do not add up to the file's.

    TensorFlow makes room for a record before it looks how long the file is,
    and a length of some terabytes ends the process.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            place = 0
            while place < size:
                if place + _FRAME_BYTES > size:
                    raise ValueError(f"half a record at byte {place}")
                (length,) = _LENGTH.unpack_from(content, place)
                following = place + _FRAME_BYTES + length
                if following > size:
                    raise ValueError(
                        f"the record at byte {place} says it has {length}"
                        f" bytes, {size - place - _FRAME_BYTES} are left"
                    )
                place = following


def _message(error: Exception) -> str:
    # What TensorFlow puts around it names a function of its own.
    if isinstance(error, tf.errors.OpError):
        return error.message
    return getattr(error, "strerror", None) or str(error)


def _flat(ragged: tf.RaggedTensor, largest: int) -> Sequences:
    values = ragged.values.numpy()
    outside = values[(values < 1) | (values > largest)]
    if outside.size:
        # 0 is padding: none is in a record.
        raise ValueError(f"the id {outside[0]} is not from 1 to {largest}")
    return Sequences(values.astype(np.int32), ragged.row_splits.numpy())


def _join(blocks: Sequence[Sequences]) -> Sequences:
    zero = np.zeros(1, np.int64)
    lengths = np.concatenate([zero, *(block.lengths for block in blocks)])
    values = [np.zeros(0, np.int32), *(block.values for block in blocks)]
    return Sequences(np.concatenate(values), np.cumsum(lengths))
