"""The page for tensor2tensor users, the table of gone flags, the commands."""

import importlib
import pathlib
import re

import pytest
from absl import flags

from t2t_repro.bin import removed_flags

_PAGE = pathlib.Path(__file__).parents[1] / "docs" / "from_tensor2tensor.md"
# A bar in the text would end the cell.
_ROW = re.compile(
    r"\| `--([\w-]+)` \| (same|changed|renamed|gone|new) \| ([^|]+) \|"
)
_HERE = ("same", "changed", "new")
# What absl, TensorFlow and its friends define for their own debugging.
_OTHERS = {
    "fold_xy",
    "gin_location_prefix",
    "help",
    "helpfull",
    "helpshort",
    "helpxml",
    "logical_cores_per_chip",
    "only_check_args",
    "op_conversion_fallback_to_while_loop",
    "pdb",
    "pdb_post_mortem",
    "run_with_pdb",
    "run_with_profiling",
    "test_random_seed",
    "test_randomize_ordering_seed",
    "test_srcdir",
    "test_tmpdir",
    "tfhub_model_load_format",
    "use_cprofile_for_profiling",
    "xml_output_file",
}


def _sections():
    """Heading -> its rows' lines, of the tables of flags."""
    sections = re.split(r"^## (.+)\n", _PAGE.read_text("utf-8"), flags=re.M)
    rows = {}
    for heading, section in zip(sections[1::2], sections[2::2], strict=True):
        found = re.findall(r"^\| `--.+", section, flags=re.M)
        rows[heading] = [row for row in found if "hparams` | |" not in row]
    return rows


_SECTIONS = _sections()
_COMMANDS = sorted(
    heading for heading in _SECTIONS if heading.startswith("t2t-")
)


def _table(heading):
    """Flag -> (what became of it, in words)."""
    table = {}
    for row in _SECTIONS[heading]:
        match = _ROW.fullmatch(row)
        assert match, f"not of the form of a row: {row}"
        flag, kind, text = match.groups()
        assert flag not in table, f"{heading}: two rows for --{flag}"
        table[flag] = (kind, text)
    return table


def _flags_of(command):
    module = importlib.import_module(
        f"t2t_repro.bin.{command.replace('-', '_')}"
    )
    values = flags.FlagValues()
    module._define_flags(values)
    return set(values)


def _gone_rows(table):
    return {
        flag: text for flag, (kind, text) in table.items() if kind not in _HERE
    }


def test_the_page_has_every_command_that_lost_a_flag():
    assert set(_COMMANDS) == removed_flags.GONE.keys()


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_flags_that_are_here(command):
    here = {
        flag for flag, (kind, _) in _table(command).items() if kind in _HERE
    }
    actual = _flags_of(command)
    assert here == actual, (
        f"## {command} of {_PAGE.name}: give {sorted(actual - here)} rows with"
        f" {', '.join(_HERE)}, and take such rows of {sorted(here - actual)}"
        " out"
    )


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_flags_that_are_gone(command):
    gone = removed_flags.GONE[command]
    back = gone.keys() & _flags_of(command)
    assert not back, (
        f"{command} has {sorted(back)} now: take them out of"
        f" removed_flags.GONE, and in ## {command} of {_PAGE.name} make their"
        " rows say 'same' or 'changed'"
    )
    assert _gone_rows(_table(command)) == gone


def test_the_flags_of_every_command():
    (heading,) = (name for name in _SECTIONS if name.startswith("Flags"))
    assert _gone_rows(_table(heading)) == removed_flags.EVERYWHERE
    for command in _COMMANDS:
        assert not removed_flags.EVERYWHERE.keys() & removed_flags.GONE[command]
        assert not removed_flags.EVERYWHERE.keys() & _flags_of(command)


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_renamed_flag_leads_to_one_that_is_here(command):
    for flag, (kind, text) in _table(command).items():
        match = re.match(r"now --(\w+)", text)
        assert (kind == "renamed") == bool(match), flag
        if match:
            assert match[1] in _flags_of(command), flag


def test_no_flag_of_the_real_trainer_is_forgotten(shared):
    # What t2t-trainer 1.15.7 wrote beside its run: its own flags, and all.
    folder = shared("oracle/t2t/trained_ende")
    names = set()
    for file in ("flags.txt", "flags_t2t.txt"):
        for line in (folder / file).read_text().split():
            match = re.match(r"--([\w-]+)", line)
            if match:
                names.add(match[1])
    assert len(names) > 100
    known = (
        _flags_of("t2t-trainer")
        | removed_flags.GONE["t2t-trainer"].keys()
        | removed_flags.EVERYWHERE.keys()
        | _OTHERS
    )
    # A flag that is false is written as --noflag.
    forgotten = {
        name
        for name in names
        if name not in known and name.removeprefix("no") not in known
    }
    assert not forgotten
