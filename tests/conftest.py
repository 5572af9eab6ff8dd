"""Fixtures that every test may use."""

import gc
import os
import pathlib

import pytest

from tests import toy_run

# TensorFlow's C++ part is quiet, and sees two CPU devices: replicas of the
# distribution tests. Both must be said before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared"


def pytest_configure() -> None:
    """Makes two logical CPU devices before anything else uses one."""
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )


@pytest.fixture(scope="module", autouse=True)
def short_collections():
    """Spares the garbage collector what earlier modules have left.

    Graphs stay for good, five million objects in the end, and to look through
    all of them again and again would take a tenth of the time of the tests.
    """
    yield
    gc.collect()
    gc.freeze()


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


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> toy_run.ToyRun:
    """A tiny run; a test that would change it works on a copy."""
    return toy_run.make(tmp_path_factory.mktemp("toy"))
