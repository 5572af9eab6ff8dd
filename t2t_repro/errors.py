"""The two ways in which a command can end badly because of its user.

Both are raised with one finished sentence that says what was given, what was
expected and what to change; `t2t_repro.bin.command` prints that sentence alone,
without a traceback, and turns the class into the exit status.
"""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Something in the world is not as it must be: a file, a run, a network."""

    exit_status = 1


class UsageError(InputError):
    """The command line itself is wrong: a flag, a name, a value."""

    exit_status = 2


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """Words a "did you mean" clause, or nothing when no name is close.

    Args:
      name: what the user wrote.
      known: every name that would have been right.
      count: how many suggestions at the most.

    Returns:
      `" Did you mean a, b or c?"` (with a leading space) or `""`.
    """
    close = difflib.get_close_matches(name, list(known), n=count, cutoff=0.5)
    if not close:
        return ""
    *others, last = close
    listed = f"{', '.join(others)} or {last}" if others else last
    return f" Did you mean {listed}?"
