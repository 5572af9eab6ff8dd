"""Bytes from a URL into a file, resumed and retried.

Not a section of the paper: the WMT archives are gigabytes on slow servers.
keras.utils.get_file removes what it has when a connection breaks and starts
anew; this continues with an HTTP range request. Left out: hashes and names
(`download.py`), several connections at once, mirrors.
"""

import contextlib
import http.client
import logging
import pathlib
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

_TRIES = 5
_FIRST_WAIT = 2.0  # seconds, doubled each time: half a minute in all
_TIMEOUT = 60.0
_BLOCK = 2**20
_REPORT_EVERY = 30.0
_PARTIAL, _BEYOND_THE_END = 206, 416
# Too busy, or broken on the way; any other status will be the same next time.
_PASSING = {408, 425, 429, 500, 502, 503, 504}

logger = logging.getLogger("t2t_repro")


class TransferError(Exception):
    """The other side, or the way there, failed; the message says how."""


class _Passing(TransferError):
    """A failure that another try may not meet."""


def download(url: str, part: pathlib.Path) -> None:
    """Writes the bytes behind a URL, going on after those that are there.

    Args:
      url: http, https, ftp or file.
      part: the file; what it holds already must be the beginning.

    Raises:
      TransferError: the network or the server said no; `part` keeps what came.
      OSError: the file cannot be written.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            _try(url, part)
            return
        except _Passing as error:
            if attempt == _TRIES:
                raise
            wait = _FIRST_WAIT * 2 ** (attempt - 1)
            logger.info("%s: %s; again in %g s", url, error, wait)
            time.sleep(wait)


def _try(url: str, part: pathlib.Path) -> None:
    done = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "t2t_repro"}
    if done:
        headers["Range"] = f"bytes={done}-"
    with _network_errors(part):
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT
        )
    with response:
        # A server that knows no ranges sends everything again.
        goes_on = getattr(response, "status", None) == _PARTIAL
        total = _length(response, done if goes_on else 0)
        reported = time.monotonic()
        with open(part, "ab" if goes_on else "wb") as file:
            for block in _blocks(response, part):
                file.write(block)
                if time.monotonic() - reported > _REPORT_EVERY:
                    reported = time.monotonic()
                    of_all = f" of {total / 1e6:.0f}" if total else ""
                    done_now = file.tell() / 1e6
                    logger.info("%s: %.0f%s MB", url, done_now, of_all)
    size = part.stat().st_size
    if total is not None and size != total:
        raise _Passing(f"it ended after {size} of {total} bytes")


def _blocks(response: Any, part: pathlib.Path) -> Iterator[bytes]:
    while True:
        with _network_errors(part):
            block = response.read(_BLOCK)
        if not block:
            return
        yield block


def _length(response: Any, before: int) -> int | None:
    length = response.headers.get("Content-Length")
    return before + int(length) if length and length.isdigit() else None


@contextlib.contextmanager
def _network_errors(part: pathlib.Path) -> Iterator[None]:
    """Tells failures of the network from those of the disk."""
    try:
        yield
    except urllib.error.HTTPError as error:
        reason = f"HTTP {error.code} {error.reason}"
        if error.code == _BEYOND_THE_END:
            part.unlink(missing_ok=True)  # it was no beginning of this
        elif error.code not in _PASSING:
            raise TransferError(reason) from error
        raise _Passing(reason) from error
    except urllib.error.URLError as error:
        # Of a file:// URL, the reason is text or the error of the file.
        if isinstance(error.reason, FileNotFoundError | str):
            raise TransferError(str(error.reason)) from error
        raise _Passing(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Passing(str(error) or type(error).__name__) from error
