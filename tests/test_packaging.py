"""setup.py, its lock file, the Makefile and the CI entry against the tree.

setup.py is run with its one call caught: nothing is built or installed.
"""

import os
import re
import runpy
import sys

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import source_tree

# A distribution whose name is not the name that is imported.
_DISTRIBUTIONS = {"absl": "absl-py", "PIL": "pillow"}


@pytest.fixture
def setup_arguments(monkeypatch):
    """What setup.py passes to `setuptools.setup`."""
    caught = {}
    monkeypatch.chdir(source_tree.ROOT)
    monkeypatch.setattr(
        setuptools, "setup", lambda **given: caught.update(given)
    )
    runpy.run_path("setup.py")
    return caught


def test_every_command_has_a_console_script(setup_arguments):
    """t2t_repro/bin/t2t_bleu.py -> t2t-bleu = t2t_repro.bin.t2t_bleu:main."""
    expected = []
    for path in source_tree.python_files("t2t_repro/bin"):
        module = source_tree.module_of(path)
        stem = module.rpartition(".")[2]
        if stem.startswith("t2t_"):
            expected.append(f"{stem.replace('_', '-')} = {module}:main")
    scripts = setup_arguments["entry_points"]["console_scripts"]
    assert scripts == expected
    assert "t2t-trainer = t2t_repro.bin.t2t_trainer:main" in scripts


def test_every_folder_of_code_is_packaged(setup_arguments):
    folders = {
        path.rpartition("/")[0].replace("/", ".")
        for path in source_tree.python_files(*source_tree.CODE)
    }
    assert set(setup_arguments["packages"]) == folders


def test_every_import_is_declared(setup_arguments):
    extras = setup_arguments["extras_require"]
    # An extra is imported where it is asked for, with an error that names it.
    declared = _names(setup_arguments["install_requires"]) | _names(
        extras["ctranslate2"]
    )
    for_tests = declared | _names(extras["dev"])
    wrong = [
        f"{path}:{entry.line}: setup.py does not declare {name}."
        for path in source_tree.modules().values()
        for entry in source_tree.imports(path)
        if (name := _distribution(entry.module))
        and name not in (for_tests if path.startswith("tests/") else declared)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_lock_has_every_requirement_in_its_range(setup_arguments):
    lines = _read("requirements_lock.txt").splitlines()
    locked = {
        canonicalize_name(name): Version(version)
        for name, version in (
            line.split("==") for line in lines if not line.startswith("#")
        )
    }
    for text in (
        *setup_arguments["install_requires"],
        *setup_arguments["extras_require"]["dev"],
    ):
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in locked, f"requirements_lock.txt lacks {name}"
        assert requirement.specifier.contains(locked[name]), (
            f"requirements_lock.txt has {name}=={locked[name]}, setup.py wants"
            f" {text}: make the lock anew, see CONTRIBUTING.md."
        )


def test_make_runs_modules_that_exist():
    modules = re.findall(r"-m (t2t_repro[\w.]+)", _read("Makefile"))
    assert modules
    assert set(modules) <= source_tree.modules().keys()


def test_ci_makes_the_tests():
    script = source_tree.ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make test"


def _read(name: str) -> str:
    return (source_tree.ROOT / name).read_text(encoding="utf-8")


def _names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def _distribution(module: str) -> str:
    """Who provides a module; empty for the standard library and for us."""
    top = module.split(".")[0]
    if top in sys.stdlib_module_names or top in (*source_tree.CODE, "tests"):
        return ""
    return canonicalize_name(_DISTRIBUTIONS.get(top, top))
