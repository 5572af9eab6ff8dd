"""The house plan of CONTRIBUTING.md, held against every import in the tree.

Imports inside functions count as arrows too: they are late, not absent.
"""

import ast
import subprocess
import sys

import pytest

from tests import source_tree


def _layers() -> list[list[str]]:
    """The rows of BUILD's table, from the ground up."""
    text = (source_tree.ROOT / "BUILD").read_text(encoding="utf-8")
    for statement in ast.parse(text, "BUILD").body:
        match statement:
            case ast.Assign([ast.Name("LAYERS")], value):
                return ast.literal_eval(value)
    raise AssertionError("BUILD has no LAYERS")


_LAYERS = _layers()
_PARTS = [part for row in _LAYERS for part in row]
_LEAVES = {part for row in _LAYERS[:2] for part in row}
# They start what is not the standard library when they are called.
_LATE = {"progress", "tensorflow_start"}

# What each part may import besides itself: what lies in a row below its own.
_ARROWS: dict[str, set[str]] = {
    part: {below for lower in _LAYERS[:row] for below in lower}
    for row, parts in enumerate(_LAYERS)
    for part in parts
} | {
    # The registry finds these by name, so nothing imports them.
    "problems": {"registry", "text", "data", "files", "errors"},
    "hparams": {"registry", "models", "errors"},
    "benchmarks": set(_PARTS),
}

# Commands answer --help and a mistyped flag at once only while nothing on their
# way imports TensorFlow, be it by an import or by name through the registry.
_LIGHT_PARTS = {"bin", "text", "problems", "hparams"} | _LEAVES
_LIGHT_MODULES = {
    "t2t_repro.run_directory",
    "t2t_repro.models.transformer_hparams",
}
_HEAVY = {"tensorflow", "keras", "tensorflow_text", "tensorflow_datasets"}

_MAX_FILE_LINES = 400
_MAX_FUNCTION_LINES = 80

_FILES = source_tree.python_files(*source_tree.CODE)


def _part(module: str) -> str:
    """The part of the house a module is in.

    Empty for other people's modules, and for the empty package `t2t_repro`.
    """
    names = module.split(".")
    if names[0] in ("problems", "hparams", "benchmarks"):
        return names[0]
    # `t2t_repro.load` is a name of the package itself, no part.
    return names[1] if names[0] == "t2t_repro" and len(names) > 1 else ""


_LIGHT = [
    module
    for module in map(source_tree.module_of, _FILES)
    if _part(module) in _LIGHT_PARTS or module in _LIGHT_MODULES
]


def test_the_walk_sees_the_tree_and_every_form_of_import():
    """A walk that finds nothing would make every test below pass."""
    assert "t2t_repro.registry" in source_tree.modules()
    found = {
        (entry.module, entry.at_import)
        for entry in source_tree.imports("t2t_repro/data/problem.py")
    }
    assert ("t2t_repro.errors", True) in found  # from x import y, top
    assert ("t2t_repro.text.bpe", False) in found  # inside a method
    assert ("abc", True) in found  # import x, of the standard library


@pytest.mark.parametrize("path", _FILES)
def test_arrows_point_down(path):
    part = _part(source_tree.module_of(path))
    allowed = _ARROWS.get(part, set()) | {part, ""}
    wrong = []
    for entry in source_tree.imports(path):
        target = _part(entry.module)
        if target not in allowed:
            wrong.append(
                f"{path}:{entry.line}: {part} may not import {target}"
                f" ({entry.module}); see LAYERS in BUILD."
            )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("leaf", sorted(_LEAVES - _LATE))
def test_leaves_need_the_standard_library_only(leaf):
    foreign = {
        entry.module
        for entry in source_tree.imports(f"t2t_repro/{leaf}.py")
        if entry.module.split(".")[0]
        not in (*sys.stdlib_module_names, *source_tree.CODE)
    }
    assert not foreign


