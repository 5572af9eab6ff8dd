"""A file of LiteRT, for small devices: ids in, a search step by step.

Encoder, decoder step and the rules of the search are one `model.tflite`, which
a dozen lines run wherever LiteRT does: on a phone or a board, without
TensorFlow. Inside a loop of its own LiteRT would leave its fast kernels unused,
so the loop is the client's, which only hands on what it got:

    encode(inputs) -> a state
    step(state) -> what of the state is new, and the hypotheses so far

Both are traced from what every family of models provides. The vocabulary lies
beside the file: a client cuts lines into pieces itself.

Left out: families that read their source in a loop; samples; shortlists;
parsing, whose trees are put together in Python.
"""

import pathlib
from typing import Any

import tensorflow as tf

from t2t_repro.decode import litert_engine
from t2t_repro.decode.beam_search import (
    Changing,
    Fixed,
    Growth,
    advance_by,
    final_hypotheses,
)
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError
from t2t_repro.interop import litert_program
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import PAD_ID

FILE = "model.tflite"

_FAMILIES = ("transformer", "transformer_moe")

_Tensors = dict[str, tf.Tensor]


def check(run: Run) -> None:
    """Raises UsageError for a run that no such file can hold."""
    reason = ""
    if run.model not in _FAMILIES:
        reason = f"the run has the model {run.model}, no Transformer"
    elif not run.open_problem().has_plain_lines:
        reason = f"{run.problem} makes its lines in Python"
    if reason:
        raise UsageError(f"--format=litert: {reason}: take another --format.")


def export(
    run: Run, options: DecodeOptions, model: Any, folder: pathlib.Path
) -> None:
    """Writes `model.tflite` and the vocabulary.

    The signature `encode` takes `inputs`, `[batch, source]` int32, ids with the
    end of sentence, 0 = padding. It returns a state: tensors `[batch, ...]` by
    name, of which `is_done`, `[batch]` bool, says whose hypotheses cannot
    change any more. The signature `step` takes a state, and returns those of
    its tensors that are new, and with them `outputs`, `[batch, beams, length]`
    int32, and `scores`, `[batch, beams]`, as `beam_search.Hypotheses` has them.

    Args:
      run: such as `check` passes.
      options: how to search, and whether in 8 bits; `batch_size` and
        `max_input_size` are the client's matter.
      model: a `Seq2Seq` with its weights.
      folder: where to.
    """
    content = litert_program.converted_signatures(
        _Search(model, options).signatures(),
        [weight.value for weight in model.weights],
        is_narrow=options.quantize == "int8",
    )
    (folder / FILE).write_bytes(content)
    run.copy_vocabulary(folder)


class _Search:
    """What the two signatures are traced from.

    A state is a nest, whose tensors have names for the client. LiteRT lends no
    empty tensors: what grows from nothing has one entry more in front, which
    means nothing, wherever a client sees it.
    """

    def __init__(self, model: Any, options: DecodeOptions):
        rules = litert_engine.rules(options)
        self._growth = Growth(model, rules.beams, advance_by(rules))
        self._extra_length = options.extra_length
        # The state at the start, and by name the axis that grows, if any does.
        self._first: Any = None
        self._growing: dict[str, int] = {}

    def signatures(self) -> dict[str, Any]:
        """Both functions, by name."""
        inputs = tf.TensorSpec([None, None], tf.int32, "inputs")
        encode = tf.function(
            self._encode, input_signature=[inputs], autograph=False
        ).get_concrete_function()
        specs = {}
        for name, tensor in encode.structured_outputs.items():
            shape = tensor.shape.as_list()
            for axis in (0, self._growing.get(name, 0)):
                shape[axis] = None
            specs[name] = tf.TensorSpec(shape, tensor.dtype, name)
        step = tf.function(self._step, autograph=False)
        return {"encode": encode, "step": step.get_concrete_function(**specs)}

    def _encode(self, inputs: tf.Tensor) -> _Tensors:
        """`[batch, source]` ids to the first state."""
        lengths = tf.reduce_sum(tf.cast(inputs != PAD_ID, tf.int32), axis=1)
        limits = lengths + self._extra_length
        self._first = self._growth.begin(inputs, limits, limits)
        named = _named(*self._first)
        self._growing = {
            name: tensor.shape.as_list().index(0)
            for name, tensor in named.items()
            if 0 in tensor.shape.as_list()
        }
        return self._lent(named)

    def _step(self, **given: tf.Tensor) -> _Tensors:
        """One id more for every sentence that is not done."""
        own = self._own(given)
        fixed, changing = tf.nest.pack_sequence_as(
            self._first, [own[name] for name in _named(*self._first)]
        )
        position = tf.shape(changing.state.alive_ids)[2]
        changing = self._growth.grow(position, fixed, changing)
        best = final_hypotheses(changing.state)
        return self._lent(_named(changing)) | {
            "outputs": best.ids,
            "scores": best.scores,
        }

    def _lent(self, named: _Tensors) -> _Tensors:
        """Gives what grows its entry in front."""
        lent = dict(named)
        for name, axis in self._growing.items():
            front = [[0, 0]] * len(named[name].shape)
            front[axis] = [1, 0]
            lent[name] = tf.pad(named[name], front)
        return lent

    def _own(self, lent: _Tensors) -> _Tensors:
        """Takes it away again."""
        own = dict(lent)
        for name, axis in self._growing.items():
            begin = [0] * len(lent[name].shape)
            begin[axis] = 1
            own[name] = tf.slice(lent[name], begin, [-1] * len(begin))
        return own


def _named(*parts: Fixed | Changing) -> _Tensors:
    """The tensors of parts of a state, in the order of their nest."""
    named: _Tensors = {}
    for part in parts:
        for name, nest in part._asdict().items():
            if name == "state":
                named |= nest._asdict()
            else:
                tensors = tf.nest.flatten(nest)
                named |= {f"{name}_{i}": t for i, t in enumerate(tensors)}
    return named
