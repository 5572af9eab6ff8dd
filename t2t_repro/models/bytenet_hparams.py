"""ByteNet's hyperparameters, and what it costs by formula.

As in models/transformer_hparams.py only matrix products count, two operations
for every element. With d = hidden_size and convolutions of width k a block has
2 d d (2 + k + 2) for each position; the decoder's input has 2 k 4 d 2 d, its
output 2 (2 d)^2 and the softmax 2 * 2 d * vocabulary. The encoder of n source
positions has `columns(n)`.
"""

import dataclasses
from typing import Any, ClassVar

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByteNetHParams(hparam.HParams):
    """ByteNet (Kalchbrenner et al. 2016, arXiv:1610.10099): dilated blocks.

    hidden_size is the paper's d: what the blocks add to, and embeddings, have
    2 d. num_hidden_layers counts the blocks of each side.
    """

    kernel_width: int  # k
    dilation_rates: int  # of the blocks in turn: 1, 2, 4, ..., as many
    length_ratio: float  # a: a source of n has a n + b columns
    length_extra: int  # b

    dropout: float  # of what a block adds

    MODEL: ClassVar[str] = "bytenet"
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.POSITIVE,
        "kernel_width",
        "dilation_rates",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.NOT_NEGATIVE,
        "length_extra",
    )
    RATES: ClassVar[tuple[str, ...]] = (*hparam.HParams.RATES, "dropout")

    def __post_init__(self) -> None:
        """Refuses a source that would be cut, and windows without a middle."""
        super().__post_init__()
        if self.length_ratio < 1.0:
            raise UsageError(
                f"hparam length_ratio={self.length_ratio}: expected 1 or more,"
                " every source position has a column."
            )
        if self.kernel_width % 2 == 0:
            raise UsageError(
                f"hparam kernel_width={self.kernel_width}: expected an odd"
                " number, the encoder sees as far to both sides."
            )

    @property
    def channels(self) -> int:
        """2 d, of embeddings and of what lies between two blocks."""
        return 2 * self.hidden_size

    def dilation(self, block: int) -> int:
        """Of a block, from 0."""
        return 1 << block % self.dilation_rates

    def architecture(self) -> dict[str, Any]:
        """In the paper's words; see `HParams.architecture`."""
        return {
            "residual_blocks": self.num_hidden_layers,
            "d": self.hidden_size,
            "kernel_width": self.kernel_width,
            "dilation_rates": " ".join(
                str(self.dilation(i)) for i in range(self.dilation_rates)
            ),
            "unfolding": f"{self.length_ratio:g} n + {self.length_extra}",
            "dropout": self.dropout,
        }

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`."""
        rows, source, target = shape
        # Norm, ReLU and product three times, and the windows.
        block = (14 + self.kernel_width) * self.hidden_size
        positions = self.columns(source) + target
        return rows * (
            positions * block * self.num_hidden_layers + 2 * target * vocab_size
        )

    def columns(self, source: Any) -> Any:
        """a n + b (section 3.2) of lengths, a number or a tensor of integers.

        In thousandths: float32 makes 30.000002 of 1.2 * 25.
        """
        ratio = round(1000 * self.length_ratio)
        return -(-ratio * source // 1000) + self.length_extra

    def forward_flops(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the formula above; see `HParams.forward_flops`."""
        return self.decoding_flops(shape, vocab_size, 1)

    def decoding_flops(
        self, shape: hparam.Shape, vocab_size: int, beams: int
    ) -> int:
        """The encoder once for a sentence; see `HParams.decoding_flops`.

        A step costs what a position does in training.
        """
        rows, source, steps = shape
        size, width = self.hidden_size, self.kernel_width
        blocks = self.num_hidden_layers * 2 * size * size * (4 + width)
        ends = 16 * width * size * size + 8 * size * size
        step = blocks + ends + 4 * size * vocab_size
        return rows * (self.columns(source) * blocks + beams * steps * step)


registry.register_model(
    "bytenet", "t2t_repro.models.bytenet:ByteNet", ByteNetHParams
)
