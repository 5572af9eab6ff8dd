"""BUILD says what the tree holds: every file, every package, every command.

Bazel itself is not needed: Starlark is near enough to Python to be run by it,
with functions that note what they are called with. What it leaves out: whether
Bazel can load what MODULE.bazel names.
"""

import fnmatch
import functools
import sys

from tests import source_tree

# A distribution whose name is not the name that is imported.
_DISTRIBUTIONS = {
    "absl": "absl_py",
    "PIL": "pillow",
    "xdist": "pytest_xdist",
}
# Needed at run time by a package that does not declare it, and not imported.
_UNDECLARED = {"importlib_resources"}
# Extras of setup.py, imported by name where they are asked for.
_OPTIONAL = {"ctranslate2"}


@functools.cache
def _build() -> dict:
    """BUILD's own tables, and its targets by name under "targets"."""
    targets: dict[str, dict] = {}

    def target(rule):
        def add(**attributes):
            assert attributes["name"] not in targets, attributes["name"]
            targets[attributes["name"]] = {"rule": rule, **attributes}

        return add

    def ignore(*names, **attributes):
        pass

    def glob(patterns, exclude=(), allow_empty=True):
        return [
            path
            for path in _files()
            if any(_matches(path, pattern) for pattern in patterns)
            and not any(_matches(path, pattern) for pattern in exclude)
        ]

    world = {rule: target(rule) for rule in _RULES}
    world |= {"load": ignore, "package": ignore, "glob": glob}
    text = (source_tree.ROOT / "BUILD").read_text(encoding="utf-8")
    exec(compile(text, "BUILD", "exec"), world)
    return {**world, "targets": targets}


_RULES = ("py_library", "py_binary", "py_test")


def _matches(path: str, pattern: str) -> bool:
    """As Bazel's glob: `*` stays in its folder, `**/` crosses any number."""
    if "**/" in pattern:
        before, _, after = pattern.partition("**/")
        rest = path.removeprefix(before)
        is_below = path.startswith(before)
        return is_below and fnmatch.fnmatch(rest.split("/")[-1], after)
    return path.count("/") == pattern.count("/") and fnmatch.fnmatch(
        path, pattern
    )


@functools.cache
def _files() -> list[str]:
    return source_tree.python_files(*source_tree.CODE, "tests")


def test_every_file_is_in_exactly_one_target():
    owners: dict[str, list[str]] = {path: [] for path in _files()}
    for name, target in _build()["targets"].items():
        for path in target["srcs"]:
            owners[path].append(name)
    wrong = {path: names for path, names in owners.items() if len(names) != 1}
    assert not wrong, (
        f"{wrong}: give each part of t2t_repro/ its place in LAYERS of BUILD."
    )


def test_every_part_of_the_table_exists():
    for name in (part for row in _build()["LAYERS"] for part in row):
        assert _build()["targets"][name]["srcs"], (
            f"LAYERS of BUILD names {name}, and there is no such part."
        )


def test_packages_are_those_that_are_imported():
    def imported(*folders):
        names = {
            entry.module.split(".")[0]
            for path in source_tree.python_files(*folders)
            for entry in source_tree.imports(path)
        }
        names -= {*sys.stdlib_module_names, *source_tree.CODE, "tests", ""}
        names -= _OPTIONAL
        return {_DISTRIBUTIONS.get(name, name) for name in names}

    library = imported("t2t_repro", "problems", "hparams")
    assert set(_build()["PYPI"]) - _UNDECLARED == library
    assert set(_build()["PYPI_TESTS"]) == imported("tests") - library


def test_every_command_is_a_binary():
    setup = (source_tree.ROOT / "setup.py").read_text(encoding="utf-8")
    binaries = [
        name
        for name, target in _build()["targets"].items()
        if target["rule"] == "py_binary"
    ]
    assert binaries
    for name in binaries:
        assert f"t2t_repro.bin.{name}:main" in setup, f"setup.py lacks {name}"
    assert setup.count(":main") == len(binaries)


def test_dependencies_are_targets():
    targets = _build()["targets"]
    for name, target in targets.items():
        for label in target.get("deps", []):
            known = label[0] == ":" and label[1:] in targets
            assert known or label.startswith("@pypi//"), (name, label)
