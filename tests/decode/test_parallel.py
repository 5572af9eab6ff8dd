"""Batches side by side; never their speed."""

import subprocess
import sys
import threading

import pytest
import tensorflow as tf

from t2t_repro.bin import command
from t2t_repro.decode import parallel


@pytest.fixture
def no_gpu(monkeypatch):
    """A machine without a GPU, whatever this one is."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])


@pytest.fixture
def two(monkeypatch, no_gpu):
    """A machine of two cores."""
    monkeypatch.setattr(parallel, "available_cores", lambda: 2)


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (0, 4, []),
        (1, 4, [1]),
        # Two cores share what one batch would hold.
        (4, 4, [2, 2]),
        (5, 4, [3, 2]),
        (9, 4, [4, 4, 1]),
        (5, 1, [1, 1, 1, 1, 1]),
    ],
)
def test_no_core_is_without_work(two, count, size, expected):
    batches = parallel.batches(range(count), size)
    assert [len(batch) for batch in batches] == expected
    assert [i for batch in batches for i in batch] == list(range(count))


def test_two_go_on_at_a_time_and_come_in_order(two):
    meeting = threading.Barrier(2, timeout=20)

    def search(number):
        meeting.wait()  # Nobody would come if they were taken one by one.
        return 10 * number

    assert list(parallel.run(search, [3, 1, 2, 4])) == [30, 10, 20, 40]


def test_after_an_error_no_other_begins(two):
    begun = []
    raised = threading.Event()

    def search(number):
        begun.append(number)
        if number == 0:
            raise ValueError("the first")
        raised.wait(0.2)

    # Of a hundred, a few begin before the first one's error is seen.
    with pytest.raises(ValueError, match="the first"):
        list(parallel.run(search, range(100)))
    raised.set()
    assert len(begun) < 50


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (8, 8), (64, 8)])
def test_not_more_than_eight(monkeypatch, no_gpu, cores, expected):
    monkeypatch.setattr(parallel, "available_cores", lambda: cores)
    assert parallel.searches() == expected


def test_a_gpu_has_one_search_at_a_time(monkeypatch, two):
    one = {"GPU": ["a device"]}
    monkeypatch.setattr(tf.config, "list_physical_devices", one.get)
    assert parallel.searches() == 1
    assert [*parallel.batches("abcde", 4)] == ["abcd", "e"]


_DIVIDED = """
import sys
from t2t_repro.bin import command
from t2t_repro.decode import parallel
parallel.available_cores = lambda: 20
command.load_tensorflow(for_many_searches="searches" in sys.argv)
import tensorflow as tf
print(tf.config.threading.get_intra_op_parallelism_threads())
parallel.divide_cores()
"""


@pytest.mark.parametrize(
    ("argument", "setting", "expected"),
    [
        # Eight searches on twenty cores: two for each.
        ("searches", {}, "2"),
        ("searches", {"TF_NUM_INTRAOP_THREADS": "5"}, "0"),
        # 0 is TensorFlow's word for all; to divide them later is no error.
        ("-", {}, "0"),
    ],
)
def test_cores_are_divided_once(monkeypatch, argument, setting, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-c", _DIVIDED, argument],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected


def test_a_started_tensorflow_is_left_alone(two):
    command.load_tensorflow()
    parallel.divide_cores()
