"""t2t-datagen: text to a vocabulary and TFRecord shards, streaming.

Two passes over the problem's text, neither of which holds it in memory: one
learns the vocabulary, one filters, encodes and writes. Encoding may use several
processes, whose results are taken in order: the same bytes come out whatever
their number.
"""

import collections
import contextlib
import dataclasses
import itertools
import json
import logging
import multiprocessing
import pathlib
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import Any

from t2t_repro import files, tensorflow_start
from t2t_repro.data.download import content_hash
from t2t_repro.data.filters import Counts, PairFilter
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.files import file_sha256
from t2t_repro.progress import Progress
from t2t_repro.text import lines, marian
from t2t_repro.text.encoder import EOS_ID, TextEncoder, of_targets
from t2t_repro.text.lines import LinePairs

_LINES_PER_TASK = 2000
_TASKS_AHEAD = 4  # per process: enough to keep all busy, bounded in memory

_Texts = list[tuple[str, str]]
_Sides = tuple[TextEncoder, TextEncoder]
_Ids = list[tuple[list[int], list[int]]]
_Encode = Callable[[Iterable[tuple[str, str]]], Iterator[_Ids]]

logger = logging.getLogger("t2t_repro")


def generate(
    problem: TextToTextProblem,
    data_dir: pathlib.Path,
    tmp_dir: pathlib.Path,
    processes: int = 1,
) -> None:
    """Writes vocabulary, shards and `<problem>.json`; skips what is there.

    The JSON file is written last: where it exists, the data is whole. So many
    `processes` encode at once.
    """
    summary_path = data_dir / f"{problem.name}.json"
    if _is_done(problem, summary_path, tmp_dir):
        return
    # The second of two at once waits, and finds what the first one wrote.
    with files.locked(data_dir / f"{problem.name}.lock"):
        if not _is_done(problem, summary_path, tmp_dir):
            summary = _generate(problem, data_dir, tmp_dir, processes)
            files.replace_file(
                summary_path, json.dumps(summary, indent=1) + "\n"
            )


def pairs_written(problem: TextToTextProblem, data_dir: pathlib.Path) -> int:
    """How many training pairs `data_dir` holds."""
    path = data_dir / f"{problem.name}.json"
    splits = files.read_json(path).get("splits") if path.exists() else None
    match splits:
        case {"train": {"pairs_written": int(count)}}:
            return count
    raise InputError(
        f"{path} does not say how many training pairs there are, by which the"
        " hparams set would be chosen: give --hparams_set."
    )


def _is_done(
    problem: TextToTextProblem,
    summary_path: pathlib.Path,
    tmp_dir: pathlib.Path,
) -> bool:
    """Whether the data are there."""
    if not summary_path.exists():
        return False
    sources = files.read_json(summary_path).get("sources")
    for source in sources if isinstance(sources, list) else []:
        path = tmp_dir / source.get("file", "")
        if "url" in source or not path.is_file():
            continue  # what is fetched has a hash that is checked then
        if source.get("sha256") not in (None, content_hash(path)):
            raise InputError(
                f"{path} has changed since {summary_path.parent} was generated"
                f" from it (SHA-256 {source['sha256']} then): give another"
                f" --data_dir, or remove {summary_path.parent}/"
                f"*{problem.name}* to generate it again."
            )
    logger.info(
        "%s is there already; remove it to generate %s again.",
        summary_path,
        problem.name,
    )
    return True


def _generate(
    problem: TextToTextProblem,
    data_dir: pathlib.Path,
    tmp_dir: pathlib.Path,
    processes: int,
) -> dict[str, Any]:
    """Writes vocabulary and shards; returns what the JSON file says."""
    _check_text(problem, tmp_dir)
    vocabulary = _vocabulary(problem, data_dir)
    if vocabulary.exists():
        logger.info("using the vocabulary %s", vocabulary)
    else:
        logger.info("learning the vocabulary %s", vocabulary)
        problem.learn_vocabulary(
            _vocabulary_lines(problem, tmp_dir), vocabulary
        )
    tensorflow_start.load()  # wanted from here on
    encoder = problem.open_vocabulary(vocabulary)
    logger.info(
        "%s: %d ids, at most %d asked for",
        vocabulary.name,
        encoder.vocab_size,
        problem.approx_vocab_size,
    )
    splits: dict[str, dict[str, int]] = {}
    corpora: list[dict[str, Any]] = []
    with _encoding(problem, vocabulary, encoder, processes) as encode:
        for split in problem.splits:
            splits[split], by_corpus = _write_split(
                problem, split, data_dir, tmp_dir, encode
            )
            corpora += by_corpus
    return {
        "problem": problem.name,
        "source_language": problem.source_language,
        "target_language": problem.target_language,
        "vocabulary": vocabulary.name,
        "vocabulary_sha256": file_sha256(vocabulary),
        "vocab_size": encoder.vocab_size,
        "sources": _hashed(problem.sources(), tmp_dir),
        "filters": dataclasses.asdict(problem.filters),
        "corpora": corpora,
        "splits": splits,
    }


def _vocabulary(
    problem: TextToTextProblem, data_dir: pathlib.Path
) -> pathlib.Path:
    """The problem's vocabulary, or one of another kind in its place."""
    path = data_dir / problem.vocab_filename
    others = sorted(data_dir.glob(f"vocab.{problem.name}.*{marian.SUFFIX}"))
    return path if path.exists() or not others else others[0]


