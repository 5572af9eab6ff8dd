"""Raw files: found or fetched, checked, and paired line by line."""

import hashlib
import logging
import os

import pytest

from t2t_repro.data import download
from t2t_repro.data import transfer
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
    with pytest.raises(
        InputError, match=f"SHA-256 {_SHA256}, expected {wrong}"
    ):
        download.fetch(_remote(published, wrong), folder)
    assert os.listdir(folder) == []


def test_a_url_with_other_bytes_than_the_beginning(tmp_path, published):
    # What is left of another version: fetched again from the start, once.
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "corpus.txt.part").write_bytes(b"other version")
    path = download.fetch(_remote(published), folder)
    assert path.read_bytes() == _CONTENT
    assert os.listdir(folder) == ["corpus.txt"]


def test_without_a_published_hash(tmp_path, published):
    folder = tmp_path / "raw"
    file = _remote(published, None)
    path = download.fetch(file, folder)
    assert path.read_bytes() == _CONTENT
    assert download.content_hash(path) == _SHA256
    path.write_bytes(b"given by hand")
    assert download.fetch(file, folder).read_bytes() == b"given by hand"


def test_the_hash_is_that_of_the_file_now(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(_CONTENT)
    assert download.content_hash(path) == _SHA256
    path.write_bytes(b"longer than before\n")
    assert download.content_hash(path) != _SHA256


@pytest.mark.parametrize("sha256", [_SHA256, None])
def test_no_network(tmp_path, monkeypatch, sha256):
    def broken(url, part):
        part.write_bytes(_CONTENT[:3])
        raise transfer.TransferError("Name or service not known")

    monkeypatch.setattr(transfer, "download", broken)
    with pytest.raises(InputError) as raised:
        download.fetch(_remote("http://example.com/c", sha256), tmp_path)
    message = str(raised.value)
    known = f" (SHA-256 {sha256})" if sha256 else ""
    assert message.startswith(
        "cannot fetch http://example.com/c (Name or service not known). Get it"
        f" elsewhere, place it by hand at {tmp_path / 'corpus.txt'}{known} and"
    )
    # A beginning is kept only where the hash will tell whether it was right.
    assert os.listdir(tmp_path) == (["corpus.txt.part"] if sha256 else [])
    assert ("3 bytes are kept" in message) == bool(sha256)


def test_a_full_disk(tmp_path, published):
    # Everything written to /dev/full fails as on a full disk.
    part = tmp_path / "corpus.txt.part"
    part.symlink_to("/dev/full")
    with pytest.raises(InputError) as raised:
        download.fetch(_remote(published), tmp_path)
    assert str(raised.value) == (
        f"cannot write {tmp_path / 'corpus.txt'} (unknown size): No space left"
        " on device. Make room, or give another --tmp_dir."
    )
    assert os.listdir(tmp_path) == ["published.txt"]


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
