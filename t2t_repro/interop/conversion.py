"""What an importer makes of another program's model, whichever it was.

An adapter is one file a foreign format: it says in one table which name there
is which weight here, what lies in another order, and which hparams are which.
"""

import dataclasses

import numpy as np

from t2t_repro import checkpoints
from t2t_repro.data.batching import Position

# Of Adam, in our names of the two.
MOMENTS = ("m", "v")


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A checkpoint in this program's terms.

    Attributes:
      weights: by our path.
      moments: by our name, `adam/<m or v>/<path>`; empty where the checkpoint
        has none.
      step: updates done.
      sources: the other program's names of each weight, by our path.
      ignored: names in the checkpoint that nothing was taken from, sorted.
    """

    weights: dict[str, np.ndarray]
    moments: dict[str, np.ndarray]
    step: int
    sources: dict[str, list[str]]
    ignored: list[str]

    def variables(self) -> dict[str, np.ndarray]:
        """All that `train/trainer.py` needs to go on, by its names.

        Where there are no moments they are zeros, as at a run's start. The
        data begin again: no other program saved its place in ours.
        """
        zeros = {
            checkpoints.moment(kind, path): np.zeros_like(weight)
            for path, weight in self.weights.items()
            for kind in MOMENTS
        }
        return {
            **self.weights,
            **zeros,
            **self.moments,
            checkpoints.STEP: np.array(self.step, np.int64),
            checkpoints.POSITION: np.array(Position(), np.int64),
        }
