"""t2t-shortlist: a file of the data, and what t2t-decoder makes of it."""

import pytest
import tensorflow as tf

import t2t_repro
from t2t_repro import run_directory
from t2t_repro.bin import t2t_decoder, t2t_shortlist
from t2t_repro.data import lexicon
from t2t_repro.decode import shortlist
from t2t_repro.decode.shortlisted import Chooser
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.text.lines import read_lines
from tests import toy_run

_SOURCE = "The dog sleeps.\n\nTwo men and a dog.\n"
_FAST = "--decode_hparams=beam_size=2,extra_length=5,write_beam_scores=true"


@pytest.fixture
def make(trained, tmp_path, capsys):
    """Returns a function from flags to (status, error output)."""

    def call(*flags, target=tmp_path / "list"):
        status = t2t_shortlist.main(
            [
                f"--problem={toy_run.PROBLEM}",
                f"--data_dir={trained.data_dir}",
                f"--output_file={target}",
                *flags,
            ]
        )
        return status, capsys.readouterr().err

    return call


@pytest.fixture
def decode(trained, tmp_path, capsys):
    """Returns a function from a name and flags to the lines, or the error."""
    (tmp_path / "in").write_text(_SOURCE)

    def call(name, *flags):
        status = t2t_decoder.main(
            [
                f"--output_dir={trained.output_dir}",
                f"--decode_from_file={tmp_path / 'in'}",
                f"--decode_to_file={tmp_path / name}",
                *flags,
            ]
        )
        error = capsys.readouterr().err
        return error if status else read_lines(tmp_path / name)

    return call


def test_what_translates_what(make, trained, tmp_path):
    assert make("--size=40")[0] == 0
    run = run_directory.load(trained.output_dir)
    found = shortlist.of_run(tmp_path / "list", run)
    assert found.size == 40
    encoder = run.encoder()
    (source,), (target,) = encoder.encode(" dog"), encoder.encode(" Hund")
    assert target in found.targets[source]
    # The most frequent ends every target.
    assert found.frequencies.argmax() == 1 and not found.frequencies[0]


def test_all_ids_change_no_translation(make, decode, tmp_path):
    status, said = make("--size=100000", "--verbose")
    assert status == 0 and " pairs\n" in said
    flag = f"--shortlist={tmp_path / 'list'}"
    expected = decode("without", _FAST)
    for name, flags in (
        ("flag", [_FAST, flag]),
        ("option", [f"{_FAST},shortlist={tmp_path / 'list'}"]),
    ):
        found = decode(name, *flags)
        for line, other in zip(found, expected, strict=True):
            (text, score), (as_ever, near) = line.split("\t"), other.split("\t")
            assert text == as_ever
            assert float(score) == pytest.approx(float(near), abs=1e-3)


def test_some_ids_are_all_that_is_drawn(make, trained, tmp_path):
    assert make("--size=12")[0] == 0
    given = f"beam_size=1,sampling_method=random,shortlist={tmp_path / 'list'}"
    loaded = t2t_repro.load(trained.output_dir, decode_hparams=given)
    ((found,),) = loaded.translate(["The dog sleeps."])
    choose = Chooser(shortlist.of_run(tmp_path / "list", loaded.run))
    source = [*loaded.encoder.encode("The dog sleeps."), EOS_ID]
    listed = choose(tf.constant([source])).numpy()[0]
    assert set(found.ids) <= set(listed) and len(set(found.ids)) > 3


def test_the_other_direction_has_its_own(make, decode, trained, tmp_path):
    assert make(f"--problem={toy_run.PROBLEM}_rev")[0] == 0
    error = decode("out", f"--shortlist={tmp_path / 'list'}")
    assert "was made for de to en" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_pairs_do_not_go_with_it(decode, tmp_path, trained, capsys):
    status = t2t_decoder.main(
        [
            f"--output_dir={trained.output_dir}",
            f"--score_file={tmp_path / 'in'}",
            f"--shortlist={tmp_path / 'list'}",
        ]
    )
    assert status == 2
    assert "--shortlist and --score_file do not go" in capsys.readouterr().err


def test_what_fails_leaves_nothing(make, tmp_path, monkeypatch):
    (tmp_path / "there").write_text("kept")
    status, error = make(target=tmp_path / "there")
    assert status == 2 and "exists" in error
    assert (tmp_path / "there").read_text() == "kept"

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lexicon, "best", stopped)
    assert make()[0] == 130
    assert not (tmp_path / "list").exists()
