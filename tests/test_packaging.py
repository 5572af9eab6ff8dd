"""setup.py, its lock file, the Makefile and the CI entry against the tree.

For most, setup.py is run with its one call caught. Once the sdist is built, and
the wheel from the sdist, into folders of the test: nothing is installed.
"""

import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import t2t_repro
from t2t_repro import registry
from tests import source_tree

# A distribution whose name is not the name that is imported.
_DISTRIBUTIONS = {"absl": "absl-py", "PIL": "pillow", "xdist": "pytest-xdist"}


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


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The unpacked sdist and the unpacked wheel that was built from it."""
    work = tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns(
        *(line.strip("/") for line in _read(".gitignore").split()), ".git"
    )
    shutil.copytree(source_tree.ROOT, work / "tree", ignore=ignored)

    def build(kind: str, tree: pathlib.Path) -> pathlib.Path:
        program = (
            f"from setuptools import build_meta as b; b.{kind}({str(work)!r})"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return tree

    build("build_sdist", work / "tree")
    with tarfile.open(next(work.glob("*.tar.gz"))) as archive:
        archive.extractall(work, filter="data")
    (sdist,) = work.glob("t2t_repro-*/")
    build("build_wheel", sdist)
    with zipfile.ZipFile(next(work.glob("*.whl"))) as archive:
        archive.extractall(work / "wheel")
    return sdist, work / "wheel"


def _files_below(folder: pathlib.Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_is_the_package_and_nothing_else(built):
    _, wheel = built
    folders = {"t2t_repro": "t2t_repro"} | {
        name: f"t2t_repro/{name}" for name in ("problems", "hparams")
    }
    expected = {
        f"{installed}/{name}"
        for folder, installed in folders.items()
        for name in _files_below(source_tree.ROOT / folder)
    }
    assert {"t2t_repro/py.typed", "t2t_repro/problems/parsing.py"} <= expected
    found = _files_below(wheel)
    info = f"t2t_repro-{t2t_repro.__version__}.dist-info/"
    assert {f for f in found if not f.startswith(info)} == expected
    licences = [f for f in found if f.startswith(info) and "LICENSE" in f]
    assert len(licences) == 1
    metadata = (wheel / info / "METADATA").read_text(encoding="utf-8")
    for line in (
        f"Version: {t2t_repro.__version__}",
        "Classifier: Typing :: Typed",
        "# t2t_repro",
    ):
        assert f"\n{line}\n" in metadata
    # The second is how a newer setuptools writes it.
    assert re.search("^License(-Expression)?: Apache-2.0$", metadata, re.M)


def test_the_sdist_has_what_its_tests_look_at(built):
    sdist, _ = built
    found = _files_below(sdist)
    for folder in (*source_tree.CODE, "tests", "docs", ".ci"):
        missing = {
            f"{folder}/{name}"
            for name in _files_below(source_tree.ROOT / folder)
        } - found
        assert not missing
    in_root = {path for path in os.listdir(sdist) if (sdist / path).is_file()}
    assert {
        "LICENSE",
        "CITATION.cff",
        "Makefile",
        "BUILD",
        "README.md",
    } <= in_root


def test_the_wheel_starts_every_command_in_a_users_folder(
    built, setup_arguments, tmp_path
):
    """The folder has packages of its own under the names of ours."""
    for name in ("problems", "hparams", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{tmp_path}:{built[1]}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for script in setup_arguments["entry_points"]["console_scripts"]:
        name, _, target = script.partition(" = ")
        printed = run("-m", target.removesuffix(":main"), "--version")
        assert printed == f"{name} {t2t_repro.__version__}\n"
    listed = run("-m", "t2t_repro.bin.t2t_trainer", "--registry_help")
    assert listed == f"{registry.registry_help()}\n"
    place = run("-c", "import t2t_repro; print(t2t_repro.__file__)")
    assert place.startswith(str(built[1]))


def test_one_version_and_one_licence(setup_arguments):
    citation = _read("CITATION.cff")
    assert f"\nversion: {t2t_repro.__version__}\n" in citation
    assert "\nlicense: Apache-2.0\n" in citation
    assert setup_arguments["version"] == t2t_repro.__version__
    assert "Apache License\n" in _read("LICENSE")
    assert "Version 2.0, January 2004\n" in _read("LICENSE")


def test_pythons_are_those_of_the_classifiers(setup_arguments):
    wanted = Requirement(f"x{setup_arguments['python_requires']}").specifier
    named = {
        text.rpartition(" ")[2]
        for text in setup_arguments["classifiers"]
        if re.search(r":: 3\.\d+$", text)
    }
    assert named == {f"3.{n}" for n in range(30) if f"3.{n}" in wanted}


def test_every_folder_of_code_is_packaged(setup_arguments):
    folders = {
        f"t2t_repro.{folder}" if folder in ("problems", "hparams") else folder
        for path in source_tree.python_files("t2t_repro", "problems", "hparams")
        for folder in [path.rpartition("/")[0].replace("/", ".")]
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


def test_ci_checks_and_makes_the_tests():
    script = source_tree.ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    assert lines[-2:] == ["make check", "exec make test"]


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
