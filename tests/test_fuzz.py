"""Arbitrary flags and JSON: a right result or an InputError, nothing else.

UsageError is a kind of InputError. What our own writer wrote must be read back.
"""

import json
import math
import pathlib
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hparams.transformer import transformer_base
from t2t_repro import files, hparam, run_directory
from t2t_repro.decode import options as decode_options
from t2t_repro.errors import InputError
from t2t_repro.interop import t2t_hparams
from t2t_repro.models.transformer_hparams import TransformerHParams
from t2t_repro.report import run_facts
from tests import fuzzing

_FIELDS = hparam.field_types(TransformerHParams)
_T2T_HPARAMS = (
    pathlib.Path(__file__).parent
    / "testdata"
    / "t2t"
    / "model_prenorm_v3"
    / "config.json"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A path to write examples to."""
    return tmp_path_factory.mktemp("fuzz") / "file"


@fuzzing.LIGHT
@given(
    st.lists(
        st.sampled_from([*_FIELDS, "x", ""]) | st.text(max_size=4),
        max_size=3,
    ),
    st.sampled_from(["=", "==", " = ", "", "=-", "=1e", ":"]),
    st.text(max_size=8) | st.from_type(float).map(repr) | st.just("9" * 5000),
)
def test_hparams_flag(names, equals, value):
    text = ",".join(f"{name}{equals}{value}" for name in names)
    try:
        changed = transformer_base().override(text)
    except InputError as error:
        assert len(str(error)) < 1000 + 4 * len(text)
        return
    for name, kind in _FIELDS.items():
        found = getattr(changed, name)
        assert type(found) is kind
        assert not isinstance(found, float) or math.isfinite(found)
    read = json.loads(changed.to_json())
    assert TransformerHParams.from_mapping(read, "it") == changed


@fuzzing.LIGHT
@given(
    st.lists(
        st.sampled_from(
            [*hparam.field_types(decode_options.DecodeOptions), "beams"]
        ),
        max_size=2,
    ),
    st.integers() | st.floats() | st.booleans() | st.text(max_size=5),
)
def test_decode_hparams_flag(names, value):
    text = ",".join(f"{name}={value}" for name in names)
    try:
        options = decode_options.parse(text)
    except InputError:
        return
    assert options.beam_size >= 1
    assert math.isfinite(options.alpha)


@fuzzing.LIGHT
@given(
    st.dictionaries(
        st.sampled_from([*_FIELDS, "model", "x"]),
        fuzzing.JSON,
        max_size=2,
    )
)
def test_hparams_file(changes):
    values = json.loads(transformer_base().to_json()) | changes
    values = json.loads(json.dumps(values))
    try:
        read = TransformerHParams.from_mapping(values, "it")
    except InputError:
        return
    written = json.loads(read.to_json())
    assert TransformerHParams.from_mapping(written, "it") == read


@fuzzing.LIGHT
@given(
    st.dictionaries(
        st.sampled_from(
            ["problem", "languages", "vocabulary", "vocabulary_sha256"]
        ),
        fuzzing.JSON,
        max_size=2,
    ),
    st.sampled_from(["problem.json", "hparams.json"]),
    st.none() | st.binary(max_size=20),
)
def test_run_directory(changes, name, content):
    problem = {
        "problem": "translate_ende_toy",
        "languages": ["en", "de"],
        "vocabulary": "vocab.x.bpe",
        "vocabulary_sha256": "0" * 64,
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        hparams = json.loads(transformer_base().to_json())
        hparams |= {"model": "transformer", "hparams_set": "x"}
        (folder / "hparams.json").write_text(json.dumps(hparams))
        (folder / "problem.json").write_text(json.dumps(problem | changes))
        (folder / "vocab.x.bpe").write_bytes(b"x")
        if content is not None:
            (folder / name).write_bytes(content)
        # The hash is of another file: nothing can be opened.
        with pytest.raises(InputError):
            run_directory.load(folder)


@fuzzing.LIGHT
@given(
    st.binary(max_size=30) | fuzzing.JSON.map(lambda v: json.dumps(v).encode())
)
def test_json_files(place, content):
    place.write_bytes(content)
    try:
        read = files.read_json(place)
    except InputError:
        pass
    else:
        assert isinstance(read, dict)
    try:
        scores = run_facts.read_scores(str(place))
    except InputError:
        return
    assert all(0 <= score <= 100.01 for score, _ in scores.values())


@fuzzing.LIGHT
@given(
    st.sampled_from(["sacrebleu", "paper_bleu", "all"]),
    st.sampled_from(["score", "brackets_with_failures"]),
    fuzzing.JSON | st.builds(lambda f1: {"f1": f1}, fuzzing.JSON),
    fuzzing.JSON,
)
def test_scores_files(place, name, field, score, signature):
    values = {name: {field: score, "signature": signature}}
    place.write_text(json.dumps(values))
    try:
        scores = run_facts.read_scores(str(place))
    except InputError:
        return
    for value, described in scores.values():
        assert 0 <= value <= 100.01
        assert isinstance(described, str)


@fuzzing.LIGHT
@given(
    st.dictionaries(
        st.sampled_from([*json.loads(_T2T_HPARAMS.read_text())["hparams"]]),
        fuzzing.JSON,
        max_size=3,
    ),
    st.lists(st.sampled_from(["hidden_size", "pos", "bottom"]), max_size=1),
)
def test_hparams_of_tensor2tensor(changes, lacking):
    values = json.loads(_T2T_HPARAMS.read_text())["hparams"] | changes
    for name in lacking:
        del values[name]
    values = json.loads(json.dumps(values))
    try:
        hparams, _, _ = t2t_hparams.convert(values, "it")
    except InputError:
        return
    written = json.loads(hparams.to_json())
    assert TransformerHParams.from_mapping(written, "it") == hparams
