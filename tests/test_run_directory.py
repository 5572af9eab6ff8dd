"""The run directory: written once, read back, contradicted by name."""

import dataclasses
import json
import logging
import os

import pytest

from t2t_repro import registry, run_directory
from t2t_repro.errors import InputError, UsageError
from t2t_repro.files import file_sha256
from t2t_repro.text import bpe

_LINES = ["a man rides a red bicycle.", "two dogs play in the snow."] * 3


@pytest.fixture
def data_dir(tmp_path):
    """A data folder with a vocabulary for Multi30k."""
    folder = tmp_path / "data"
    folder.mkdir()
    problem = registry.problem("translate_ende_multi30k")
    bpe.learn(_LINES, 300, folder / problem.vocab_filename)
    return folder


@pytest.fixture
def run(tmp_path, data_dir):
    """A run of the reversed problem."""
    problem = registry.problem("translate_ende_multi30k_rev")
    return run_directory.create(_planned(tmp_path / "run", problem, data_dir))


def _planned(folder, problem, data_dir):
    return run_directory.Run(
        folder=folder,
        model="transformer",
        hparams_set="transformer_tiny",
        hparams=registry.hparams("transformer_tiny").override("batch_size=100"),
        problem=problem.full_name,
        languages=problem.languages,
        vocabulary=run_directory.data_vocabulary(problem, data_dir),
    )


def _rewrite(path, **changes):
    values = json.loads(path.read_text())
    for name, value in changes.items():
        if value is None:
            del values[name]
        else:
            values[name] = value
    path.write_text(json.dumps(values))


def test_what_is_created_is_loaded(run):
    assert run_directory.exists(run.folder)
    assert run_directory.load(run.folder) == run
    assert run.model == "transformer"
    assert run.hparams_set == "transformer_tiny"
    assert run.problem == "translate_ende_multi30k_rev"
    assert run.languages == ("de", "en")
    assert run.hparams.batch_size == 100
    assert run.hparams == registry.hparams("transformer_tiny").replace(
        batch_size=100
    )
    assert sorted(os.listdir(run.folder)) == [
        "hparams.json",
        "problem.json",
        "vocab.translate_ende_multi30k.8192.bpe",
    ]


def test_the_users_folder_is_remembered(run, tmp_path, monkeypatch, caplog):
    planned = dataclasses.replace(
        run, folder=tmp_path / "own", usr_dir=("/there/usr", "12ab")
    )
    with caplog.at_level(logging.WARNING, "t2t_repro"):
        monkeypatch.setattr(registry, "usr_dir", lambda: ("/usr", "12ab"))
        own = run_directory.create(planned)
        assert own.usr_dir == ("/there/usr", "12ab")
        assert not caplog.messages
        # The same folder at another place is fine, other code is not silent.
        monkeypatch.setattr(registry, "usr_dir", lambda: ("/there/usr", "77"))
        run_directory.load(own.folder)
        assert caplog.messages == [
            "--t2t_usr_dir=/there/usr has other code (SHA-256 77) than the run"
            f" {own.folder} began with (12ab of /there/usr)."
        ]
        run_directory.load(run.folder)  # one from before, which says nothing
        assert len(caplog.messages) == 1
    assert run.usr_dir is None


@pytest.mark.parametrize(
    ("usr_dir", "given"),
    [(("/there/usr", "12ab"), "/there/usr"), (None, "FOLDER")],
)
def test_a_problem_or_model_that_is_not_registered(run, usr_dir, given):
    unknown = dataclasses.replace(run, problem="own", usr_dir=usr_dir)
    with pytest.raises(UsageError) as raised:
        unknown.open_problem()
    assert str(raised.value) == (
        f"{run.folder} was trained with the problem 'own', which is not"
        f" registered here: give --t2t_usr_dir={given}, the folder of its code"
        " (usr_dir of t2t_repro.load)."
    )
    with pytest.raises(UsageError, match="the model 'own', which is not reg"):
        dataclasses.replace(run, model="own").new_model()


def test_the_run_has_its_own_vocabulary(run, data_dir):
    (data_dir / run.vocabulary.name).unlink()
    encoder = run_directory.load(run.folder).encoder()
    assert encoder.decode(encoder.encode("two men")) == "two men"


