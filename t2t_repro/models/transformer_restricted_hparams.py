"""The hyperparameters of the restricted Transformer, and what it costs.

As in models/transformer_hparams.py, but that a query of self-attention meets
min(r, n) keys: with n positions a layer's second term is 2 r n (K + V). What
blocks compute beside that and hide, a few times as much, is not counted.
"""

import dataclasses
from typing import Any, ClassVar

from t2t_repro import registry
from t2t_repro.models.transformer_hparams import TransformerHParams


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerRestrictedHParams(TransformerHParams):
    """The Transformer with restricted self-attention: section 4."""

    attention_neighbourhood: int  # r

    MODEL: ClassVar[str] = "transformer_restricted"
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *TransformerHParams.POSITIVE,
        "attention_neighbourhood",
    )

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """By stack how many positions one sees before and after itself.

        r with itself. In the encoder it is in the middle; of an even r, of
        which the paper says nothing, one more lies before it than after.
        """
        r = self.attention_neighbourhood
        return {"encoder": (r // 2, (r - 1) // 2), "decoder": (r - 1, 0)}

    def architecture(self) -> dict[str, Any]:
        """With the paper's r; see `HParams.architecture`."""
        return {**super().architecture(), "r": self.attention_neighbourhood}

    def keys_seen(self, length: int) -> int:
        """How many of so many positions one looks at in self-attention."""
        return min(length, self.attention_neighbourhood)


registry.register_model(
    "transformer_restricted",
    "t2t_repro.models.transformer_restricted:TransformerRestricted",
    TransformerRestrictedHParams,
)
