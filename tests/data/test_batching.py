"""Batches: every pair once, any position resumed bit for bit, no hanging."""

import functools
import itertools
import threading
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from t2t_repro.data import batching, records
from t2t_repro.data.batching import Position, TrainingBatches
from t2t_repro.data.shapes import BatchShape
from t2t_repro.errors import InputError

_SHAPES = [BatchShape(2, 8, 8), BatchShape(4, 4, 5)]
# Source and target lengths of every pair, and how many lie in each file.
_LENGTHS = [(1 + i * 5 % 8, 1 + (i * 5 + i // 8) % 8) for i in range(37)]
_FILES = (9, 4, 11, 6, 7)
_START = Position()


def _pair(number):
    """Ids that say which pair this is, source and target apart."""
    source, target = _LENGTHS[number]
    return (
        [100 + number] * (source - 1) + [1],
        [200 + number] * (target - 1) + [1],
    )


def _write(path, pairs):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for inputs, targets in pairs:
            writer.write(records.serialize(inputs, targets))
    return str(path)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Five files with the 37 pairs."""
    folder = tmp_path_factory.mktemp("shards")
    numbers = iter(range(37))
    return [
        _write(folder / str(index), map(_pair, itertools.islice(numbers, size)))
        for index, size in enumerate(_FILES)
    ]


@pytest.fixture(autouse=True)
def _read_once(monkeypatch):
    """Reads a file once a test: streams are made by the dozen here."""
    read = functools.cache(records.read_pairs)
    monkeypatch.setattr(
        records, "read_pairs", lambda paths, *more: read(tuple(paths), *more)
    )


def _stream(paths, start=_START, shapes=tuple(_SHAPES), **changes):
    settings = {"parts": 1, "seed": 1, "window_pairs": 10, **changes}
    return TrainingBatches(paths, list(shapes), **settings).stream(start)


def _epochs(stream, count):
    """The batches of the first epochs, a list for each."""
    epochs: list[list] = [[] for _ in range(count)]
    for after, batch in stream:
        if after.epoch == count:
            return epochs
        epochs[after.epoch].append(batch)


def _pairs_of(batch):
    """The pairs of a batch, padding stripped, as a list of tuples of ids."""
    rows = zip(
        batch.inputs.reshape(-1, batch.inputs.shape[-1]),
        batch.targets.reshape(-1, batch.targets.shape[-1]),
        strict=True,
    )
    return [
        (source[source > 0].tolist(), target[target > 0].tolist())
        for source, target in rows
        if source.any() or target.any()
    ]


def _same(one, other):
    return all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("window_pairs", [1, 10, 1000])
def test_every_pair_once_an_epoch(paths, parts, window_pairs):
    stream = _stream(paths, parts=parts, window_pairs=window_pairs)
    for batches in _epochs(stream, 2):
        pairs = [pair for batch in batches for pair in _pairs_of(batch)]
        assert sorted(pairs) == sorted(map(_pair, range(37)))
        for batch in batches:
            assert batch.inputs.dtype == batch.targets.dtype == np.int32
            shape = (*batch.inputs.shape[1:], batch.targets.shape[2])
            assert shape in _SHAPES
            assert batch.inputs.shape[0] == batch.targets.shape[0] == parts


def test_every_position_resumes_bit_for_bit(paths):
    items = list(itertools.islice(_stream(paths), 50))
    positions = [_START, *(after for after, _ in items)]
    # Two epochs, several windows and several batches in a window.
    assert {position.epoch for position in positions} >= {0, 1, 2}
    assert len({position.file for position in positions}) > 3
    assert max(position.batch for position in positions) > 2
    for cut in range(0, 40):
        resumed = _stream(paths, positions[cut])
        for (after, batch), (again, same) in zip(
            items[cut : cut + 8], resumed, strict=False
        ):
            assert again == after
            assert _same(batch, same)


def test_a_position_survives_as_plain_integers(paths):
    items = list(itertools.islice(_stream(paths), 6))
    saved = tuple(int(number) for number in items[3][0])
    after, batch = next(_stream(paths, Position(*saved)))
    assert after == items[4][0]
    assert _same(batch, items[4][1])


@pytest.mark.parametrize("seed", range(6))
def test_the_largest_shape_comes_first(paths, seed):
    _, first = next(_stream(paths, seed=seed, window_pairs=1000))
    assert first.inputs.shape == (1, 2, 8)


def test_later_epochs_begin_anywhere(paths):
    heads = [
        next(_stream(paths, Position(1), seed=seed, window_pairs=1000))[1]
        for seed in range(8)
    ]
    assert len({head.inputs.shape for head in heads}) == 2


def test_the_largest_there_is_comes_first(tmp_path):
    shapes = [BatchShape(1, 9, 9), BatchShape(1, 4, 4), BatchShape(1, 2, 2)]
    pairs = [([2, 1], [3, 1])] * 20 + [([2, 2, 1], [3, 1])]
    path = _write(tmp_path / "a", pairs)
    for seed in range(4):
        stream = TrainingBatches([path], shapes, parts=1, seed=seed)
        _, first = next(stream.stream(_START))
        assert first.inputs.shape == (1, 1, 4)


def test_the_seed_decides(paths):
    def head(seed):
        stream = _stream(paths, seed=seed)
        return [batch for _, batch in itertools.islice(stream, 8)]

    assert all(map(_same, head(1), head(1)))
    assert not all(map(_same, head(1), head(2)))


def test_epochs_differ(paths):
    # Of one file, so that it is not the order of files that differs; the later
    # two, because the first begins in a way of its own.
    _, second, third = _epochs(_stream(paths[2:3]), 3)
    assert len(second) == len(third)
    assert not all(map(_same, second, third))


def test_files_come_in_another_order_each_epoch(paths):
    # One file a window; the highest pair number of a batch tells which.
    ends = np.cumsum(_FILES)
    orders = []
    for batches in _epochs(_stream(paths, window_pairs=1), 3):
        highest = np.array([batch.inputs.max() - 100 for batch in batches])
        # Sources of one id, the end, do not tell.
        told = highest[highest >= 0]
        files = np.searchsorted(ends, told, side="right").tolist()
        orders.append([file for file, _ in itertools.groupby(files)])
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)
    assert orders[0] != orders[1] != orders[2]


def test_the_other_direction(paths):
    forward = _epochs(_stream(paths), 1)[0]
    backward = _epochs(_stream(paths, is_reversed=True), 1)[0]
    assert sorted(
        (target, source) for b in backward for source, target in _pairs_of(b)
    ) == sorted(pair for batch in forward for pair in _pairs_of(batch))


def test_pairs_that_fit_into_no_shape_are_left_out(tmp_path):
    fitting, long = ([2, 1], [3, 1]), ([2] * 8 + [1], [1])
    path = _write(tmp_path / "a", [fitting, long, fitting])
    (batches,) = _epochs(_stream([path]), 1)
    assert [p for b in batches for p in _pairs_of(b)] == [fitting, fitting]


def test_an_epoch_without_a_batch_is_an_error(tmp_path):
    path = _write(tmp_path / "a", [([2] * 8 + [1], [1])])
    (tmp_path / "b").touch()
    stream = _stream([path, str(tmp_path / "b")])
    with pytest.raises(InputError, match="no pair in 2 training files") as info:
        next(stream)
    assert "(2, 8, 8)" in str(info.value)


def _plan(lengths, shapes, parts=1):
    plan = batching.plan_batches(np.array(lengths), shapes, parts, None)
    return [(index, rows.tolist()) for index, rows in plan]


# Rows of several pairs, and of less where little is left.
_ROWS = (BatchShape(2, 16, 16), BatchShape(2, 12, 14))


def _sentences(rows):
    """`[..., rows, columns]` -> by row the ids of each sentence."""
    return [
        [part.tolist() for part in np.split(row, np.flatnonzero(row == 1) + 1)]
        for row in rows.reshape(-1, rows.shape[-1])
    ]


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("window_pairs", [1, 10, 1000])
def test_packed_rows_hold_every_pair_once_an_epoch(paths, parts, window_pairs):
    stream = _stream(
        paths,
        shapes=_ROWS,
        is_packed=True,
        parts=parts,
        window_pairs=window_pairs,
    )
    for batches in _epochs(stream, 2):
        pairs, rows = [], 0
        for batch in batches:
            assert (*batch.inputs.shape[1:], batch.targets.shape[2]) in _ROWS
            for sources, targets in zip(*map(_sentences, batch), strict=True):
                # What remains behind the last end is padding.
                assert not any(sources.pop()) and not any(targets.pop())
                rows += bool(sources)
                pairs += zip(sources, targets, strict=True)
        assert sorted(pairs) == sorted(map(_pair, range(37)))
        assert rows < 37 / 2 or window_pairs == 1


def test_every_position_of_packed_rows_resumes_bit_for_bit(paths):
    packed = functools.partial(_stream, paths, shapes=_ROWS, is_packed=True)
    items = list(itertools.islice(packed(), 30))
    positions = [_START, *(after for after, _ in items)]
    assert positions[-1].epoch >= 2
    assert max(position.batch for position in positions) > 0
    for cut in range(24):
        for (after, batch), (again, same) in zip(
            items[cut : cut + 6], packed(positions[cut]), strict=False
        ):
            assert again == after
            assert _same(batch, same)


def test_what_is_left_over_joins_the_next_larger_shape():
    shapes = [BatchShape(2, 4, 4), BatchShape(3, 2, 2)]
    lengths = [(2, 2)] * 5 + [(3, 3)] * 2
    # 5 = 3 + 2; the two others follow the two long ones: 2 + 2.
    assert _plan(lengths, shapes) == [
        (1, [0, 1, 2]),
        (0, [5, 6]),
        (0, [3, 4]),
    ]
    # Twice as many rows in a batch: 5 < 6, so all join, 7 = 4 + 3.
    assert _plan(lengths, shapes, parts=2) == [
        (0, [5, 6, 0, 1]),
        (0, [2, 3, 4, -1]),
    ]


def test_a_shape_inside_no_other_fills_up_with_empty_rows():
    shapes = [BatchShape(2, 9, 3), BatchShape(2, 2, 6), BatchShape(2, 2, 2)]
    # (1, 1) joins the cheaper of the larger two that hold it: 2 + 6 < 9 + 3.
    lengths = [(2, 6), (9, 1), (1, 1), (2, 6), (2, 6)]
    assert _plan(lengths, shapes) == [(1, [0, 3]), (1, [4, 2]), (0, [1, -1])]
    # Left over there as well, it goes on to the next; (2, 6) cannot.
    assert _plan(lengths[:4], shapes) == [(1, [0, 3]), (0, [1, 2])]
    assert _plan(lengths[:2], shapes) == [(1, [0, -1]), (0, [1, -1])]


def test_no_pairs_no_plan():
    empty = np.zeros((0, 2), np.int64)
    assert _plan(empty, _SHAPES) == []
    assert _plan([(9, 9)], _SHAPES) == []


def test_at_most_one_batch_is_not_full(paths):
    (batches,) = _epochs(_stream(paths, parts=2, window_pairs=1000), 1)
    empty = [
        int((~batch.inputs.any(axis=-1)).sum())
        for batch in batches
        if not batch.inputs.any(axis=-1).all()
    ]
    # The small shape nests in the large one, so only that one is filled up.
    assert len(empty) == 1
    assert empty[0] < 2 * _SHAPES[0].batch


def test_rows_are_dealt_out_in_turn():
    pairs = records.Pairs(
        *(
            records.Sequences(np.arange(2, 9, dtype=np.int32), np.arange(8))
            for _ in range(2)
        )
    )
    shape = BatchShape(2, 1, 1)
    rows = np.array([0, 1, 2, 3, -1, -1])
    batch = batching._assemble(pairs, shape, rows, parts=3)
    # Part 0 gets rows 0 and 3, so the empty rows go to parts 1 and 2: nobody
    # is left without a sentence while another has two more.
    assert batch.inputs[:, :, 0].tolist() == [[2, 5], [3, 0], [4, 0]]


def test_evaluation_sees_every_pair_once(paths):
    pairs = records.read_pairs(paths)
    batches = list(batching.evaluation_batches(pairs, _SHAPES))
    seen = [pair for batch in batches for pair in _pairs_of(batch)]
    assert sorted(seen) == sorted(map(_pair, range(37)))
    for batch in batches:
        shape = (*batch.inputs.shape, batch.targets.shape[1])
        assert shape in _SHAPES
    # 37 is odd: one empty row, the last of all.
    full = [batch.inputs.any(axis=-1).all() for batch in batches]
    assert full == [True] * (len(batches) - 1) + [False]
    assert batches[-1].inputs.any(axis=-1).tolist() == [True, False]
    # Always the same.
    again = batching.evaluation_batches(pairs, _SHAPES)
    assert all(map(_same, batches, again))


def test_prefetch_hands_on_in_order():
    assert list(batching.prefetch(range(20), depth=3)) == list(range(20))
    assert list(batching.prefetch([])) == []
    assert list(batching.prefetch([None, None])) == [None, None]


@pytest.mark.parametrize("error", [InputError("broken"), SystemExit(3)])
def test_prefetch_raises_at_the_place_of_the_item(error):
    def items():
        yield 1
        yield 2
        raise error

    received = []
    with pytest.raises(type(error)) as raised:
        for item in batching.prefetch(items()):
            received.append(item)
    assert raised.value is error
    assert received == [1, 2]


def test_prefetch_stays_only_so_far_ahead():
    taken = []
    third = threading.Event()

    def items():
        for number in range(100):
            taken.append(number)
            if number == 3:
                third.set()
            yield number

    stream: Any = batching.prefetch(items(), depth=2)
    assert next(stream) == 0
    # Two wait, one is in hand: 0 1 2 3, then the thread stands still.
    assert third.wait(5)
    stream.close()
    assert taken == [0, 1, 2, 3]


def test_leaving_prefetch_early_ends_its_thread():
    threads = []

    def items():
        threads.append(threading.current_thread())
        yield from itertools.count()

    for item in batching.prefetch(items()):
        if item == 2:
            break
    threads[0].join(timeout=5)
    assert not threads[0].is_alive()
