"""Whatever a user gives, a mistake is one line, and nothing is spoilt.

Every case of bad_input_cases.py runs a command on a copy of a small world of
files: text, trees, data, a run, a run of tensor2tensor, a user's folder. The
command must end with the right status and one line on standard error, and the
world must be as it was, byte for byte.
"""

import fnmatch
import hashlib
import importlib
import logging
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from t2t_repro import checkpoints, registry
from t2t_repro.bin import command, t2t_datagen
from t2t_repro.errors import InputError
from t2t_repro.interop import t2t_checkpoint
from tests import bad_input_damage, bad_input_world, source_tree
from tests.bad_input_cases import CASES


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The world, made once."""
    world = tmp_path_factory.mktemp("world")
    bad_input_world.make(world)
    return world


@pytest.fixture
def world(template, tmp_path):
    """A copy to do damage to."""
    return shutil.copytree(template, tmp_path / "w")


@pytest.fixture
def quiet(monkeypatch):
    """No lines of progress, and no traces of a user's folder afterwards."""
    logger = logging.getLogger("t2t_repro")
    monkeypatch.setattr(command, "_configure_logging", lambda _: None)
    monkeypatch.setattr(logger, "disabled", True)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(registry, "_usr_dir", None)
    monkeypatch.setattr(registry, "_users_places", set())
    for table in (registry._problems, registry._hparams):
        monkeypatch.setattr(table, "_entries", dict(table._entries))
    yield
    for name in [name for name in sys.modules if name.startswith("bad_input_")]:
        del sys.modules[name]


def test_the_page_counts_them():
    commands = {case.command for case in CASES}
    assert len(CASES) >= 50 and len(commands) >= 11
    # Each is a test of its own.
    assert len({(case.command, case.name) for case in CASES}) == len(CASES)
    page = source_tree.ROOT / "docs" / "reliability.md"
    count = f"gives {len(CASES)} bad inputs to {len(commands)} commands"
    assert count in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.command}: {case.name}"
)
def test_one_line_and_nothing_spoilt(case, world, quiet, capsys):
    if case.damage is not None:
        case.damage(world)
    before = _state(world)
    main = importlib.import_module(
        f"t2t_repro.bin.{case.command.replace('-', '_')}"
    ).main
    capsys.readouterr()
    status = main(case.arguments.format(w=world).split())
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert error.startswith(f"{case.command}: ")
    assert case.says in error
    assert status == case.status, error
    after = _state(world)
    changed = {
        name for name in before | after if before.get(name) != after.get(name)
    }
    assert not [
        name
        for name in changed
        if name in before
        or not any(fnmatch.fnmatch(name, left) for left in case.leaves)
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(world, quiet, capsys):
    (world / "fixed").mkdir(mode=0o500)
    arguments = "--problem=translate_from_files --tmp_dir={0}/raw"
    arguments += " --data_dir={0}/fixed"
    assert t2t_datagen.main(arguments.format(world).split()) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Permission denied" in error


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("t2t_bleu", "--translation={0}/text/utf16 --reference={0}/out", 1),
        ("t2t_parseval", "--gold={0}/trees/broken --test={0}/trees/gold", 1),
        ("t2t_datagen", "--problem=translate_no --tmp_dir={0}/raw", 2),
        ("t2t_avg_all", "--model_dir={0}/run --output_dir={0}/new --n=9", 1),
    ],
)
def test_the_same_as_a_process(name, arguments, status, world):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            f"t2t_repro.bin.{name}",
            *arguments.format(world).split(),
        ],
        cwd=pathlib.Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith(f"{name.replace('_', '-')}: ")
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_a_file_name_that_is_not_unicode(world):
    """Standard error must be able to name it."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "t2t_repro.bin.t2t_bleu",
            "--translation=" + os.fsdecode(b"\xff"),
            f"--reference={world}/text/lines",
        ],
        cwd=pathlib.Path(__file__).parents[1],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1


def test_a_damaged_number_of_updates(world, quiet, capsys):
    """It would become the name of a file."""
    bad_input_damage.checkpoint("t2t/5", global_step=-5)(world)
    tensors = checkpoints.read(str(world / "t2t" / "model.ckpt-5"))
    with pytest.raises(InputError, match="global_step=-5"):
        t2t_checkpoint._step(tensors, "it")


def _state(world: pathlib.Path) -> dict[str, str]:
    """What every path is, files by their content."""
    found = {}
    for path in sorted(world.rglob("*")):
        name = path.relative_to(world).as_posix()
        if "__pycache__" in name:
            continue
        content = path.read_bytes() if path.is_file() else b""
        kind = "file" if path.is_file() else "folder"
        found[name] = f"{kind} {hashlib.sha256(content).hexdigest()}"
    return found
