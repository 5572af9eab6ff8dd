"""One signal is noted, two end the process, none is swallowed for good."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from t2t_repro.train.signals import StoppedError, StopSignals

pytestmark = pytest.mark.timed


def _wait_for(signals):
    for _ in range(1000):
        if signals.number:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted(number):
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert signals.number == 0
        os.kill(os.getpid(), number)
        _wait_for(signals)
        assert signals.number == number
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_another_thread_notes_nothing():
    found = []

    def inside():
        with StopSignals() as signals:
            found.append((signals.number, signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert found == [(0, before)]


def test_the_status_tells_the_signal():
    assert StoppedError(signal.SIGTERM, "").exit_status == 143
    assert StoppedError(signal.SIGINT, "").exit_status == 130


_DEAF = """
import threading
from t2t_repro.train.signals import StopSignals
with StopSignals():
    print("ready", flush=True)
    # A call that does not come back, as of a library's own code.
    lock = threading.Lock()
    lock.acquire()
    while True:
        try:
            lock.acquire()
        except BaseException:
            pass
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(second):
    process = subprocess.Popen(
        [sys.executable, "-c", _DEAF], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.send_signal(second)
    assert process.wait(timeout=10) == 128 + second
