"""BUILD says what the imports say: files, dependencies, tests.

Bazel itself is not needed: BUILD is read with Python's parser, which Starlark
is near enough to. Every message is the line to add or to remove. What it leaves
out: whether Bazel can load what MODULE.bazel names.
"""

import ast
import dataclasses
import functools
import sys

import pytest

from tests import source_tree

# A distribution whose name is not the name that is imported.
_DISTRIBUTIONS = {"absl": "absl_py", "PIL": "pillow"}
# What a package needs at run time and neither imports nor declares.
_UNDECLARED = {
    "t2t_repro.train.summaries": {"@pypi//tensorboard"},  # tf.summary
    "tensorflow_datasets": {"@pypi//importlib_resources"},
}
# The registry imports these by name, so what can be run must bring them.
_REGISTERED = {":problems", ":hparams", ":models"}
_REGISTRY = "t2t_repro.registry"
_RULES = ("py_library", "py_binary", "py_test")


@dataclasses.dataclass(frozen=True)
class Target:
    """One rule of BUILD that has Python sources."""

    rule: str
    line: int
    name: str
    srcs: list[str]
    deps: list[str]
    main: str | None
    main_module: str | None
    args: list[str]

    @property
    def place(self) -> str:
        """How messages name it."""
        return f"BUILD:{self.line}, {self.rule} {self.name!r}"


@functools.cache
def _targets() -> list[Target]:
    text = (source_tree.ROOT / "BUILD").read_text(encoding="utf-8")
    targets = []
    for statement in ast.parse(text, "BUILD").body:
        match statement:
            case ast.Expr(ast.Call(ast.Name(rule), [], keywords)):
                if rule in _RULES:
                    targets.append(_target(rule, statement.lineno, keywords))
    return targets


def _target(rule: str, line: int, keywords: list[ast.keyword]) -> Target:
    wanted = {field.name for field in dataclasses.fields(Target)}
    values = {
        keyword.arg: ast.literal_eval(keyword.value)
        for keyword in keywords
        if keyword.arg in wanted
    }
    return Target(
        rule=rule,
        line=line,
        name=values["name"],
        srcs=values["srcs"],
        deps=values.get("deps", []),
        main=values.get("main"),
        main_module=values.get("main_module"),
        args=values.get("args", []),
    )


@functools.cache
def _owners() -> dict[str, str]:
    """Label by file."""
    return {path: f":{t.name}" for t in _targets() for path in t.srcs}


def test_build_was_read():
    rules = {target.rule for target in _targets()}
    assert rules == set(_RULES)


def test_every_file_is_in_exactly_one_target():
    present = source_tree.python_files(*source_tree.CODE, "tests")
    listed = [(path, target) for target in _targets() for path in target.srcs]
    owners: dict[str, Target] = {}
    wrong = []
    for path, target in listed:
        if path in owners:
            wrong.append(
                f"{target.place}: remove {path!r} from srcs, it is in"
                f" {owners[path].name!r} already."
            )
        owners.setdefault(path, target)
        if path not in present:
            wrong.append(
                f"{target.place}: remove {path!r} from srcs, there is no such"
                " file."
            )
    for path in present:
        if path not in owners:
            wrong.append(_how_to_add(path))
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("target", _targets(), ids=lambda target: target.name)
def test_deps_are_the_imports(target):
    if _owners().keys() != set(source_tree.modules().values()):
        pytest.skip("srcs first: see test_every_file_is_in_exactly_one_target")
    needed, allowed = _dependencies(target)
    given = set(target.deps)
    wrong = [
        f'{target.place}: add "{label}", to deps.'
        for label in sorted(needed - given)
    ] + [
        f'{target.place}: remove "{label}", from deps, nothing imports it.'
        for label in sorted(given - needed - allowed)
    ]
    assert not wrong, "\n" + "\n".join(wrong)
    assert len(given) == len(target.deps), f"{target.place}: a dep stands twice"


