"""A search among the ids that a sentence may need, not among all.

The product with the vocabulary and the choice among its ids are about half of a
step of beam search. Here every sentence has a list of its own, of the same
size, in ascending order: to the search a list is the vocabulary, in which the
padding is still 0 and the end of sentence 1. Probabilities are of the list
alone, so that scores are a little higher than without.

Marian and CTranslate2 make one list of all sentences of a batch. With lists as
good for each of them it is many times as long, so that one product with it
takes as long as one for each sentence with its own; and a short one would make
a translation depend on its neighbours, which it must not here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_repro.decode.beam_search import Hypotheses
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.decode.shortlist import Shortlist
from t2t_repro.errors import UsageError
from t2t_repro.layers.attention import EVALUATION, Mode
from t2t_repro.models.seq2seq import Seq2Seq
from t2t_repro.text.encoder import EOS_ID, PAD_ID

# What an id has before a probability, in the order of the choice: always there;
# itself, as names and numbers are copied; and the most frequent fill the rest.
_CERTAIN = 2.0
_ITSELF = 1e-4
_MOST_FREQUENT = 1e-6


class Chooser:
    """The lists of sentences."""

    def __init__(self, shortlist: Shortlist):
        """Hands the tables to TensorFlow."""
        self._size = shortlist.size
        self._targets = tf.constant(shortlist.targets)
        self._probabilities = tf.constant(shortlist.probabilities)
        frequencies = shortlist.frequencies
        scores = _MOST_FREQUENT * frequencies / max(frequencies.sum(), 1)
        scores[[PAD_ID, EOS_ID]] = _CERTAIN
        self._scores = tf.constant(scores, tf.float32)

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Chooses the likeliest ids, each by the id that it best translates.

        Args:
          inputs: `[batch, source]` int32, 0 = padding.

        Returns:
          `[batch, size]` int32, ascending.
        """
        # Padding is the empty word, which every sentence has.
        sources = tf.pad(inputs, [[0, 0], [1, 0]])
        itself = sources[:, :, None]
        ids = tf.concat([tf.gather(self._targets, sources), itself], 2)
        found = tf.gather(self._probabilities, sources)
        found = tf.concat([found, tf.fill(tf.shape(itself), _ITSELF)], 2)
        batch = tf.shape(inputs)[0]
        rows = tf.range(batch)[:, None, None]
        places = tf.stack([tf.broadcast_to(rows, tf.shape(ids)), ids], -1)
        scores = tf.tile(self._scores[None], [batch, 1])
        scores = tf.tensor_scatter_nd_max(scores, places, found)
        best = tf.math.top_k(scores, self._size, sorted=False)
        return tf.sort(best.indices, axis=1)


class _Memory(NamedTuple):
    """What stays as it is in a search.

    Attributes:
      model: the model's own.
      chosen: `[batch, size]`, the list of each sentence.
      columns: `[batch, size, hidden]`, of the output kernel.
      bias: `[batch, 1, size]`, of the logits.
    """

    model: Any
    chosen: tf.Tensor
    columns: tf.Tensor
    bias: tf.Tensor


class Shortlisted:
    """What a search asks of a `Seq2Seq`; ids are places in the lists."""

    def __init__(self, model: Any, chosen: tf.Tensor):
        """Takes a model, and the lists of the sentences to be searched."""
        self._model = model
        self._chosen = chosen
        self.vocab_size = chosen.shape[1]

    def encode(self, inputs: Any, mode: Mode = EVALUATION) -> Any:
        """What the model makes of `[batch, source]` ids, as ever."""
        return self._model.encode(inputs, mode)

    def start(self, encoded: Any, beams: int) -> tuple[_Memory, Any]:
        """The model's memory with its columns, and its state."""
        memory, state = self._model.start(encoded, beams)
        kernel, bias = self._model.output_kernel(), self._model.output_bias()
        if bias is None:
            bias = tf.zeros(kernel.shape[1])
        columns = tf.gather(tf.transpose(kernel), self._chosen)
        bias = tf.gather(bias, self._chosen)[:, None]
        return _Memory(memory, self._chosen, columns, bias), state

    def step(
        self,
        ids: Any,
        position: Any,
        memory: _Memory,
        state: Any,
        mode: Mode = EVALUATION,
    ) -> tuple[Any, Any]:
        """The model's step, with what its logits are made of; and its state."""
        own = tf.gather(memory.chosen, ids, batch_dims=1)
        x, state = self._model.step(own, position, memory.model, state, mode)
        return (x, memory.columns, memory.bias), state

    def reorder(self, state: Any, parents: Any) -> Any:
        """The model's state, of beams that continue others."""
        return self._model.reorder(state, parents)

    def output_kernel(self) -> None:
        """Nothing: every sentence has its own, in its memory."""

    def logits(self, output: Any, kernel: None = None) -> Any:
        """Scores of the ids in each list, `[batch, beams, size]`."""
        del kernel
        x, columns, bias = output
        scores = tf.matmul(x, tf.cast(columns, x.dtype), transpose_b=True)
        return scores + tf.cast(bias, x.dtype)


def check(model: Any) -> None:
    """Makes sure that a list makes the logits of a model fewer.

    Raises:
      UsageError: they are no product with a matrix.
    """
    for member in _members(model):
        if type(member).logits is not Seq2Seq.logits:
            raise UsageError(
                f"a model {member.name} makes its logits in a way of its own,"
                " which a shortlist does not know: leave it out."
            )


def search(
    model: Any,
    inputs: tf.Tensor,
    choose: Chooser,
    find: Callable[[Any], Hypotheses],
) -> Hypotheses:
    """Searches among the chosen ids.

    Args:
      model: a `Seq2Seq` or an `Ensemble`, each of whose members then makes its
        probabilities of the lists.
      inputs: `[batch, source]` int32, 0 = padding.
      choose: makes the lists.
      find: the search with the model that it is given.

    Returns:
      What it finds, as ids of the vocabulary.
    """
    chosen = choose(inputs)
    members = [Shortlisted(member, chosen) for member in _members(model)]
    found = find(Ensemble(members) if len(members) > 1 else members[0])
    ids = tf.gather(chosen, found.ids, batch_dims=1)
    return Hypotheses(ids, found.scores)


def _members(model: Any) -> tuple[Any, ...]:
    return model.members if isinstance(model, Ensemble) else (model,)
