"""TensorBoard's event files, read back: scalars and the time they span.

A training that stopped and went on has several files in one folder. A file that
is being written may end in half a record, which is where reading ends.
"""

import dataclasses
import pathlib

import tensorflow as tf
from tensorflow.core.framework import summary_pb2
from tensorflow.core.util import event_pb2


@dataclasses.dataclass(frozen=True)
class Events:
    """What the files of a run hold.

    Attributes:
      scalars: by tag, (step, value) in the order of writing.
      seconds: from first to last event of each file, summed; the time between
        two files, when nothing ran, is not in it. None without files.
    """

    scalars: dict[str, list[tuple[int, float]]]
    seconds: float | None

    def last(self, tag: str) -> tuple[int, float] | None:
        """The newest (step, value) of a tag."""
        return max(self.scalars.get(tag, []), default=None)


def read(*folders: pathlib.Path) -> Events:
    """Reads all event files of folders, but not of folders inside."""
    scalars: dict[str, list[tuple[int, float]]] = {}
    spans = []
    for path in sorted(
        path
        for folder in folders
        for path in folder.glob("events.out.tfevents.*")
    ):
        times = []
        for event in _events(path):
            times.append(event.wall_time)
            for value in event.summary.value:
                number = _scalar(value)
                if number is not None:
                    points = scalars.setdefault(value.tag, [])
                    points.append((event.step, number))
        if times:
            spans.append(max(times) - min(times))
    return Events(scalars, sum(spans) if spans else None)


def _events(path: pathlib.Path) -> list[event_pb2.Event]:
    found = []
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            found.append(event_pb2.Event.FromString(record.numpy()))
    except tf.errors.DataLossError:
        pass  # half a record: all before it is whole
    return found


def _scalar(value: summary_pb2.Summary.Value) -> float | None:
    if value.WhichOneof("value") != "tensor":
        return None
    tensor = tf.make_ndarray(value.tensor)
    if tensor.ndim or tensor.dtype.kind != "f":
        return None
    return float(tensor)
