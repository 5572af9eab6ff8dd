"""CTranslate2: its C++ search on the same work, held to a number of steps.

The weights are random and made here, through CTranslate2's own description of
a Transformer: speed does not depend on their values, and nothing has to be
exported from another system.
"""

import os
import tempfile
from typing import Any

from benchmarks.peers import protocol

numpy = protocol.load("numpy")
ctranslate2 = protocol.load("ctranslate2")
specs = protocol.load("ctranslate2.specs")

_SPECIAL = ["<blank>", "<s>", "</s>"]


class _Weights:
    """Random matrices for one model."""

    def __init__(self, given: Any):
        self._rng = numpy.random.default_rng(1)
        self._hidden = given["hidden_size"]
        self._filter = given["filter_size"]
        self.embedding = self._matrix(given["vocab"], self._hidden)

    def fill_layer(self, layer: Any) -> None:
        """Fills an encoder's or a decoder's layer."""
        hidden = self._hidden
        self._attention(layer.self_attention, [3 * hidden, hidden])
        if hasattr(layer, "attention"):
            self._attention(layer.attention, [hidden, 2 * hidden, hidden])
        feed_forward = layer.ffn
        self._norm(feed_forward.layer_norm)
        self._linear(feed_forward.linear_0, self._filter, hidden, bias=True)
        self._linear(feed_forward.linear_1, hidden, self._filter, bias=True)

    def _attention(self, attention: Any, units: list) -> None:
        """Queries, keys and values are one product where they can be."""
        self._norm(attention.layer_norm)
        for linear, count in zip(attention.linear, units, strict=True):
            self._linear(linear, count, self._hidden, bias=False)

    def _linear(self, linear: Any, units: int, size: int, bias: bool) -> None:
        linear.weight = self._matrix(units, size)
        if bias:
            linear.bias = numpy.zeros(units, "float32")

    def _norm(self, norm: Any) -> None:
        norm.gamma = numpy.ones(self._hidden, "float32")
        norm.beta = numpy.zeros(self._hidden, "float32")

    def _matrix(self, rows: int, columns: int) -> Any:
        values = self._rng.normal(size=(rows, columns), scale=columns**-0.5)
        return values.astype("float32")


def main() -> None:
    """Builds the model and serves rounds."""
    given = protocol.settings()
    words = [f"w{i}" for i in range(given["vocab"] - len(_SPECIAL))]
    with tempfile.TemporaryDirectory() as parent:
        folder = f"{parent}/model"
        _save(given, [*_SPECIAL, *words], folder)
        translator = ctranslate2.Translator(
            folder,
            device="cpu",
            inter_threads=given["searches"],
            intra_threads=given["threads"] // given["searches"],
            compute_type=given["compute_type"],
        )
    rng = numpy.random.default_rng(2)
    shape = (given["batch"], given["source"])
    sources = [
        [words[i] for i in row] for row in rng.integers(len(words), size=shape)
    ]

    def one_round() -> None:
        found = translator.translate_batch(
            sources,
            max_batch_size=-(-given["batch"] // given["searches"]),
            beam_size=given["beam"],
            length_penalty=given["alpha"],
            min_decoding_length=given["steps"],
            max_decoding_length=given["steps"],
        )
        lengths = {len(result.hypotheses[0]) for result in found}
        assert lengths == {given["steps"]}, lengths

    protocol.serve(ctranslate2.__version__, one_round)


def _save(given: Any, vocabulary: list, folder: str) -> None:
    spec = specs.TransformerSpec.from_config(
        given["layers"], given["num_heads"], pre_norm=False
    )
    weights = _Weights(given)
    for layer in [*spec.encoder.layer, *spec.decoder.layer]:
        weights.fill_layer(layer)
    spec.encoder.embeddings[0].weight = weights.embedding
    spec.decoder.embeddings.weight = weights.embedding
    spec.decoder.projection.weight = weights.embedding
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization=None)
    os.mkdir(folder)
    spec.save(folder)


if __name__ == "__main__":
    main()
