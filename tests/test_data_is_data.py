"""Files that users are given are data: nothing in the sources runs them.

Hparams, problems' JSON, vocabularies, records, checkpoints and archives come
from other people. The sources may not use what turns such a file into code
(pickle and its like, `eval`, Keras' saved models with their lambdas), nor
unpack an archive to where its members say. Only the registry imports by a name
that it is given. Left out: what other packages do inside, and the processes of
t2t-datagen, which send one another objects of their own.
"""

import ast
from collections.abc import Iterator

import pytest

from t2t_repro import registry
from tests import source_tree

# Modules whose loading of a file can run what stands in it.
_MODULES = {
    "cloudpickle",
    "dill",
    "imp",
    "joblib",
    "jsonpickle",
    "marshal",
    "pickle",
    "runpy",
    "shelve",
    "torch",
    "yaml",
}
_BUILT_IN = {"__import__", "compile", "eval", "exec"}
# Called on whatever object: names that no harmless function here has.
_METHODS = {
    "deserialize_keras_object",
    "enable_unsafe_deserialization",
    "exec_module",
    "extract",
    "extractall",
    "load_model",
    "load_module",
    "model_from_config",
    "model_from_json",
    "py_function",
    "py_func",
    "spec_from_file_location",
    "system",
    "unpack_archive",
    "unsafe_load",
}
# Who may import by a name that is not written there.
_IMPORTERS = {
    ("t2t_repro/registry.py", "load_built_in"),
    ("t2t_repro/registry.py", "import_usr_dir"),
    # A family's model, by the name under which its code registered it.
    ("t2t_repro/registry.py", "__call__"),
}

_FILES = source_tree.python_files("t2t_repro", "problems", "hparams")


def _faults(path: str, tree: ast.Module) -> Iterator[str]:
    """What a file may not do, as `line: what`."""
    for function, node in _with_function(tree, ""):
        what = ""
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            what = next(
                (name for name in names if name.split(".")[0] in _MODULES), ""
            )
        elif isinstance(node, ast.Call):
            what = _call_fault(node, (path, function))
        if what:
            yield f"{node.lineno}: {what}"


def _call_fault(node: ast.Call, where: tuple[str, str]) -> str:
    called = node.func
    keywords = {word.arg: word.value for word in node.keywords}
    if "shell" in keywords or not _is_false(keywords.get("allow_pickle")):
        return "shell or allow_pickle"
    if isinstance(called, ast.Name):
        if called.id in _BUILT_IN:
            return called.id
        if called.id == "import_module":
            return "" if _is_known_import(node, where) else called.id
    if isinstance(called, ast.Attribute):
        if called.attr in _METHODS:
            return called.attr
        if called.attr == "import_module" and not _is_known_import(node, where):
            return called.attr
    return ""


def _is_known_import(node: ast.Call, where: tuple[str, str]) -> bool:
    return where in _IMPORTERS or isinstance(node.args[0], ast.Constant)


def _is_false(value: ast.expr | None) -> bool:
    """Whether a flag is off: not given, or False."""
    return value is None or (
        isinstance(value, ast.Constant) and value.value is False
    )


def _with_function(
    node: ast.AST, function: str
) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """All nodes with the name of the function that they stand in."""
    for child in ast.iter_child_nodes(node):
        inner = function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = child.name
        if isinstance(child, ast.stmt | ast.expr):
            yield function, child
        yield from _with_function(child, inner)


@pytest.mark.parametrize("path", _FILES)
def test_no_file_is_run(path):
    assert not list(_faults(path, source_tree.parse(path)))


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from yaml import load",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "eval('1')",
        "def f(x):\n    exec(x)",
        "import keras\nkeras.models.load_model('x')",
        "import tarfile\ntarfile.open('x').extractall()",
        "import importlib\ndef f(x):\n    importlib.import_module(x)",
        "import subprocess\nsubprocess.run('ls', shell=True)",
    ],
)
def test_the_walk_finds_it(code):
    """A walk that finds nothing would make every test above pass."""
    assert list(_faults("x.py", ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "import re\nre.compile('x')",
        "import importlib\nimportlib.import_module('tensorflow')",
        "import numpy as np\nnp.load('x', allow_pickle=False)",
    ],
)
def test_the_walk_lets_the_harmless_pass(code):
    assert not list(_faults("x.py", ast.parse(code)))


def test_the_one_place_that_runs_a_users_code_says_so():
    assert registry.import_usr_dir.__doc__ is not None
    assert "runs a user's code" in registry.import_usr_dir.__doc__
    importers = {
        (path, function)
        for path in _FILES
        for function, node in _with_function(source_tree.parse(path), "")
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "import_module"
        and not isinstance(node.args[0], ast.Constant)
    }
    assert importers == _IMPORTERS
