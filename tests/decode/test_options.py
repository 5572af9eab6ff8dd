"""--decode_hparams, and the output line it asks for."""

import dataclasses
from typing import NamedTuple

import pytest

from t2t_repro.decode import options
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError


class _Hypothesis(NamedTuple):
    text: str
    score: float


_BEAMS = [_Hypothesis("ein Hund", -0.25), _Hypothesis("der Hund", -1.5)]


def test_the_papers_values():
    # Section 6.1: beam 4, alpha 0.6, input length + 50.
    parsed = options.parse("")
    assert (parsed.beam_size, parsed.alpha, parsed.extra_length) == (4, 0.6, 50)
    assert parsed == DecodeOptions()
    assert not parsed.return_beams and not parsed.write_beam_scores


def test_every_field_can_be_given():
    assert options.parse(
        "beam_size=1, alpha=0,extra_length=0,batch_size=7,return_beams=true,"
        "write_beam_scores=True,max_input_size=-1"
    ) == DecodeOptions(1, 0.0, 0, 7, True, True, -1)
    assert len(dataclasses.fields(DecodeOptions)) == 7


def test_the_problem_decides_what_the_user_leaves_open():
    parsed = options.parse("beam_size=4", "beam_size=21,alpha=0.3")
    assert parsed == DecodeOptions(beam_size=4, alpha=0.3)
    with pytest.raises(UsageError, match="^the problem's decode_hparams: unk"):
        options.parse("beam_size=4", "beamsize=21")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beam_size=0", "beam_size=0: expected 1 or more"),
        ("batch_size=-2", "batch_size=-2: expected 1 or more"),
        ("alpha=-0.1", "alpha and extra_length cannot be negative"),
        ("extra_length=-1", "cannot be negative"),
        ("max_input_size=0", "max_input_size=0: expected a number"),
        ("max_input_size=-2", "-1 for no limit"),
        ("beam_size=4.5", "beam_size=4.5: expected a whole number"),
        ("alpha=nan", "alpha=nan: expected a finite number"),
        ("return_beams=maybe", "expected true or false"),
        ("beamsize=4", "'beamsize'. Did you mean beam_size"),
        ("beam_size", "'beam_size' is not of the form name=value"),
        ("alpha=1,alpha=1", "alpha is given twice"),
    ],
)
def test_impossible_values(text, message):
    with pytest.raises(UsageError, match=message) as raised:
        options.parse(text)
    assert str(raised.value).startswith("--decode_hparams: ")


def test_output_lines():
    assert options.output_line(DecodeOptions(), _BEAMS) == "ein Hund"
    assert (
        options.output_line(DecodeOptions(write_beam_scores=True), _BEAMS)
        == "ein Hund\t-0.2500"
    )
    assert (
        options.output_line(DecodeOptions(return_beams=True), _BEAMS)
        == "ein Hund\tder Hund"
    )
    both = DecodeOptions(return_beams=True, write_beam_scores=True)
    assert (
        options.output_line(both, _BEAMS)
        == "ein Hund\t-0.2500\tder Hund\t-1.5000"
    )


def test_a_line_end_in_a_translation_does_not_make_two_lines():
    beams = [_Hypothesis("a\nb", 0.0)]
    assert options.output_line(DecodeOptions(), beams) == "a b"
