"""OpenNMT-tf's Transformer in the paper's form, with random weights."""

import pathlib
import tempfile
from typing import Any

from benchmarks.peers import protocol

tf = protocol.load("tensorflow")
opennmt = protocol.load("opennmt")

# What OpenNMT-tf has in front of the words of a vocabulary.
_SPECIAL = ["<blank>", "<s>", "</s>"]
FIRST_WORD = len(_SPECIAL)


def new_model(given: Any, params: dict) -> Any:
    """Makes the model.

    Args:
      given: the settings of the driver.
      params: OpenNMT-tf's own.

    Returns:
      A model whose softmax has `given["vocab"]` rows; variables not made yet.
    """
    threads = given["threads"]
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.random.set_seed(1)
    # One more id stands for unknown words.
    words = [f"w{i}" for i in range(given["vocab"] - len(_SPECIAL) - 1)]
    vocabulary = pathlib.Path(tempfile.mkdtemp()) / "words.txt"
    vocabulary.write_text("\n".join([*_SPECIAL, *words]) + "\n")
    hidden = given["hidden_size"]
    model = opennmt.models.Transformer(
        opennmt.inputters.WordEmbedder(embedding_size=hidden),
        opennmt.inputters.WordEmbedder(embedding_size=hidden),
        num_layers=given["layers"],
        num_units=hidden,
        num_heads=given["num_heads"],
        ffn_inner_dim=given["filter_size"],
        dropout=given["dropout"],
        attention_dropout=0.0,
        ffn_dropout=0.0,
        mha_bias=False,
        output_layer_bias=False,
        share_embeddings=opennmt.models.EmbeddingsSharingLevel.ALL,
        pre_norm=False,
    )
    path = str(vocabulary)
    model.initialize(
        {"source_vocabulary": path, "target_vocabulary": path}, params=params
    )
    return model


def random_side(given: Any, length: int) -> dict:
    """Full sentences of random words as OpenNMT-tf's features."""
    shape = [given["batch"], length]
    ids = tf.random.uniform(
        shape, FIRST_WORD, given["vocab"] - 1, dtype=tf.int64
    )
    words = tf.strings.as_string(ids - FIRST_WORD)
    return {
        "ids": ids,
        "tokens": tf.strings.join(["w", words]),
        "length": tf.fill([given["batch"]], length),
    }
