"""Members of real small archives, as they are streamed and as they are not."""

import io
import os
import tarfile

import pytest

from t2t_repro.data import archives
from t2t_repro.data.archives import Corpus
from t2t_repro.data.download import RemoteFile
from t2t_repro.errors import InputError
from tests.data import tar_files

_SGM = b"""<srcset setid="x" srclang="any">
<doc docid="1"><p>
<seg id="1"> Tom &amp; Ann </seg>
</p></doc>
<hl><SEG id='2'>two</SEG></hl> <seg id="3"></seg>
"""


def _corpus(archive, source, target):
    return Corpus("c", 2014, RemoteFile("file:///no", archive), source, target)


def _pairs(tmp_path, archive, source, target):
    return list(archives.pairs(_corpus(archive, source, target), tmp_path))


def test_two_members_of_an_archive(tmp_path):
    tar_files.write(
        tmp_path / "a.tgz",
        {
            "./training/x.de": " ein\u2028Hund \r\n\nzwei\n".encode(),
            "other": b"no\n",
            "training/x.en": b"a dog\n\ntwo",
        },
    )
    # Only "\n" ends a line; the member's position does not matter.
    assert _pairs(tmp_path, "a.tgz", "training/x.en", "training/x.de") == [
        ("a dog", "ein\u2028Hund"),
        ("", ""),
        ("two", "zwei"),
    ]
    assert os.listdir(tmp_path) == ["a.tgz"]


def test_packed_members(tmp_path):
    content = b"one line\n" * 1000
    path = tar_files.write(
        tmp_path / "giga.tar", {"x.en.gz": content, "x.fr.gz": content}
    )
    pairs = _pairs(tmp_path, "giga.tar", "x.en.gz", "x.fr.gz")
    assert pairs == [("one line", "one line")] * 1000
    assert archives.member_size(path, "x.en.gz") == 9000


def test_size_of_a_plain_member(tmp_path):
    path = tar_files.write(tmp_path / "a.tgz", {"x": b"12345", "y": b"1"})
    assert archives.member_size(path, "x") == 5


def test_segments(tmp_path):
    path = tar_files.write(tmp_path / "dev.tgz", {"dev/x.sgm": _SGM})
    # Text as it stands, entities too; an empty segment is a line.
    lines = list(archives.member_lines(path, "dev/x.sgm"))
    assert lines == [" Tom &amp; Ann ", "two", ""]


def test_a_segment_that_stays_open(tmp_path):
    path = tar_files.write(
        tmp_path / "dev.tgz", {"x.sgm": b"<doc>\n<seg id='1'>a\nb</seg>\n"}
    )
    with pytest.raises(InputError, match="x.sgm, line 2, opens a <seg>"):
        list(archives.member_lines(path, "x.sgm"))


def test_unequal_members(tmp_path):
    tar_files.write(tmp_path / "a.tgz", {"x.en": b"a\nb\n", "x.de": b"a\n"})
    with pytest.raises(
        InputError, match=r"x.de in .*a.tgz ends after line 1 but x.en in"
    ):
        _pairs(tmp_path, "a.tgz", "x.en", "x.de")


def test_text_that_is_not_utf8(tmp_path):
    path = tar_files.write(tmp_path / "a.tgz", {"x": b"a\nb\xe4r\n"})
    with pytest.raises(InputError, match="x in .*, line 2, is not UTF-8: byte"):
        list(archives.member_lines(path, "x"))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("x.cs", "has no member x.cs: it is another archive"),
        ("link", "link in .* is a link or folder"),
    ],
)
def test_members_that_are_not_there(tmp_path, wanted, message):
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hosts"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("x"), io.BytesIO())
    with pytest.raises(InputError, match=message):
        list(archives.member_lines(path, wanted))


@pytest.mark.parametrize("damage", ["cut", "page", "packed"])
def test_damaged_archives(tmp_path, damage):
    noise = os.urandom(100_000).hex().encode()
    path = tar_files.write(tmp_path / "a.tgz", {"x.gz": noise})
    content = path.read_bytes()
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "page":
        content = b"<html>not found</html>"
    else:
        path = tmp_path / "b.tar"
        with tarfile.open(path, "w") as archive:
            member = tarfile.TarInfo("x.gz")
            member.size = 9
            archive.addfile(member, io.BytesIO(b"not gzip!"))
        content = path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read x.gz in .*Remove the"):
        list(archives.member_lines(path, "x.gz"))


def test_a_member_that_would_climb_out_writes_nothing(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    path = tar_files.write(
        folder / "a.tgz", {"../evil": b"x\n", "/tmp/evil2": b"x\n", "x": b"a\n"}
    )
    assert list(archives.member_lines(path, "x")) == ["a"]
    assert os.listdir(tmp_path) == ["raw"]
    assert os.listdir(folder) == ["a.tgz"]
