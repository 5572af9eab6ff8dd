"""MarianMT models here against transformers on PyTorch, number by number.

`tests/testdata/marian` holds three models with random weights and what
transformers computed with them; make.py there says how. Those of
shared/oracle/marian are three more, with tokenizers of OPUS-MT's form.
"""

import dataclasses
import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro import files, registry
from t2t_repro.bin import t2t_import_checkpoint
from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.errors import InputError
from t2t_repro.interop import (
    huggingface,
    keras_h5,
    marian_hparams,
    marian_weights,
    safetensors,
)
from tests import source_tree

_DATA = source_tree.ROOT / "tests" / "testdata" / "marian"
_ORACLE = source_tree.ROOT.parent / "shared" / "oracle" / "marian"
_NAMES = ("plain", "multilingual", "separate")
_MORE = ("shared_swish", "deep_relu", "uneven_unscaled")
# Searches to compare; each takes seconds to trace.
_BEAMS = {
    "plain": (1, 4),
    "multilingual": (6,),
    "separate": (4,),
    "shared_swish": (4,),
    "deep_relu": (4,),
    "uneven_unscaled": (1,),
}
# Ids that transformers was let generate.
_LIMITS = {_DATA: 30, _ORACLE: 40}


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, and what transformers computed with it.

    Attributes:
      run: imported.
      expected: arrays by name.
      source: our id of each of the source's own.
      target: the same of the target.
      limit: ids generated at most.
    """

    folder: pathlib.Path
    run: LoadedRun
    expected: dict[str, np.ndarray]
    source: np.ndarray
    target: np.ndarray
    limit: int

    def inputs(self):
        return tf.constant(self.source[self.expected["source_ids"]], tf.int32)


def _import(folder, place, *flags):
    arguments = [f"--marian={folder}", f"--output_dir={place}", *flags]
    assert t2t_import_checkpoint.main(arguments) == 0


def _numbers(rows):
    """Of each number of a list, our id."""
    present = [(row, number) for number, row in enumerate(rows) if row >= 0]
    return np.array([number for _, number in sorted(present)])


@pytest.fixture(
    scope="module",
    params=[
        *((_DATA, name) for name in _NAMES),
        *((_ORACLE, name) for name in _MORE),
    ],
    ids=lambda param: param[1],
)
def case(request, tmp_path_factory):
    root, name = request.param
    if not (root / name).is_dir():
        pytest.skip("shared/oracle is not here")
    place = tmp_path_factory.mktemp("run") / "run"
    _import(root / name, place)
    run = t2t_repro.load(place)
    with np.load(root / f"{name}.npz") as file:
        expected = dict(file)
    return Case(
        root / name,
        run,
        expected,
        _numbers(run.encoder.source_rows),
        _numbers(run.encoder.target_rows),
        _LIMITS[root],
    )


def test_logits(case):
    logits = case.expected["logits"]
    rows = len(logits)
    targets = case.target[case.expected["target_ids"]][:rows]
    model = case.run.model
    ours = model.logits(model(case.inputs()[:rows], tf.constant(targets)))
    ours = np.asarray(ours)[..., case.target]
    mask = case.expected["target_ids"][:rows] != case.run.encoder.target_rows[0]
    # What transformers reads behind the end is the padding, here it is zeros.
    mask[:, 1:] &= mask[:, :-1]
    np.testing.assert_allclose(ours[mask], logits[mask], rtol=0, atol=1e-4)


def test_ids_and_scores_of_the_search(case):
    for beams in _BEAMS[case.folder.name]:
        _compare_search(case, beams)


def _compare_search(case, beams):
    name = f"beam{beams}"
    if f"{name}_ids" not in case.expected:
        name = "greedy"
    inputs = case.inputs()
    limits = tf.fill([len(inputs)], case.limit)
    options, model = case.run.options, case.run.model

    @tf.function(autograph=False)
    def search():
        if beams == 1:
            return greedy_search(model, inputs, limits, options.search)
        return beam_search(
            model, inputs, limits, beams, options.alpha, search=options.search
        )

    found = search()
    expected = _padded(case.target[case.expected[f"{name}_ids"][:, 1:]], case)
    ours = _padded(found.ids.numpy()[:, 0], case)
    np.testing.assert_array_equal(ours, expected)
    # A search that ignores its input would find one translation for all.
    assert len({tuple(row) for row in expected}) > 3
    if beams > 1:
        scores = case.expected[f"{name}_scores"]
        np.testing.assert_allclose(
            found.scores.numpy()[:, 0], scores, rtol=0, atol=2e-5
        )


def _padded(ids, case):
    """`[lines, length]` with as many columns as there can be."""
    return np.pad(ids, [(0, 0), (0, case.limit - ids.shape[1])])


def test_tokenizer_and_texts(case):
    encoder = case.run.encoder
    for line, ids in zip(
        case.expected["lines"], case.inputs().numpy(), strict=True
    ):
        assert [*encoder.encode(line), 1] == [i for i in ids if i]
    if "targets" not in case.expected:
        return
    targets = case.target[case.expected["target_ids"]]
    for line, ids in zip(case.expected["targets"], targets, strict=True):
        assert [*encoder.targets.encode(line), 1] == [i for i in ids if i]
    for beams in (1, 4, 6):
        found = case.target[case.expected[f"beam{beams}_ids"][:, 1:]]
        texts = case.expected[f"beam{beams}_texts"]
        assert [encoder.decode(row) for row in found] == list(texts)


def test_there_and_back_is_the_same_bits(case, tmp_path):
    model = case.run.model
    weights = {
        path: np.asarray(weight.value)
        for path, weight in model.weights_by_path().items()
    }
    hparams = marian_hparams.check(model.hparams)
    found = marian_weights.tensors(weights, hparams, case.run.encoder)
    theirs = safetensors.read(case.folder / "model.safetensors")
    # Two matrices of ours begin alike where theirs is one.
    untied = found.keys() - theirs.keys()
    assert untied <= {"lm_head.weight"}
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(found[name], tensor, err_msg=name)
    said = marian_hparams.config(hparams)
    given = files.read_json(case.folder / "config.json")
    differing = {n for n in said if n in given and said[n] != given[n]}
    assert differing <= ({"tie_word_embeddings"} if untied else set())
    if not untied:
        safetensors.write(tmp_path / "model", found)
        assert (tmp_path / "model").read_bytes() == (
            case.folder / "model.safetensors"
        ).read_bytes()


def test_the_run_says_how_transformers_would_decode():
    def said(name):
        return huggingface.open_folder(_DATA / name).decode_hparams()

    assert said("plain") == ("search=huggingface,beam_size=4,alpha=1.0", [])
    assert said("multilingual") == (
        "search=huggingface_renormalized,beam_size=6,alpha=1.2",
        [],
    )


def test_weights_of_the_tensorflow_classes_are_the_same():
    folder = _DATA / "multilingual"
    expected = safetensors.read(folder / "model.safetensors")
    found = keras_h5.read(folder / "tf_model.h5")
    # They wrote their positions, too.
    assert set(found) - set(expected) == set(marian_weights._POSITIONS)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor, err_msg=name)


def test_learned_positions_are_refused(tmp_path):
    width = 16
    table = np.zeros((5, width), np.float32)
    hparams = registry.hparams("transformer_tiny").replace(hidden_size=width)
    with pytest.raises(InputError, match="learned positions"):
        marian_weights._check_positions(table, "positions", hparams, "model")


def test_our_own_model_as_marian_has_it():
    """Width 4, 3 ids: every number of the result is worked out by hand."""
    hparams = registry.hparams("transformer_tiny").replace(
        hidden_size=4, num_heads=2, filter_size=3
    )
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    kernel = np.arange(100, 116, dtype=np.float32).reshape(4, 4)
    place = "encoder/layer_0/self_attention"
    rows = types.SimpleNamespace(source_rows=[2, 0, 1], target_rows=[2, 0, 1])
    found = marian_weights.tensors(
        {
            "embedding/matrix": matrix,
            f"{place}/query/kernel": kernel,
            f"{place}/output/kernel": kernel,
        },
        hparams,
        rows,
    )
    # Sine, cosine, sine, cosine become sine, sine, cosine, cosine; padding, the
    # last there, is what the decoder begins with, zero.
    np.testing.assert_array_equal(
        found["model.shared.weight"],
        [[4, 6, 5, 7], [8, 10, 9, 11], [0, 0, 0, 0]],
    )
    # Its logit can never win.
    np.testing.assert_array_equal(found["final_logits_bias"], [[0, 0, -1000]])
    layer = "model.encoder.layers.0.self_attn"
    # Outputs come first there; the query's input is the model's width ...
    np.testing.assert_array_equal(
        found[f"{layer}.q_proj.weight"][0], [100, 108, 104, 112]
    )
    # ... and so is what the attention gives back.
    np.testing.assert_array_equal(
        found[f"{layer}.out_proj.weight"][:, 0], [100, 102, 101, 103]
    )
    np.testing.assert_array_equal(found[f"{layer}.k_proj.bias"], np.zeros(4))
