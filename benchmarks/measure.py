"""What all benchmarks share: rounds in turn, the machine, the last line.

A machine's speed drifts by a third within minutes, so whatever is compared is
measured in turn: one round of each system, then the next round of each. Only
ratios within one run mean something. Every benchmark prints a table for people
and, as its last line, one JSON object for programs.
"""

import dataclasses
import datetime
import importlib
import json
import os
import pathlib
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import flags

from benchmarks import tables
from t2t_repro.bin import command
from t2t_repro.decode import parallel
from t2t_repro.errors import UsageError

Record = dict[str, Any]


def main(
    name: str,
    documentation: str,
    define_flags: Callable[[flags.FlagValues], None],
    measure: Callable[[flags.FlagValues], Record],
    argv: Sequence[str] | None,
) -> int:
    """Runs one benchmark as a command; see `command.run`.

    Args:
      name: such as `"train_step"`.
      documentation: what `--help` prints before the flags.
      define_flags: adds the benchmark's flags.
      measure: makes the record. Its `rows`, a list of dictionaries with the
        same keys, become the table.
      argv: arguments without the program's name; `sys.argv[1:]` when None.

    Returns:
      The exit status.
    """

    def body(values: flags.FlagValues) -> int:
        before = machine()
        record = {"benchmark": name, **measure(values), "machine": before}
        print(tables.markdown(record["rows"]))
        print(json.dumps(record), flush=True)
        return 0

    return command.run(
        f"benchmarks.{name}", documentation, define_flags, body, argv
    )


def define_integers(
    values: flags.FlagValues, fields: Mapping[str, tuple[int, str]]
) -> None:
    """Flags for whole numbers from 1 on: default and help by name."""
    for name, (default, text) in fields.items():
        flags.DEFINE_integer(
            name, default, text, lower_bound=1, flag_values=values
        )


def define_texts(values: flags.FlagValues, fields: Mapping[str, str]) -> None:
    """Flags for text without a default: help by name."""
    for name, text in fields.items():
        flags.DEFINE_string(name, None, text, flag_values=values)


def choices(flag: str, given: Sequence[str], known: Sequence[str]) -> list[str]:
    """The values of a flag that takes several of a few words.

    Raises:
      UsageError: none, or a word that is not known.
    """
    wrong = [word for word in given if word not in known]
    if wrong or not given:
        raise UsageError(
            f"--{flag}={','.join(given)}: expected one or more of"
            f" {', '.join(known)}, separated by commas."
        )
    return list(dict.fromkeys(given))


class _Choices(flags.ListParser):
    """Reads a flag that `choices` checks."""

    def __init__(self, flag: str, known: Sequence[str]):
        super().__init__()
        self._flag, self._known = flag, known

    def parse(self, argument: Any) -> list[str]:
        return choices(self._flag, super().parse(argument), self._known)


def define_choices(
    values: flags.FlagValues,
    name: str,
    known: Sequence[str],
    default: Sequence[str],
    text: str,
) -> None:
    """A flag that takes several of a few words; a wrong one is found at once.

    Args:
      values: gets the flag.
      name: of the flag.
      known: the words.
      default: some of them.
      text: help.
    """
    flags.DEFINE(
        _Choices(name, known),
        name,
        list(default),
        text,
        flag_values=values,
        serializer=flags.CsvListSerializer(","),
    )


def clocked(work: Callable[[], Any]) -> Callable[[], float]:
    """The same work, which now returns the seconds that it took."""

    def run() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return run


def in_turn(
    systems: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """One round of each system, then the next of each.

    Args:
      systems: does one round and returns its seconds, by name.
      rounds: how many.

    Returns:
      The seconds of every round, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(rounds):
        for name, run in systems.items():
            seconds[name].append(run())
    return seconds


@dataclasses.dataclass(frozen=True)
class Times:
    """Best and median of the rounds of one system."""

    best: float
    median: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Times":
        """Sums the rounds up."""
        return cls(min(seconds), statistics.median(seconds))


def gigaflops(operations: float, seconds: float) -> float:
    """Billions of operations a second."""
    return operations / seconds / 1e9


def peak_memory_bytes() -> int:
    """The most that this process has held so far.

    On a GPU that is TensorFlow's peak there; otherwise the kernel's figure of
    resident memory, which never falls, so that it belongs to the process and
    not to one of several systems in it.
    """
    tf = sys.modules.get("tensorflow")
    if tf is not None and tf.config.list_logical_devices("GPU"):
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts it in kilobytes, macOS in bytes.
    return most if sys.platform == "darwin" else most * 1024


def machine() -> Record:
    """What the figures were measured on, and how busy it was."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": parallel.available_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def load(library: str) -> Any:
    """Imports a library that the project itself does not need.

    Raises:
      UsageError: it is not installed.
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise UsageError(
            f"this benchmark needs {library} ({error}): install it in the"
            " environment of this Python."
        ) from error


def _processor() -> str:
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    for line in text.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
