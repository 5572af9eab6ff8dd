"""What the tests about the tree itself need: its files and their imports.

Used by test_architecture.py and test_build.py. Nothing is executed: files are
parsed, so an import of TensorFlow costs nothing here. What it leaves out: names
that are put together at run time, as the registry's own imports are.
"""

import ast
import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator, Sequence

ROOT = pathlib.Path(__file__).absolute().parents[1]
CODE = ("t2t_repro", "problems", "hparams", "benchmarks")

_OUR_NAME = re.compile(r"\b(?:t2t_repro|problems|hparams|benchmarks)(?:\.\w+)+")


@dataclasses.dataclass(frozen=True)
class Import:
    """One import statement's name.

    Attributes:
      module: a module of this tree, or what stands in the statement.
      line: where it stands.
      at_import: whether importing the file runs it; False inside a function
        and under `if TYPE_CHECKING`.
    """

    module: str
    line: int
    at_import: bool


def python_files(*folders: str) -> list[str]:
    """All `.py` files under the folders, relative to the root, sorted."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    )


def module_of(path: str) -> str:
    """`t2t_repro/text/bpe.py` -> `t2t_repro.text.bpe`."""
    parts = pathlib.PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def modules() -> dict[str, str]:
    """Path by module name, for the code and the tests."""
    return {module_of(path): path for path in python_files(*CODE, "tests")}


@functools.cache
def parse(path: str) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


@functools.cache
def imports(path: str) -> Sequence[Import]:
    """Everything that one file imports, in its order."""
    return list(_walk(parse(path), path.rpartition("/")[0], at_import=True))


def mentions(path: str) -> set[str]:
    """Modules of this tree that a file's strings name, as in `-m` arguments."""
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in _OUR_NAME.findall(node.value):
                found.add(_resolve(name))
    return found & modules().keys()


def _walk(node: ast.AST, folder: str, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        yield from _names(child, folder, at_import)
        runs = at_import and not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(
            child.test
        ):
            runs = False
        yield from _walk(child, folder, runs)


def _names(node: ast.AST, folder: str, at_import: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(_resolve(alias.name), node.lineno, at_import)
    elif isinstance(node, ast.ImportFrom):
        # What has two names, in a checkout and installed, can write neither.
        is_relative = folder in ("problems", "hparams") and node.level == 1
        assert is_relative or not node.level, (
            f"line {node.lineno}: write the whole name"
        )
        parts = (folder if is_relative else "", node.module)
        module = ".".join(filter(None, parts))
        for alias in node.names:
            name = f"{module}.{alias.name}"
            yield Import(_resolve(name), node.lineno, at_import)
    elif (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("import_module")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ):
        name = str(node.args[0].value)
        yield Import(_resolve(name), node.lineno, at_import)


def _resolve(name: str) -> str:
    """The longest beginning that is a module of the tree, else the name."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        candidate = ".".join(parts[:end])
        if candidate in modules():
            return candidate
    return name
