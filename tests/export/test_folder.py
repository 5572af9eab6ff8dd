"""Exports appear whole or not at all, and replace nothing unasked."""

import json

import pytest

from t2t_repro.errors import UsageError
from t2t_repro.export import folder as export_folder


def _write(folder, text, overwrite=False):
    with export_folder.new_folder(folder, {"format": text}, overwrite) as place:
        (place / "model").write_text(text)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_with_its_parents(tmp_path):
    _write(tmp_path / "a" / "b", "first")
    assert _names(tmp_path / "a") == ["b"]
    assert _names(tmp_path / "a" / "b") == ["export.json", "model"]
    said = json.loads((tmp_path / "a" / "b" / "export.json").read_text())
    assert said == {"format": "first"}


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "a").mkdir()
    _write(tmp_path / "a", "first")
    assert (tmp_path / "a" / "model").read_text() == "first"


def test_an_export_is_replaced_only_when_asked(tmp_path):
    _write(tmp_path / "a", "first")
    with pytest.raises(UsageError, match="--overwrite"):
        _write(tmp_path / "a", "second")
    assert (tmp_path / "a" / "model").read_text() == "first"
    _write(tmp_path / "a", "second", overwrite=True)
    assert (tmp_path / "a" / "model").read_text() == "second"
    assert _names(tmp_path) == ["a"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_is_no_export_is_never_replaced(tmp_path, is_folder):
    mine = tmp_path / "mine"
    if is_folder:
        mine.mkdir()
        (mine / "thesis").write_text("mine")
    else:
        mine.write_text("mine")
    with pytest.raises(UsageError, match="is no export"):
        _write(mine, "second", overwrite=True)
    assert mine.exists() and _names(tmp_path) == ["mine"]


def test_a_failure_leaves_the_earlier_export(tmp_path):
    _write(tmp_path / "a", "first")
    with (
        pytest.raises(OSError, match="full"),
        export_folder.new_folder(tmp_path / "a", {}, True) as place,
    ):
        (place / "model").write_text("half")
        raise OSError("full")
    assert (tmp_path / "a" / "model").read_text() == "first"
    assert _names(tmp_path) == ["a"]