def test_the_vocabulary_of_the_data(tmp_path):
    problem = registry.problem("translate_ende_multi30k_rev")
    with pytest.raises(InputError) as raised:
        run_directory.data_vocabulary(problem, tmp_path)
    # The data is the forward problem's.
    assert "t2t-datagen --problem=translate_ende_multi30k " in str(raised.value)
    # tensor2tensor's own is taken while it is the only one.
    (tmp_path / "vocab.translate_enfr_multi30k.8192.bpe").touch()
    theirs = tmp_path / "vocab.translate_ende_multi30k.100.subwords"
    theirs.touch()
    assert run_directory.data_vocabulary(problem, tmp_path) == theirs
    (tmp_path / "vocab.translate_ende_multi30k.200.subwords").touch()
    with pytest.raises(InputError, match="has no vocab.*8192.bpe"):
        run_directory.data_vocabulary(problem, tmp_path)
    ours = tmp_path / problem.vocab_filename
    ours.touch()
    assert run_directory.data_vocabulary(problem, tmp_path) == ours


def test_a_folder_that_is_no_run(tmp_path):
    assert not run_directory.exists(tmp_path)
    with pytest.raises(InputError, match="is not a run directory.*output_dir"):
        run_directory.load(tmp_path)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("hparams.json", {"model": None}, "lacks 'model'"),
        ("hparams.json", {"hidden_size": None}, "lacks hparam 'hidden_size'"),
        ("hparams.json", {"hidden": 1}, "has the unknown hparam 'hidden'"),
        ("hparams.json", {"hidden_size": "x"}, "expected a whole number"),
        ("problem.json", {"languages": None}, "lacks 'languages'"),
        ("problem.json", {"vocabulary_sha256": None}, "'vocabulary_sha256'"),
        ("problem.json", {"vocabulary": "gone"}, "gone does not exist"),
    ],
)
def test_damaged_fields(run, file, changes, message):
    _rewrite(run.folder / file, **changes)
    with pytest.raises(InputError, match=message):
        run_directory.load(run.folder)


@pytest.mark.parametrize("file", ["hparams.json", "problem.json"])
def test_damaged_json(run, file):
    path = run.folder / file
    path.write_text(path.read_text()[:-5])
    with pytest.raises(InputError, match=f"{file} is not JSON"):
        run_directory.load(run.folder)


def test_a_run_without_problem_json(run):
    (run.folder / "problem.json").unlink()
    with pytest.raises(InputError, match="problem.json does not exist"):
        run_directory.load(run.folder)


def test_a_changed_vocabulary(run):
    path = run.vocabulary
    before = file_sha256(path)
    bpe.learn([*_LINES, "and a cat"], 300, path)
    with pytest.raises(InputError) as raised:
        run_directory.load(run.folder)
    assert before in str(raised.value)
    assert file_sha256(path) in str(raised.value)


def test_flags_that_agree(run):
    run_directory.check_flags(run)
    run_directory.check_flags(
        run,
        problem="translate_ende_multi30k_rev",
        model="transformer",
        hparams_set="transformer_tiny",
        overrides="batch_size=100,label_smoothing=0.10",
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"problem": "translate_ende_multi30k"},
            r"--problem=translate_ende_multi30k, but .* was trained with"
            " problem=translate_ende_multi30k_rev",
        ),
        ({"model": "other"}, "--model=other, .* model=transformer:"),
        (
            {"hparams_set": "transformer_base"},
            "--hparams_set=transformer_base, .* hparams_set=transformer_tiny:",
        ),
        (
            {"overrides": "hidden_size=128,batch_size=200"},
            "--hparams: batch_size=200, .* with batch_size=100:",
        ),
        ({"overrides": "batch_sise=1"}, "'batch_sise'.*batch_size"),
    ],
)
def test_a_contradicting_flag_is_named(run, flags, message):
    with pytest.raises(UsageError, match=message) as raised:
        run_directory.check_flags(run, **flags)
    assert raised.value.exit_status == 2


def test_data_of_another_vocabulary(run, data_dir):
    problem = registry.problem(run.problem)
    run_directory.check_data(run, problem, data_dir)
    theirs = data_dir / run.vocabulary.name
    bpe.learn([*_LINES, "and a cat"], 300, theirs)
    with pytest.raises(InputError) as raised:
        run_directory.check_data(run, problem, data_dir)
    message = str(raised.value)
    for path in (theirs, run.vocabulary):
        assert str(path) in message
        assert file_sha256(path) in message
