"""Names for problems, models and hparam sets (tensor2tensor's registry).

A name becomes known by a decorator:

    @registry.register_problem
    class TranslateEndeToy(TextToTextProblem): ...     # translate_ende_toy

    @registry.register_hparams
    def transformer_base() -> HParams: ...

The library reaches `problems/` and `hparams/` only through this file, by name,
so a user's `--t2t_usr_dir` and an installed plug-in (entry-point group
`t2t_repro.plugins`) are no different from what ships here. A plug-in is loaded
when a name is asked for that nothing else has.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import pathlib
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from t2t_repro.errors import InputError, UsageError, nearest

Entry = TypeVar("Entry", bound=Callable[..., Any])

_BUILT_IN = ("t2t_repro.problems", "t2t_repro.hparams")
_PLUGIN_GROUP = "t2t_repro.plugins"
_REVERSED = "_rev"


class Registry(Generic[Entry]):
    """One table from names to entries of one kind."""

    def __init__(self, kind: str, flag: str):
        """`kind` and the flag that chooses one stand in messages."""
        self.kind = kind
        self._flag = flag
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry, name: str | None = None) -> Entry:
        """A decorator; the default name is the entry's own in snake case."""
        name = name or snake_case(entry.__name__)
        known = self._entries.get(name)
        # A file that is run a second time (a notebook's reload, `import
        # problems` in a checkout) brings the same definition back; two files
        # under one name are a mistake.
        if known is not None and _origin(known) != _origin(entry):
            raise UsageError(
                f"the {self.kind} {name!r} is registered by both"
                f" {known.__module__} and {entry.__module__}: rename one."
            )
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> Entry:
        """Finds an entry, also one that a plug-in registers."""
        broken = [] if name in self._entries else load_plug_ins()
        if name not in self._entries:
            raise UsageError(
                f"unknown {self.kind} {name!r}.{nearest(name, self._entries)}"
                f" {self._flag} takes a name that --registry_help lists."
                + "".join(f" {fault}" for fault in broken)
            ) from (broken[0] if broken else None)
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def descriptions(self) -> dict[str, str]:
        """First lines of the entries' docstrings by name, sorted."""
        return {
            name: (inspect.getdoc(entry) or "").partition("\n")[0]
            for name, entry in sorted(self._entries.items())
        }


class ModelFamily:
    """A model with the record of its hyperparameters; see `register_model`."""

    def __init__(self, model: Any, hparams: Any):
        self.hparams = hparams
        self.__module__ = hparams.__module__
        self.__doc__ = hparams.__doc__
        self._model = model

    def __call__(self, hparams: Any, vocab_size: int) -> Any:
        """Builds the model; imports it where it was given by its name."""
        model = self._model
        if isinstance(model, str):
            module, _, name = model.partition(":")
            model = getattr(importlib.import_module(module), name)
        return model(hparams, vocab_size)


_problems: Registry = Registry("problem", "--problem")
_models: Registry = Registry("model", "--model")
_hparams: Registry = Registry("hparams set", "--hparams_set")

# What --t2t_usr_dir named last, and all folders and files of users' code.
_usr_dir: pathlib.Path | None = None
_users_places: set[pathlib.Path] = set()

register_problem = _problems.register
register_hparams = _hparams.register


def register_model(name: str, model: Any, hparams: Any) -> None:
    """Adds a model family.

    Args:
      name: the name it is found by.
      model: a `models.seq2seq.Seq2Seq`, or "module:Class" of one, so that
        Keras is not imported before it is built.
      hparams: the record of its hyperparameters, a `hparam.HParams`.
    """
    _models.register(ModelFamily(model, hparams), name)  # type: ignore


def problem(name: str) -> Any:
    """Makes the problem of this name; the suffix `_rev` swaps its languages."""
    load_built_in()
    base_name = name.removesuffix(_REVERSED)
    if name not in _problems and base_name not in _problems:
        load_plug_ins()
    if name in _problems or base_name not in _problems:
        base_name = name  # a name of its own, or one for the message
    make = _problems.get(base_name)
    try:
        return make(name=base_name, is_reversed=base_name != name)
    except TypeError as error:  # not a whole class: Python's words are good
        raise UsageError(_blame(error, _origin(make))) from error


def model(name: str) -> ModelFamily:
    """The model family of this name; UsageError for an unknown one."""
    load_built_in()
    return _models.get(name)  # type: ignore[return-value]


def hparams(name: str) -> Any:
    """Makes the hparam set of this name."""
    load_built_in()
    make = _hparams.get(name)
    try:
        made = make()
    except UsageError as error:
        where = _line_of_user(error) or _origin(make)
        raise UsageError(f"{where}: {error}") from error
    if not hasattr(made, "override"):
        raise UsageError(
            f"{_origin(make)}: the hparams set {name!r} returned"
            f" {repr(made)[:40]}: end its function with `return` and the set."
        )
    return made


