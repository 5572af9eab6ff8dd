"""docs/reproduce.md: its names are registered, its figures follow."""

import re

import pytest

from t2t_repro import registry
from tests import source_tree

_TEXT = (source_tree.ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")
_ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in _TEXT.splitlines()
    if line.startswith("|")
]
_SETS = ("transformer_base", "transformer_big")
_TOKENS, _SENTENCE, _VOCABULARY = 25_000, 25, 37_000


def _cells(first):
    (found,) = [row for row in _ROWS if row[0].startswith(first)]
    return found[1:]


def test_the_names_are_registered():
    for row in _ROWS:
        if row[0].startswith(("En-", "parser")):
            problem, hparams_set = (cell.strip("`") for cell in row[1:3])
            registry.problem(problem)
            registry.hparams(hparams_set)
    for name in re.findall("`(transformer_[a-z_]+)`", _TEXT):
        registry.hparams(name)


@pytest.fixture(scope="module")
def operations():
    """Of a step, forward and backward."""
    shape = (_TOKENS // _SENTENCE, _SENTENCE, _SENTENCE)
    return [
        3 * registry.hparams(name).forward_flops(shape, _VOCABULARY)
        for name in _SETS
    ]


def test_operations_of_a_step(operations):
    assert _cells("operations") == [f"{n / 1e12:.1f} TFLOP" for n in operations]


@pytest.mark.parametrize(
    ("row", "devices", "peak"),
    [
        ("8 P100", 8, 9.5e12),
        ("1 P100", 1, 9.5e12),
        ("1 A100", 1, 312e12),
        ("8 A100", 8, 312e12),
    ],
)
def test_hours(operations, row, devices, peak):
    steps = [int(cell.replace(",", "")) for cell in _cells("steps")]
    # Section 5.2: 0.4 and 1.0 seconds on 8 P100.
    of_paper = [
        n / s / (8 * 9.5e12)
        for n, s in zip(operations, (0.4, 1.0), strict=True)
    ]
    # 82,059 and 551,599 tokens/s of big.
    per_token = operations[1] / _TOKENS
    rate = {1: 82_059, 8: 551_599}[devices]
    share = rate * per_token / (devices * 312e12)
    shares = of_paper if "P100" in row else [share, share]
    for i, cell in enumerate(_cells(row)):
        hours, percent = re.fullmatch(r"([\d.]+) h \((\d+) %\)", cell).groups()
        assert int(percent) == round(100 * shares[i])
        used = shares[i] if "P100" in row else int(percent) / 100
        expected = operations[i] * steps[i] / (devices * peak * used) / 3600
        assert hours == f"{expected:.1f}"
