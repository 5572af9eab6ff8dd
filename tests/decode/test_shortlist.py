"""The file of a shortlist: whole, of this run, or refused in a sentence."""

import dataclasses
import io
import zipfile

import numpy as np
import pytest

from t2t_repro import files, run_directory
from t2t_repro.decode import options, shortlist
from t2t_repro.errors import InputError


@pytest.fixture(scope="module")
def run(trained):
    return run_directory.load(trained.output_dir)


@pytest.fixture(scope="module")
def whole(run):
    vocabulary = run.encoder().vocab_size
    rng = np.random.default_rng(0)
    return shortlist.Shortlist(
        vocabulary_sha256=files.file_sha256(run.vocabulary),
        languages=run.languages,
        size=20,
        targets=rng.integers(0, vocabulary, (vocabulary, 3), np.int32),
        probabilities=rng.random((vocabulary, 3), np.float32),
        frequencies=np.arange(vocabulary),
    )


def test_it_is_read_as_it_was_written(whole, run, tmp_path):
    shortlist.write(tmp_path / "list", whole)
    found = shortlist.of_run(tmp_path / "list", run)
    for name, value in dataclasses.asdict(whole).items():
        np.testing.assert_array_equal(getattr(found, name), value)
    # The same again is the same bytes.
    content = (tmp_path / "list").read_bytes()
    shortlist.write(tmp_path / "list", whole)
    assert (tmp_path / "list").read_bytes() == content


def test_the_flag_goes_before_the_option(whole, run, tmp_path):
    shortlist.write(tmp_path / "list", whole)
    given = f"shortlist={tmp_path / 'list'}"
    found = options.of_run(run, given)
    assert found.shortlist == f"{tmp_path / 'list'}"
    with pytest.raises(InputError, match=r"no: No such file"):
        options.of_run(run, given, shortlist=f"{tmp_path / 'no'}")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"vocabulary_sha256": "0" * 64}, "with the vocabulary of SHA-256 000"),
        ({"languages": ("de", "en")}, "was made for de to en"),
        ({"size": 2}, "2 of "),
        ({"size": 10**6}, "1000000 of "),
        ({"targets": np.zeros((2, 3), np.int32)}, "different sizes"),
        ({"targets": np.zeros(2, np.int32)}, "not a whole shortlist"),
        ({"frequencies": np.zeros(0, np.int64)}, "not a whole shortlist"),
    ],
)
def test_another_is_refused(whole, run, tmp_path, change, says):
    other = dataclasses.replace(whole, **change)
    shortlist.write(tmp_path / "list", other)
    with pytest.raises(InputError, match=says):
        shortlist.of_run(tmp_path / "list", run)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("targets", lambda x: x + 10**6, "ids outside"),
        ("targets", lambda x: -x - 1, "ids outside"),
        ("targets", lambda x: x.astype(np.int64), "targets as int64"),
        ("probabilities", lambda x: x + 1, "outside 0 to 1"),
        ("probabilities", lambda x: x * np.nan, "outside 0 to 1"),
        ("frequencies", lambda x: -x, "20 of "),
    ],
)
def test_wrong_numbers_are_refused(whole, run, tmp_path, name, change, says):
    other = dataclasses.replace(whole, **{name: change(getattr(whole, name))})
    shortlist.write(tmp_path / "list", other)
    with pytest.raises(InputError, match=says):
        shortlist.of_run(tmp_path / "list", run)


def test_of_another_vocabulary_in_spite_of_its_hash(whole, run, tmp_path):
    fewer = {
        name: getattr(whole, name)[:50] % 50
        for name in ("targets", "frequencies")
    }
    fewer["probabilities"] = whole.probabilities[:50]
    shortlist.write(tmp_path / "list", dataclasses.replace(whole, **fewer))
    with pytest.raises(InputError, match=r"\(50 ids\)"):
        shortlist.of_run(tmp_path / "list", run)


def test_any_damage_is_one_sentence(whole, run, tmp_path):
    path = tmp_path / "list"
    shortlist.write(path, whole)
    content = path.read_bytes()
    damaged = [content[:size] for size in range(0, len(content), 997)]
    damaged += [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"text\n" * 9]
    for place in range(0, len(content), 499):
        flipped = bytearray(content)
        flipped[place] ^= 0xFF
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        try:
            shortlist.of_run(path, run)
        except InputError as error:
            assert "\n" not in str(error) and str(path) in str(error)


def test_what_would_fill_the_memory_is_refused(run, tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header,
        {"descr": "<i4", "fortran_order": False, "shape": (2**30, 2)},
    )
    with (
        zipfile.ZipFile(
            tmp_path / "list", "w", zipfile.ZIP_DEFLATED
        ) as archive,
        archive.open("targets.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(2**9 + 1):
            member.write(bytes(2**20))
    with pytest.raises(InputError, match="bytes of arrays"):
        shortlist.of_run(tmp_path / "list", run)
