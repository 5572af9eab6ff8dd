"""t2t-import-checkpoint, from a run of tensor2tensor to translations.

The run is made here from the random weights in tests/testdata/t2t, with a
vocabulary of the same 300 ids; the real one is tried where it is at hand.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest

from t2t_repro import checkpoints, registry, run_directory
from t2t_repro.bin import t2t_decoder, t2t_import_checkpoint
from t2t_repro.data import generate
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.decode.loaded_run import open_run
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.train.trainer import Trainer, TrainOptions

_CASE = (
    pathlib.Path(__file__).resolve().parents[1]
    / "testdata"
    / "t2t"
    / "model_prenorm_v3"
)
_VOCABULARY = "vocab.reverse_words.300.subwords"
_WORDS = ["ab", "cd", "ef", "gh"]


class ReverseWords(TextToTextProblem):
    """Four words in every order but one; the vocabulary is imported."""

    source_language, target_language = "en", "de"
    train_shards = 1

    @property
    def vocab_filename(self):
        return _VOCABULARY

    def generate_samples(self, split, tmp_dir):
        for first in range(4):
            words = _WORDS[first:] + _WORDS[:first]
            yield " ".join(words), " ".join(reversed(words))


@pytest.fixture(autouse=True)
def problem(monkeypatch):
    registry.load_built_in()
    monkeypatch.setitem(
        registry._problems._entries, "reverse_words", ReverseWords
    )


@pytest.fixture(scope="module")
def tensors():
    """A whole checkpoint of tensor2tensor, Adam slots included."""
    with np.load(_CASE / "weights_toytrained.npz") as file:
        weights = dict(file)
    slots = {
        f"training/{name}/{slot}": np.full_like(value, number)
        for name, value in weights.items()
        for slot, number in (("Adam", 0.25), ("Adam_1", 0.5))
    }
    return {
        **weights,
        **slots,
        "training/beta1_power": np.float32(0.0),
        "train_stats/problem_0_steps": np.int32(500),
        "global_step": np.int64(500),
    }


@pytest.fixture
def t2t_run(tmp_path, tensors):
    """A run directory as tensor2tensor leaves it; the vocabulary beside it."""
    folder = tmp_path / "t2t_run"
    folder.mkdir()
    values = json.loads((_CASE / "config.json").read_text())["hparams"]
    values |= {"data_dir": str(tmp_path / "t2t_data"), "batch_size": 64}
    (folder / "hparams.json").write_text(json.dumps(values))
    (folder / "flags_t2t.txt").write_text(
        "--model=transformer\n--hparams_set=transformer_base\n"
        f"--problem=reverse_words\n--data_dir={tmp_path / 't2t_data'}\n"
    )
    checkpoints.save(folder, 500, tensors)
    (tmp_path / "t2t_data").mkdir()
    write_vocabulary(tmp_path / "t2t_data" / _VOCABULARY, 300)
    return folder


def write_vocabulary(path, size):
    """`<pad>`, `<EOS>`, all letters needed, and words to fill it up."""
    letters = [*"\\_u;0123456789", *"<>EOS", *"abcdefghijklmnopqrst "]
    subtokens = ["<pad>_", "<EOS>_", *letters]
    subtokens += [f"{word}_" for word in _WORDS]
    subtokens += [f"q{number}_" for number in range(size - len(subtokens))]
    path.write_text("".join(f"'{subtoken}'\n" for subtoken in subtokens))


@pytest.fixture
def run_import(t2t_run, tmp_path, capsys):
    """Runs the command; returns status, standard output and error."""

    def run(*arguments):
        status = t2t_import_checkpoint.main(
            [
                f"--t2t_output_dir={t2t_run}",
                f"--output_dir={tmp_path / 'ours'}",
                *arguments,
            ]
        )
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def failure(run_import, tmp_path):
    """The one line of a failing import, which leaves nothing behind."""

    def run(*arguments, status=1):
        found, _, error = run_import(*arguments)
        assert found == status, error
        assert error.startswith("t2t-import-checkpoint: ")
        assert error.count("\n") == 1
        assert not list(tmp_path.glob("ours/*"))
        return error

    return run


def test_import_then_decode(run_import, tmp_path):
    status, report, _ = run_import()
    assert status == 0
    # 81 variables: 16 are blocks of one matrix.
    assert "matched: 66 weights from 81 variables" in report
    assert "Adam moments: imported" in report
    assert (
        "variables ignored: train_stats/problem_0_steps, training/beta1_power"
    ) in report
    assert "moe_k" in report
    run = run_directory.load(tmp_path / "ours")
    assert run.problem == "reverse_words"
    assert run.hparams_set == "tensor2tensor:transformer_base"
    assert run.hparams.pos == "timing"
    (tmp_path / "source").write_text("ab cd\n\nef, gh!\n")
    status = t2t_decoder.main(
        [
            f"--output_dir={tmp_path / 'ours'}",
            f"--decode_from_file={tmp_path / 'source'}",
            f"--decode_to_file={tmp_path / 'translation'}",
            "--decode_hparams=beam_size=2,extra_length=5",
        ]
    )
    assert status == 0
    first, second, third = (
        (tmp_path / "translation").read_text().removesuffix("\n").split("\n")
    )
    assert first and not second and third


def test_training_goes_on(run_import, tmp_path):
    assert run_import()[0] == 0
    data = tmp_path / "t2t_data"
    generate.generate(registry.problem("reverse_words"), data, tmp_path)
    run = run_directory.load(tmp_path / "ours")
    trainer = Trainer(run, data, TrainOptions(xla="off"))
    trainer.restore()
    assert trainer.steps_done == 500
    before = checkpoints.read(str(run.folder / "model.ckpt-500"))
    assert before["adam/m/encoder_norm/bias"].tolist() == [0.25] * 64
    trainer.step(np.array([[[31, 32, 1]]]), np.array([[[32, 31, 1]]]))
    after = checkpoints.read(trainer.save())
    assert after.keys() == before.keys()
    assert int(after["global_step"]) == 501
    # beta2 = 0.997: 0.5 becomes 0.4985 and a little of the gradient's square.
    moment = after["adam/v/encoder_norm/bias"]
    assert (moment >= 0.49849).all() and (moment < 0.6).all()
    for name in ("embedding/matrix", "decoder_norm/scale"):
        moved = np.abs(after[name] - before[name]).max()
        assert 0 < moved < 0.01


def test_without_slots_training_begins_with_zero_moments(
    run_import, t2t_run, tensors, tmp_path
):
    kept = {n: v for n, v in tensors.items() if "/Adam" not in n}
    kept["global_step"] = np.int64(700)
    checkpoints.save(t2t_run, 700, kept)
    status, report, _ = run_import()
    assert status == 0
    assert "Adam moments: none there, zeros written" in report
    values = checkpoints.read(str(tmp_path / "ours" / "model.ckpt-700"))
    assert not values["adam/m/embedding/matrix"].any()
    assert int(values["global_step"]) == 700


def test_an_older_checkpoint_by_its_path(
    run_import, t2t_run, tensors, tmp_path
):
    checkpoints.save(t2t_run, 700, tensors)
    path = t2t_run / "model.ckpt-500"
    assert run_import(f"--checkpoint_path={path}")[0] == 0
    assert checkpoints.steps(tmp_path / "ours") == [500]


def test_what_training_would_do_otherwise_is_told(run_import, t2t_run):
    change_hparams(t2t_run, optimizer="Adafactor")
    status, report, _ = run_import()
    assert status == 0
    assert "further training would differ: optimizer='Adafactor'\n" in report


def change_hparams(folder, **changes):
    path = folder / "hparams.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_network_that_is_not_here(failure, t2t_run):
    change_hparams(t2t_run, self_attention_type="dot_product_relative")
    error = failure()
    assert "self_attention_type='dot_product_relative'" in error
    assert "supported is 'dot_product'" in error


def test_an_unknown_model(failure, t2t_run):
    (t2t_run / "flags_t2t.txt").write_text("--model=transformer_moe\n")
    assert "the model 'transformer_moe'" in failure()


def test_a_truncated_checkpoint(failure, t2t_run):
    path = t2t_run / "model.ckpt-500.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:1000])
    error = failure()
    assert "model.ckpt-500 is damaged" in error


def test_a_checkpoint_of_another_model(failure, t2t_run, tensors):
    name = "transformer/body/encoder/layer_1/ffn/conv2/bias"
    kept = {n: v for n, v in tensors.items() if n != name}
    checkpoints.save(t2t_run, 700, kept)
    assert f"model.ckpt-700 has no {name}" in failure()


def test_a_vocabulary_of_another_size(failure, tmp_path):
    write_vocabulary(tmp_path / "t2t_data" / _VOCABULARY, 299)
    assert "a vocabulary of 300 ids, the vocabulary file has 299" in failure()


def test_vocabularies_that_are_not_there_or_too_many(failure, tmp_path):
    data = tmp_path / "t2t_data"
    other = tmp_path / "other"
    other.mkdir()
    assert f"no vocabulary (*.subwords) in {other}" in failure(
        f"--data_dir={other}"
    )
    for name in ("vocab.a.subwords", "vocab.b.subwords"):
        shutil.copyfile(data / _VOCABULARY, other / name)
    error = failure(f"--data_dir={other}")
    assert "2 vocabularies (vocab.a.subwords, vocab.b.subwords)" in error


def test_problems_that_are_not_said_or_not_known(failure, t2t_run):
    flags = t2t_run / "flags_t2t.txt"
    flags.write_text("--problem=translate_of_somebody\n")
    assert "'translate_of_somebody' is not registered here" in failure()
    flags.unlink()
    assert "--problem is required" in failure(status=2)
    assert "unknown problem" in failure("--problem=revers_words", status=2)


def test_an_output_dir_in_use(run_import, tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "notes").touch()
    status, _, error = run_import()
    assert status == 2
    assert "is not empty: give a new folder." in error
    assert [p.name for p in (tmp_path / "ours").iterdir()] == ["notes"]


@pytest.fixture(scope="module")
def real(shared_folder, tmp_path_factory):
    """The run of tensor2tensor beside the checkout, imported."""
    target = tmp_path_factory.mktemp("real") / "ours"
    status = t2t_import_checkpoint.main(
        [f"--t2t_output_dir={shared_folder}", f"--output_dir={target}"]
    )
    assert status == 0
    return run_directory.load(target)


@pytest.fixture(scope="module")
def shared_folder(shared):
    return shared("oracle/t2t/trained_ende")


def test_translations_are_those_of_tensor2tensor(real, shared_folder):
    # tensor2tensor's limit is that of the longest in the batch: not reached.
    options = DecodeOptions(
        beam_size=4, alpha=0.6, extra_length=100, max_input_size=-1
    )
    sources = (shared_folder / "src100.en").read_text().splitlines()
    expected = (
        (shared_folder / "beam4_alpha0.6.t2t-decoder.txt")
        .read_text()
        .splitlines()
    )
    scored = json.loads(
        (shared_folder / "beam4_alpha0.6_with_scores.json").read_text()
    )
    found = open_run(real, options).translate(sources)
    same = [
        best[0].text == text for best, text in zip(found, expected, strict=True)
    ]
    assert sum(same) >= 97
    scores = {row["line"]: row["beams"][0]["score"] for row in scored}
    np.testing.assert_allclose(
        [best[0].score for best, kept in zip(found, same, strict=True) if kept],
        [scores[line] for line, kept in enumerate(same) if kept],
        rtol=0,
        atol=2e-3,
    )
