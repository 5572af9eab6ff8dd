"""The row of a record: what is on the clock, and what counts."""

import gzip

import pytest

from benchmarks import record
from tests.benchmarks import run_benchmark

_REFERENCE = [
    "Ein Mann fährt auf dem Fahrrad .",
    "Zwei Hunde spielen im Gras .",
]
# A recipe of 3 + 4 updates.
_SHORT = "learning_rate_warmup_steps=3,learning_rate_decay_steps=4"


@pytest.fixture
def flags(tmp_path):
    with gzip.open(tmp_path / "test_2016_flickr.de.gz", "wt") as stream:
        stream.write("\n".join(_REFERENCE) + "\n")
    return [
        f"--tmp_dir={tmp_path}",
        f"--output_dir={tmp_path / 'record'}",
        "--hparams_set=transformer_multi30k",
        f"--hparams={_SHORT}",
        "--what=a test",
    ]


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """The commands instead of what they do; the decoder gives `lines`."""
    given = {"lines": _REFERENCE}

    def command(name, *arguments):
        given[name] = arguments
        if name == "decoder":
            (tmp_path / "record").mkdir()
            target = tmp_path / "record/test_2016_flickr.de"
            target.write_text("\n".join(given["lines"]) + "\n")

    monkeypatch.setattr(record, "_command", command)
    return given


def test_a_run_that_passes_gets_a_row(capsys, flags, commands):
    found = run_benchmark.record_of(capsys, record, *flags)
    (row,) = found["rows"]
    assert (row["test_2016"], row["what changed"]) == ("100.00", "a test")
    assert float(row["minutes"]) < 1.0
    # Trained until the rate is 0, on what was generated.
    assert "--train_steps=7" in commands["trainer"]
    assert f"--hparams={_SHORT}" in commands["trainer"]
    assert commands["datagen"][:2] == commands["trainer"][:2]


def test_one_that_does_not_pass_gets_none(capsys, flags, commands):
    commands["lines"] = ["Ein Mann .", "Zwei ."]
    assert record.main(flags) == 1
    said = capsys.readouterr()
    assert "no record" in said.err
    assert "below 37.0" in said.err
    assert not said.out


def test_the_clock_starts_with_a_new_run(capsys, flags, commands, tmp_path):
    (tmp_path / "record").mkdir()
    assert record.main(flags) == 2
    assert "exists already" in capsys.readouterr().err
    assert set(commands) == {"lines"}


def test_flags_are_required(capsys):
    assert record.main([]) == 2
    assert "--tmp_dir is required" in capsys.readouterr().err
