"""t2t-decoder: one line out for one line in, and nothing overwritten."""

import shutil

import pytest

from t2t_repro.bin import t2t_decoder
from t2t_repro.files import file_sha256
from t2t_repro.text.lines import read_lines


@pytest.fixture
def decode(trained, tmp_path, capsys):
    """Runs the decoder on text.

    Returns:
      A function from input bytes and more flags to (status, lines or None,
      standard error).
    """

    def run(text, *more):
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_bytes(text)
        status = t2t_decoder.main(
            [
                f"--output_dir={trained.output_dir}",
                f"--decode_from_file={source}",
                f"--decode_to_file={target}",
                *more,
            ]
        )
        lines = read_lines(target) if target.exists() else None
        return status, lines, capsys.readouterr().err

    return run


def test_empty_lines_stay_empty_and_in_place(decode):
    status, lines, _ = decode(b"\nThe dog sleeps.\n \nA cat.")
    assert status == 0
    assert len(lines) == 4 and lines[0] == lines[2] == ""


def test_an_empty_file_gives_an_empty_file(decode):
    status, lines, _ = decode(b"")
    assert status == 0 and lines == []


def test_a_long_line_is_cut_and_named_once(decode):
    status, lines, error = decode(
        b"short\n" + b"word " * 50, "--decode_hparams=max_input_size=10"
    )
    assert status == 0 and len(lines) == 2
    assert "line 2 has" in error and error.count("cut") == 1


def test_all_beams_with_scores(decode):
    status, lines, _ = decode(
        b"The dog sleeps.",
        "--decode_hparams=beam_size=3,return_beams=true,write_beam_scores=true",
    )
    fields = lines[0].split("\t")
    assert status == 0 and len(fields) == 6
    scores = [float(field) for field in fields[1::2]]
    assert scores == sorted(scores, reverse=True)


def test_score_against_a_reference(trained, tmp_path, capsys):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("The dog sleeps.\n")
    reference = tmp_path / "reference"
    reference.write_text("Der Hund schläft.\n", encoding="utf-8")
    arguments = [
        f"--output_dir={trained.output_dir}",
        f"--decode_from_file={source}",
        f"--decode_to_file={target}",
        f"--decode_reference={reference}",
    ]
    assert t2t_decoder.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("sacrebleu = ") and "tok:13a" in printed
    assert file_sha256(reference) in printed


@pytest.mark.parametrize(
    "text, more, status, words",
    [
        (b"fine\nb\xe4d\n", [], 1, ["line 2", "UTF-8"]),
        (b"a", ["--decode_hparams=beam_sise=3"], 2, ["Did you mean beam_size"]),
        (b"a", ["--decode_hparams=beam_size=x"], 2, ["a whole number"]),
        (b"a", ["--decode_hparams=beam_size=0"], 2, ["1 or more"]),
        (b"a", ["--problem=translate_enfr_toy"], 2, ["translate_ende_toy"]),
        (b"a", ["--hparams=hidden_size=64"], 2, ["hidden_size=32"]),
        (b"a", ["--hparams_set=transformer_big"], 2, ["transformer_tiny"]),
        (b"a", ["--checkpoint_path=nowhere/model.ckpt-1"], 1, ["nowhere"]),
        (b"a", ["--data_dir=nowhere"], 2, ["--data_dir", "nowhere"]),
        (b"a", ["--decode_reference=nowhere"], 1, ["nowhere"]),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(
    decode, text, more, status, words
):
    found, lines, error = decode(text, *more)
    assert (found, lines) == (status, None)
    assert error.count("\n") == 1 and error.startswith("t2t-decoder: ")
    for word in words:
        assert word in error


def test_nothing_is_overwritten(decode, tmp_path):
    (tmp_path / "out").write_text("mine\n")
    status, lines, error = decode(b"a")
    assert status == 2 and lines == ["mine"] and "exists" in error


def test_a_run_without_checkpoint(trained, tmp_path, capsys):
    copy = tmp_path / "run"
    shutil.copytree(trained.output_dir, copy)
    for path in copy.glob("model.ckpt-*"):
        path.unlink()
    (tmp_path / "in").write_text("a\n")
    arguments = [
        f"--output_dir={copy}",
        f"--decode_from_file={tmp_path / 'in'}",
        f"--decode_to_file={tmp_path / 'out'}",
    ]
    assert t2t_decoder.main(arguments) == 1
    assert "no checkpoint yet" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
