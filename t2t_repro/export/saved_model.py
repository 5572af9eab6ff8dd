"""A SavedModel: strings in, strings and scores out, nothing else needed.

Tokenizer, beam search and weights are one graph, which loads with tensorflow
and tensorflow_text alone (the latter must be imported: it brings the
tokenizer's operations). tensor2tensor's exports took serialised ids and left
the vocabulary to the client; the names `inputs`, `outputs` and `scores` are
its own.

Left out: vocabularies of tensor2tensor's subwords, of Marian and of words, and
problems whose lines are made in Python (parsing).
"""

import functools
import pathlib
from typing import Any

import tensorflow as tf

from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import likeliest
from t2t_repro.errors import UsageError
from t2t_repro.run_directory import Run
from t2t_repro.text import marian, subwords, words
from t2t_repro.text.bpe import graph_tokenizer
from t2t_repro.text.encoder import EOS_ID

# What `str.strip` takes away, which is more than `tf.strings.strip` does.
_WHITE_SPACE = r"[\t-\r\x1c-\x20\x{85}\p{Z}]*"


def check(run: Run, options: DecodeOptions) -> None:
    """Raises UsageError for a run or a search that no graph can hold."""
    reason = ""
    if run.vocabulary.suffix == subwords.SUFFIX:
        reason = (
            f"{run.vocabulary.name} has tensor2tensor's subwords, which are cut"
            " by Python's tables of letters"
        )
    elif run.vocabulary.suffix == marian.SUFFIX:
        reason = (
            f"{run.vocabulary.name} has Marian's pieces, which are numbered by"
            " a list beside the tokenizer"
        )
    elif run.vocabulary.suffix == words.SUFFIX:
        reason = (
            f"{run.vocabulary.name} has whole words, which no tokenizer of"
            " TensorFlow's numbers as they are"
        )
    elif not run.open_problem().has_plain_lines:
        reason = f"{run.problem} makes its lines in Python"
    elif options.samples:
        reason = "sampling_method=random draws by a seed of its own"
    elif options.engine != "tensorflow":
        reason = f"engine={options.engine} is another program"
    elif options.quantize != "none":
        reason = f"quantize={options.quantize} copies the weights"
    elif options.shortlist:
        reason = f"shortlist={options.shortlist} is a file of its own"
    if reason:
        raise UsageError(
            f"--format=saved_model: {reason}, and that has no place in the"
            " graph: take another --format, or translate with"
            " t2t_repro.load(output_dir)."
        )


def export(
    run: Run, options: DecodeOptions, model: Any, folder: pathlib.Path
) -> None:
    """Writes the SavedModel.

    Its `serving_default` takes `inputs`, `[batch]` strings, one sentence each
    (any number, empty ones too), and gives `outputs`, strings, and `scores`,
    float32 (see `beam_search.Hypotheses`): `[batch]`, or `[batch, hypotheses]`
    where `options` ask for several. The same can be called as `translate`.

    `options` say how to search; `batch_size` is the client's matter. Both are
    such as `check` passes.
    """
    module = _Translator(model, run.vocabulary, options)
    signatures = {"serving_default": module.translate}
    tf.saved_model.save(module, str(folder), signatures=signatures)


class _Translator(tf.Module):
    """What the SavedModel holds."""

    def __init__(
        self, model: Any, vocabulary: pathlib.Path, options: DecodeOptions
    ):
        super().__init__("translator")
        # One by one: the model keeps layers where tf.Module tracks nothing.
        self.weights = [weight.value for weight in model.weights]
        self.tokenizer = graph_tokenizer(vocabulary)
        self._options = options
        # Not the model itself: tf.Module would save it a second time.
        self._search = functools.partial(likeliest, model, options=options)
        self.translate = tf.function(
            self._translate,
            input_signature=[tf.TensorSpec([None], tf.string, name="inputs")],
            autograph=False,
        )

    def _translate(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        ids, limits = self._sources(inputs)
        # Without room for an id a sentence is done before it begins.
        limits = tf.where(is_blank(inputs), 0, limits)
        found = self._search(ids, limits)
        wanted = self._options.hypotheses
        outputs = self._texts(found.ids[:, :wanted])
        scores = found.scores[:, :wanted]
        if wanted == 1:
            outputs, scores = outputs[:, 0], scores[:, 0]
        return {"outputs": outputs, "scores": scores}

    def _sources(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[batch]` strings -> `[batch, source]` ids and `[batch]` limits."""
        pieces = self.tokenizer.tokenize(inputs)
        most = self._options.max_input_size
        if most > 0:
            # The tokenizer wrote an end of sentence; a line that is cut needs
            # it behind the cut.
            pieces = pieces[:, :-1][:, : most - 1]
            end = tf.fill([pieces.nrows(), 1], EOS_ID)
            pieces = tf.concat([pieces, end], axis=1)
        lengths = tf.cast(pieces.row_lengths(), tf.int32)
        return pieces.to_tensor(), lengths + self._options.extra_length

    def _texts(self, ids: tf.Tensor) -> tf.Tensor:
        """`[batch, hypotheses, length]` -> `[batch, hypotheses]` strings."""
        shape = tf.shape(ids)
        rows = tf.reshape(ids, [shape[0] * shape[1], shape[2]])
        pieces = tf.ragged.boolean_mask(rows, rows > EOS_ID)
        return tf.reshape(self.tokenizer.detokenize(pieces), shape[:2])


def is_blank(lines: tf.Tensor) -> tf.Tensor:
    """`[batch]` strings -> `[batch]` bool: those that `str.strip` empties."""
    return tf.strings.regex_full_match(lines, _WHITE_SPACE)
