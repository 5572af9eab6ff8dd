"""Golden losses: what the first steps of a training of every family were.

They stand in `testdata/golden_losses.txt`, a row a set, and tell when something
changes a training in silence: a weight's start, the order of draws, a constant.
`tests/models/test_contract.py` takes the steps, all of the same sentences, with
dropout. After a change that is meant to change them:

    .venv/bin/python -m pytest tests/models/test_contract.py --rewrite-golden
"""

import pathlib

import pytest

STEPS = 50
_PATH = pathlib.Path(__file__).parent / "testdata" / "golden_losses.txt"
_SHOWN = (1, *range(5, STEPS + 1, 5))
# Other processors and numbers of threads round otherwise, and steps add to it:
# up to 4e-4 where a millionth of each weight was changed by chance.
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4


def check(name: str, losses: list[float]) -> None:
    """Compares the losses of a set's first steps with its row."""
    shown = [losses[step - 1] for step in _SHOWN]
    assert shown == pytest.approx(
        _rows()[name], rel=_RELATIVE, abs=_ABSOLUTE
    ), (
        f"{name} trains otherwise than it did; tests/golden.py says what to do"
        " if it should"
    )


def rewrite(name: str, losses: list[float]) -> None:
    """Puts the losses into the row of a set."""
    rows = _rows() | {name: [losses[step - 1] for step in _SHOWN]}
    width = max(map(len, rows))
    lines = ["".join([f"{'step':{width}}", *(f"{n:9}" for n in _SHOWN)])]
    for row, values in sorted(rows.items()):
        lines.append(
            "".join([f"{row:{width}}", *(f"{v:9.5f}" for v in values)])
        )
    _PATH.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows() -> dict[str, list[float]]:
    if not _PATH.exists():
        return {}
    _, *rows = map(str.split, _PATH.read_text(encoding="utf-8").splitlines())
    return {name: list(map(float, losses)) for name, *losses in rows}
