"""The lines that are written, and the names of their files."""

from typing import NamedTuple

from t2t_repro.decode import output
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation


class _Run(NamedTuple):
    model: str
    hparams_set: str
    problem: str


_BEAMS = [
    Translation("ein Hund", -0.25, (5, 1)),
    Translation("der Hund", -1.5, (6, 1)),
]


def test_output_lines():
    assert output.output_line(DecodeOptions(), _BEAMS) == "ein Hund"
    assert (
        output.output_line(DecodeOptions(write_beam_scores=True), _BEAMS)
        == "ein Hund\t-0.2500"
    )
    assert (
        output.output_line(DecodeOptions(return_beams=True), _BEAMS)
        == "ein Hund\tder Hund"
    )
    both = DecodeOptions(return_beams=True, write_beam_scores=True)
    assert (
        output.output_line(both, _BEAMS)
        == "ein Hund\t-0.2500\tder Hund\t-1.5000"
    )


def test_a_line_end_in_a_translation_does_not_make_two_lines():
    beams = [Translation("a\nb", 0.0, (5, 1))]
    assert output.output_line(DecodeOptions(), beams) == "a b"


def test_n_best_lines():
    beams = [*_BEAMS, Translation("", -1e7, ())]
    # Index and rank from 1; what the search did not find has no line.
    assert list(output.n_best_lines(17, beams)) == [
        "17\t1\t-0.250000\tein Hund",
        "17\t2\t-1.500000\tder Hund",
    ]
    # An empty source line has one hypothesis, without ids.
    assert list(output.n_best_lines(2, [Translation("", 0.0, ())])) == [
        "2\t1\t0.000000\t"
    ]


def test_the_output_of_a_stream():
    best: list[str] = []
    lines = output.output_lines(
        DecodeOptions(n_best=1), [_BEAMS[:1], _BEAMS[1:]], 5, best
    )
    assert list(lines) == [
        "5\t1\t-0.250000\tein Hund",
        "6\t1\t-1.500000\tder Hund",
    ]
    assert best == ["ein Hund", "der Hund"]
    lines = output.output_lines(DecodeOptions(), [_BEAMS, _BEAMS])
    assert list(lines) == ["ein Hund"] * 2


def test_tensor2tensors_file_names():
    run = _Run("transformer", "transformer_base", "translate_ende")
    rest = "transformer.transformer_base.translate_ende.beam4.alpha0.6"
    name = output.decodes_name("in", run, DecodeOptions())
    assert name == f"in.{rest}.decodes"
    name = output.decodes_name("F", run, DecodeOptions(), "inputs")
    assert name == f"F.{rest}.inputs"
    assert output.shard_name("out", 1, 0) == "out"
    assert output.shard_name("out", 12, 3) == "out003"


def test_parts_are_contiguous_and_even():
    # 10 lines among 4: 2, 3, 2 and 3 of them.
    ranges = [output.shard_range(10, 4, worker) for worker in range(4)]
    assert ranges == [(0, 2), (2, 5), (5, 7), (7, 10)]
    assert [output.shard_range(1, 2, worker) for worker in range(2)] == [
        (0, 0),
        (0, 1),
    ]
