"""The page for tensor2tensor users, the table of gone flags, the commands."""

import importlib
import pathlib
import re

import pytest
from absl import flags

from t2t_repro.bin import gone_flags

_PAGE = pathlib.Path(__file__).parents[1] / "docs" / "from_tensor2tensor.md"
_ROW = re.compile(r"\| `--([\w-]+)` \| (same|renamed|gone|new) \| (.+) \|")


def _tables():
    """Command -> flag -> (what became of it, in words)."""
    sections = re.split(
        r"^## (t2t-[\w-]+)\n", _PAGE.read_text("utf-8"), flags=re.M
    )
    return {
        command: {
            flag: (kind, text) for flag, kind, text in _ROW.findall(section)
        }
        for command, section in zip(sections[1::2], sections[2::2], strict=True)
    }


_TABLES = _tables()


def _flags_of(command):
    module = importlib.import_module(
        f"t2t_repro.bin.{command.replace('-', '_')}"
    )
    values = flags.FlagValues()
    module._define_flags(values)
    return set(values)


def test_the_page_has_every_command_that_lost_a_flag():
    assert gone_flags.GONE.keys() <= _TABLES.keys()


@pytest.mark.parametrize("command", sorted(_TABLES))
def test_the_flags_that_are_here(command):
    here = {
        flag
        for flag, (kind, _) in _TABLES[command].items()
        if kind in ("same", "new")
    }
    actual = _flags_of(command)
    assert here == actual, (
        f"{command}: add rows for {sorted(actual - here)}, drop those for"
        f" {sorted(here - actual)}"
    )


@pytest.mark.parametrize("command", sorted(_TABLES))
def test_the_flags_that_are_gone(command):
    expected = gone_flags.GONE.get(command, {})
    found = {
        flag: text
        for flag, (kind, text) in _TABLES[command].items()
        if kind in ("renamed", "gone")
    }
    assert found == expected
    for flag, text in found.items():
        kind = _TABLES[command][flag][0]
        assert (kind == "renamed") == text.startswith("now --"), flag
    both = expected.keys() & _flags_of(command)
    assert not both, f"take {sorted(both)} out of gone_flags.GONE: it is here"


@pytest.mark.parametrize("command", sorted(gone_flags.GONE))
def test_a_new_name_is_a_flag(command):
    for flag, reason in gone_flags.GONE[command].items():
        match = re.match(r"now --(\w+)", reason)
        if match:
            assert match[1] in _flags_of(command), flag
