"""The Neural GPUs' hyperparameters, and what they cost by formula.

As in models/transformer_hparams.py only matrix products count, two operations
for every element. With m = hidden_size, h = image_height, N = num_hidden_layers
and k = kernel_width * kernel_height, a sentence of n has L = `columns(n)`
columns, and

    input     2 m m L h, and its unit 2 * 3 k m m L h
    encoder   L times N units of 2 * 3 k m m L h
    decoder   for every position N units of 2 * 3 k 2m m L h
    softmax   2 m * vocabulary for every position

The square of a sentence's length is in the encoder and in the decoder.
"""

import dataclasses
from typing import Any, ClassVar

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExtendedNeuralGPUHParams(hparam.HParams):
    """The Extended Neural GPU (Kaiser and Bengio 2016, arXiv:1610.08613).

    And the Neural GPU before it. hidden_size is the paper's m, the maps of
    every cell; num_hidden_layers counts the units of one application.
    """

    cell: str  # "cgru", or "dcgru" of the Diagonal Neural GPU
    saturation_cost: float  # of the encoder's last dcgru, in nats a token
    image_height: int  # rows of the image
    kernel_width: int  # columns that a convolution sees
    kernel_height: int  # rows that it sees
    atrous: bool  # the i-th unit, from 0, sees every 2^i-th column
    layer_norm: bool  # of every convolution's result

    # The decoder of the extended model; without, all positions are read from
    # the encoder's last image at once, none depending on another.
    output_tape: bool
    # A unit of its own reads the input, behind a linear map and a norm; if not,
    # the image begins with the embeddings as they are (tensor2tensor).
    input_unit: bool

    # ours: a source of n has n times length_ratio columns, rounded up to a
    # multiple of length_step: the program's bins.
    length_ratio: float
    length_step: int

    dropout: float  # of the image, before every application

    MODEL: ClassVar[str] = "extended_neural_gpu"
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.POSITIVE,
        "image_height",
        "kernel_width",
        "kernel_height",
        "length_step",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.NOT_NEGATIVE,
        "saturation_cost",
    )
    RATES: ClassVar[tuple[str, ...]] = (*hparam.HParams.RATES, "dropout")
    CHOICES: ClassVar = {**hparam.HParams.CHOICES, "cell": ("cgru", "dcgru")}

    def __post_init__(self) -> None:
        """Refuses an image that would be too short for its source."""
        super().__post_init__()
        if self.length_ratio < 1.0:
            raise UsageError(
                f"hparam length_ratio={self.length_ratio}: expected 1 or more,"
                " every source position has a column."
            )

    @property
    def is_sum_over_sentences(self) -> bool:
        """The saturation cost is a mean over sentences, not over tokens."""
        return not self.saturation_cost

    @property
    def kernel(self) -> tuple[int, int]:
        """Columns and rows that a convolution sees."""
        return self.kernel_width, self.kernel_height

    @property
    def output_row(self) -> int:
        """Row of the image that is read: the authors' program's."""
        return 0 if self.output_tape or self.image_height == 1 else 1

    def dilation(self, unit: int) -> int:
        """Of a unit, from 0."""
        return 1 << unit if self.atrous else 1

    def columns(self, source: Any) -> Any:
        """Of the images of sources of these lengths, a number or integers.

        In thousandths: float32 makes 30.000002 of 1.2 * 25.
        """
        ratio = round(1000 * self.length_ratio)
        return (
            -(-ratio * source // (1000 * self.length_step)) * self.length_step
        )

    def architecture(self) -> dict[str, Any]:
        """In the paper's words; see `HParams.architecture`."""
        return {
            "decoder": "active memory" if self.output_tape else "none",
            "cell": self.cell,
            "layers": self.num_hidden_layers,
            "m": self.hidden_size,
            "image_height": self.image_height,
            "kernel": f"{self.kernel_width}x{self.kernel_height}",
            "dropout": self.dropout,
        }

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`."""
        rows, source, target = shape
        columns = self.columns(source)
        # Gates, candidate, before and after their function, and products; the
        # decoder's also the tape and what is joined with it.
        units = 12 * columns + 17 * target * self.output_tape
        image = columns * self.image_height * self.hidden_size
        images = units * self.num_hidden_layers * image
        return rows * (images + 2 * target * vocab_size)

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
        size, columns = self.hidden_size, self.columns(source)
        product = 2 * size * size * columns * self.image_height
        unit = 3 * self.kernel_width * self.kernel_height * product
        encoder = columns * self.num_hidden_layers * unit
        if self.input_unit:
            encoder += product + unit
        step = 2 * size * vocab_size
        if self.output_tape:
            step += self.num_hidden_layers * 2 * unit
        return rows * (encoder + beams * steps * step)


registry.register_model(
    "extended_neural_gpu",
    "t2t_repro.models.extended_neural_gpu:ExtendedNeuralGPU",
    ExtendedNeuralGPUHParams,
)
