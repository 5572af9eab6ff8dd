"""The profiler's steps, and what the flag may say."""

import pytest

from t2t_repro.errors import UsageError
from t2t_repro.train import profiling
from t2t_repro.train.profiling import Profiler


def test_the_flag():
    assert profiling.parse("") is None
    assert profiling.parse("100,109") == (100, 109)
    assert profiling.parse("7, 7") == (7, 7)
    for text in ("5", "0,3", "9,8", "1,2,3", "a,b", "-1,4", "1.5,2"):
        with pytest.raises(UsageError, match=f"--profile={text}: expected"):
            profiling.parse(text)


def _recorded(folder):
    return list(folder.glob("plugins/profile/*/*.xplane.pb"))


def test_only_the_steps_asked_for(tmp_path):
    profiler = Profiler(tmp_path, (2, 3))
    for number in range(1, 6):
        with profiler.step(number):
            pass
        assert bool(_recorded(tmp_path)) == (number >= 3)
    profiler.close()
    assert len(_recorded(tmp_path)) == 1


def test_a_run_that_ends_within_them_keeps_what_it_has(tmp_path):
    # It went on at step 5 of 2 to 9, and ended there.
    profiler = Profiler(tmp_path, (2, 9))
    with profiler.step(5):
        pass
    assert not _recorded(tmp_path)
    profiler.close()
    assert len(_recorded(tmp_path)) == 1


def test_no_profile(tmp_path):
    profiler = Profiler(tmp_path, None)
    with profiler.step(1):
        pass
    profiler.close()
    assert not list(tmp_path.iterdir())
