"""What a model must provide: the protocol of every family.

Search, sampling, scoring, training, evaluation and export know a model through
this class alone. A family is a subclass that says how a source is encoded, what
a decoder carries from one position to the next, and how it takes a step; a
family that can see all target positions at once overrides `decode` too. Like
all of models/ it is keras.ops code: no problem, no file, no flag.

Encoded sources, memories and states are nests (tuples, lists, dicts) of
tensors whose first axis is the batch, so that sentences can leave it.
"""

from typing import Any

import keras
from keras import ops

from t2t_repro.hparam import HParams
from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.layers.linear import Linear, matmul_last
from t2t_repro.layers.recurrent import scan


class Seq2Seq(keras.Model):
    """Source ids to target ids, one at a time from left to right.

    Attributes:
      hparams: sizes and rates.
      vocab_size: ids on both sides.
      product_dtype: of the matrix products, and so of what a decoder caches of
        them: float32 unless quantized.
    """

    def __init__(self, hparams: HParams, vocab_size: int, name: str):
        """Makes the model; a family builds its layers in its own."""
        super().__init__(name=name)
        self.hparams = hparams
        self.vocab_size = vocab_size
        self.product_dtype = "float32"

    # What every family provides.

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Any:
        """Reads the source.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.
          mode: training, evaluation or looking inside.

        Returns:
          A nest of `[batch, ...]`.
        """
        raise NotImplementedError

    def start(self, encoded: Any, beams: int) -> tuple[Any, Any]:
        """What a decoder needs before its first position.

        Args:
          encoded: from `encode`.
          beams: hypotheses of each sentence.

        Returns:
          The memory, a nest of `[batch, ...]` that stays as it is, and the
          state, a nest of `[batch, ...]` that every step replaces. An axis of
          the state that has size 0 here may grow, all others keep their size.
        """
        raise NotImplementedError

    def step(
        self,
        ids: Any,
        position: Any,
        memory: Any,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """One position of every beam.

        Args:
          ids: `[batch, beams]` int32, the last id of each; 0 at the start.
          position: scalar int32, 0 at the start.
          memory: from `start`.
          state: from `start`, the last step or `reorder`.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, beams, hidden]`, of which `logits` makes scores of the next
          id, and the state behind this position.
        """
        raise NotImplementedError

    def output_kernel(self) -> Any:
        """`[hidden, vocabulary]`: decoder output times this is the logits."""
        raise NotImplementedError

    # What a family may do in another way.

    def output_bias(self) -> Any:
        """`[vocabulary]`, added to the logits; None: nothing is."""
        return None

    def reorder(self, state: Any, parents: Any) -> Any:
        """The state of beams that continue others; called after a step.

        Args:
          state: a nest of `[batch, beams, ...]`.
          parents: `[batch, beams]` int32, the beam that each one continues.

        Returns:
          As `state`.
        """
        return keras.tree.map_structure(
            lambda tensor: gather_beams(tensor, parents), state
        )

    def decode(
        self, targets: Any, encoded: Any, mode: Mode = EVALUATION
    ) -> Any:
        """Teacher-forced: the steps one after the other.

        Only for states of which no axis grows; other families override it.

        Args:
          targets: `[batch, target]` int32; position i sees those before i.
          encoded: from `encode`.
          mode: training, evaluation or looking inside. Attention maps need a
            `decode` of the family's own: a scan keeps none.

        Returns:
          `[batch, target, hidden]`.
        """
        memory, state = self.start(encoded, 1)
        before = ops.pad(targets[:, :-1], [[0, 0], [1, 0]])
        # A scan gives back what is carried: the output is carried along.
        hidden = self.output_kernel().shape[0]
        nothing = ops.zeros((ops.shape(targets)[0], 1, hidden))
        first = ops.zeros((), "int32")

        def one_position(carried: Any, ids: tuple[Any, ...]) -> Any:
            position, state, _ = carried
            x, state = self.step(ids[0], position, memory, state, mode)
            return position + 1, state, ops.cast(x, "float32")

        _, (_, _, outputs) = scan(
            one_position, (first, state, nothing), (before[:, :, None],)
        )
        return ops.swapaxes(outputs[:, :, 0], 0, 1)

    # What all families share.

    def call(self, inputs: Any, targets: Any, mode: Mode = EVALUATION) -> Any:
        """Teacher-forced decoder output; `logits` turns it into scores.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.
          targets: `[batch, target]` int32; position i sees those before i.
          mode: training, evaluation or looking inside.

        Returns:
          `[batch, target, hidden]`.
        """
        return self.decode(targets, self.encode(inputs, mode), mode)

    def logits(self, x: Any, kernel: Any = None) -> Any:
        """Scores of every id.

        Args:
          x: `[..., hidden]` decoder output.
          kernel: what `output_kernel` gave, where it is kept for many steps.

        Returns:
          `[..., vocabulary]`, as typed; float32 behind `multiply_in`.
        """
        if kernel is None:
            kernel = self.output_kernel()
        if self.product_dtype != "float32":
            x = ops.cast(x, "float32")
        return matmul_last(x, kernel, self.output_bias())

    def weights_by_path(self) -> dict[str, Any]:
        """Every weight by its path, such as `encoder/layer_0/.../kernel`.

        One that is not trainable is a moving average, whose gradient says how
        far it is off (see train/step.py). This is what checkpoints hold. Paths
        are unique, which Keras does not promise, so it is checked.
        """
        weights = {weight.path: weight for weight in self.weights}
        assert len(weights) == len(self.weights)
        return weights

    def multiply_in(self, dtype: str) -> None:
        """Makes the products with the layers' weights in `dtype`, for decoding.

        Embeddings, the sums that residuals are, norms, softmax and logits stay
        float32: 8 bits of a logit would make many equal. Nothing can be
        trained afterwards.

        Args:
          dtype: such as `bfloat16`.
        """
        for layer in self._flatten_layers():
            if isinstance(layer, Linear):
                layer.multiply_in(dtype)
        self.product_dtype = dtype


def gather_beams(tensor: Any, parents: Any) -> Any:
    """Takes beams of each sentence.

    Args:
      tensor: `[batch, beams, ...]`.
      parents: `[batch, beams]` int32.

    Returns:
      As `tensor`.
    """
    shape = ops.shape(tensor)
    rows = ops.arange(shape[0], dtype="int32")[:, None] * shape[1] + parents
    flat = ops.reshape(tensor, (-1, *shape[2:]))
    return ops.take(flat, rows, axis=0)
