"""t2t-trainer in a process of its own, to be killed; on CPU replicas if asked.

    python -m tests.trainer_process REPLICAS --problem=... (t2t-trainer's flags)

One replica is the command as it is. With more, the machine's CPU stands for as
many devices.
"""

import dataclasses
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from tests import source_tree

_POLL_SECONDS = 0.001
_PATIENCE_SECONDS = 300


@dataclasses.dataclass
class Report:
    """What happened to a training.

    Attributes:
      kills: processes that were killed.
      during_saves: of these, with a checkpoint half-written.
      steps: of the newest checkpoint at each kill.
    """

    kills: int = 0
    during_saves: int = 0
    steps: list[int] = dataclasses.field(default_factory=list)


class Training:
    """A t2t-trainer in a process of its own."""

    def __init__(
        self, arguments: Sequence[str], replicas: int = 1, **environment: str
    ):
        """Starts it.

        Args:
          arguments: t2t-trainer's.
          replicas: CPU devices.
          environment: variables that it has besides this process'.
        """
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        module = "tests.trainer_process"
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(replicas), *arguments],
            cwd=source_tree.ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )

    def __enter__(self) -> "Training":
        """It does not outlive the `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self.process.kill()
        self.process.wait()
        self._errors.close()

    def finish(self) -> int:
        """Waits for its end; gives its status."""
        return self.process.wait(_PATIENCE_SECONDS)

    def errors(self) -> str:
        """What it has written to standard error."""
        self._errors.seek(0)
        return self._errors.read()

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Waits for something that it does."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not is_so():
            assert self.process.poll() is None, self.errors()
            assert time.monotonic() < end, "the training makes no progress"
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL, self.errors()


def newest_step(folder: pathlib.Path) -> int:
    """Of the checkpoints there; 0 without."""
    return max(
        (int(path.stem.split("-")[1]) for path in folder.glob("model*.index")),
        default=0,
    )


def train_with_kills(
    arguments: Sequence[str],
    folder: pathlib.Path,
    kills: int,
    seed: int,
    most_steps: int,
    replicas: int = 1,
) -> Report:
    """Kills a training (SIGKILL) again and again, then lets it end.

    Every second kill comes at any moment after a random number of steps, the
    others up to 10 ms after a save began.

    Args:
      arguments: t2t-trainer's; more steps than the kills let it take.
      folder: its output_dir.
      kills: how many.
      seed: of the moments.
      most_steps: from a start to the kill.
      replicas: CPU devices.
    """
    draw, report = random.Random(seed), Report()
    while report.kills < kills:
        with Training(arguments, replicas) as training:
            step = newest_step(folder) + draw.randint(1, most_steps)
            training.wait_until(lambda: newest_step(folder) >= step)  # noqa: B023
            if report.kills % 2:
                time.sleep(draw.uniform(0.0, 0.1))
            else:
                training.wait_until(lambda: _is_saving(folder))
                time.sleep(draw.uniform(0.0, 0.01))
            training.kill()
        report.kills += 1
        report.during_saves += _is_saving(folder)
        report.steps.append(newest_step(folder))
    with Training(arguments, replicas) as training:
        assert training.finish() == 0, training.errors()
    return report


def _is_saving(folder: pathlib.Path) -> bool:
    return any(folder.glob(".model*.part"))


def _main() -> int:
    replicas, arguments = int(sys.argv[1]), sys.argv[2:]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if replicas > 1:
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * replicas,
        )
        from t2t_repro.train import trainer

        trainer.make_strategy = lambda _: tf.distribute.MirroredStrategy(
            [f"CPU:{number}" for number in range(replicas)]
        )
    from t2t_repro.bin import t2t_trainer

    return t2t_trainer.main(arguments)


if __name__ == "__main__":
    raise SystemExit(_main())
