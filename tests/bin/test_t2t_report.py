"""t2t-report on a real run, as a user types it."""

import json

import pytest

from t2t_repro.bin import t2t_bleu, t2t_report
from tests import toy_run


@pytest.fixture
def report(trained, capsys):
    """Runs the command; returns its status, output and errors."""

    def call(*flags):
        status = t2t_report.main([f"--output_dir={trained.output_dir}", *flags])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_markdown_of_a_run(report, trained):
    status, output, _ = report(f"--data_dir={trained.data_dir}")
    assert status == 0
    assert output.startswith("# This run beside the paper\n")
    assert f"`{trained.output_dir}`, {toy_run.PROBLEM}, {toy_run.SET}" in output
    assert "base, En-De (Tables 2 and 3), the nearest" in output
    assert "| d_model | 512 | 32 | **differs** |  |" in output
    assert "| steps | 100,000 | 6 | **differs** |" in output
    assert "| Adam beta1, beta2, epsilon | 0.9, 0.98, 1e-09" in output
    assert "27.3 | not measured | not measured |" in output


def test_scores_are_those_of_t2t_bleu(report, tmp_path, capsys):
    for name in ("hypothesis", "reference"):
        (tmp_path / name).write_text("Ein Weg führt dort hin.\n")
    flags = [
        f"--translation={tmp_path / 'hypothesis'}",
        f"--reference={tmp_path / 'reference'}",
    ]
    assert t2t_bleu.main([*flags, "--language=de", "--json"]) == 0
    scores = tmp_path / "scores.json"
    scores.write_text(capsys.readouterr().out)
    status, output, _ = report(
        f"--scores={scores}", "--json", "--decode_hparams=alpha=1.0"
    )
    assert status == 0
    values = json.loads(output)
    lines = {line["name"]: line for line in values["lines"]}
    bleu = lines["paper_bleu (paper: newstest2014)"]
    assert bleu["run"] == 100.0 and bleu["status"] == "other data"
    assert lines["sacrebleu"]["note"].startswith("nrefs:1|case:mixed")
    assert lines["alpha"]["run"] == 1.0 and "alpha" in values["differences"]
    assert lines["training pairs"]["status"] == "not measured"


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--output_dir="], 2, "--output_dir= is empty"),
        (["--output_dir=/nowhere"], 1, "is not a run directory"),
        (["--decode_hparams=beams=4"], 2, "unknown name 'beams'"),
        (["--device_tflops=-1"], 2, "device_tflops"),
    ],
)
def test_mistakes_are_one_line(report, flags, status, words):
    found, output, error = report(*flags)
    assert (found, output) == (status, "")
    assert words in error and error.count("\n") == 1
