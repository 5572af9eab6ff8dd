"""The smallest family there is: it knows which words, and not their order.

Everything that a family needs stands here, as a plug-in of a user would have
it: the test of the contract trains it, tests/test_second_family.py runs every
command on it.
"""

import dataclasses
from typing import ClassVar

from keras import ops

from t2t_repro import registry
from t2t_repro.hparam import HParams
from t2t_repro.layers.attention import EVALUATION
from t2t_repro.layers.dropout import dropout, seed_of
from t2t_repro.layers.embedding import Embedding
from t2t_repro.layers.linear import Linear
from t2t_repro.models.seq2seq import Seq2Seq


@dataclasses.dataclass(frozen=True, kw_only=True)
class BagOfWordsHParams(HParams):
    """A bag of words: knows which, and not their order."""

    bag_dropout: float

    MODEL: ClassVar[str] = "bag_of_words"
    RATES: ClassVar = (*HParams.RATES, "bag_dropout")


class BagOfWords(Seq2Seq):
    """The next word, by the mean of the source and of what was written."""

    def __init__(self, hparams, vocab_size):
        super().__init__(hparams, vocab_size, "bag_of_words")
        size = hparams.hidden_size
        self._embedding = Embedding(vocab_size, size, True, "embedding")
        self._mix = Linear(size, True, "mix")
        self._embedding.build()
        self._mix.build((None, None, 2 * size))
        self.built = True

    def encode(self, inputs, mode=EVALUATION):
        words = self._embedding(inputs)
        count = ops.sum(ops.cast(inputs != 0, "float32"), axis=1)
        mean = ops.sum(words, axis=1) / ops.maximum(count, 1.0)[:, None]
        seed = seed_of(mode.dropout_key, "bag")
        return dropout(mean, self.hparams.bag_dropout, seed)

    def start(self, encoded, beams):
        shape = (ops.shape(encoded)[0], beams, self.hparams.hidden_size)
        return encoded, {"sum": ops.zeros(shape)}

    def step(self, ids, position, memory, state, mode=EVALUATION):
        total = state["sum"] + self._embedding(ids)
        mean = total / ops.cast(position + 1, "float32")
        source = ops.broadcast_to(memory[:, None], ops.shape(mean))
        x = ops.tanh(self._mix(ops.concatenate([source, mean], axis=-1)))
        return x, {"sum": total}

    def output_kernel(self):
        return self._embedding.softmax_kernel()


registry.register_model("bag_of_words", BagOfWords, BagOfWordsHParams)


@registry.register_hparams
def bag_of_words_tiny():
    """A set for tests."""
    return BagOfWordsHParams(
        hidden_size=16,
        num_hidden_layers=1,
        shared_embedding_and_softmax_weights=True,
        shared_embedding=True,
        multiply_embedding_mode="sqrt_depth",
        label_smoothing=0.1,
        optimizer="adam",
        optimizer_adam_beta1=0.9,
        optimizer_adam_beta2=0.98,
        optimizer_adam_epsilon=1e-9,
        learning_rate_schedule="noam",
        learning_rate_constant=1.0,
        learning_rate_warmup_steps=100,
        learning_rate=0.1,
        learning_rate_decay_rate=1.0,
        learning_rate_decay_steps=1,
        clip_grad_norm=0.0,
        optimizer_multistep_accumulate_steps=0,
        batch_size=256,
        max_length=64,
        batch_shapes=2,
        bag_dropout=0.1,
    )
