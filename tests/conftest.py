"""Fixtures that every test may use, and how pytest-xdist deals tests out."""

import contextlib
import functools
import gc
import importlib
import logging
import os
import pathlib
import sys

import pytest

from t2t_repro import files, registry
from tests import source_tree, toy_run

# TensorFlow's C++ part is quiet, and sees two CPU devices: replicas of the
# distribution tests. Both must be said before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_SHARED = source_tree.ROOT.parent / "shared"


def pytest_addoption(parser) -> None:
    """What a test writes instead of looking at it."""
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="take the losses of today for those of tests/golden.py",
    )


def pytest_configure(config) -> None:
    """Makes two logical CPU devices before anything else uses one.

    TensorFlow starts here: no command under test can set the threads of those
    that come after it.
    """
    if config.getoption("numprocesses", None):
        return  # pytest-xdist's workers run the tests
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    tf.constant(0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file goes to one worker, and so do all files marked `timed`."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            path = super()._split_scope(nodeid)
            return "timed" if _is_timed(path) else path

    return Scheduling(config, log)


@functools.cache
def _is_timed(path: str) -> bool:
    text = (source_tree.ROOT / path).read_text(encoding="utf-8")
    return "\npytestmark = pytest.mark.timed\n" in text


def pytest_collection_modifyitems(items) -> None:
    """What takes long comes first, so that the end is shared.

    The files marked `timed` begin with the fixture `trained`; those marked
    `long` can do without it, and are for the other process meanwhile.
    """

    def place(item) -> int:
        marks = ("timed", "long")
        found = map(item.get_closest_marker, marks)
        return next((n for n, mark in enumerate(found) if mark), len(marks))

    items.sort(key=place)


@pytest.fixture(scope="module", autouse=True)
def short_collections():
    """Spares the garbage collector what earlier modules have left.

    Graphs stay for good, five million objects in the end, and to look through
    all of them again and again would take a tenth of the time of the tests.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def messages(monkeypatch):
    """What is logged meanwhile, whatever handlers a command has left."""
    logger = logging.getLogger("t2t_repro")
    texts = []
    handler = logging.Handler()
    monkeypatch.setattr(
        handler, "emit", lambda record: texts.append(record.getMessage())
    )
    monkeypatch.setattr(logger, "handlers", [handler])
    level = logger.level
    logger.setLevel(logging.INFO)
    yield texts
    logger.setLevel(level)


@pytest.fixture(scope="module")
def small_family():
    """Registers the family that is not shipped, and takes it away again."""
    module = importlib.import_module("tests.models.bag_of_words")
    yield
    del registry._models._entries["bag_of_words"]
    del registry._hparams._entries["bag_of_words_tiny"]
    del sys.modules[module.__name__]


@pytest.fixture(scope="session")
def shared():
    """Finds reference material beside the checkout, or skips the test.

    Returns:
      A function from a relative path (`"oracle/evalb"`) to a `pathlib.Path`.
    """

    def find(relative: str) -> pathlib.Path:
        path = _SHARED / relative
        if not path.exists():
            pytest.skip(f"{relative} is not beside this checkout")
        return path

    return find


@pytest.fixture
def standard_input():
    """Returns a context in which bytes come from a pipe as standard input."""

    @contextlib.contextmanager
    def give(data: bytes):
        saved = os.dup(0)
        read, write = os.pipe()
        os.write(write, data)
        os.close(write)
        os.dup2(read, 0)
        os.close(read)
        try:
            yield
        finally:
            os.dup2(saved, 0)
            os.close(saved)

    return give


@pytest.fixture(scope="session")
def trained(tmp_path_factory, worker_id) -> toy_run.ToyRun:
    """A tiny run; a test that would change it works on a copy."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent  # that of all workers
    with files.locked(folder / "toy.lock"):
        return toy_run.make(folder / "toy")
