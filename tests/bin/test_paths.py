"""Where a command would write, where it would not, and what it reads."""

import os

import pytest
from absl import flags

from t2t_repro.bin import paths
from t2t_repro.errors import UsageError


def _asked(path, overwrite=False):
    values = flags.FlagValues()
    flags.DEFINE_string("page", str(path), "", flag_values=values)
    flags.DEFINE_bool("overwrite", overwrite, "", flag_values=values)
    values(["program"])
    return paths.to_write(values, "page")


def test_a_new_file_and_one_to_replace(tmp_path):
    path = tmp_path / "page"
    assert _asked(path) == path and not path.exists()
    path.write_text("old")
    assert _asked(path, overwrite=True) == path
    with pytest.raises(UsageError, match="--page=.* exists: .*--overwrite"):
        _asked(path)


def test_no_folder(tmp_path):
    with pytest.raises(UsageError, match="exists"):
        _asked(tmp_path, overwrite=True)
    with pytest.raises(UsageError, match="/no does not exist"):
        _asked(tmp_path / "no" / "page")


def test_several_and_a_name_with_a_comma(tmp_path):
    (tmp_path / "a,b").touch()
    given = [f"{tmp_path}/a,b", "c,d", "e,"]
    assert paths.several(given) == [f"{tmp_path}/a,b", "c", "d", "e", ""]
    assert paths.several([]) == []


def test_a_pipe_is_read_once(tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    assert paths.can_be_read_twice(str(tmp_path / "file"))
    # So that it is named where it is opened.
    assert paths.can_be_read_twice(str(tmp_path / "absent"))
    assert not paths.can_be_read_twice(str(tmp_path / "pipe"))
    assert not paths.can_be_read_twice("-")
