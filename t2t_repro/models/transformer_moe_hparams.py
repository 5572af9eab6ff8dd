"""The hyperparameters of the Transformer with experts, and what it costs.

As in models/transformer_hparams.py, but that a position of a layer with E
experts costs, in place of 4 d f, k times the products of one of them and 2 d E
for the gate. The second matrix of training's noise, 2 d E more, and places that
stay empty are not counted.
"""

import dataclasses
import itertools
import re
from typing import Any, ClassVar

from t2t_repro import hparam, registry
from t2t_repro.errors import UsageError
from t2t_repro.models.transformer_hparams import TransformerHParams

# How many experts a token of tensor2tensor's other layer is sent to.
_TOP_TWO = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerMoeHParams(TransformerHParams):
    """The Transformer with mixtures of experts as feed-forward layers.

    Names are tensor2tensor's; its lists have commas, which stand between
    hparams here, so these have "+": "1024+512". filter_size is of the layers
    that have no experts.
    """

    # "local_moe": noisy top k (Shazeer et al. 2017); "local_moe_tpu": top two.
    ffn_layer: str
    moe_layers_encoder: str  # such as "1+3", from 0; "all"; or "" for none
    moe_layers_decoder: str
    moe_num_experts: int
    moe_k: int  # experts of a token
    moe_hidden_sizes: str  # of an expert, such as "2048"
    moe_loss_coef: float  # of the loss that wants experts used alike
    # In training an expert takes this times its equal share of the tokens, of
    # the batch or, with "local_moe_tpu", of a sentence.
    moe_overhead_train: float

    MODEL: ClassVar[str] = "transformer_moe"
    POSITIVE: ClassVar[tuple[str, ...]] = (
        *TransformerHParams.POSITIVE,
        "moe_num_experts",
        "moe_k",
        "moe_overhead_train",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *TransformerHParams.NOT_NEGATIVE,
        "moe_loss_coef",
    )
    CHOICES: ClassVar = {
        **TransformerHParams.CHOICES,
        "ffn_layer": ("local_moe", "local_moe_tpu"),
    }

    @property
    def is_sum_over_sentences(self) -> bool:
        """No: experts share the tokens of a batch."""
        return False

    def __post_init__(self) -> None:
        """Refuses experts and layers that are not there."""
        super().__post_init__()
        if self.moe_k > self.moe_num_experts:
            raise UsageError(
                f"hparam moe_k={self.moe_k}: expected at most"
                f" moe_num_experts={self.moe_num_experts}."
            )
        if self.ffn_layer == "local_moe_tpu" and self.moe_k != _TOP_TWO:
            raise UsageError(
                f"hparam moe_k={self.moe_k}: ffn_layer=local_moe_tpu sends a"
                f" token to {_TOP_TWO} experts; give {_TOP_TWO}, or"
                " ffn_layer=local_moe."
            )
        for stack, layers in (
            ("encoder", self.encoder_layers),
            ("decoder", self.decoder_layers),
        ):
            if not self.expert_layers[stack] <= set(range(layers)):
                name = f"moe_layers_{stack}"
                raise UsageError(
                    f"hparam {name}={getattr(self, name)!r}: the {stack} has"
                    f" the layers 0 to {layers - 1}."
                )
        if 0 in self.expert_sizes:
            raise UsageError(
                f"hparam moe_hidden_sizes={self.moe_hidden_sizes!r}: expected"
                " sizes above 0."
            )

    @property
    def expert_layers(self) -> dict[str, set[int]]:
        """By stack which of its layers have experts, from 0."""
        layers = {
            "encoder": self.encoder_layers,
            "decoder": self.decoder_layers,
        }
        return {
            stack: set(range(count))
            if getattr(self, f"moe_layers_{stack}") == "all"
            else set(self._numbers(f"moe_layers_{stack}"))
            for stack, count in layers.items()
        }

    @property
    def expert_sizes(self) -> tuple[int, ...]:
        """Of an expert's hidden layers."""
        return self._numbers("moe_hidden_sizes")

    def _numbers(self, name: str) -> tuple[int, ...]:
        text = getattr(self, name)
        if not re.fullmatch(r"([0-9]{1,9}(\+[0-9]{1,9})*)?", text):
            words = "numbers such as 1+3"
            if name != "moe_hidden_sizes":
                words += ", or all"
            raise UsageError(f"hparam {name}={text!r}: expected {words}.")
        return tuple(int(part) for part in text.split("+") if part)

    def architecture(self) -> dict[str, Any]:
        """With Shazeer et al.'s k; see `HParams.architecture`."""
        return {
            **super().architecture(),
            "gate": self.ffn_layer,
            "encoder_layers_with_experts": len(self.expert_layers["encoder"]),
            "decoder_layers_with_experts": len(self.expert_layers["decoder"]),
            "experts": self.moe_num_experts,
            "k": self.moe_k,
            "expert_hidden_sizes": self.moe_hidden_sizes,
        }

    def activations(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the largest tensors; see `HParams.activations`."""
        rows, source, target = shape
        places = self.moe_k * self.moe_overhead_train
        # Of every place: what comes, what goes, and hidden layers before and
        # after ReLU. The dense layer's own are counted already.
        width = 2 * self.hidden_size + 2 * sum(self.expert_sizes)
        more = round(places * width) - 2 * self.filter_size
        positions = self._expert_positions(source, target)
        return super().activations(shape, vocab_size) + rows * positions * more

    def forward_flops(self, shape: hparam.Shape, vocab_size: int) -> int:
        """By the formula above; see `HParams.forward_flops`."""
        rows, source, target = shape
        more = self._expert_positions(source, target) * self._more_flops()
        return super().forward_flops(shape, vocab_size) + rows * more

    def decoding_flops(
        self, shape: hparam.Shape, vocab_size: int, beams: int
    ) -> int:
        """See `HParams.decoding_flops`."""
        rows, source, steps = shape
        positions = self._expert_positions(source, beams * steps)
        more = positions * self._more_flops()
        return super().decoding_flops(shape, vocab_size, beams) + rows * more

    def experts_flops(self) -> int:
        """The gate and k experts, for one position."""
        sizes = (self.hidden_size, *self.expert_sizes, self.hidden_size)
        weights = sum(a * b for a, b in itertools.pairwise(sizes))
        gate = self.hidden_size * self.moe_num_experts
        return 2 * (self.moe_k * weights + gate)

    def _more_flops(self) -> int:
        """Than a feed-forward layer, for one position."""
        return self.experts_flops() - self.feed_forward_flops()

    def _expert_positions(self, source: int, target: int) -> int:
        """Positions of a sentence that go through experts, in all layers."""
        layers = self.expert_layers
        return source * len(layers["encoder"]) + target * len(layers["decoder"])


registry.register_model(
    "transformer_moe",
    "t2t_repro.models.transformer_moe:TransformerMoe",
    TransformerMoeHParams,
)
