"""Training and evaluation batches from TFRecord shards, position included.

Training reads the shards in windows that fit in memory. Everything about a
window (order of files, order of pairs, order of batches) is a function of
(seed, epoch, first file), so a run resumes at (epoch, file, batch) by planning
that one window again: nothing is replayed and no shuffle buffer is saved.
"""

import contextlib
import dataclasses
import logging
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from t2t_repro.data import packing, records
from t2t_repro.data.records import Pairs
from t2t_repro.data.shapes import BatchShape, assign, limits_of
from t2t_repro.errors import InputError

# About 60 MB of ids at 30 tokens a sentence.
_WINDOW_PAIRS = 250_000

logger = logging.getLogger("t2t_repro")


class Position(NamedTuple):
    """Where the next batch comes from; three integers in a checkpoint."""

    epoch: int = 0
    file: int = 0  # index into the epoch's shuffled files
    batch: int = 0  # within the window that starts at that file


class Batch(NamedTuple):
    """Padded ids, `[parts, batch, columns]` or `[batch, columns]` int32."""

    inputs: np.ndarray
    targets: np.ndarray


@dataclasses.dataclass(frozen=True)
class TrainingBatches:
    """An endless, seeded stream of batches for `parts` equal consumers.

    Attributes:
      paths: training shards.
      shapes: from `choose_shapes`; one part's batch has one of these.
      parts: replicas times accumulated micro-batches.
      seed: decides every order.
      is_reversed: swap source and target.
      is_packed: rows hold several pairs, as many as `packing` finds room for.
      window_pairs: how many pairs to hold in memory, about.
      vocab_size: number of ids there may be, if known.
    """

    paths: Sequence[str]
    shapes: list[BatchShape]
    parts: int
    seed: int
    is_reversed: bool = False
    is_packed: bool = False
    window_pairs: int = _WINDOW_PAIRS
    vocab_size: int | None = None

    def stream(self, start: Position) -> Iterator[tuple[Position, Batch]]:
        """Yields batches from `start` on, each with the position after it.

        The first batch of a run has the largest shape.

        Raises:
          InputError: a shard is damaged, or no pair fits into any shape.
        """
        epoch, file, skip = start
        while True:
            from_start, count = (file, skip) == (0, 0), 0
            order = np.random.default_rng([self.seed, epoch]).permutation(
                len(self.paths)
            )
            while file < len(order):
                pairs, next_file = self._window(order, file)
                for item in self._window_batches(
                    pairs, Position(epoch, file, skip), next_file
                ):
                    count += 1
                    yield item
                file, skip = next_file, 0
            if from_start and not count:
                raise InputError(
                    f"no pair in {len(self.paths)} training files"
                    f" ({self.paths[0]} ...) fits into a batch shape, the"
                    f" largest of which is {tuple(self.shapes[0])}: give a"
                    " larger max_length, or other data."
                )
            epoch, file = epoch + 1, 0

    def _window(self, order: np.ndarray, file: int) -> tuple[Pairs, int]:
        """Reads whole files until the window is full or the epoch over."""
        end, count = file, 0
        blocks = []
        while end < len(order) and count < self.window_pairs:
            path = self.paths[order[end]]
            blocks.append(records.read_pairs([path], self.vocab_size))
            count += len(blocks[-1])
            end += 1
        pairs = records.concatenate(blocks)
        return (pairs.reversed() if self.is_reversed else pairs), end

    def _window_batches(
        self, pairs: Pairs, start: Position, next_file: int
    ) -> Iterator[tuple[Position, Batch]]:
        rng = np.random.default_rng([self.seed, start.epoch, start.file, 1])
        if self.is_packed:
            # From here on a row is what a pair is elsewhere.
            limit = np.array(self.shapes[0][1:])
            pairs = packing.pack(pairs, limit, rng)
        plan = plan_batches(pairs.lengths(), self.shapes, self.parts, rng)
        if plan and start.epoch == 0 and start.file == 0:
            # A part of the order by which checkpoints count their position.
            largest = min(index for index, _ in plan)
            plan.sort(key=lambda item: item[0] != largest)
            plan[1:] = [plan[1:][i] for i in rng.permutation(len(plan) - 1)]
        for number in range(start.batch, len(plan)):
            shape_index, rows = plan[number]
            batch = _assemble(pairs, self.shapes[shape_index], rows, self.parts)
            after = start._replace(batch=number + 1)
            if number + 1 == len(plan):
                after = Position(start.epoch, next_file, 0)
            yield after, batch


def plan_batches(
    lengths: np.ndarray,
    shapes: list[BatchShape],
    parts: int,
    rng: np.random.Generator | None,
) -> list[tuple[int, np.ndarray]]:
    """Decides which pairs form which batch.

    Pairs left over by a shape join the next larger shape that holds them, so
    at most one batch of each unnested shape is not full.

    Args:
      lengths: `[pairs, 2]` source and target lengths.
      shapes: allowed shapes, the largest first.
      parts: consumers; a planned batch holds `parts` times a shape's rows.
      rng: shuffles pairs and batches; None keeps the order of the data.

    Returns:
      (shape index, `[parts * batch]` pair indices, -1 for an empty row) per
      batch. Pairs that fit into no shape are in none.
    """
    limits = limits_of(shapes)
    order = rng.permutation(len(lengths)) if rng else np.arange(len(lengths))
    choice = assign(limits, lengths[order])
    waiting = [order[choice == index] for index in range(len(shapes))]
    plan = []
    for index in reversed(range(len(shapes))):
        rows = waiting[index]
        size = shapes[index].batch * parts
        full = len(rows) // size * size
        plan += [(index, block) for block in rows[:full].reshape(-1, size)]
        rest = rows[full:]
        if not len(rest):
            continue
        larger = assign(limits[:index], lengths[rest])
        for target in np.unique(larger[larger >= 0]):
            joining = rest[larger == target]
            waiting[target] = np.concatenate([waiting[target], joining])
        alone = rest[larger < 0]
        if len(alone):
            padding = np.full(size - len(alone), -1)
            plan.append((index, np.concatenate([alone, padding])))
    if rng:
        plan = [plan[i] for i in rng.permutation(len(plan))]
    return plan


def _assemble(
    pairs: Pairs, shape: BatchShape, rows: np.ndarray, parts: int
) -> Batch:
    """Pads a planned batch; its rows go to the parts in turn."""
    dealt = rows.reshape(shape.batch, parts).T.reshape(-1)
    inputs = pairs.inputs.padded(dealt, shape.source)
    targets = pairs.targets.padded(dealt, shape.target)
    return Batch(
        inputs.reshape(parts, shape.batch, shape.source),
        targets.reshape(parts, shape.batch, shape.target),
    )


def evaluation_batches(
    pairs: Pairs, shapes: list[BatchShape]
) -> Iterator[Batch]:
    """Every pair once; the last batches are filled up with empty rows."""
    for index, rows in plan_batches(pairs.lengths(), shapes, 1, None):
        batch = _assemble(pairs, shapes[index], rows, 1)
        yield Batch(batch.inputs[0], batch.targets[0])


def prefetch(items: Iterable, depth: int = 4) -> Iterator:
    """Runs an iterator in a thread, `depth` items ahead.

    An exception in the thread is raised here, at the place of its item.
    """
    ready: queue.Queue = queue.Queue(depth)
    stop = threading.Event()

    def put(item: tuple) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put((item, None)):
                    return
            put((None, StopIteration()))
        # Whatever it is: the consumer would wait for ever.
        except BaseException as error:
            put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
