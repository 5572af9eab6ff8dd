"""`--profile=from,to`: TensorFlow's profiler over a range of steps.

tensor2tensor had `--profile`, over steps of its own choice. What is recorded
lies in the run directory, under `plugins/profile/`; TensorBoard shows it in its
Profile tab once the package tensorboard-plugin-profile is installed.
"""

import contextlib
import pathlib
from collections.abc import Iterator

from t2t_repro.errors import UsageError


def parse(text: str) -> tuple[int, int] | None:
    """The first and last step of a text such as `100,109`; None if empty.

    Raises:
      UsageError: it is something else.
    """
    if not text:
        return None
    parts = text.split(",")
    if len(parts) == 2 and all(part.strip().isdecimal() for part in parts):
        first, last = map(int, parts)
        if 1 <= first <= last:
            return first, last
    raise UsageError(
        f"--profile={text}: expected the first and the last step, such as"
        " --profile=100,109; steps count from 1."
    )


class Profiler:
    """Records some steps; all others cost nothing."""

    def __init__(self, folder: pathlib.Path, steps: tuple[int, int] | None):
        """Takes the run directory, and the first and last step, if any."""
        self._folder = folder
        self._steps = steps
        self._is_running = False

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        """Surrounds the step of this number, from 1."""
        first, last = self._steps or (0, -1)
        if not first <= number <= last:
            yield
            return
        import tensorflow as tf  # flags are parsed without it

        if not self._is_running:
            tf.profiler.experimental.start(str(self._folder))
            self._is_running = True
        # `_r` tells the profiler that this is a step, not a part of one.
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            yield
        if number == last:
            # What devices still do for the step is part of it.
            tf.test.experimental.sync_devices()
            self.close()

    def close(self) -> None:
        """Writes what was recorded, where the last step was not reached."""
        if not self._is_running:
            return
        import tensorflow as tf

        tf.profiler.experimental.stop()
        self._is_running = False
