"""Other systems on the same work, each in its own environment.

A peer that is not there is left out with a word: whoever measures only this
project needs none of them.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any, NamedTuple

from absl import flags

from t2t_repro.errors import InputError

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_LIBRARIES = {
    "torch": "torch",
    "opennmt": "OpenNMT-tf and its TensorFlow",
    "ctranslate2": "ctranslate2",
}


class Wanted(NamedTuple):
    """A peer's program and what it is to do.

    Attributes:
      name: in the tables.
      library: whose Python it runs in, a key of `_LIBRARIES`.
      program: module in `benchmarks.peers`.
      settings: for the program.
    """

    name: str
    library: str
    program: str
    settings: dict[str, Any]


class Absent(InputError):
    """Why a peer cannot be measured."""


class Peer:
    """One running program."""

    def __init__(self, python: str, wanted: Wanted):
        """Starts it and waits until it has done its first rounds.

        Raises:
          Absent: no such Python, or it lacks the peer, or it failed.
        """
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment.pop("PYTHONPATH", None)
        # Closed with the program, in `close`.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [
                    python,
                    "-m",
                    f"benchmarks.peers.{wanted.program}",
                    json.dumps(wanted.settings),
                ],
                cwd=_ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
        except OSError as error:
            raise Absent(f"{python}: {error.strerror}") from error
        try:
            answer = self._answer()
            if "absent" in answer:
                raise Absent(answer["absent"])
        except Absent:
            self.close()
            raise
        self.settings = wanted.settings
        self.version: str = answer["version"]
        self.first_seconds: float = answer["first_seconds"]

    def round(self) -> float:
        """Seconds of one more round, as the program itself took them.

        Raises:
          Absent: it ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def close(self) -> None:
        """Ends the program."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            printed = self._errors.read().decode(errors="replace").split("\n")
            said = [line.strip() for line in printed if line.strip()]
            raise Absent(said[-1] if said else "it ended without a word")
        return json.loads(line)


def define_flags(values: flags.FlagValues, libraries: Iterable[str]) -> None:
    """`--torch_python` and the like, with the environment's as default."""
    for library in libraries:
        name = f"{library}_python"
        flags.DEFINE_string(
            name,
            os.environ.get(name.upper(), ""),
            f"Python of an environment with {_LIBRARIES[library]}; without it"
            f" that peer is skipped (also ${name.upper()})",
            flag_values=values,
        )


def start(
    values: flags.FlagValues, wanted: Iterable[Wanted]
) -> dict[str, Peer]:
    """Starts the peers that are there, and says which are not."""
    peers = {}
    for one in wanted:
        python = values[f"{one.library}_python"].value
        try:
            if not python:
                raise Absent(f"no --{one.library}_python")
            peers[one.name] = Peer(python, one)
        except Absent as reason:
            print(f"{one.name}: skipped, {reason}", file=sys.stderr)
    return peers
