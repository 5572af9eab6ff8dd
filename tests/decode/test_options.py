"""--decode_hparams: values, defaults, mistakes."""

import dataclasses

import pytest

from t2t_repro.decode import options
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError


def test_the_papers_values():
    # Section 6.1: beam 4, alpha 0.6, input length + 50.
    parsed = options.parse("")
    assert (parsed.beam_size, parsed.alpha, parsed.extra_length) == (4, 0.6, 50)
    assert parsed == DecodeOptions()
    assert not parsed.return_beams and not parsed.write_beam_scores


def test_every_field_can_be_given():
    assert options.parse(
        "beam_size=1, alpha=0,extra_length=0,batch_size=7,return_beams=true,"
        "write_beam_scores=True,max_input_size=-1,num_samples=3,"
        "sampling_method=random,sampling_temp=0.5,sampling_keep_top_k=8,"
        "sampling_keep_top_p=0.9,random_seed=11,quantize=bfloat16,"
        "search=huggingface,shortlist=list,engine=tensorflow,constrained=false"
    ) == DecodeOptions(
        *(1, 0.0, 0, 7, True, True, -1, 0, 3, "random", 0.5, 8, 0.9, 11),
        *("bfloat16", "huggingface", "list", "tensorflow", False),
    )
    assert options.parse("n_best=3").n_best == 3
    assert len(dataclasses.fields(DecodeOptions)) == 19


def test_how_many_hypotheses_are_wanted():
    assert options.parse("beam_size=7").hypotheses == 1
    assert options.parse("beam_size=7,return_beams=true").hypotheses == 7
    assert options.parse("beam_size=7,n_best=3").hypotheses == 3


def test_the_problem_decides_what_the_user_leaves_open():
    parsed = options.parse("beam_size=4", "beam_size=21,alpha=0.3")
    assert parsed == DecodeOptions(beam_size=4, alpha=0.3)
    with pytest.raises(UsageError, match="^the problem's decode_hparams: unk"):
        options.parse("beam_size=4", "beamsize=21")


def test_a_flag_goes_before():
    assert options.parse(
        "quantize=int8", "beam_size=2", engine="ctranslate2", quantize=None
    ) == DecodeOptions(beam_size=2, quantize="int8", engine="ctranslate2")
    assert (
        options.parse("quantize=bfloat16", quantize="none").quantize == "none"
    )


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
        ("n_best=5", "n_best=5: expected 0 to beam_size=4"),
        ("n_best=-1", "n_best=-1: expected 0 to"),
        ("n_best=2,return_beams=true", "give one of them"),
        ("num_samples=0", "num_samples=0: expected 1 or more, or -1"),
        ("sampling_method=randon", "argmax or random. Did you mean random"),
        ("sampling_method=random", "give beam_size=1 with it"),
        ("sampling_temp=0", "sampling_temp=0.0: expected more than 0"),
        ("sampling_keep_top_k=0", "sampling_keep_top_k=0: expected 1 or more"),
        ("sampling_keep_top_p=0", "sampling_keep_top_p=0.0: expected more"),
        ("sampling_keep_top_p=1.1", "and at most 1"),
        ("random_seed=-1", "random_seed=-1: expected 0 or more"),
        ("quantize=bfloat", "bfloat16 or int8. Did you mean bfloat16"),
        ("quantize=int8", "quantize=int8 needs .*--engine=litert"),
        ("engine=litert,quantize=bfloat16", "engine=litert knows no quantize="),
        ("engine=litert,shortlist=list", "engine=litert knows no shortlist="),
        ("engine=ctranslate", "engine=ctranslate: expected tensorflow or"),
        (
            "engine=ctranslate2,sampling_method=random,beam_size=1",
            "engine=ctranslate2 knows no sampling_method=random: give"
            " sampling_method=argmax,",
        ),
        (
            "engine=ctranslate2,search=huggingface",
            "engine=ctranslate2 knows no search=huggingface: give"
            " search=tensor2tensor, or no engine",
        ),
    ],
)
def test_impossible_values(text, message):
    with pytest.raises(UsageError, match=message) as raised:
        options.parse(text)
    assert str(raised.value).startswith("--decode_hparams: ")


@pytest.mark.parametrize(
    "text", ["beam_size=1001", "alpha=10.5", "extra_length=100001"]
)
def test_what_could_only_overflow_is_refused(text):
    with pytest.raises(UsageError, match=f"{text}: expected .* or less"):
        options.parse(text)
