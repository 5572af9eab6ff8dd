"""Files appear whole or not at all; JSON is read with clear errors."""

import os

import pytest

from t2t_repro import files
from t2t_repro.errors import InputError


def test_replacing_makes_the_file_at_the_end(tmp_path):
    path = tmp_path / "new"
    with files.replacing(path) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, error):
    path = tmp_path / "old"
    path.write_text("before")
    with pytest.raises(error), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["old"]


def test_a_body_that_writes_nothing_replaces_nothing(tmp_path):
    path = tmp_path / "old"
    path.write_text("before")
    with pytest.raises(FileNotFoundError), files.replacing(path):
        pass
    assert path.read_text() == "before"


def test_a_link_stays_and_its_target_changes(tmp_path):
    (tmp_path / "target").write_text("before")
    (tmp_path / "link").symlink_to("target")
    files.replace_file(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "after"


def test_replace_file_writes_text_as_utf8(tmp_path):
    files.replace_file(tmp_path / "a", "ü\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xbc\n"
    files.replace_file(tmp_path / "a", b"\xff")
    assert (tmp_path / "a").read_bytes() == b"\xff"


def test_absolute(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert files.absolute("~/x") == tmp_path / "x"
    assert files.absolute("y") == tmp_path / "y"
    assert files.absolute("/z") == files.pathlib.Path("/z")


def test_make_folder(tmp_path):
    folder = files.make_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert files.make_folder(folder) == folder
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the folder .*file/x"):
        files.make_folder(tmp_path / "file" / "x")


def test_sizes_in_words():
    sizes = (0, 999, 1000, 18_250, 2_600_000, 1_240_000_000)
    assert [files.size_text(size) for size in sizes] == [
        *("0 bytes", "999 bytes", "1.0 kB", "18.2 kB", "2.6 MB", "1240.0 MB")
    ]


def test_read_json(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, "ü"]}', encoding="utf-8")
    assert files.read_json(path) == {"a": [1, "ü"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is not JSON"),
        (b'{"a": 1', "is not JSON"),
        (b'{"a": "\xff"}', "is not JSON"),
        (b"[1]", "does not hold a JSON object"),
    ],
)
def test_json_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        files.read_json(path)
    assert str(path) in str(raised.value)
    assert raised.value.exit_status == 1


def test_a_folder_is_not_json(tmp_path):
    with pytest.raises(InputError, match="cannot read .*: Is a directory"):
        files.read_json(tmp_path)
