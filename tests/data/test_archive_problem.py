"""Archives: from a file:// URL to shards, and members as they are streamed."""

import hashlib
import io
import json
import os
import tarfile

import pytest

from t2t_repro.data import archive_problem, generate, records
from t2t_repro.data.archive_problem import ArchiveProblem, Corpus
from t2t_repro.data.download import RemoteFile
from t2t_repro.data.filters import Filters
from t2t_repro.errors import InputError
from tests.data import tar_files

_NAME = "translate_small"


@pytest.fixture
def problem(tmp_path):
    """Two training corpora and a dev set of segments, in two archives."""
    folder = tmp_path / "published"
    folder.mkdir()
    known = tar_files.write(
        folder / "one.tgz",
        {
            "a.en": b"a dog\na dog\n\none two three four\n",
            "a.de": b"ein Hund\nein Hund\nleer\neins\n",
            "b.en.gz": b"a cat\na dog\n",
            "b.de.gz": b"eine Katze\nein Hund\n",
        },
    )
    unknown = tar_files.write(
        folder / "dev.tgz",
        {
            "dev/t.en.sgm": b"<seg>the dog</seg>\n<seg></seg>\n",
            "dev/t.de.sgm": b"<seg>der Hund</seg>\n<seg>x</seg>\n",
        },
    )
    sha256 = hashlib.sha256(known.read_bytes()).hexdigest()
    one = RemoteFile(known.as_uri(), "one.tgz", sha256)
    dev = RemoteFile(unknown.as_uri(), "dev.tgz")

    class Small(ArchiveProblem):
        source_language = "en"
        target_language = "de"
        approx_vocab_size = 100
        train_shards = 2
        filters = Filters(max_ratio=3, drop_duplicates=True)
        corpora = {
            "train": (
                Corpus("a", 2013, one, "a.en", "a.de", 4),
                Corpus("b", 2014, one, "b.en.gz", "b.de.gz", 3),
            ),
            "dev": (Corpus("t", 2013, dev, "dev/t.en.sgm", "dev/t.de.sgm"),),
        }

    return Small(_NAME)


def _generate(problem, tmp_path):
    data_dir = tmp_path / "data"
    data_dir.mkdir(exist_ok=True)
    generate.generate(problem, data_dir, tmp_path / "raw")
    return data_dir, json.loads((data_dir / f"{_NAME}.json").read_text())


def _texts(problem, data_dir, split):
    encoder = problem.open_vocabulary(data_dir / problem.vocab_filename)
    pairs = records.read_pairs(records.shard_paths(data_dir, _NAME, split))
    return pairs.texts(encoder)


def test_archives_become_shards(problem, tmp_path):
    data_dir, summary = _generate(problem, tmp_path)
    assert summary["vocabulary"] == f"vocab.{_NAME}.100.subwords"
    # Dropped: a repeated line, an empty one, 4 : 1 words, a repetition in b.
    assert _texts(problem, data_dir, "train") == [
        ("a dog", "ein Hund"),
        ("a cat", "eine Katze"),
    ]
    assert _texts(problem, data_dir, "dev") == [
        ("the dog", "der Hund"),
        ("", "x"),
    ]
    assert sorted(os.listdir(tmp_path / "raw")) == ["dev.tgz", "one.tgz"]


def test_what_became_of_each_corpus(problem, tmp_path):
    _, summary = _generate(problem, tmp_path)
    nothing = {
        "empty_dropped": 0,
        "too_long_dropped": 0,
        "ratio_dropped": 0,
        "duplicates_dropped": 0,
    }
    assert summary["corpora"] == [
        {
            "split": "train",
            "corpus": "a",
            "pairs_read": 4,
            "pairs_kept": 1,
            "empty_dropped": 1,
            "too_long_dropped": 0,
            "ratio_dropped": 1,
            "duplicates_dropped": 1,
        },
        {
            "split": "train",
            "corpus": "b",
            "pairs_read": 2,
            "pairs_kept": 1,
            **nothing,
            "duplicates_dropped": 1,
        },
        {
            "split": "dev",
            "corpus": "t",
            "pairs_read": 2,
            "pairs_kept": 2,
            **nothing,
        },
    ]
    train = summary["splits"]["train"]
    assert (train["pairs_read"], train["pairs_written"]) == (6, 2)
    assert train["duplicates_dropped"] == 2
    assert summary["filters"] == {
        "max_tokens": None,
        "max_ratio": 3,
        "drop_duplicates": True,
    }


