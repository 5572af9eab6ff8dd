"""How a peer's program talks: rounds on request, one JSON object a line.

A program runs in the peer's own environment (Python 3.10 or later, nothing of
this project but this file) and is started once. It says when it is ready, and
then does one round for every line that it reads, so that rounds of several
programs can be taken in turn while the others wait.
"""

import importlib
import json
import os
import sys
import time
from typing import Any, Callable  # noqa: UP035 - also read by older Pythons

# Libraries print on standard output; the answers get a channel of their own.
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def settings() -> Any:
    """What the driver asks for: the one argument, a JSON object."""
    return json.loads(sys.argv[1])


def load(library: str) -> Any:
    """Imports the peer, or says that it is absent and ends."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        _say(absent=f"{library} cannot be imported ({error})")
        raise SystemExit(0) from error


def serve(version: str, one_round: Callable[[], Any], **facts: Any) -> None:
    """Does a first round, then one for every line of standard input.

    Args:
      version: of the peer.
      one_round: the work; returns when it is done.
      **facts: what else the driver wants to know.
    """
    first = _seconds(one_round)
    # What is compiled at the first use may be optimised at the second.
    _seconds(one_round)
    _say(version=version, first_seconds=first, **facts)
    for _ in sys.stdin:
        _say(seconds=_seconds(one_round))


def _seconds(one_round: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    one_round()
    return time.perf_counter() - begin


def _say(**answer: Any) -> None:
    print(json.dumps(answer), file=_answers, flush=True)
