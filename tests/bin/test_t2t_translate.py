"""t2t-translate: sentences given, typed or piped, as t2t-decoder does them."""

import os

import pytest

from t2t_repro.bin import t2t_decoder, t2t_translate
from t2t_repro.text.lines import read_lines

_SENTENCES = ["The dog sleeps.", "", "A cat.\rTwo\u2028men."]
_FAST = "--decode_hparams=beam_size=2,extra_length=5"


@pytest.fixture
def run(trained, capfd):
    """Returns a function from arguments to (status, stdout, stderr)."""

    def call(*arguments):
        status = t2t_translate.main(
            [f"--output_dir={trained.output_dir}", *arguments]
        )
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture(scope="module")
def expected(trained, tmp_path_factory):
    """The lines of t2t-decoder."""
    folder = tmp_path_factory.mktemp("decoder")
    source, target = folder / "in", folder / "out"
    source.write_bytes("".join(f"{x}\n" for x in _SENTENCES).encode())
    arguments = [f"--output_dir={trained.output_dir}", _FAST]
    arguments += [f"--decode_from_file={source}", f"--decode_to_file={target}"]
    assert t2t_decoder.main(arguments) == 0
    return read_lines(target)


def test_a_sentence(run, expected):
    """Without a graph, it is the same."""
    status, printed, error = run(_SENTENCES[0], _FAST)
    assert (status, printed) == (0, f"{expected[0]}\n")
    assert error.startswith("decoding with ") and error.count("\n") == 1


@pytest.mark.parametrize("form", ["arguments", "one argument", "flags", "pipe"])
def test_several_sentences(run, expected, standard_input, form):
    given = {
        "arguments": _SENTENCES,
        "one argument": ["\n".join(_SENTENCES)],
        "flags": [f"--input={sentence}" for sentence in _SENTENCES],
        "pipe": [],
    }[form]
    piped = "".join(f"{sentence}\r\n" for sentence in _SENTENCES)
    with standard_input(piped.encode()):
        status, printed, _ = run(_FAST, *given)
    assert (status, printed.split("\n")) == (0, [*expected, ""])


def test_what_is_typed(run, expected, monkeypatch):
    typed = iter([":nbest 2", ":nbest 0", _SENTENCES[0], ":quit"])
    monkeypatch.setattr(os, "isatty", lambda file: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    status, printed, _ = run(_FAST)
    assert status == 0
    assert printed.split("\n")[2:] == [expected[0], ""]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--output_dir=nowhere", "a"], 1, "not a run directory"),
        (["--decode_hparams=beam=2", "a"], 2, "unknown name 'beam'"),
        (["--checkpoint_path=nowhere", "a"], 1, "nowhere"),
        (["-a"], 2, "goes behind --"),
        (["--input="], 0, ""),
    ],
)
def test_wrong_usage(run, arguments, status, words):
    found, printed, error = run(*arguments)
    assert found == status
    assert error.count("\n") == 1 and words in error
    assert printed == "\n" * (status == 0)
