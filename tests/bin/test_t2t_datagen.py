"""The command: what it writes, what --dry_run says, how it refuses."""

import json
import os

import pytest

from t2t_repro import registry
from t2t_repro.bin import t2t_datagen
from t2t_repro.data import records


def _run(tmp_path, *flags, problem="translate_from_files"):
    return t2t_datagen.main(
        [f"--problem={problem}", f"--tmp_dir={tmp_path / 'raw'}", *flags]
    )


@pytest.fixture
def raw(tmp_path):
    """The user's four files."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for stem in ("train", "dev"):
        (folder / f"{stem}.src").write_bytes(b"a dog\nthe dog\n" * 20)
        (folder / f"{stem}.tgt").write_bytes(b"ein Hund\nder Hund\n" * 20)
    return folder


def test_it_writes_the_data(tmp_path, raw):
    assert _run(tmp_path, f"--data_dir={tmp_path / 'data'}") == 0
    names = os.listdir(tmp_path / "data")
    assert "translate_from_files.json" in names
    assert "vocab.translate_from_files.8192.bpe" in names


def test_data_dir_is_required(tmp_path, raw, capsys):
    assert _run(tmp_path) == 2
    assert "--data_dir is required" in capsys.readouterr().err


def test_dry_run_says_what_and_how_large(tmp_path, capsys):
    assert _run(tmp_path, "--dry_run", problem="translate_ende_wmt32k") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    raw = tmp_path / "raw"
    assert lines[0] == (
        "missing  113.2 MB  http://data.statmt.org/wmt18/translation-task/"
        f"training-parallel-nc-v13.tgz -> {raw}/training-parallel-nc-v13.tgz"
    )
    # 113.157482 + 918.311367 + 657.632379 + 38.654961, and dev.tgz of 2017.
    assert lines[-1] == (
        "translate_ende_wmt32k: 5 of 5 files to fetch, 1727.8 MB and 1 of"
        " unknown size"
    )
    assert len(lines) == 6
    assert captured.err == ""
    assert not raw.exists()


def test_dry_run_of_a_data_set(tmp_path, capsys):
    name = "translate_enfr_wmt14_wp32k"
    assert _run(tmp_path, "--dry_run", problem=name) == 0
    lines = capsys.readouterr().out.splitlines()
    place = tmp_path / "raw" / "wmt14_translate" / "fr-en" / "1.0.0"
    assert lines[0].endswith(
        f".tgz -> {place} (through tensorflow_datasets"
        " wmt14_translate/fr-en:1.0.0)"
    )
    assert lines[-1].startswith(f"{name}: 6 of 6 files to fetch, 6655.8 MB")
    place.mkdir(parents=True)
    assert _run(tmp_path, "--dry_run", problem=name) == 0
    assert f"{name}: 0 of 6 files" in capsys.readouterr().out


def test_a_file_with_a_wrong_hash(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "train.en.gz").write_bytes(b"something else")
    status = _run(
        tmp_path,
        f"--data_dir={tmp_path / 'data'}",
        problem="translate_ende_multi30k",
    )
    assert status == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("t2t-datagen: ")
    assert "train.en.gz has SHA-256" in line
    assert not (tmp_path / "data").exists()


def test_text_of_windows_makes_the_same_data(tmp_path, raw, capsys):
    assert _run(tmp_path, f"--data_dir={tmp_path / 'plain'}") == 0
    for name in ("train.src", "dev.tgt"):  # line by line with another kind
        path = raw / name
        text = path.read_bytes().replace(b"\n", b"\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text)
    capsys.readouterr()
    assert _run(tmp_path, f"--data_dir={tmp_path / 'windows'}") == 0
    plain, windows = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("plain", "windows")
    )
    # All but the hashes of the text itself.
    summary = "translate_from_files.json"
    assert [json.loads(d.pop(summary))["splits"] for d in (plain, windows)] == [
        json.loads((tmp_path / "plain" / summary).read_text())["splits"]
    ] * 2
    assert plain == windows
    # Read several times, said once.
    assert capsys.readouterr().err.count("train.src: 40 lines end in CRLF") == 1


def test_what_ends_no_line_moves_no_pair(tmp_path, raw):
    odd = ["\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\0"]
    sources = [f"a{odd[i % 8]}dog {i}" for i in range(40)]
    targets = [f"{odd[-i % 8]}Hund {i}\r." for i in range(40)]
    for name, texts in (("src", sources), ("tgt", targets)):
        text = "".join(f"{text}\n" for text in texts)
        (raw / f"dev.{name}").write_bytes(text.encode())
    data = tmp_path / "data"
    assert _run(tmp_path, f"--data_dir={data}") == 0
    name = "translate_from_files"
    pairs = records.read_pairs(records.shard_paths(data, name, "dev"))
    (vocabulary,) = data.glob("vocab.*")
    decode = registry.problem(name).open_vocabulary(vocabulary).decode
    assert [decode(pairs.inputs.row(i)) for i in range(40)] == sources
    assert [decode(pairs.targets.row(i)) for i in range(40)] == targets