def _check_text(problem: TextToTextProblem, tmp_dir: pathlib.Path) -> None:
    """Finds before the long work what is missing, or wrong in a short split."""
    for split in problem.splits:
        samples = itertools.chain.from_iterable(
            pairs for _, pairs in problem.generate_corpora(split, tmp_dir)
        )
        if split == "train":
            next(samples, None)
        elif not sum(1 for _ in samples):
            raise _no_pairs(problem, split, 0)


def _no_pairs(problem: TextToTextProblem, split: str, read: int) -> InputError:
    return InputError(
        f"the {split} text of {problem.name} has no sentence pairs ({read}"
        " lines read): give it some."
    )


def _vocabulary_lines(
    problem: TextToTextProblem, tmp_dir: pathlib.Path
) -> Iterator[str]:
    with Progress("reading text to learn from", "lines") as progress:
        yield from progress.track(problem.vocabulary_lines(tmp_dir))


def _write_split(
    problem: TextToTextProblem,
    split: str,
    data_dir: pathlib.Path,
    tmp_dir: pathlib.Path,
    encode: _Encode,
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Filters, encodes and writes a split; returns counts, in all and apart."""
    from t2t_repro.data import records

    by_corpus: dict[str, Counts] = {}
    shards = problem.shards(split)
    written = records.write_shards(
        itertools.chain.from_iterable(
            encode(_kept_pairs(problem, split, tmp_dir, by_corpus))
        ),
        [
            data_dir / records.shard_name(problem.name, split, shard, shards)
            for shard in range(shards)
        ],
    )
    corpora = [
        {"split": split, "corpus": name, **dataclasses.asdict(counts)}
        for name, counts in by_corpus.items()
    ]
    totals: collections.Counter[str] = collections.Counter()
    for counts in by_corpus.values():
        totals.update(dataclasses.asdict(counts))
    del totals["pairs_kept"]  # all that is kept is written
    totals.update(dataclasses.asdict(written))
    dropped = [
        f"{name} {count}"
        for name, count in totals.items()
        if name.endswith("_dropped") and count
    ]
    sizes = (
        f"{written.pairs_written} pairs, {written.input_ids} source and"
        f" {written.target_ids} target pieces"
    )
    logger.info("%s: %s", split, "; ".join([sizes, *dropped]))
    published = problem.published_pairs.get(split)
    if published not in (None, totals["pairs_read"]):
        logger.warning(
            "the %s text of %s has %d pairs, %d are published: results may not"
            " be comparable.",
            split,
            problem.name,
            totals["pairs_read"],
            published,
        )
    return dict(totals), corpora


def _kept_pairs(
    problem: TextToTextProblem,
    split: str,
    tmp_dir: pathlib.Path,
    by_corpus: dict[str, Counts],
) -> LinePairs:
    """The pairs to write, counted by corpus.

    Training pairs pass the problem's filters; of evaluation all are kept, as
    each is a line to score.
    """
    pair_filter = PairFilter(problem.filters if split == "train" else None)
    total = problem.expected_pairs(split, tmp_dir)
    with Progress(f"encoding {split}", "pairs", total) as progress:
        for name, samples in problem.generate_corpora(split, tmp_dir):
            yield from pair_filter.kept(
                progress.track(samples), by_corpus.setdefault(name, Counts())
            )
    if not any(counts.pairs_kept for counts in by_corpus.values()):
        read = sum(counts.pairs_read for counts in by_corpus.values())
        raise _no_pairs(problem, split, read)


def _hashed(
    sources: list[dict[str, Any]], tmp_dir: pathlib.Path
) -> list[dict[str, Any]]:
    """Fills in the hashes that nobody published, from the files used."""
    for source in sources:
        given = tmp_dir / source.get("file", "")
        path = lines.find(given) or given
        if path != given:
            source["file"] = path.name
        if "sha256" in source and source["sha256"] is None and path.is_file():
            source["sha256"] = content_hash(path)
    return sources


@contextlib.contextmanager
def _encoding(
    problem: TextToTextProblem,
    vocabulary: pathlib.Path,
    encoder: TextEncoder,
    processes: int,
) -> Iterator[_Encode]:
    """Lends a function from a stream of texts to a stream of blocks of ids."""
    if processes == 1:
        sides = _sides(problem, encoder)
        yield lambda texts: (_encode(sides, b) for b in _blocks(texts))
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


def _sides(problem: TextToTextProblem, encoder: TextEncoder) -> _Sides:
    """What cuts each side of the data, which lie in the forward direction."""
    sides = (encoder, of_targets(encoder))
    return sides[::-1] if problem.is_reversed else sides


def _encode(sides: _Sides, block: _Texts) -> _Ids:
    sources = sides[0].encode_lines([source for source, _ in block])
    targets = sides[1].encode_lines([target for _, target in block])
    return [
        ([*source, EOS_ID], [*target, EOS_ID])
        for source, target in zip(sources, targets, strict=True)
    ]


_worker_sides: _Sides | None = None


def _start_worker(problem: TextToTextProblem, vocabulary: pathlib.Path) -> None:
    global _worker_sides
    _worker_sides = _sides(problem, problem.open_vocabulary(vocabulary))


def _encode_in_worker(block: _Texts) -> _Ids:
    assert _worker_sides is not None
    return _encode(_worker_sides, block)
