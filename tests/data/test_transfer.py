"""Transfers from a real server on this machine: resumed, retried, refused."""

import contextlib
import http.server
import threading

import pytest

from t2t_repro.data import transfer

_CONTENT = bytes(range(256)) * 40  # 10,240 bytes


class _Server(http.server.ThreadingHTTPServer):
    """Serves _CONTENT by a list of tricks, one a request."""

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
        body = _CONTENT[start:]
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


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long it would have slept, without sleeping."""
    slept = []
    monkeypatch.setattr(transfer.time, "sleep", slept.append)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return slept


def test_at_once(tmp_path, waits):
    with _serving() as server:
        transfer.download(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _CONTENT
    assert (server.ranges, waits) == ([None], [])


def test_a_broken_line_is_taken_up_where_it_broke(tmp_path, waits):
    # 100 bytes, then 50 more, then the rest.
    with _serving(100, 50) as server:
        transfer.download(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _CONTENT
    assert server.ranges == [None, "bytes=100-", "bytes=150-"]
    assert waits == [2.0, 4.0]


def test_an_earlier_beginning_is_gone_on_with(tmp_path):
    (tmp_path / "a.part").write_bytes(_CONTENT[:1000])
    with _serving() as server:
        transfer.download(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_a_server_without_ranges_sends_all_again(tmp_path):
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    with _serving("no ranges") as server:
        transfer.download(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _CONTENT


def test_a_beginning_longer_than_the_file_is_thrown_away(tmp_path):
    (tmp_path / "a.part").write_bytes(b"x" * 20_000)
    with _serving(416) as server:
        transfer.download(server.url, tmp_path / "a.part")
    assert (tmp_path / "a.part").read_bytes() == _CONTENT
    assert server.ranges == ["bytes=20000-", None]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(
    tmp_path, waits
):
    with _serving(503, 429) as server:
        transfer.download(server.url, tmp_path / "a.part")
    assert waits == [2.0, 4.0]
    with (
        _serving(404) as server,
        pytest.raises(transfer.TransferError, match="HTTP 404 Not Found"),
    ):
        transfer.download(server.url, tmp_path / "b.part")
    assert len(server.ranges) == 1


def test_it_gives_up(tmp_path, waits):
    with (
        _serving(*[10] * 9) as server,
        pytest.raises(transfer.TransferError, match="after 50 of 10240 bytes"),
    ):
        transfer.download(server.url, tmp_path / "a.part")
    # Five tries with 2 + 4 + 8 + 16 seconds between; ten bytes came each time.
    assert waits == [2.0, 4.0, 8.0, 16.0]
    assert (tmp_path / "a.part").read_bytes() == _CONTENT[:50]


def test_nobody_there(tmp_path, waits):
    with _serving() as server:
        url = server.url
    with pytest.raises(transfer.TransferError, match="refused"):
        transfer.download(url, tmp_path / "a.part")
    assert len(waits) == 4


def test_a_full_disk_is_no_failure_of_the_network(tmp_path, waits):
    # Everything written to /dev/full fails as on a full disk.
    (tmp_path / "a.part").symlink_to("/dev/full")
    with (
        _serving() as server,
        pytest.raises(OSError, match="No space left on device"),
    ):
        transfer.download(server.url, tmp_path / "a.part")
    assert waits == []