def test_targets_make_no_circle():
    """Takes away targets whose deps are all taken away, until none is left."""
    left = {
        f":{target.name}": {dep for dep in target.deps if dep[0] == ":"}
        for target in _targets()
    }
    while left:
        free = [name for name, deps in left.items() if not deps & left.keys()]
        assert free, f"BUILD: these depend on each other: {sorted(left)}"
        for name in free:
            del left[name]


@pytest.mark.parametrize(
    "target",
    [target for target in _targets() if target.rule != "py_library"],
    ids=lambda target: target.name,
)
def test_programs_start_what_they_hold(target):
    (path,) = target.srcs
    if target.rule == "py_test":
        expected = _block(target.rule, path)
        assert (target.name, target.main_module, target.args) == (
            path.removesuffix(".py"),
            "pytest",
            [path],
        ), f"{target.place} should begin as:\n{expected}"
    else:
        assert target.main == path, f'{target.place}: add main = "{path}",'


def test_every_command_is_a_binary():
    commands = {
        path
        for path in source_tree.python_files("t2t_repro/bin")
        if path.startswith("t2t_repro/bin/t2t_")
    }
    binaries = {
        path
        for target in _targets()
        for path in target.srcs
        if target.rule == "py_binary"
    }
    assert binaries == commands


def _dependencies(target: Target) -> tuple[set[str], set[str]]:
    """The labels a target must name, and those that it may."""
    needed = set()
    for path in target.srcs:
        names = {entry.module for entry in source_tree.imports(path)}
        needed |= {_label(name) for name in names}
        for name in (*names, source_tree.module_of(path)):
            needed |= _UNDECLARED.get(name, set())
    if target.rule == "py_test":
        needed.add(":conftest")
    if target.rule != "py_library" and _reaches_registry(target):
        needed |= _REGISTERED
    mentioned = set()
    if target.rule == "py_test":
        for path in target.srcs:
            mentioned |= set(map(_label, source_tree.mentions(path)))
    own = {f":{target.name}", None}
    return needed - own, mentioned - own  # type: ignore[return-value]


def _label(name: str) -> str | None:
    """The label that provides a module; None for the standard library.

    An empty `__init__.py` needs none: Bazel makes what is missing.
    """
    path = source_tree.modules().get(name)
    if path is not None:
        return _owners().get(path)
    top = name.split(".")[0]
    if top in sys.stdlib_module_names or top in (*source_tree.CODE, "tests"):
        return None
    return f"@pypi//{_DISTRIBUTIONS.get(top, top)}"


def _reaches_registry(target: Target) -> bool:
    open_paths = list(target.srcs)
    seen = set()
    while open_paths:
        for entry in source_tree.imports(open_paths.pop()):
            if entry.module == _REGISTRY:
                return True
            path = source_tree.modules().get(entry.module)
            if path is not None and path not in seen:
                seen.add(path)
                open_paths.append(path)
    return False


def _how_to_add(path: str) -> str:
    folder, _, file = path.rpartition("/")
    if folder == "t2t_repro/bin" and file.startswith("t2t_"):
        return f"BUILD: add\n{_block('py_binary', path)}"
    if file.startswith("test_"):
        return f"BUILD: add\n{_block('py_test', path)}"
    libraries = {
        target.name
        for target in _targets()
        for other in target.srcs
        if target.rule == "py_library" and other.rpartition("/")[0] == folder
    }
    where = " or ".join(sorted(libraries)) or "a new py_library"
    return f'BUILD: add "{path}", to the srcs of {where}.'


def _block(rule: str, path: str) -> str:
    """The whole target of a new program."""
    if rule == "py_test":
        name = path.removesuffix(".py")
        start = [f'args = ["{path}"]', 'main_module = "pytest"']
    else:
        name = source_tree.module_of(path).rpartition(".")[2]
        start = [f'main = "{path}"']
    target = Target(rule, 0, name, [path], [], None, None, [])
    deps = [f'    "{label}",' for label in sorted(_dependencies(target)[0])]
    lines = [
        f'name = "{name}",',
        f'srcs = ["{path}"],',
        *(f"{attribute}," for attribute in start),
        "deps = [",
        *deps,
        "],",
    ]
    body = "\n".join(f"    {line}" for line in lines)
    return f"{rule}(\n{body}\n)"
