"""Runs one benchmark in this process and reads its last line."""

import json
from typing import Any


def record_of(capsys: Any, benchmark: Any, *arguments: str) -> dict[str, Any]:
    """The JSON object of the last line.

    Args:
      capsys: pytest's.
      benchmark: the module.
      *arguments: its flags.
    """
    capsys.readouterr()
    assert benchmark.main(list(arguments)) == 0
    *_, last = capsys.readouterr().out.splitlines()
    return json.loads(last)
