"""The Transformer's hyperparameters, and what it costs by formula.

Only matrix products count, two operations (a product and a sum) for every
element of either; softmax, norms, dropout and the optimizer are a few percent
of the operations, though not of the time, and an embedding is a look-up. With
d = d_model, K = h * d_k, V = h * d_v, f = d_ff, n source and m target positions
of a sentence, the forward pass of one sentence is

    encoder layer   n * (2 d (2 K + 2 V) + 2 n (K + V) + 4 d f)
    decoder layer   m * (2 d (2 K + 2 V) + 2 m (K + V)       self-attention
                         + 2 d (K + V) + 2 n (K + V)         to the encoder
                         + 4 d f)
                    + n * 2 d (K + V)                        its keys, values
    softmax         m * 2 d * vocabulary

where the second term of an attention is Q K^T and the product with V, all
positions of the causal one included.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerHParams(hparam.HParams):
    """The Transformer: attention alone, sections 3 to 5 of the paper.

    The paper's symbol stands behind each field.
    """

    filter_size: int  # d_ff
    num_heads: int  # h
    num_encoder_layers: int  # 0: num_hidden_layers
    num_decoder_layers: int  # 0: num_hidden_layers
    attention_key_channels: int  # h * d_k; 0: hidden_size
    attention_value_channels: int  # h * d_v; 0: hidden_size
    attention_bias: bool  # ours: biases in the four projections
    ffn_activation: str  # ours: "relu" is the paper's; Marian's is "swish"
    logits_bias: bool  # ours: a bias for every id behind the softmax's matrix
    decoder_start: str  # ours: "zero", or "padding", the vector of id 0
    layer_preprocess_sequence: str  # "none", or "n" = norm before
    layer_postprocess_sequence: str  # "dan" = dropout, add, norm; or "da"
    norm_epsilon: float
    # "timing_interleaved" is the paper's (ours), "timing" tensor2tensor's
    # concatenated halves, "emb" learned positions, "none" no positions.
    pos: str
    use_target_space_embedding: bool

    layer_prepostprocess_dropout: float  # P_drop
    attention_dropout: float
    relu_dropout: float

    # Rows of training batches hold several pairs, which do not see each other.
    pack_dataset: bool

    MODEL: ClassVar[str] = "transformer"
    LATER: ClassVar[Mapping[str, Any]] = {
        **hparam.HParams.LATER,
        "ffn_activation": "relu",
        "logits_bias": False,
        "decoder_start": "zero",
        "pack_dataset": False,
    }
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.POSITIVE,
        "filter_size",
        "num_heads",
        "norm_epsilon",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.NOT_NEGATIVE,
        "num_encoder_layers",
        "num_decoder_layers",
        "attention_key_channels",
        "attention_value_channels",
    )
    RATES: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.RATES,
        "layer_prepostprocess_dropout",
        "attention_dropout",
        "relu_dropout",
    )
    CHOICES: ClassVar = {
        **hparam.HParams.CHOICES,
        "layer_preprocess_sequence": ("none", "n"),
        "layer_postprocess_sequence": ("dan", "da"),
        "pos": ("timing_interleaved", "timing", "emb", "none"),
        "ffn_activation": ("relu", "swish", "gelu"),
        "decoder_start": ("zero", "padding"),
    }

    def __post_init__(self) -> None:
        """Refuses heads that do not divide, and odd sinusoids."""
        super().__post_init__()
        for name in ("key_channels", "value_channels"):
            if getattr(self, name) % self.num_heads:
                raise UsageError(
                    f"hparam num_heads={self.num_heads} does not divide"
                    f" {getattr(self, name)} {name.replace('_', ' ')}: change"
                    f" num_heads, hidden_size or attention_{name}."
                )
        if self.hidden_size % 2 and self.pos.startswith("timing"):
            raise UsageError(
                f"hparam hidden_size={self.hidden_size}: sines and cosines"
                " come in pairs, give an even value."
            )

    @property
    def is_packed(self) -> bool:
        """By `pack_dataset`; see `HParams.is_packed`."""
        return self.pack_dataset

    @property
    def encoder_layers(self) -> int:
        """Number of encoder layers, N."""
        return self.num_encoder_layers or self.num_hidden_layers

    @property
    def decoder_layers(self) -> int:
        """Number of decoder layers, N."""
        return self.num_decoder_layers or self.num_hidden_layers

    @property
    def key_channels(self) -> int:
        """h * d_k."""
        return self.attention_key_channels or self.hidden_size

    @property
    def value_channels(self) -> int:
        """h * d_v."""
        return self.attention_value_channels or self.hidden_size

    @property
    def free_widths(self) -> str:
        """What of keys or values is not d_model wide, in words; else empty."""
        for name in ("key_channels", "value_channels"):
            width = getattr(self, name)
            if width != self.hidden_size:
                return (
                    f"attention_{name}={width} with"
                    f" hidden_size={self.hidden_size}"
                )
        return ""

    def architecture(self) -> dict[str, Any]:
        """As Table 3 and section 3 name it; see `HParams.architecture`."""
        positions = {
            "timing_interleaved": "sinusoids, sine and cosine in turn",
            "timing": "sinusoids, all sines first",
            "emb": "learned",
            "none": "none",
        }
        norms = self.layer_preprocess_sequence, self.layer_postprocess_sequence
        is_post_norm = norms == ("none", "dan")
        return {
            "encoder_layers": self.encoder_layers,
            "decoder_layers": self.decoder_layers,
            "d_ff": self.filter_size,
            "h": self.num_heads,
            "d_k": self.key_channels // self.num_heads,
            "d_v": self.value_channels // self.num_heads,
            "normalisation": f"{'after' if is_post_norm else 'before'} each"
            " sub-layer",
            "positions": positions[self.pos],
            "residual_dropout": self.layer_prepostprocess_dropout,
            "attention_dropout": self.attention_dropout,
            "relu_dropout": self.relu_dropout,
        }

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`.

        The largest shape need not be the one of the longest sentences: where
        few sentences fit beside a long source, there are fewer logits.
        """
        rows, source, target = shape
        attention = self.encoder_layers * source * self.keys_seen(source)
        attention += (
            self.decoder_layers * target * (source + self.keys_seen(target))
        )
        # Per position of a layer: the inner layer before and after ReLU, and
        # about ten vectors of the model's size.
        width = 2 * self.filter_size + 10 * self.hidden_size
        layers = self.encoder_layers * source + self.decoder_layers * target
        return rows * (
            2 * self.num_heads * attention
            + layers * width
            + 2 * target * vocab_size
        )

    def forward_flops(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the formula above; see `HParams.forward_flops`."""
        rows, source, target = shape
        encoder = self.encoder_layers * self.encoder_layer_flops(source)
        decoder = self.decoder_layers * (
            target * self.self_attention_flops(target)
            + target * self._cross_attention_flops(source)
            + target * self.feed_forward_flops()
            + source * self._projection_flops()
        )
        softmax = target * 2 * self.hidden_size * vocab_size
        return rows * (encoder + decoder + softmax)

    def decoding_flops(
        self, shape: hparam.Shape, vocab_size: int, beams: int
    ) -> int:
        """The encoder and its keys and values once for a sentence.

        At step t every beam attends to its own t positions; see
        `HParams.decoding_flops`.
        """
        rows, source, steps = shape
        once = self.encoder_layers * self.encoder_layer_flops(source)
        once += self.decoder_layers * source * self._projection_flops()
        layers = sum(
            self.self_attention_flops(position)
            + self._cross_attention_flops(source)
            + self.feed_forward_flops()
            for position in range(1, steps + 1)
        )
        each_beam = self.decoder_layers * layers
        each_beam += steps * 2 * self.hidden_size * vocab_size
        return rows * (once + beams * each_beam)

    def encoder_layer_flops(self, source: int) -> int:
        """Of one layer for one sentence."""
        return source * (
            self.self_attention_flops(source) + self.feed_forward_flops()
        )

    def feed_forward_flops(self) -> int:
        """For one position."""
        return 4 * self.hidden_size * self.filter_size

    def attention_flops(self, keys: int) -> int:
        """For one query without its projections: Q K^T, and with V."""
        return 2 * keys * (self.key_channels + self.value_channels)

    def self_attention_flops(self, length: int) -> int:
        """For one position, its query, key, value and output too."""
        keys = self.keys_seen(length)
        return 2 * self._projection_flops() + self.attention_flops(keys)

    def keys_seen(self, length: int) -> int:
        """How many of so many positions one looks at in self-attention."""
        return length

    def _cross_attention_flops(self, keys: int) -> int:
        return self._projection_flops() + self.attention_flops(keys)

    def _projection_flops(self) -> int:
        """Query and output, or key and value, of one position."""
        channels = self.key_channels + self.value_channels
        return 2 * self.hidden_size * channels


registry.register_model(
    "transformer",
    "t2t_repro.models.transformer:Transformer",
    TransformerHParams,
)
