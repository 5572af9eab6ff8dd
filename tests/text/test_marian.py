"""Marian's vocabulary: ids, both sides, language codes, hostile archives.

That text becomes the ids of transformers' MarianTokenizer is held against it
in tests/interop/test_marian.py.
"""

import io
import json
import zipfile

import pytest

from t2t_repro.errors import InputError
from t2t_repro.text import marian
from t2t_repro.text.encoder import of_targets
from tests import source_tree

_DATA = source_tree.ROOT / "tests" / "testdata" / "marian"


def members(name):
    folder = _DATA / name
    names = [marian.SOURCE, marian.TARGET, marian.VOCABULARY]
    if (folder / marian.TARGET_VOCABULARY).exists():
        names.append(marian.TARGET_VOCABULARY)
    return {name: (folder / name).read_bytes() for name in names}


def encoder(tmp_path, name="multilingual", **changes):
    path = tmp_path / "vocab.x.marian"
    marian.pack({**members(name), **changes}, path)
    return marian.MarianEncoder(path)


def test_an_opus_mt_id_is_one_less(tmp_path):
    """There 0 ends, the last one pads; here 1 and 0."""
    found = encoder(tmp_path)
    ids = json.loads(members("multilingual")["vocab.json"])
    assert found.vocab_size == len(ids)
    assert found.names[:3] == ["<pad>", "</s>", "<unk>"]
    assert all(found.names[n + 1] == p for p, n in ids.items() if p != "<pad>")
    assert found.source_rows == [len(ids) - 1, *range(len(ids) - 1)]


def test_a_language_code_is_one_piece(tmp_path):
    found = encoder(tmp_path)
    code = found.names.index(">>fra<<")
    line = found.encode(">>fra<< the king reads")
    assert line == [code, *found.encode("the king reads")]
    assert found.decode([*line, 1, 5]) == ">>fra<< the king reads"
    # One that the model does not know is unknown, as in transformers.
    assert found.encode(">>xyz<< the")[0] == found.names.index("<unk>")
    assert found.encode(">> the")[0] != code


def test_each_side_is_cut_in_its_own_way(tmp_path):
    found = encoder(tmp_path)
    line = "der König"
    assert found.pieces(found.encode(line)) != found.pieces(
        of_targets(found).encode(line)
    )
    assert found.decode(of_targets(found).encode(line)) == line
    assert of_targets(of_targets(found)).encode(line) == of_targets(
        found
    ).encode(line)


def test_two_lists_stand_one_behind_the_other(tmp_path):
    found = encoder(tmp_path, "separate")
    own = members("separate")
    source = json.loads(own["vocab.json"])
    target = json.loads(own["target_vocab.json"])
    # Padding and end are common.
    assert found.vocab_size == len(source) + len(target) - 2
    the = found.encode("the")[0]
    assert found.source_rows[the] == source[found.names[the]]
    assert the >= len(target)
    assert found.target_rows[the] == marian.ABSENT
    der = found.targets.encode("der")[0]
    assert found.target_rows[der] == target[found.names[der]]
    assert found.source_rows[der] == marian.ABSENT
    # Each side has an unknown piece of its own.
    assert found.encode("\u4e2d")[-1] != found.targets.encode("\u4e2d")[-1]


def test_text_is_never_padding_or_the_end(tmp_path):
    found = encoder(tmp_path)
    for line in ("</s>", "<pad> the", ">><<", ">></s><<", "", " "):
        assert min(found.encode(line), default=2) > 1


def test_the_same_files_are_the_same_bytes(tmp_path):
    own = members("plain")
    first, second = tmp_path / "a.marian", tmp_path / "b.marian"
    marian.pack(own, first)
    marian.pack(dict(reversed(own.items())), second)
    assert first.read_bytes() == second.read_bytes()
    assert marian.unpack(first) == own


def _archive(entries, compression=zipfile.ZIP_STORED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return data.getvalue()


_OWN = list(members("plain").items())


@pytest.mark.parametrize(
    "content, says",
    [
        (b"", "not an archive"),
        (b"PK\x03\x04" + b"x" * 99, "not an archive"),
        (_archive(_OWN)[:-30], "not an archive"),
        (_archive(_OWN[:2]), "it holds source.spm, target.spm"),
        (_archive([*_OWN, ("../x", b"")]), "it holds ../x"),
        (_archive(_OWN, zipfile.ZIP_DEFLATED), "is packed"),
        (
            _archive([*_OWN[:2], ("vocab.json", b"[]")]),
            "does not hold a JSON object",
        ),
        (_archive([*_OWN[:2], ("vocab.json", b'{"a": 0}')]), "has no <pad>"),
        (
            _archive([*_OWN[:2], ("vocab.json", b'{"a": 0, "b": 2}')]),
            "does not number its 2 pieces",
        ),
        (
            _archive([*_OWN[:2], ("vocab.json", b'{"a": true, "b": 1}')]),
            "does not number its 2 pieces",
        ),
        (
            _archive([("source.spm", b""), *_OWN[1:]]),
            "source.spm is not a SentencePiece model",
        ),
        (
            _archive([_OWN[0], ("target.spm", b"\xff" * 50), _OWN[2]]),
            "target.spm is not a SentencePiece model",
        ),
    ],
)
def test_damage_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "vocab.x.marian"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        marian.MarianEncoder(path)
