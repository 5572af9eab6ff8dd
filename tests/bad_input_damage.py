"""A row of the table of test_bad_input.py, and what is done to the world.

`{w}` in an argument is the folder of bad_input_world.py. A damage is done to a
copy of it before the command runs.
"""

import json
import pathlib
from collections.abc import Callable
from typing import NamedTuple

SHARD = "data/translate_from_files-train-00003-of-00010"
NOT_UTF8 = "is not UTF-8"

Damage = Callable[[pathlib.Path], None]


class Case(NamedTuple):
    """One mistake.

    Attributes:
      name: the test's.
      command: such as `"t2t-bleu"`.
      arguments: parted by spaces.
      status: 2 for wrong usage, 1 for a wrong world.
      says: stands in the line of the error.
      damage: what is done to the world first.
      leaves: glob patterns of what the command may have made before it saw the
        mistake, all of it whole and used by the next call.
    """

    name: str
    command: str
    arguments: str
    status: int
    says: str
    damage: Damage | None = None
    leaves: tuple[str, ...] = ()


def write(name: str, content: bytes) -> Damage:
    """Replaces a file."""

    def damage(world: pathlib.Path) -> None:
        (world / name).write_bytes(content)

    return damage


def cut(name: str, share: float = 0.5) -> Damage:
    """Leaves the beginning of a file."""

    def damage(world: pathlib.Path) -> None:
        path = world / name
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return damage


def flip(name: str, place: int) -> Damage:
    """Flips the bits of one byte."""

    def damage(world: pathlib.Path) -> None:
        path = world / name
        content = bytearray(path.read_bytes())
        content[place] ^= 0xFF
        path.write_bytes(content)

    return damage


def fields(name: str, **changes: object) -> Damage:
    """Sets fields of a JSON file; Ellipsis removes one."""

    def damage(world: pathlib.Path) -> None:
        path = world / name
        values = json.loads(path.read_text()) | changes
        kept = {key: value for key, value in values.items() if value is not ...}
        path.write_text(json.dumps(kept))

    return damage


def folder(name: str) -> Damage:
    """Puts a folder where a file is, or will be."""

    def damage(world: pathlib.Path) -> None:
        (world / name).unlink(missing_ok=True)
        (world / name).mkdir(parents=True)

    return damage


def remove(pattern: str) -> Damage:
    """Removes files."""

    def damage(world: pathlib.Path) -> None:
        found = list(world.glob(pattern))
        assert found, pattern
        for path in found:
            path.unlink()

    return damage


def moved(name: str, to: str) -> Damage:
    """Moves a file out of the way."""

    def damage(world: pathlib.Path) -> None:
        (world / name).rename(world / to)

    return damage


def records(inputs: list[int], targets: list[int]) -> Damage:
    """Replaces a shard by one of a single pair."""

    def damage(world: pathlib.Path) -> None:
        import tensorflow as tf

        from t2t_repro.data.records import serialize

        with tf.io.TFRecordWriter(str(world / SHARD)) as writer:
            writer.write(serialize(inputs, targets))

    return damage


def checkpoint(name: str, **tensors: object) -> Damage:
    """Replaces a checkpoint: `run/6` is `run/model.ckpt-6`."""

    def damage(world: pathlib.Path) -> None:
        from t2t_repro import checkpoints

        place, step = name.split("/")
        checkpoints.save(world / place, int(step), tensors)

    return damage


def both(*damages: Damage) -> Damage:
    """One after the other."""

    def damage(world: pathlib.Path) -> None:
        for one in damages:
            one(world)

    return damage


def cases(command: str, *rows: tuple) -> list[Case]:
    """Rows of one command, which is left out of them."""
    return [Case(row[0], command, *row[1:]) for row in rows]
