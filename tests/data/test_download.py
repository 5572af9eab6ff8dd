"""Raw files: found or fetched, checked, and paired line by line."""

import hashlib
import logging
import os

import pytest

from t2t_repro.data import download
from t2t_repro.data.download import RemoteFile
from t2t_repro.errors import InputError

_CONTENT = b"a line\n"
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()


def _remote(url, sha256=_SHA256):
    return RemoteFile(url, "corpus.txt", sha256)


@pytest.fixture
def published(tmp_path):
    """The URL of a file that can be had without a network."""
    path = tmp_path / "published.txt"
    path.write_bytes(_CONTENT)
    return path.as_uri()


def test_a_file_placed_by_hand_is_used(tmp_path):
    (tmp_path / "corpus.txt").write_bytes(_CONTENT)
    file = _remote("file:///nowhere")
    assert download.fetch(file, tmp_path) == tmp_path / "corpus.txt"
    assert download.fetch(file, str(tmp_path)) == tmp_path / "corpus.txt"


def test_a_file_placed_by_hand_is_checked(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"other")
    with pytest.raises(InputError) as raised:
        download.fetch(_remote("file:///nowhere"), tmp_path)
    message = str(raised.value)
    for part in (
        str(path),
        _SHA256,
        hashlib.sha256(b"other").hexdigest(),
        "file:///nowhere",
    ):
        assert part in message
    # The user's file is the user's to remove.
    assert path.read_bytes() == b"other"


def test_a_missing_file_is_fetched(tmp_path, published):
    folder = tmp_path / "raw" / "deeper"
    path = download.fetch(_remote(published), folder)
    assert path == folder / "corpus.txt"
    assert path.read_bytes() == _CONTENT
    assert os.listdir(folder) == ["corpus.txt"]


@pytest.fixture
def messages(monkeypatch):
    """What is logged meanwhile, whatever handlers a command has left."""
    texts = []
    handler = logging.Handler()
    monkeypatch.setattr(
        handler, "emit", lambda record: texts.append(record.getMessage())
    )
    monkeypatch.setattr(download.logger, "handlers", [handler])
    level = download.logger.level
    download.logger.setLevel(logging.INFO)
    yield texts
    download.logger.setLevel(level)


def test_what_is_fetched_is_announced(tmp_path, published, messages):
    for _ in range(2):  # only the first time
        download.fetch(_remote(published), tmp_path / "raw")
    assert messages == [f"fetching {published}"]


def test_a_url_that_fails(tmp_path):
    url = (tmp_path / "gone.txt").as_uri()
    folder = tmp_path / "raw"
    with pytest.raises(InputError) as raised:
        download.fetch(_remote(url), folder)
    message = str(raised.value)
    for part in (url, str(folder / "corpus.txt"), _SHA256, "No such file"):
        assert part in message
    assert "\n" not in message
    assert os.listdir(folder) == []


def test_a_url_with_other_bytes(tmp_path, published):
    folder = tmp_path / "raw"
    wrong = "0" * 64
    with pytest.raises(InputError, match=f"SHA-256 {wrong}"):
        download.fetch(_remote(published, wrong), folder)
    assert os.listdir(folder) == []


def test_a_broken_transfer_is_tried_again(tmp_path, monkeypatch):
    import keras

    calls = []

    def get_file(name, cache_dir, **_):
        calls.append(name)
        path = os.path.join(cache_dir, name)
        with open(path, "wb") as file:
            file.write(_CONTENT[: 3 * len(calls)])
        if len(calls) < 3:
            raise OSError("connection reset")

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    path = download.fetch(_remote("http://example.com/x"), tmp_path / "raw")
    assert len(calls) == 3
    assert path.read_bytes() == _CONTENT


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
    assert list(download.paired_lines(*paths)) == [
        ("a", "ä"),
        ("", "b"),
        ("c\rd", "c"),
    ]
    assert list(download.paired_lines(*pair(b"", b""))) == []


def test_paired_lines_of_unequal_number(pair):
    source, target = pair(b"a\nb\n", b"a\n")
    with pytest.raises(InputError) as raised:
        list(download.paired_lines(source, target))
    assert str(raised.value) == (
        f"{target} ends after line 1 but {source} goes on: give both the same"
        " number of lines."
    )
    source, target = pair(b"", b"a\n")
    with pytest.raises(InputError, match="a.src ends after line 0 but .*a.tgt"):
        list(download.paired_lines(source, target))


def test_paired_lines_that_are_not_utf8(pair):
    paths = pair(b"a\nb\n", b"a\n\xff\n")
    with pytest.raises(InputError, match="a.tgt, line 2, is not UTF-8"):
        list(download.paired_lines(*paths))