def test_hashes_years_and_members_are_recorded(problem, tmp_path):
    _, summary = _generate(problem, tmp_path)
    first, _, dev = summary["sources"]
    assert first["members"] == ["a.en", "a.de"]
    assert (first["year"], first["lines"]) == (2013, 4)
    for source in (first, dev):  # the one published, the other computed
        content = (tmp_path / "raw" / source["file"]).read_bytes()
        assert source["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_number_of_lines_other_than_published(problem, tmp_path, messages):
    _generate(problem, tmp_path)
    # 4 + 3 lines were published, b has 2; of dev nothing is known.
    assert [text for text in messages if "are published" in text] == [
        f"the train text of {_NAME} has 6 pairs, 7 are published: results may"
        " not be comparable."
    ]


def test_the_vocabulary_is_learnt_from_each_file(problem, tmp_path):
    lines = list(problem.vocabulary_lines(tmp_path / "raw"))
    assert lines[:4] == ["a dog", "a dog", "", "one two three four"]
    assert lines[4:8] == ["ein Hund", "ein Hund", "leer", "eins"]
    assert lines[8:] == ["a cat", "a dog", "eine Katze", "ein Hund"]
    problem.vocab_kind = "bpe"
    pairs = list(problem.vocabulary_lines(tmp_path / "raw"))
    assert pairs[:2] == ["a dog", "ein Hund"]


def test_the_sample_of_a_large_file(problem, tmp_path, monkeypatch):
    # 2.5 times the budget of a million: int(2.5 / 2) = 1 line is skipped.
    monkeypatch.setattr(
        archive_problem, "member_size", lambda path, name: 2_500_000
    )
    lines = list(problem.vocabulary_lines(tmp_path / "raw"))
    assert lines[:2] == ["a dog", "one two three four"]


def test_a_wrong_hash_leaves_nothing(problem, tmp_path):
    corpus = problem.corpora["train"][0]
    wrong = corpus.archive._replace(sha256="0" * 64)
    problem.corpora["train"] = (corpus._replace(archive=wrong),)
    with pytest.raises(InputError, match="it is no longer the same file"):
        _generate(problem, tmp_path)
    assert os.listdir(tmp_path / "raw") == os.listdir(tmp_path / "data") == []


_SGM = b"""<srcset setid="x" srclang="any">
<doc docid="1"><p>
<seg id="1"> Tom &amp; Ann </seg>
</p></doc>
<hl><SEG id='2'>two</SEG></hl> <seg id="3"></seg>
"""


def _corpus(archive, source, target):
    return Corpus("c", 2014, RemoteFile("file:///no", archive), source, target)


def _pairs(tmp_path, archive, source, target):
    return list(
        archive_problem.read_corpus(_corpus(archive, source, target), tmp_path)
    )


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
    assert archive_problem.member_size(path, "x.en.gz") == 9000


def test_size_of_a_plain_member(tmp_path):
    path = tar_files.write(tmp_path / "a.tgz", {"x": b"12345", "y": b"1"})
    assert archive_problem.member_size(path, "x") == 5


def test_segments(tmp_path):
    path = tar_files.write(tmp_path / "dev.tgz", {"dev/x.sgm": _SGM})
    # Text as it stands, entities too; an empty segment is a line.
    lines = list(archive_problem.member_lines(path, "dev/x.sgm"))
    assert lines == [" Tom &amp; Ann ", "two", ""]


def test_a_segment_that_stays_open(tmp_path):
    path = tar_files.write(
        tmp_path / "dev.tgz", {"x.sgm": b"<doc>\n<seg id='1'>a\nb</seg>\n"}
    )
    with pytest.raises(InputError, match="x.sgm, line 2, opens a <seg>"):
        list(archive_problem.member_lines(path, "x.sgm"))


def test_unequal_members(tmp_path):
    tar_files.write(tmp_path / "a.tgz", {"x.en": b"a\nb\n", "x.de": b"a\n"})
    with pytest.raises(
        InputError, match=r"x.de in .*a.tgz ends after line 1 but x.en in"
    ):
        _pairs(tmp_path, "a.tgz", "x.en", "x.de")


def test_text_that_is_not_utf8(tmp_path):
    path = tar_files.write(tmp_path / "a.tgz", {"x": b"a\nb\xe4r\n"})
    with pytest.raises(InputError, match="x in .*, line 2, is not UTF-8: byte"):
        list(archive_problem.member_lines(path, "x"))


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
        list(archive_problem.member_lines(path, wanted))


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
        list(archive_problem.member_lines(path, "x.gz"))


def test_a_member_that_would_climb_out_writes_nothing(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    path = tar_files.write(
        folder / "a.tgz", {"../evil": b"x\n", "/tmp/evil2": b"x\n", "x": b"a\n"}
    )
    assert list(archive_problem.member_lines(path, "x")) == ["a"]
    assert os.listdir(tmp_path) == ["raw"]
    assert os.listdir(folder) == ["a.tgz"]
