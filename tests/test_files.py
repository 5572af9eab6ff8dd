"""Files appear whole or not at all; JSON is read with clear errors."""

import errno
import fcntl
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from t2t_repro import files
from t2t_repro.errors import InputError

_ROOT = pathlib.Path(__file__).resolve().parents[1]


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


def test_what_a_killed_process_left_is_removed_and_named(tmp_path, messages):
    program = (
        "import os, sys; from t2t_repro import files\n"
        "with files.replacing(sys.argv[1]) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "out"
    subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=_ROOT, check=False
    )
    (left,) = os.listdir(tmp_path)
    others = [".out.de.01234567.part", ".out.part", "out.01234567.part"]
    for name in others:
        (tmp_path / name).write_text("of another")
    files.replace_file(path, "whole")
    assert path.read_text() == "whole"
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "out"])
    assert len(messages) == 1
    assert f"removed {tmp_path / left} (4 bytes)" in messages[0]


def test_what_another_process_is_writing_is_left(tmp_path, messages):
    program = (
        "import sys; from t2t_repro import files\n"
        "with files.replacing(sys.argv[1]) as part:\n"
        "    part.write_text('theirs'); print(flush=True); sys.stdin.read()"
    )
    path = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline()
        files.replace_file(path, "ours")
        assert path.read_text() == "ours"
        assert len(os.listdir(tmp_path)) == 2
        other.stdin.close()
        assert other.wait() == 0
    assert path.read_text() == "theirs" and not messages
    assert os.listdir(tmp_path) == ["out"]


def test_a_part_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    """Between its making and its lock, another process may remove it."""
    flock, taken = fcntl.flock, []

    def late(file, kind):
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        flock(file, kind)

    monkeypatch.setattr(files.fcntl, "flock", late)
    files.replace_file(tmp_path / "out", "whole")
    assert taken and (tmp_path / "out").read_text() == "whole"
    assert os.listdir(tmp_path) == ["out"]


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


def test_file_sha256(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert files.file_sha256(path) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    with pytest.raises(InputError, match="b does not exist"):
        files.file_sha256(tmp_path / "b")


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


def test_a_lock_is_there_only_meanwhile(tmp_path):
    path = tmp_path / "new" / "deep" / "lock"
    with files.locked(path, "stop it"):
        assert path.exists()
        with (
            pytest.raises(InputError) as raised,
            files.locked(path, "stop it"),
        ):
            pass
        assert re.fullmatch(
            rf"{path.parent} is in use by process {os.getpid()} on"
            rf" {socket.gethostname()} since [-\d]+ [:\d]+ \w+: stop it\.",
            str(raised.value),
        )
    assert not list(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError), files.locked(path, "stop it"):
        (path.parent / "mine").touch()
        raise ZeroDivisionError
    assert [p.name for p in path.parent.iterdir()] == ["mine"]


def test_a_process_that_is_killed_holds_no_lock(tmp_path):
    path = tmp_path / "lock"
    code = (
        "import sys, time; from t2t_repro import files\n"
        "with files.locked(sys.argv[1], 'stop it'):\n"
        "    print('held', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(InputError, match=f"by process {holder.pid} on"),
            files.locked(path, "stop it"),
        ):
            pass
        holder.kill()
    assert path.exists()
    with files.locked(path, "stop it"):
        pass
    assert not path.exists()


def test_without_a_remedy_the_second_waits(tmp_path):
    path, order = tmp_path / "lock", []

    def second():
        with files.locked(path):
            order.append("second")

    with files.locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not path.exists()


def test_a_file_system_without_locks(tmp_path, monkeypatch, messages):
    def unknown(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", unknown)
    with files.locked(tmp_path / "lock", "stop it"):
        pass
    (message,) = messages
    assert "cannot be locked (No locks available)" in message


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_temporary_folder_is_gone_after_a_signal(number):
    own = signal.signal(number, signal.SIG_DFL)  # nohup ignores the second
    try:
        with (
            pytest.raises(SystemExit) as ended,
            files.temporary_folder() as folder,
        ):
            (folder / "model.bin").write_bytes(b"0")
            signal.raise_signal(number)
        assert ended.value.code == 128 + number
        assert not folder.exists()
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, own)


def test_a_temporary_folder_leaves_a_programs_own_handler():
    seen = []
    own = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with files.temporary_folder() as folder:
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, own)
    assert seen == [signal.SIGTERM] and not folder.exists()


def test_a_temporary_folder_of_a_thread():
    def use():
        with files.temporary_folder() as folder:
            folders.append((folder, folder.is_dir()))

    folders = []
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    ((folder, was_there),) = folders
    assert was_there and not folder.exists()
