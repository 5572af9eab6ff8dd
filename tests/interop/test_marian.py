"""MarianMT models here against transformers on PyTorch, number by number.

`tests/testdata/marian` holds three models with random weights and what
transformers computed with them; make.py there says how. Those of
shared/oracle/marian are three more, with tokenizers of OPUS-MT's form.
"""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro import registry, run_directory
from t2t_repro.bin import t2t_import_checkpoint
from t2t_repro.decode.beam_search import beam_search, greedy_search
from t2t_repro.decode.loaded_run import LoadedRun
from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import huggingface, marian, safetensors
from tests import source_tree

_DATA = source_tree.ROOT / "tests" / "testdata" / "marian"
_ORACLE = source_tree.ROOT.parent / "shared" / "oracle" / "marian"
_NAMES = ("plain", "multilingual", "separate")
_MORE = ("shared_swish", "deep_relu", "uneven_unscaled")
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


@pytest.mark.parametrize("beams", [1, 4, 6])
def test_ids_and_scores_of_the_search(case, beams):
    name = f"beam{beams}"
    if f"{name}_ids" not in case.expected:
        name = {1: "greedy"}.get(beams, name)
    if f"{name}_ids" not in case.expected:
        pytest.skip("not among the oracle's arrays")
    inputs = case.inputs()
    limits = tf.fill([len(inputs)], case.limit)
    options = case.run.options
    model = case.run.model

    @tf.function(autograph=False)
    def search():
        if beams == 1:
            return greedy_search(model, inputs, limits, options.search)
        return beam_search(
            model, inputs, limits, beams, options.alpha, search=options.search
        )

    found = search()
    expected = case.target[case.expected[f"{name}_ids"][:, 1:]]
    ours = np.zeros_like(expected)
    ids = found.ids.numpy()[:, 0]
    ours[:, : ids.shape[1]] = ids
    np.testing.assert_array_equal(ours, expected)
    # Not all the same: a search that ignores its input would find them, too.
    assert len({tuple(row) for row in expected}) > 3
    if beams > 1:
        np.testing.assert_allclose(
            found.scores.numpy()[:, 0],
            case.expected[f"{name}_scores"],
            rtol=0,
            atol=2e-5,
        )


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
