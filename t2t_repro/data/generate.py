"""t2t-datagen: text to a vocabulary and TFRecord shards, streaming.

Two passes over the problem's text, neither of which holds it in memory: one
learns the vocabulary, one encodes. Line i of a split goes to shard i modulo
the number of shards, encoded by a pool of processes whose results are taken in
order: the same bytes come out whatever the number of processes.
"""

import collections
import contextlib
import dataclasses
import itertools
import json
import logging
import multiprocessing
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures

from t2t_repro import files
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.text.encoder import TextEncoder
from t2t_repro.text.encoder import file_sha256

_LINES_PER_TASK = 2000
_TASKS_AHEAD = 4  # per process: enough to keep all busy, bounded in memory

_Texts = list[tuple[str, str]]
_Ids = list[tuple[list[int], list[int]]]

logger = logging.getLogger("t2t_repro")


@dataclasses.dataclass
class SplitCounts:
    """What became of a split's lines."""

    pairs_read: int = 0
    pairs_written: int = 0
    empty_dropped: int = 0
    input_ids: int = 0
    target_ids: int = 0


def generate(
    problem: TextToTextProblem,
    data_dir: pathlib.Path,
    tmp_dir: pathlib.Path,
    processes: int = 1,
) -> None:
    """Writes vocabulary, shards and `<problem>.json`; skips what is there.

    The JSON file is written last: where it exists, the data is whole.

    Args:
      problem: what to generate.
      data_dir: output folder.
      tmp_dir: raw material.
      processes: how many encode at once.

    Raises:
      InputError: missing or damaged text, an empty split.
    """
    from t2t_repro.data import records  # TensorFlow, wanted from here on

    summary_path = data_dir / f"{problem.name}.json"
    if summary_path.exists():
        logger.info(
            "%s is there already; remove it to generate %s again.",
            summary_path,
            problem.name,
        )
        return
    vocabulary = data_dir / problem.vocab_filename
    if vocabulary.exists():
        logger.info("using the vocabulary %s", vocabulary)
    else:
        problem.learn_vocabulary(_all_lines(problem, tmp_dir), vocabulary)
    encoder = problem.open_vocabulary(vocabulary)
    counts = {}
    with _encoding(problem, vocabulary, encoder, processes) as encode:
        for split in problem.splits:
            paths = [
                data_dir / records.shard_name(problem.name, split, i, shards)
                for shards in (problem.shards(split),)
                for i in range(shards)
            ]
            counts[split] = SplitCounts()
            samples = problem.generate_samples(split, tmp_dir)
            kept = _without_empty(samples, counts[split], split)
            text = f"the {split} text of {problem.name}"
            _write_shards(encode(kept), paths, counts[split], text)
            logger.info("%s: %s", split, counts[split])
    summary = {
        "problem": problem.name,
        "source_language": problem.source_language,
        "target_language": problem.target_language,
        "vocabulary": vocabulary.name,
        "vocabulary_sha256": file_sha256(vocabulary),
        "vocab_size": encoder.vocab_size,
        "sources": problem.sources(),
        "splits": {s: dataclasses.asdict(c) for s, c in counts.items()},
    }
    files.replace_file(summary_path, json.dumps(summary, indent=1) + "\n")


def _all_lines(
    problem: TextToTextProblem, tmp_dir: pathlib.Path
) -> Iterator[str]:
    """Both sides of the training text, for learning the vocabulary."""
    for pair in problem.generate_samples("train", tmp_dir):
        yield from pair


def _without_empty(
    samples: Iterable[tuple[str, str]], counts: SplitCounts, split: str
) -> Iterator[tuple[str, str]]:
    """Drops training pairs of which a side is empty; evaluation keeps all."""
    for source, target in samples:
        counts.pairs_read += 1
        if split == "train" and not (source.strip() and target.strip()):
            counts.empty_dropped += 1
        else:
            yield source, target


def _write_shards(
    blocks: Iterable[_Ids],
    paths: Sequence[pathlib.Path],
    counts: SplitCounts,
    text: str,
) -> None:
    """Deals the pairs out to the shards, which appear together at the end.

    Raises:
      InputError: `text`, as the message calls it, has no pairs.
    """
    import tensorflow as tf

    from t2t_repro.data import records

    with contextlib.ExitStack() as stack:
        # Left in this order: writers are closed before files are renamed.
        temporaries = [stack.enter_context(files.replacing(p)) for p in paths]
        writers = [
            stack.enter_context(tf.io.TFRecordWriter(str(path)))
            for path in temporaries
        ]
        for inputs, targets in itertools.chain.from_iterable(blocks):
            writer = writers[counts.pairs_written % len(writers)]
            writer.write(records.serialize(inputs, targets))
            counts.pairs_written += 1
            counts.input_ids += len(inputs)
            counts.target_ids += len(targets)
        if not counts.pairs_written:
            raise InputError(
                f"{text} has no sentence pairs ({counts.pairs_read} lines"
                " read): give it some."
            )


@contextlib.contextmanager
def _encoding(
    problem: TextToTextProblem,
    vocabulary: pathlib.Path,
    encoder: TextEncoder,
    processes: int,
):
    """Lends a function from a stream of texts to a stream of blocks of ids."""
    if processes == 1:
        yield lambda texts: (_encode(encoder, b) for b in _blocks(texts))
        return
    with futures.ProcessPoolExecutor(
        processes,
        # TensorFlow's threads do not survive a fork.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(problem, vocabulary),
    ) as pool:
        ahead = processes * _TASKS_AHEAD
        yield lambda texts: _ordered(pool, _blocks(texts), ahead)


def _blocks(texts: Iterable[tuple[str, str]]) -> Iterator[_Texts]:
    iterator = iter(texts)
    while block := list(itertools.islice(iterator, _LINES_PER_TASK)):
        yield block


def _ordered(
    pool: futures.Executor, blocks: Iterable[_Texts], ahead: int
) -> Iterator[_Ids]:
    """`pool.map` that reads no further ahead than it must."""
    waiting: collections.deque[futures.Future] = collections.deque()
    for block in blocks:
        waiting.append(pool.submit(_encode_in_worker, block))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _encode(encoder: TextEncoder, block: _Texts) -> _Ids:
    sources = encoder.encode_lines([source for source, _ in block])
    targets = encoder.encode_lines([target for _, target in block])
    return [
        ([*source, EOS_ID], [*target, EOS_ID])
        for source, target in zip(sources, targets, strict=True)
    ]


_worker_encoder: TextEncoder | None = None


def _start_worker(problem: TextToTextProblem, vocabulary: pathlib.Path) -> None:
    global _worker_encoder
    _worker_encoder = problem.open_vocabulary(vocabulary)


def _encode_in_worker(block: _Texts) -> _Ids:
    assert _worker_encoder is not None
    return _encode(_worker_encoder, block)
