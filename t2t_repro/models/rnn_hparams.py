"""The recurrent encoder-decoders' hyperparameters, and what they cost.

As for the Transformer only matrix products count, two operations for every
element of either. With g gates (LSTM 4, GRU 3) a cell with i inputs and u units
takes 2 g u (i + u) a position. With W and M the sizes of decoder and memory, n
heads of size A, and S source positions a target position adds

    scores       2 S W (dot, general), 2 W W + 2 S W n (concat),
                 2 W P (location, P = max_length positions)
    centre       2 W W + 2 W (local_p)
    context      2 S M, for every head of which the weights differ
    layer        2 n A (W + M) (maxout: 4 n A (W + M + d))
    heads        2 n A d, where there are several
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError

# tensor2tensor's names and Bahdanau's for what Luong's paper calls otherwise.
_SCORES = {"luong": "general", "bahdanau": "concat"}
_GATES = {"lstm": 4, "gru": 3}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RnnHParams(hparam.HParams):
    """LSTM or GRU, without attention or with: section 1's recurrent models.

    Names and values are tensor2tensor's unless a line says "ours".
    """

    dropout: float  # of what enters a layer, at every position anew

    cell: str  # ours: "lstm" or "gru"
    # ours: "reversed" reads each source from its end (Sutskever et al. 2014);
    # "bidirectional" has a stack for either direction.
    encoder_direction: str
    # ours: "copy" hands the encoder's last states on (the decoder is as wide
    # as both directions together); "tanh" is Bahdanau's tanh(W h) of the
    # direction that ends at the first word.
    decoder_start: str

    # "luong" is "general", "bahdanau" is "concat"; ours: "none" and the other
    # names of Luong et al. 2015.
    attention_mechanism: str
    attention_layer_size: int  # of the vector made of state and context
    num_heads: int  # share queries and keys
    output_attention: bool  # the softmax reads that vector, not the state
    # ours: what makes the vector, "linear" (tensor2tensor), "tanh" (Luong) or
    # "maxout" of state, context and last word (Bahdanau).
    attention_layer: str
    # ours: "next" feeds the vector into the next step (Luong's input feeding);
    # "same" looks from the state before, and feeds the context into this step
    # (Bahdanau); "none".
    attention_feeding: str
    attention_window: str  # ours: "global", "local_m" or "local_p"
    # ours: "soft" takes the mean of what is looked at; "hard" (Xu et al. 2015)
    # one position, drawn while training and the likeliest elsewhere.
    attention_kind: str
    hard_attention_sampled: float  # ours: share of sentences; else the mean
    hard_attention_reward: float  # ours: lambda_r
    hard_attention_entropy: float  # ours: lambda_e
    attention_window_width: int  # ours: D
    # ours: as tensor2tensor, whose attention has no mask. Sentences in a wider
    # batch then get other results.
    attention_over_padding: bool

    MODEL: ClassVar[str] = "rnn"
    LATER: ClassVar[Mapping[str, Any]] = {
        **hparam.HParams.LATER,
        "attention_kind": "soft",
        "hard_attention_sampled": 0.0,
        "hard_attention_reward": 0.0,
        "hard_attention_entropy": 0.0,
    }
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.POSITIVE,
        "attention_layer_size",
        "num_heads",
        "attention_window_width",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *hparam.HParams.NOT_NEGATIVE,
        "hard_attention_sampled",
        "hard_attention_reward",
        "hard_attention_entropy",
    )
    RATES: ClassVar[tuple[str, ...]] = (*hparam.HParams.RATES, "dropout")
    CHOICES: ClassVar = {
        **hparam.HParams.CHOICES,
        "cell": tuple(_GATES),
        "encoder_direction": ("forward", "reversed", "bidirectional"),
        "decoder_start": ("copy", "tanh"),
        "attention_mechanism": (
            *("none", "bahdanau", "luong"),
            *("dot", "general", "concat", "location"),
        ),
        "attention_layer": ("linear", "tanh", "maxout"),
        "attention_feeding": ("none", "next", "same"),
        "attention_window": ("global", "local_m", "local_p"),
        "attention_kind": ("soft", "hard"),
    }

    def __post_init__(self) -> None:
        """Refuses sizes that do not fit together."""
        super().__post_init__()
        if self.score == "dot" and self.memory_size != self.decoder_size:
            raise UsageError(
                f"hparam attention_mechanism=dot: the decoder's"
                f" {self.decoder_size} channels and the source's"
                f" {self.memory_size} must be equally many; take general, or"
                " decoder_start=copy."
            )
        if self.hard_attention_sampled > 1.0:
            raise UsageError(
                f"hparam hard_attention_sampled={self.hard_attention_sampled}:"
                " expected a share of sentences, from 0 to 1."
            )
        shared = self.shared_embedding_and_softmax_weights
        if shared and self.output_size != self.hidden_size:
            raise UsageError(
                f"hparam shared_embedding_and_softmax_weights: the softmax"
                f" reads {self.output_size} channels, an embedding has"
                f" hidden_size={self.hidden_size}; make them equal."
            )

    @property
    def score(self) -> str:
        """As `layers.recurrent_attention.SCORES` says it, or "none"."""
        name = self.attention_mechanism
        return _SCORES.get(name, name)

    @property
    def is_hard(self) -> bool:
        """Whether one position is looked at."""
        return self.attention_kind == "hard" and self.score != "none"

    @property
    def directions(self) -> tuple[bool, ...]:
        """Of the encoder's stacks: whether from right to left."""
        return {
            "forward": (False,),
            "reversed": (True,),
            "bidirectional": (False, True),
        }[self.encoder_direction]

    @property
    def memory_size(self) -> int:
        """Of the encoder's output, M."""
        return self.hidden_size * len(self.directions)

    @property
    def decoder_size(self) -> int:
        """Of the decoder's states, W."""
        copies = self.decoder_start == "copy"
        return self.memory_size if copies else self.hidden_size

    @property
    def context_size(self) -> int:
        """Of the contexts of all heads together."""
        return self.num_heads * self.memory_size

    @property
    def fed_size(self) -> int:
        """What attention gives the first decoder layer at every step."""
        if self.score == "none":
            return 0
        return {
            "none": 0,
            "next": self.num_heads * self.attention_layer_size,
            "same": self.context_size,
        }[self.attention_feeding]

    @property
    def distinct_heads(self) -> int:
        """Heads whose weights differ: those that have a `v` of their own."""
        return self.num_heads if self.score == "concat" else 1

    @property
    def read_size(self) -> int:
        """What a head's vector is made of."""
        size = self.decoder_size + self.memory_size
        if self.attention_layer == "maxout":
            size += self.hidden_size
        return size

    @property
    def output_size(self) -> int:
        """Of what the softmax reads."""
        if self.score == "none" or not self.output_attention:
            return self.decoder_size
        if self.num_heads > 1:
            return self.hidden_size
        return self.attention_layer_size

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`."""
        rows, source, target = shape
        # Gates before and after their function, and four states.
        width = 2 * _GATES[self.cell] + 4
        encoder = source * self.num_hidden_layers * width * self.memory_size
        decoder = target * self.num_hidden_layers * width * self.decoder_size
        attention = 0
        if self.score != "none":
            attention = 2 * self.distinct_heads * target * source
        if self.score == "concat":
            attention += 2 * target * source * self.decoder_size
        return rows * (encoder + decoder + attention + 2 * target * vocab_size)

    def forward_flops(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the formula above; see `HParams.forward_flops`."""
        return self.decoding_flops(shape, vocab_size, beams=1)

    def decoding_flops(
        self, shape: hparam.Shape, vocab_size: int, beams: int
    ) -> int:
        """A step costs the same wherever it is; see the base's."""
        rows, source, steps = shape
        step = self._stack_flops(
            self.hidden_size + self.fed_size, self.decoder_size
        )
        step += self._attention_flops(source)
        step += 2 * self.output_size * vocab_size
        return rows * (self._source_flops(source) + beams * steps * step)

    def _source_flops(self, source: int) -> int:
        """Encoder, keys and the decoder's start, of one sentence."""
        size = self.hidden_size
        flops = source * len(self.directions) * self._stack_flops(size, size)
        if self.score in ("general", "concat"):
            flops += source * 2 * self.memory_size * self.decoder_size
        if self.decoder_start == "tanh":
            states = 2 if self.cell == "lstm" else 1
            flops += states * self.num_hidden_layers * 2 * size * size
        return flops

    def _stack_flops(self, inputs: int, units: int) -> int:
        """All layers, one position."""
        upper = (self.num_hidden_layers - 1) * 2 * units
        return 2 * _GATES[self.cell] * units * (inputs + units + upper)

    def _attention_flops(self, source: int) -> int:
        """One target position."""
        width, heads = self.decoder_size, self.distinct_heads
        if self.score == "none":
            return 0
        flops = {
            "dot": 2 * source * width,
            "general": 2 * source * width,
            "concat": 2 * width * width + 2 * source * width * heads,
            "location": 2 * width * self.max_length,
        }[self.score]
        if self.attention_window == "local_p":
            flops += 2 * width * width + 2 * width
        flops += 2 * source * self.memory_size * heads
        channels = self.num_heads * self.attention_layer_size
        pieces = 2 if self.attention_layer == "maxout" else 1
        flops += 2 * pieces * channels * self.read_size
        if self.num_heads > 1 and self.output_attention:
            flops += 2 * channels * self.hidden_size
        return flops


registry.register_model("rnn", "t2t_repro.models.rnn:Rnn", RnnHParams)
