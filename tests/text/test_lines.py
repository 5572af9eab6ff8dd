"""Reading and writing one sentence to a line."""

import gzip
import os
import threading

import pytest

from t2t_repro.errors import InputError
from t2t_repro.text import lines as lines_module
from t2t_repro.text.lines import (
    iterate_lines,
    read_lines,
    without_end,
    write_lines_atomically,
)


def test_only_a_newline_ends_a_line(tmp_path):
    path = tmp_path / "text"
    sentence = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\rh"
    path.write_bytes(f"{sentence}\nß\n".encode())
    assert read_lines(path) == [sentence, "ß"]


def _said(monkeypatch):
    said = []
    monkeypatch.setattr(
        lines_module.logger, "info", lambda text, *of: said.append(text % of)
    )
    return said


def test_what_windows_adds_is_no_text_and_is_named_once(tmp_path, monkeypatch):
    said = _said(monkeypatch)
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfa\r\n\r\nb\rc\nd\r\r\ne\r")
    # What ends no line stays: a CR inside, before CRLF, before the file's end.
    assert read_lines(path) == ["a", "", "b\rc", "d\r", "e\r"]
    assert read_lines(path)[0] == "a"
    assert said == [
        f"{path}: 3 lines end in CRLF, whose CR is no text; the byte-order mark"
        " in front is no text"
    ]


def test_a_mark_alone_is_an_empty_file(tmp_path, monkeypatch):
    said = _said(monkeypatch)
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbf")
    assert read_lines(path) == []
    assert said == [f"{path}: the byte-order mark in front is no text"]
    path.write_bytes(b"a\n\xef\xbb\xbfb\n")
    assert read_lines(path) == ["a", "\ufeffb"]  # in front of the file only


@pytest.mark.parametrize(
    ("line", "text"),
    [("a\n", "a"), ("a\r\n", "a"), ("a\r", "a\r"), ("a", "a"), ("\n\n", "\n")],
)
def test_the_end_of_a_line(line, text):
    assert without_end(line) == text


def test_utf16_is_named_as_such(tmp_path):
    path = tmp_path / "notepad"
    for encoding in ("utf-16-le", "utf-16-be"):
        path.write_bytes("\ufeffgut\n".encode(encoding))
        with pytest.raises(
            InputError, match=r"line 1, is not UTF-8: .* -f UTF-16 -t UTF-8"
        ):
            read_lines(path)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a\0b\n\0\n", ["a\0b", "\0"]),
        (b"\n", [""]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\nb", ["a", "b"]),
        (b" a \n", [" a "]),
    ],
)
def test_lines_of_a_file(tmp_path, content, lines):
    path = tmp_path / "text"
    path.write_bytes(content)
    assert read_lines(path) == lines
    assert read_lines(str(path)) == lines


def test_a_packed_file_is_unpacked(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress("eins\nzwölf\n".encode()))
    assert read_lines(path) == ["eins", "zwölf"]


def test_bytes_that_are_not_utf8_are_placed(tmp_path):
    path = tmp_path / "latin1"
    path.write_bytes(b"gut\nr\xfcck\ngut\n")
    with pytest.raises(
        InputError, match=r"latin1, line 2, is not UTF-8: byte 0xfc at column 2"
    ):
        read_lines(path)


def test_iteration_does_not_read_ahead(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"one\n\xff\n")
    lines = iterate_lines(path)
    assert next(lines) == "one"
    with pytest.raises(InputError, match="line 2"):
        next(lines)


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(InputError, match="missing: No such file"):
        read_lines(tmp_path / "missing")
    with pytest.raises(InputError, match="Is a directory"):
        read_lines(tmp_path)
    whole = gzip.compress(b"line\n" * 1000)
    for name, content in (
        ("cut.gz", whole[:-9]),
        ("plain.gz", b"not packed\n"),
        ("damaged.gz", whole[:12] + b"\xff" * 8 + whole[20:]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"cannot read .*{name}"):
            read_lines(tmp_path / name)


@pytest.mark.parametrize("name", ["text", "text.gz"])
def test_what_is_written_can_be_read(tmp_path, name):
    path = tmp_path / name
    lines = ["", " ü ", "a\u2028\rb", "last"]
    write_lines_atomically(path, iter(lines))
    assert read_lines(path) == lines
    assert os.listdir(tmp_path) == [name]
    first = path.read_bytes()
    assert first.startswith(b"\x1f\x8b") == name.endswith(".gz")
    if name.endswith(".gz"):
        assert first[4:8] == bytes(4)  # no time stamp: equal lines, equal bytes


def test_no_lines_make_an_empty_file(tmp_path):
    write_lines_atomically(tmp_path / "text", [])
    assert (tmp_path / "text").read_bytes() == b""


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "text"
    path.write_text("old\n")

    def lines():
        yield "new"
        assert len(os.listdir(tmp_path)) == 2  # the old and the partial file
        raise RuntimeError("decoder stopped")

    with pytest.raises(RuntimeError, match="decoder stopped"):
        write_lines_atomically(path, lines())
    with pytest.raises(ValueError, match="line 2 has a line end inside"):
        write_lines_atomically(path, ["one", "two\nthree"])
    assert path.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["text"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot write .*nowhere.*No such"):
        write_lines_atomically(tmp_path / "nowhere" / "text", ["a"])


def test_a_symbolic_link_stays_one(tmp_path):
    target = tmp_path / "target"
    target.write_text("old\n")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_lines_atomically(link, ["new"])
    assert link.is_symlink()
    assert target.read_text() == "new\n"


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(
        target=lambda: read.append(pipe.read_bytes()), daemon=True
    )
    reader.start()
    write_lines_atomically(pipe, ["a", "b"])
    reader.join(timeout=5)
    assert read == [b"a\nb\n"]
    assert pipe.is_fifo()


def test_find(tmp_path):
    path, packed = tmp_path / "a", tmp_path / "a.gz"
    assert lines_module.find(path) is None
    packed.touch()
    assert lines_module.find(path) == packed
    path.touch()
    assert lines_module.find(path) == path


@pytest.fixture
def pair(tmp_path):
    """Writes two files; returns their paths."""

    def write(source, target):
        paths = tmp_path / "a.src", tmp_path / "a.tgt"
        for path, content in zip(paths, (source, target), strict=True):
            path.write_bytes(content)
        return paths

    return write


def test_paired_lines(pair):
    paths = pair(b"a\n\nc\rd\n", "ä\nb\nc".encode())
    assert list(lines_module.paired_lines(*paths)) == [
        ("a", "ä"),
        ("", "b"),
        ("c\rd", "c"),
    ]
    assert list(lines_module.paired_lines(*pair(b"", b""))) == []


def test_paired_lines_of_unequal_number(pair):
    source, target = pair(b"a\nb\n", b"a\n")
    with pytest.raises(InputError) as raised:
        list(lines_module.paired_lines(source, target))
    assert str(raised.value) == (
        f"{target} ends after line 1 but {source} goes on: give both the same"
        " number of lines."
    )
    source, target = pair(b"", b"a\n")
    with pytest.raises(InputError, match="a.src ends after line 0 but .*a.tgt"):
        list(lines_module.paired_lines(source, target))


def test_paired_lines_that_are_not_utf8(pair):
    paths = pair(b"a\nb\n", b"a\n\xff\n")
    with pytest.raises(InputError, match="a.tgt, line 2, is not UTF-8"):
        list(lines_module.paired_lines(*paths))
