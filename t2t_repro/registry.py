"""Names for problems, models and hparam sets (tensor2tensor's registry).

A name becomes known by a decorator:

    @registry.register_problem
    class TranslateEndeToy(TextToTextProblem): ...     # translate_ende_toy

    @registry.register_hparams
    def transformer_base() -> HParams: ...

The library reaches `problems/` and `hparams/` only through this file, by name,
so a user's `--t2t_usr_dir` and an installed plug-in (entry-point group
`t2t_repro.plugins`) are no different from what ships here.
"""

import importlib
import importlib.metadata
import os
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Any
from typing import Generic
from typing import TypeVar

from t2t_repro.errors import UsageError
from t2t_repro.errors import nearest

Entry = TypeVar("Entry", bound=Callable[..., Any])

_BUILT_IN = ("problems", "hparams")
_PLUGIN_GROUP = "t2t_repro.plugins"
_REVERSED = "_rev"


class Registry(Generic[Entry]):
    """One table from names to entries of one kind."""

    def __init__(self, kind: str, flag: str):
        """Makes an empty table.

        Args:
          kind: what an entry is called in messages, such as `"problem"`.
          flag: the flag that chooses one, such as `"--problem"`.
        """
        self.kind = kind
        self._flag = flag
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry, name: str | None = None) -> Entry:
        """Adds a class or function.

        Args:
          entry: what `get` will return.
          name: the name it is found by; without one, its own in snake case.

        Returns:
          The entry, so that this is a decorator.

        Raises:
          UsageError: another module has registered this name.
        """
        name = name or snake_case(entry.__name__)
        known = self._entries.get(name)
        # A module that is imported a second time (a notebook's reload) brings
        # the same definition back; two modules under one name are a mistake.
        if known is not None and known.__module__ != entry.__module__:
            raise UsageError(
                f"the {self.kind} {name!r} is registered by both"
                f" {known.__module__} and {entry.__module__}: rename one."
            )
        self._entries[name] = entry
        return entry

    def get(self, name: str) -> Entry:
        """Finds an entry.

        Raises:
          UsageError: no entry has this name; the nearest names are listed.
        """
        if name not in self._entries:
            raise UsageError(
                f"unknown {self.kind} {name!r}."
                f"{nearest(name, self._entries)}"
                f" {self._flag} takes a name that --registry_help lists."
            )
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)


class ModelFamily:
    """A model with the record of its hyperparameters."""

    def __init__(self, model: Any, hparams: Any):
        """Takes what `register_model` takes."""
        self.hparams = hparams
        self.__module__ = hparams.__module__
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

register_problem = _problems.register
register_hparams = _hparams.register


def register_model(name: str, model: Any, hparams: Any) -> None:
    """Adds a model family.

    Args:
      name: the name it is found by.
      model: a `models.seq2seq.Seq2Seq`, or "module:Class" of one, so that
        Keras is not imported before it is built.
      hparams: the record of its hyperparameters, a `hparam.HParams`.

    Raises:
      UsageError: another module has registered this name.
    """
    _models.register(ModelFamily(model, hparams), name)  # type: ignore


def problem(name: str) -> Any:
    """Makes the problem of this name; the suffix `_rev` swaps its languages.

    Raises:
      UsageError: unknown name.
    """
    load_built_in()
    base_name = name.removesuffix(_REVERSED)
    is_reversed = base_name != name and base_name in _problems.names()
    if not is_reversed:
        base_name = name  # a name of its own, or one for the message
    return _problems.get(base_name)(name=base_name, is_reversed=is_reversed)


def model(name: str) -> ModelFamily:
    """The model family of this name.

    Raises:
      UsageError: unknown name.
    """
    load_built_in()
    return _models.get(name)  # type: ignore[return-value]


def hparams(name: str) -> Any:
    """Makes the hparam set of this name.

    Raises:
      UsageError: unknown name.
    """
    load_built_in()
    return _hparams.get(name)()


def registry_help() -> str:
    """All names by kind, one a line, as `--registry_help` prints them."""
    load_built_in()
    blocks = []
    for registry in (_models, _hparams, _problems):
        lines = "\n".join(f"  {name}" for name in registry.names())
        blocks.append(f"{registry.kind}:\n{lines}")
    return "\n\n".join(blocks)


def load_built_in() -> None:
    """Imports everything that ships here and every installed plug-in."""
    for module in _BUILT_IN:
        importlib.import_module(module)
    for entry_point in importlib.metadata.entry_points(group=_PLUGIN_GROUP):
        entry_point.load()


def import_usr_dir(folder: str) -> None:
    """Imports a user's Python folder (`--t2t_usr_dir`), which registers names.

    This is the one place that runs a user's code. The folder is imported as a
    package, as in tensor2tensor: its `__init__.py` runs, or, where it has none,
    every `.py` file in it. Errors inside the user's code are shown whole.

    Args:
      folder: path of the folder.

    Raises:
      UsageError: the folder does not exist, or its name is no Python name or
        is another module's.
    """
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
    package = importlib.import_module(path.name)
    if str(path) not in map(os.path.realpath, getattr(package, "__path__", ())):
        raise UsageError(
            f"--t2t_usr_dir={folder}: another Python module is called"
            f" {path.name!r} already; rename the folder."
        )
    if not (path / "__init__.py").exists():
        for file in sorted(path.glob("*.py")):
            importlib.import_module(f"{path.name}.{file.stem}")


def snake_case(name: str) -> str:
    """`TranslateEndeWmt32k` -> `translate_ende_wmt32k`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
