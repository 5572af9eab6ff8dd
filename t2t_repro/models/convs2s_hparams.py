"""The hyperparameters of ConvS2S, and what it costs by formula.

As in models/transformer_hparams.py only matrix products count, two operations
for every element. With d = hidden_size, o = output_size, c -> c' the channels
of a convolution of width k, n source and m target positions of a sentence:

    convolution     2 * 2 k c c', and 2 c c' where its residual is projected
    its attention   2 * 2 c' d + 2 * 2 n d       in the decoder
    ends            2 d c of the first and 2 c' d of the last, 2 c' o in the
                    decoder, whose softmax has 2 o * vocabulary

for each position. Keys and values are the encoder's output itself.
"""

import dataclasses
import re
from typing import Any, ClassVar, NamedTuple

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError


class Convolution(NamedTuple):
    """One layer's.

    Attributes:
      inputs: channels that it reads.
      channels: that it writes, behind the gated linear unit.
      width: positions that it sees, k.
    """

    inputs: int
    channels: int
    width: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvS2SHParams(hparam.HParams):
    """ConvS2S (Gehring et al. 2017, arXiv:1705.03122): convolutions, attention.

    A stack of convolutions is written layers*channels x width, from the input
    to the output: "9*512x3+4*1024x3+2*2048x1"; where it is "", it is
    num_hidden_layers of hidden_size channels and kernel_width.
    """

    encoder_convolutions: str
    decoder_convolutions: str
    kernel_width: int  # k
    attention_layers: str  # of the decoder, such as "1+3", from 1; "all"
    output_size: int  # of the decoder's last vectors; 0: hidden_size
    share_input_output_embed: bool  # fairseq's: target and softmax share

    dropout: float

    MODEL: ClassVar[str] = "convs2s"
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.POSITIVE,
        "kernel_width",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.NOT_NEGATIVE,
        "output_size",
    )
    RATES: ClassVar[tuple[str, ...]] = (*hparam.HParams.RATES, "dropout")

    def __post_init__(self) -> None:
        """Refuses stacks that cannot be read, and layers that are not there."""
        super().__post_init__()
        layers = len(self.decoder)
        if not self.encoder or not self.attended <= set(range(layers)):
            raise UsageError(
                f"hparam attention_layers={self.attention_layers!r}: the"
                f" decoder has the layers 1 to {layers}."
            )
        if self.is_tied and self.output_channels != self.hidden_size:
            raise UsageError(
                f"hparam output_size={self.output_size}: a softmax that shares"
                f" the embedding has hidden_size={self.hidden_size}; give 0."
            )

    @property
    def is_tied(self) -> bool:
        """Whether softmax and target embedding are one matrix."""
        return (
            self.shared_embedding_and_softmax_weights
            or self.share_input_output_embed
        )

    @property
    def output_channels(self) -> int:
        """Size of what the softmax reads."""
        return self.output_size or self.hidden_size

    @property
    def encoder(self) -> tuple[Convolution, ...]:
        """The encoder's convolutions."""
        return self._stack("encoder_convolutions")

    @property
    def decoder(self) -> tuple[Convolution, ...]:
        """The decoder's convolutions."""
        return self._stack("decoder_convolutions")

    @property
    def attended(self) -> set[int]:
        """Which of the decoder's layers attend, from 0."""
        if self.attention_layers == "all":
            return set(range(len(self.decoder)))
        if not re.fullmatch(r"[0-9]+(\+[0-9]+)*", self.attention_layers):
            raise UsageError(
                f"hparam attention_layers={self.attention_layers!r}: expected"
                " numbers such as 1+3, or all."
            )
        return {int(text) - 1 for text in self.attention_layers.split("+")}

    def _written(self, name: str) -> str:
        """A stack as it is written, the default too."""
        default = (
            f"{self.num_hidden_layers}*{self.hidden_size}x{self.kernel_width}"
        )
        return getattr(self, name) or default

    def _stack(self, name: str) -> tuple[Convolution, ...]:
        text = self._written(name)
        found: list[Convolution] = []
        for part in text.split("+"):
            match = re.fullmatch(r"([1-9]\d*)\*([1-9]\d*)x([1-9]\d*)", part)
            if match is None:
                raise UsageError(
                    f"hparam {name}={text!r}: expected layers, channels and"
                    " width such as 9*512x3+2*2048x1."
                )
            count, channels, width = map(int, match.groups())
            for _ in range(count):
                inputs = found[-1].channels if found else channels
                found.append(Convolution(inputs, channels, width))
        return tuple(found)

    def architecture(self) -> dict[str, Any]:
        """In the words of the paper's section 3; see `HParams.architecture`."""
        return {
            "encoder_layers": len(self.encoder),
            "decoder_layers": len(self.decoder),
            "encoder_convolutions": self._written("encoder_convolutions"),
            "decoder_convolutions": self._written("decoder_convolutions"),
            "attention_layers": self.attention_layers,
            "output_size": self.output_channels,
            "positions": "learned",
            "dropout": self.dropout,
        }

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`."""
        rows, source, target = shape
        encoder, decoder = (
            sum(layer.width * layer.inputs + 8 * layer.channels for layer in s)
            for s in (self.encoder, self.decoder)
        )
        attention = len(self.attended) * (2 * source + 6 * self.hidden_size)
        return rows * (
            source * encoder + target * (decoder + attention + 2 * vocab_size)
        )

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
        width = self.hidden_size
        encoder = stack_flops(self.encoder)
        encoder += 2 * width * self.encoder[0].inputs
        encoder += 2 * width * self.encoder[-1].channels
        decoder = stack_flops(self.decoder)
        decoder += 2 * width * self.decoder[0].inputs
        decoder += sum(
            4 * width * (self.decoder[i].channels + source)
            for i in self.attended
        )
        decoder += 2 * self.output_channels * self.decoder[-1].channels
        decoder += 2 * self.output_channels * vocab_size
        return rows * (source * encoder + beams * steps * decoder)


def stack_flops(stack: tuple[Convolution, ...]) -> int:
    """Convolutions and projected residuals, for one position."""
    return sum(
        2
        * layer.inputs
        * layer.channels
        * (2 * layer.width + (layer.inputs != layer.channels))
        for layer in stack
    )


registry.register_model(
    "convs2s", "t2t_repro.models.convs2s:ConvS2S", ConvS2SHParams
)
