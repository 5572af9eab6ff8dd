"""t2t-exporter: its flags, its mistakes, and where it writes."""

import json
import shutil
import time

import pytest

from t2t_repro.bin import t2t_exporter


@pytest.fixture
def export(trained, capsys):
    """Runs the command on the toy run.

    Returns:
      A function from more flags to (status, standard error).
    """

    def run(*more):
        status = t2t_exporter.main(
            [f"--output_dir={trained.output_dir}", *more]
        )
        return status, capsys.readouterr().err

    return run


def test_the_default_is_a_saved_model_in_a_folder_named_by_the_time(
    trained, tmp_path
):
    output_dir = tmp_path / "run"
    shutil.copytree(trained.output_dir, output_dir)
    before = int(time.time())
    arguments = [f"--output_dir={output_dir}", "--decode_hparams=beam_size=2"]
    assert t2t_exporter.main(arguments) == 0
    (folder,) = (output_dir / "export").iterdir()
    assert before <= int(folder.name) <= time.time()
    said = json.loads((folder / "export.json").read_text())
    assert said["format"] == "saved_model"
    assert said["decode_hparams"]["beam_size"] == 2
    assert said["checkpoint"] == "model.ckpt-6"
    assert (folder / "saved_model.pb").exists()


def test_a_checkpoint_can_be_named(export, trained, tmp_path):
    folder = tmp_path / "export"
    status, _ = export(
        "--format=keras_weights",
        f"--export_dir={folder}",
        "--checkpoint=3",
    )
    assert status == 0
    said = json.loads((folder / "export.json").read_text())
    assert said["checkpoint"] == "model.ckpt-3"


def test_an_export_is_replaced_only_when_asked(export, tmp_path):
    folder = tmp_path / "export"
    flags = ["--format=keras_weights", f"--export_dir={folder}"]
    assert export(*flags)[0] == 0
    (folder / "mark").write_text("first")
    status, error = export(*flags)
    assert status == 2 and "--overwrite" in error
    assert (folder / "mark").exists()
    assert export(*flags, "--overwrite")[0] == 0
    assert not (folder / "mark").exists()


@pytest.mark.parametrize(
    "more, status, words",
    [
        (["--format=onnx"], 2, ["onnx", "keras_weights"]),
        (["--decode_hparams=beam_sise=3"], 2, ["Did you mean beam_size"]),
        (
            ["--decode_hparams=beam_size=3", "--format=keras_weights"],
            2,
            ["--decode_hparams", "keras_weights"],
        ),
        (
            ["--decode_hparams=sampling_method=random,beam_size=1"],
            2,
            ["sampling_method", "saved_model"],
        ),
        (
            ["--decode_hparams=quantize=bfloat16"],
            2,
            ["quantize=bfloat16", "saved_model"],
        ),
        (
            ["--decode_hparams=engine=ctranslate2"],
            2,
            ["engine=ctranslate2", "saved_model"],
        ),
        (["--quantize=int8"], 2, ["--quantize=int8", "--format=litert"]),
        (
            ["--format=litert", "--decode_hparams=engine=ctranslate2"],
            2,
            ["engine=ctranslate2", "--quantize=int8"],
        ),
        (
            [
                "--format=litert",
                "--decode_hparams=sampling_method=random,beam_size=1",
            ],
            2,
            ["engine=litert", "sampling_method"],
        ),
        (["--problem=translate_enfr_toy"], 2, ["translate_ende_toy"]),
        (["--hparams=hidden_size=64"], 2, ["hidden_size=32"]),
        (["--checkpoint_path=nowhere/model.ckpt-1"], 1, ["nowhere"]),
        (["--data_dir=nowhere"], 2, ["--data_dir", "nowhere"]),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    export, tmp_path, more, status, words
):
    folder = tmp_path / "export"
    found, error = export(f"--export_dir={folder}", *more)
    assert found == status and not folder.exists()
    assert error.count("\n") == 1 and error.startswith("t2t-exporter: ")
    for word in words:
        assert word in error


def test_the_run_is_needed(capsys):
    assert t2t_exporter.main([]) == 2
    assert "--output_dir is required" in capsys.readouterr().err