def test_every_part_has_its_arrows():
    parts = {_part(source_tree.module_of(path)) for path in _FILES}
    missing = parts - _ARROWS.keys() - {""}
    assert not missing, (
        f"{sorted(missing)} have no place in LAYERS of BUILD: decide what they"
        " may import, there and in CONTRIBUTING.md."
    )


def test_modules_make_no_circle():
    """Follows the arrows depth first; a way back to an open module is one."""
    graph = {
        source_tree.module_of(path): sorted(
            {entry.module for entry in source_tree.imports(path)}
            & source_tree.modules().keys()
        )
        for path in _FILES
    }
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> None:
        assert module not in way, "a circle of imports: " + " -> ".join(
            [*way[way.index(module) :], module]
        )
        if module not in done:
            for target in graph[module]:
                visit(target, [*way, module])
            done.add(module)

    for module in graph:
        visit(module, [])


@pytest.mark.parametrize("module", _LIGHT)
def test_no_tensorflow_at_import(module):
    way = _way_to_tensorflow(module)
    assert way is None, (
        f"importing {module} imports TensorFlow or Keras: {' -> '.join(way)}."
        " Import it inside the function that needs it."
    )


def test_the_way_to_tensorflow_is_found():
    """One that must be: the model is written in Keras."""
    assert _way_to_tensorflow("t2t_repro.models.transformer") is not None


def test_no_tensorflow_at_import_in_a_real_process():
    """The same with what third-party packages import in their turn."""
    program = (
        f"import importlib, sys\nfor name in {_LIGHT!r}:\n"
        "  importlib.import_module(name)\n"
        f"print(sorted({_HEAVY!r} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=source_tree.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", _FILES)
def test_files_and_functions_are_short(path):
    text = (source_tree.ROOT / path).read_text(encoding="utf-8")
    lines = len(text.splitlines())
    assert lines <= _MAX_FILE_LINES, (
        f"{path} has {lines} lines, more than {_MAX_FILE_LINES}: a file holds"
        " one idea, find the second."
    )
    for node in ast.walk(source_tree.parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= _MAX_FUNCTION_LINES, (
                f"{path}:{node.lineno}: {node.name} has {length} lines, more"
                f" than {_MAX_FUNCTION_LINES}."
            )


def _way_to_tensorflow(start: str) -> list[str] | None:
    """The chain of imports from a module to TensorFlow, None without one."""
    open_ways = [[start]]
    seen = set()
    while open_ways:
        way = open_ways.pop()
        if way[-1].split(".")[0] in _HEAVY:
            return way
        for module in _with_packages(way[-1]):
            if module in seen:
                continue
            seen.add(module)
            for entry in source_tree.imports(source_tree.modules()[module]):
                if entry.at_import:
                    open_ways.append([*way, entry.module])
    return None


def _with_packages(module: str) -> list[str]:
    """A module of ours and the packages that its import runs first."""
    names = module.split(".")
    return [
        name
        for end in range(1, len(names) + 1)
        if (name := ".".join(names[:end])) in source_tree.modules()
    ]


# What only a family itself, its layers, its hparams and the formats of other
# programs may know. benchmarks/layer_kinds.py names layers.
_OF_A_FAMILY = {
    "Transformer",
    "TransformerHParams",
    "attention_key_channels",
    "filter_size",
    "keys_values",
    "num_heads",
}
_MAY_KNOW = ("models", "layers", "interop", "hparams")


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in _FILES
        if _part(source_tree.module_of(path)) not in _MAY_KNOW
        and not path.startswith(("benchmarks/peers", "benchmarks/layer_kinds"))
    ],
)
def test_models_are_known_by_their_protocol_alone(path):
    known = {
        entry.module
        for entry in source_tree.imports(path)
        if entry.module.startswith("t2t_repro.models.")
    }
    assert known <= {"t2t_repro.models.seq2seq"}
    names = set()
    for node in ast.walk(source_tree.parse(path)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    assert not names & _OF_A_FAMILY, (
        f"{path} knows {sorted(names & _OF_A_FAMILY)}: ask the model or its"
        " hparams by what every family has (models/seq2seq.py, hparam.py)."
    )
