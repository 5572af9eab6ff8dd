"""The memory network's hyperparameters, and what it costs by formula.

As in models/transformer_hparams.py only matrix products count, two operations
for every element: a hop is 4 d for each memory, layer-wise 2 d d more, and an
output 2 (d + 1) (vocabulary + memories). Sums of embeddings are no products.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemN2NHParams(hparam.HParams):
    """End-to-end memory network (Sukhbaatar et al. 2015): hops over a story.

    hidden_size is the paper's d, num_hidden_layers K, its hops.
    """

    memory_slots: int  # sentences kept, the newest
    sentence_words: int  # of each sentence and of the question; J - 1
    sentence_encoding: str  # "bag" (BoW) or "position" (PE)
    weight_tying: str  # section 2.2: "adjacent" or "layer_wise"
    relu_between_hops: bool
    # Section 4.1: linear start trains a model without the softmax in its hops,
    # and goes on (--warm_start_from) with one that has it.
    linear_attention: bool
    time_noise: float  # empty sentences strewn in, of those there are

    MODEL: ClassVar[str] = "memn2n"
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.POSITIVE,
        "memory_slots",
        "sentence_words",
    )
    RATES: ClassVar[tuple[str, ...]] = (*hparam.HParams.RATES, "time_noise")
    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **hparam.HParams.CHOICES,
        "sentence_encoding": ("bag", "position"),
        "weight_tying": ("adjacent", "layer_wise"),
    }

    @property
    def table_count(self) -> int:
        """Matrices of embeddings, after what section 2.2 ties."""
        is_adjacent = self.weight_tying == "adjacent"
        return self.num_hidden_layers + 1 if is_adjacent else 4

    def check_targets(self, longest: int) -> None:
        """Refuses more than an answer and its end."""
        if longest > 2:
            raise UsageError(
                f"the model {self.MODEL} answers with one word, and the"
                f" problem's targets have up to {longest - 1}: take a problem"
                " of such answers (babi_qa1), or another model."
            )

    def architecture(self) -> dict[str, Any]:
        """In the paper's words; see `HParams.architecture`."""
        return {
            "hops": self.num_hidden_layers,
            "d": self.hidden_size,
            "memories": self.memory_slots,
            "sentence_encoding": self.sentence_encoding,
            "weight_tying": self.weight_tying,
            "softmax_in_hops": not self.linear_attention,
            "time_noise": self.time_noise,
        }

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`."""
        rows, _, target = shape
        words = self.memory_slots * (self.sentence_words + 1)
        vectors = 2 * words * self.hidden_size * self.table_count
        return rows * (vectors + 2 * target * vocab_size)

    def forward_flops(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the formula above; see `HParams.forward_flops`."""
        return self.decoding_flops(shape, vocab_size, 1)

    def decoding_flops(
        self, shape: hparam.Shape, vocab_size: int, beams: int
    ) -> int:
        """The hops once for a story; see `HParams.decoding_flops`."""
        rows, _, steps = shape
        size = self.hidden_size
        hop = 4 * self.memory_slots * size
        if self.weight_tying == "layer_wise":
            hop += 2 * size * size
        outputs = vocab_size + self.memory_slots
        answer = 2 * (size + 1) * outputs
        return rows * (self.num_hidden_layers * hop + beams * steps * answer)


registry.register_model(
    "memn2n", "t2t_repro.models.memn2n:MemN2N", MemN2NHParams
)
