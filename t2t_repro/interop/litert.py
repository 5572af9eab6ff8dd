"""The Transformer as two programs of LiteRT: one encodes, one takes a step.

Both are traced from the model's own layers, so that whatever an hparam of the
family changes is changed here. A step reads keys and values of the earlier
positions from inputs and gives back those of its own, which whoever searches
writes into the inputs, wherever there is room; and it ends with the choice of
the next ids, which is the search's own (`decode.beam_step`).

With matrices of 8 bits attention, norms, sums and softmax stay float32, and so
do the embeddings, which are looked up outside.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_repro.hparam import HParams
from t2t_repro.interop import litert_program
from t2t_repro.models.transformer_hparams import TransformerHParams


def has_programs(hparams: HParams) -> bool:
    """Whether a model is of the one family that has such programs."""
    return type(hparams) is TransformerHParams


def encoder_program(model: Any, is_narrow: bool) -> bytes:
    """From a source to the keys and values of all decoder layers.

    Its inputs are `x`, `[batch, source, hidden]`, and `memory_bias`, `[batch,
    1, 1, source]`; its results `[batch, heads, source, d_k]` and `[batch,
    heads, source, d_v]` of each layer.

    Args:
      model: a `Transformer` with its weights.
      is_narrow: see `litert_program.converted`.
    """

    def encode(x: tf.Tensor, memory_bias: tf.Tensor) -> Any:
        return model.keys_values(model.encoder_stack(x, memory_bias))

    hidden = model.hparams.hidden_size
    signature = [
        tf.TensorSpec([None, None, hidden], name="x"),
        tf.TensorSpec([None, 1, 1, None], name="memory_bias"),
    ]
    return litert_program.converted(encode, signature, is_narrow)


def step_program(
    model: Any,
    beams: int,
    choose: Callable[..., Any],
    chooses_by: list[tf.TensorSpec],
    is_narrow: bool,
) -> bytes:
    """One position of every beam, and the choice of the next ids.

    Its inputs are `x`, `[batch, beams, hidden]`; `memory_bias`, `[batch, 1, 1,
    source]`; `bias`, `[batch, 1, beams, entries]`; the tensors that are named
    by `memory_names` and `cache_names`; and `chooses_by`. Its results are the
    keys and values of this position, as the cache has them, and then what
    `choose` returns.

    Args:
      model: a `Transformer` with its weights.
      beams: hypotheses of each sentence.
      choose: `[batch, beams, vocabulary]` logits, and tensors as
        `chooses_by` says, to a nest of tensors.
      chooses_by: what `choose` wants to know, each with a name.
      is_narrow: see `litert_program.converted`.
    """
    hparams = model.hparams
    kernel = model.output_kernel()
    tensors = 2 * hparams.decoder_layers

    def step(
        x: tf.Tensor, memory_bias: tf.Tensor, bias: tf.Tensor, *more: tf.Tensor
    ) -> Any:
        memory, cache = more[:tensors], more[tensors : 2 * tensors]
        x, own = model.step_beside(
            x, memory_bias, _pairs(memory), _pairs(cache), bias
        )
        return own, choose(model.logits(x, kernel), *more[2 * tensors :])

    heads = hparams.num_heads
    channels = (hparams.key_channels, hparams.value_channels)
    signature = [
        tf.TensorSpec([None, beams, hparams.hidden_size], name="x"),
        tf.TensorSpec([None, 1, 1, None], name="memory_bias"),
        tf.TensorSpec([None, 1, beams, None], name="bias"),
        *(
            tf.TensorSpec([None, heads, None, channels[i % 2] // heads], name=n)
            for names in (memory_names(hparams), cache_names(hparams))
            for i, n in enumerate(names)
        ),
        *chooses_by,
    ]
    return litert_program.converted(step, signature, is_narrow)


def memory_names(hparams: TransformerHParams) -> list[str]:
    """Inputs of a step: keys, then values of the source, layer by layer."""
    return [f"memory_{i}" for i in range(2 * hparams.decoder_layers)]


def cache_names(hparams: TransformerHParams) -> list[str]:
    """Inputs of a step: keys, then values of what was generated."""
    return [f"cache_{i}" for i in range(2 * hparams.decoder_layers)]


def target_vectors(model: Any) -> np.ndarray:
    """`[vocabulary, hidden]`: by its id, what is added at its place."""
    return model.target_vectors(tf.range(model.vocab_size)).numpy()


def target_places(model: Any, count: int) -> np.ndarray:
    """`[count, hidden]`: by its position, what is added to a target vector."""
    nothing = tf.zeros([1, count, model.hparams.hidden_size])
    return model.decoder_input(nothing, tf.range(count))[0].numpy()


def _pairs(tensors: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    return zip(tensors[::2], tensors[1::2], strict=True)
