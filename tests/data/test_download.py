"""Raw files: found or fetched (from a real server here), checked, planned."""

import contextlib
import hashlib
import http.server
import os
import threading

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
        raise download.TransferError("Name or service not known")

    monkeypatch.setattr(download, "transfer", broken)
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


def test_a_full_disk_is_tried_once(tmp_path, published, waits):
    # Everything written to /dev/full fails as on a full disk.
    part = tmp_path / "corpus.txt.part"
    part.symlink_to("/dev/full")
    with pytest.raises(InputError) as raised:
        download.fetch(_remote(published), tmp_path)
    assert str(raised.value) == (
        f"cannot write {tmp_path / 'corpus.txt'} (unknown size): No space left"
        " on device. Make room, or give another --tmp_dir."
    )
    assert os.listdir(tmp_path) == ["published.txt"] and waits == []


_LONG = bytes(range(256)) * 40  # 10,240 bytes


class _Server(http.server.ThreadingHTTPServer):
    """Serves _LONG by a list of tricks, one a request."""

    def __init__(self, tricks):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tricks = list(tricks)
        self.ranges = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/corpus.tgz"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        trick = self.server.tricks.pop(0) if self.server.tricks else "whole"
        if isinstance(trick, int) and trick >= 400:
            self.send_error(trick)
            return
        start = int(wanted[6:-1]) if wanted and trick != "no ranges" else 0
        body = _LONG[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # A number below 400: so many bytes come, then the line breaks.
        self.wfile.write(body[:trick] if isinstance(trick, int) else body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def _serving(*tricks):
    with _Server(tricks) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@pytest.fixture
def waits(monkeypatch):
    """How long it would have slept, without sleeping."""
    slept = []
    monkeypatch.setattr(download.time, "sleep", slept.append)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return slept


def test_at_once(tmp_path, waits):
    with _serving() as server:
        download.transfer(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _LONG
    assert (server.ranges, waits) == ([None], [])


def test_a_broken_line_is_taken_up_where_it_broke(tmp_path, waits):
    # 100 bytes, then 50 more, then the rest.
    with _serving(100, 50) as server:
        download.transfer(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _LONG
    assert server.ranges == [None, "bytes=100-", "bytes=150-"]
    assert waits == [2.0, 4.0]


def test_an_earlier_beginning_is_gone_on_with(tmp_path, waits):
    (tmp_path / "a.part").write_bytes(_LONG[:1000])
    with _serving() as server:
        download.transfer(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _LONG
    assert server.ranges == ["bytes=1000-"]


def test_a_server_without_ranges_sends_all_again(tmp_path, waits):
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    with _serving("no ranges") as server:
        download.transfer(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _LONG


def test_a_beginning_longer_than_the_file_is_thrown_away(tmp_path, waits):
    (tmp_path / "a.part").write_bytes(b"x" * 20_000)
    with _serving(416) as server:
        download.transfer(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _LONG
    assert server.ranges == ["bytes=20000-", None]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(
    tmp_path, waits
):
    with _serving(503, 429) as server:
        download.transfer(server.url, tmp_path / "a.part")
    assert waits == [2.0, 4.0]
    with (
        _serving(404) as server,
        pytest.raises(download.TransferError, match="HTTP 404 Not Found"),
    ):
        download.transfer(server.url, tmp_path / "b.part")
    assert len(server.ranges) == 1


def test_it_gives_up(tmp_path, waits):
    with (
        _serving(*[10] * 9) as server,
        pytest.raises(download.TransferError, match="after 50 of 10240 bytes"),
    ):
        download.transfer(server.url, tmp_path / "a.part")
    # Five tries with 2 + 4 + 8 + 16 seconds between; ten bytes came each time.
    assert waits == [2.0, 4.0, 8.0, 16.0]
    assert (tmp_path / "a.part").read_bytes() == _LONG[:50]


def test_nobody_there(tmp_path, waits):
    with _serving() as server:
        url = server.url
    with pytest.raises(download.TransferError, match="refused"):
        download.transfer(url, tmp_path / "a.part")
    assert len(waits) == 4


def _plan(tmp_path, *given):
    return download.plan("p_rev", given, tmp_path)


def test_a_plan_of_nothing(tmp_path):
    assert _plan(tmp_path) == ["p_rev: 0 of 0 files to fetch"]


def test_a_plan_has_each_file_once(tmp_path):
    (tmp_path / "b.gz").write_bytes(bytes(7_040_000))
    url = "http://example.com/"
    a = {"split": "train", "url": f"{url}a.tgz", "size": 1_540_000}
    dev = {"split": "dev", "url": f"{url}dev.tgz", "file": "wmt-dev.tgz"}
    b = {"split": "dev", "url": f"{url}b.gz"}
    assert _plan(tmp_path, a, {**a, "corpus": "other"}, dev, b) == [
        f"missing  1.5 MB  {url}a.tgz -> {tmp_path}/a.tgz",
        f"missing  size unknown  {url}dev.tgz -> {tmp_path}/wmt-dev.tgz",
        f"present  7.0 MB  {url}b.gz -> {tmp_path}/b.gz",
        "p_rev: 2 of 3 files to fetch, 1.5 MB and 1 of unknown size",
    ]


def test_a_plan_says_what_the_user_gives(tmp_path):
    assert _plan(tmp_path, {"split": "train", "corpus": "LDC99T42"}) == [
        f"by hand  train: LDC99T42 -> {tmp_path}",
        "p_rev: 0 of 0 files to fetch",
    ]
