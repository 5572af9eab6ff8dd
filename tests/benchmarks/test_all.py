"""The command that runs all others."""

import json

import pytest
from absl import flags

from benchmarks import all as all_benchmarks
from benchmarks import tables
from t2t_repro.errors import UsageError


def _values(*arguments):
    values = flags.FlagValues()
    all_benchmarks._define_flags(values)
    values(["program", *arguments])
    return values


def test_what_lacks_its_flags_is_left_out():
    names = [entry.benchmark for entry in all_benchmarks.plan(_values())]
    assert names == [
        *["train_step"] * 6,
        *("rivals", "decode", "datagen", "startup", "layers"),
    ]


def test_peers_and_data_are_passed_on():
    entries = all_benchmarks.plan(
        _values(
            "--problem=p",
            "--data_dir=d",
            "--output_dir=r",
            "--decode_from_file=f",
            "--opennmt_python=o",
            "--ctranslate2_python=c",
        )
    )
    by_title = {entry.title: entry.arguments for entry in entries}
    assert by_title["Input pipeline"] == ["--problem=p", "--data_dir=d"]
    assert by_title["Decoding, real sentences"] == [
        "--output_dir=r",
        "--decode_from_file=f",
    ]
    assert by_title["Decoding, base, fixed length"][-2:] == [
        "--opennmt_python=o",
        "--ctranslate2_python=c",
    ]
    big = by_title["Training step, big"]
    assert "--opennmt_python=o" in big and "--ctranslate2_python=c" not in big


def test_an_unknown_benchmark_is_named():
    with pytest.raises(UsageError, match="--only=decod: decod is none of"):
        all_benchmarks.plan(_values("--only=decod"))
    with pytest.raises(UsageError, match="input.*lacks its flags"):
        all_benchmarks.plan(_values("--only=input"))


def test_one_benchmark_from_start_to_page(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{tables.BEGIN}\nold\n{tables.END}\nAfter\n")
    arguments = ["--small", "--only=datagen", f"--output={tmp_path / 'out'}"]
    assert all_benchmarks.main([*arguments, f"--page={page}"]) == 0
    (record,) = json.loads((tmp_path / "out/benchmarks.json").read_text())
    assert record["title"] == "Data generation"
    assert record["pairs"] == 350
    written = (tmp_path / "out/benchmarks.md").read_text()
    assert "| processes |" in written
    assert "python -m benchmarks.datagen --lines=300000" in written
    assert written.strip() in page.read_text()
    assert "old" not in page.read_text()


def test_a_page_without_marks_is_refused_before_anything_runs(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("no marks")
    arguments = [f"--output={tmp_path}", f"--page={page}"]
    assert all_benchmarks.main(arguments) == 2
    assert tables.BEGIN in capsys.readouterr().err
    assert not (tmp_path / "benchmarks.json").exists()


def test_no_path_of_a_machine_stands_on_a_page():
    entry = all_benchmarks.Entry("t", "decode", ["--beam=4", "--x=/a/b/c.txt"])
    assert all_benchmarks._for_a_page(entry) == (
        "python -m benchmarks.decode --beam=4 --x=.../c.txt"
    )
