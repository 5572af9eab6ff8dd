"""SIGTERM and SIGINT: finish the step, save, and leave.

Schedulers send SIGTERM before they kill, users press Ctrl-C; tensor2tensor lost
everything since its last checkpoint to both. The first signal is recorded, and
the training loop acts on it between two steps. A second one ends the process at
once, without waiting for a step or a save; checkpoints appear whole or not at
all.
"""

import logging
import os
import signal
import threading
from types import TracebackType
from typing import Any

from t2t_repro.errors import InputError

_NUMBERS = (signal.SIGTERM, signal.SIGINT)

logger = logging.getLogger("t2t_repro")


class StoppedError(InputError):
    """A signal ended the command; its status is 128 + the signal's number."""

    def __init__(self, number: int, message: str):
        """Takes the signal's number and the sentence to print."""
        super().__init__(message)
        self.exit_status = 128 + number


class StopSignals:
    """Records signals inside a `with`; in the main thread alone.

    Python runs its signal handlers between two instructions of the main thread,
    which may be long in one call of TensorFlow. So a thread of its own reads
    each signal from a pipe, into which it is written as it arrives
    (`signal.set_wakeup_fd`).

    Attributes:
      number: of the first signal; 0: none came.
    """

    def __init__(self) -> None:
        """Records nothing yet."""
        self.number = 0
        self._handlers: dict[int, Any] = {}
        self._write_end = -1
        self._wakeup = -1

    def __enter__(self) -> "StopSignals":
        """Begins to record."""
        if threading.current_thread() is not threading.main_thread():
            return self
        read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._wakeup = signal.set_wakeup_fd(
            self._write_end, warn_on_full_buffer=False
        )
        for number in _NUMBERS:
            self._handlers[number] = signal.signal(number, _do_nothing)
        threading.Thread(
            target=self._watch, args=[read_end], daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restores the earlier handlers."""
        if self._write_end < 0:
            return
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._write_end)
        self._write_end = -1

    def _watch(self, read_end: int) -> None:
        while arrived := os.read(read_end, 1):
            number = arrived[0]
            if number not in _NUMBERS:
                continue
            if self.number:
                os._exit(128 + number)
            self.number = number
            logger.info(
                "%s: the step is finished and saved, then training stops; a"
                " second signal ends it at once",
                signal.Signals(number).name,
            )
        os.close(read_end)


def _do_nothing(number: int, frame: Any) -> None:
    """A handler must be set, or the signal is not written to the pipe."""