def registry_help(text: str = "") -> str:
    """Names by kind with what they are, as `--registry_help=TEXT` prints them.

    Args:
      text: only what has it in its name or description, in any case.
    """
    load_built_in()
    broken = load_plug_ins()
    blocks = []
    for registry in (_models, _hparams, _problems):
        found = {
            name: description
            for name, description in registry.descriptions().items()
            if text.lower() in f"{name} {description}".lower()
        }
        width = max(map(len, found), default=0)
        lines = [f"  {n:{width}}  {found[n]}".rstrip() for n in found]
        if lines:
            blocks.append("\n".join([f"{registry.kind}:", *lines]))
    if not blocks:
        raise UsageError(
            f"--registry_help={text}: no model, hparams set or problem has this"
            " in its name or description; --registry_help alone lists all."
        )
    return "\n\n".join([*blocks, *map(str, broken)])


def load_built_in() -> None:
    """Imports everything that ships here."""
    for module in _BUILT_IN:
        importlib.import_module(module)


def load_plug_ins() -> list[InputError]:
    """Imports every installed plug-in; returns the faults of the broken ones.

    These register nothing, and the others go on without them.
    """
    broken = []
    tables = [table._entries for table in (_problems, _models, _hparams)]
    for entry_point in importlib.metadata.entry_points(group=_PLUGIN_GROUP):
        spec = importlib.util.find_spec(entry_point.module.partition(".")[0])
        if spec is not None:
            places = spec.submodule_search_locations or [str(spec.origin)]
            _users_places.update(pathlib.Path(p).resolve() for p in places)
        before = [dict(table) for table in tables]
        try:
            entry_point.load()
        except (Exception, SystemExit) as error:
            for table, entries in zip(tables, before, strict=True):
                table.clear()
                table.update(entries)
            fault = InputError(
                f"The plug-in {entry_point.name!r} ({entry_point.value}) cannot"
                f" be loaded: {_blame(error)}"
            )
            fault.__cause__ = error
            broken.append(fault)
    return broken


def import_usr_dir(folder: str | os.PathLike[str]) -> None:
    """Imports a user's Python folder (`--t2t_usr_dir`), which registers names.

    This is the one place that runs a user's code: as a package, as in
    tensor2tensor, its `__init__.py`, or, without one, every `.py` file.
    """
    global _usr_dir
    path = pathlib.Path(folder).expanduser().resolve()
    if not path.is_dir():
        raise UsageError(
            f"--t2t_usr_dir={folder} is not a folder: give the folder that"
            " holds your Python files."
        )
    if not path.name.isidentifier():
        raise UsageError(
            f"--t2t_usr_dir={folder}: Python cannot import a folder named"
            f" {path.name!r}; rename it to letters, digits and underscores."
        )
    load_built_in()  # first, so that no folder can take the place of ours
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    _usr_dir = path
    _users_places.add(path)
    try:
        file = path / "__init__.py"
        package = importlib.import_module(path.name)
        if str(path) not in map(
            os.path.realpath, getattr(package, "__path__", ())
        ):
            raise UsageError(
                f"--t2t_usr_dir={folder}: another Python module is called"
                f" {path.name!r} already; rename the folder."
            )
        if not file.exists():
            for file in sorted(path.glob("*.py")):
                importlib.import_module(f"{path.name}.{file.stem}")
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(
            f"--t2t_usr_dir={folder}: {_blame(error, str(file))}"
        ) from error


def usr_dir() -> tuple[str, str] | None:
    """The user's folder that was imported last, and the SHA-256 of its code.

    Of all its `.py` files, with their names; None where none was imported.
    """
    if _usr_dir is None:
        return None
    digest = hashlib.sha256()
    for file in sorted(_usr_dir.rglob("*.py")):
        name = file.relative_to(_usr_dir).as_posix()
        digest.update(f"{name}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return str(_usr_dir), digest.hexdigest()


def fault_of_user(error: Exception) -> str | None:
    """Words an error that users' code raised, None for any other."""
    return _blame(error) if _line_of_user(error) else None


def snake_case(name: str) -> str:
    """`TranslateEndeWmt32k` -> `translate_ende_wmt32k`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _origin(entry: Any) -> str:
    """The file that defines an entry; its module where there is no file."""
    module = sys.modules.get(entry.__module__)
    file = getattr(module, "__file__", None)
    return os.path.realpath(file) if file else entry.__module__


def _blame(error: BaseException, file: str = "") -> str:
    """File (`file` where no line of users' code ran), line and error."""
    said = " ".join(str(getattr(error, "msg", error)).split())
    said = f"{type(error).__name__}: {said}".rstrip(".: ")
    where = _line_of_user(error) or file
    said = f"{where}: {said}" if where else said
    return f"{said}. Mend it; --verbose shows the whole traceback."


def _line_of_user(error: BaseException) -> str | None:
    """`file, line 3`: the innermost line of an error in users' code."""
    lines = [
        (frame.f_code.co_filename, number)
        for frame, number in traceback.walk_tb(error.__traceback__)
    ]
    # What Python cannot read has no line that ran.
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno or 0))
    for file, number in reversed(lines):
        path = pathlib.Path(file).resolve()
        if any(map(path.is_relative_to, _users_places)):
            return f"{file}, line {number}"
    return None
