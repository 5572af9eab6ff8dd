"""Memory of t2t-datagen: it does not grow with the text.

Measured by tracemalloc, which sees Python's and NumPy's memory. That of
TensorFlow's writers and of SentencePiece shows only in a real process
(docs/reliability.md).
"""

import tracemalloc

import pytest

from t2t_repro.data import filters, generate
from t2t_repro.data.filters import Counts, Filters
from t2t_repro.data.problem import TextToTextProblem

_LINES = 6_000  # three blocks of 2,000
_MORE = 30_000


class _Letters:
    """A vocabulary of single bytes: what takes memory is not in it."""

    vocab_size = 258

    def encode_lines(self, lines):
        return [[2 + byte for byte in line.encode()] for line in lines]


class _Numbers(TextToTextProblem):
    """As many pairs as asked for, none of them alike."""

    source_language, target_language = "en", "de"
    train_shards = 2
    pairs = 0

    def generate_samples(self, split, tmp_dir):
        for number in range(self.pairs if split == "train" else 1):
            yield f"the number {number:09}", f"die Zahl {number:09}"

    def open_vocabulary(self, path):
        return _Letters()


class _NumbersOnce(_Numbers):
    filters = Filters(drop_duplicates=True)


def _peak(function) -> int:
    """Most bytes above what there was before."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _generated(kind, pairs, folder):
    problem = kind("numbers")
    problem.pairs = pairs
    folder.mkdir()
    (folder / problem.vocab_filename).write_bytes(b"")
    generate.generate(problem, folder, folder)


@pytest.mark.parametrize(
    ("kind", "bytes_a_pair"),
    # A set of digests has some 100 bytes a pair, until there are a million.
    [(_Numbers, 0), (_NumbersOnce, 150)],
)
def test_datagen(kind, bytes_a_pair, tmp_path):
    _generated(kind, 10, tmp_path / "first")  # imports take memory, too
    small = _peak(lambda: _generated(kind, _LINES, tmp_path / "small"))
    large = _peak(lambda: _generated(kind, _MORE, tmp_path / "large"))
    # The ids of all pairs would take 40 * 8 bytes and more, a pair: 7 MB.
    assert large - small < 200_000 + bytes_a_pair * (_MORE - _LINES)


def test_duplicates_take_eight_bytes_a_pair(monkeypatch):
    """16 for a moment: when the latest join, the sorted ones are copied."""
    monkeypatch.setattr(filters, "_LATEST", 1000)
    pairs = 100_000
    pair_filter = filters.PairFilter(Filters(drop_duplicates=True))

    def apply():
        texts = ((str(number), "x") for number in range(pairs))
        for _ in pair_filter.kept(texts, Counts()):
            pass

    # 1,000 digests in the set are 100 kB.
    assert _peak(apply) < 24 * pairs + 200_000
    assert pair_filter._seen._sorted.nbytes == 8 * pairs
