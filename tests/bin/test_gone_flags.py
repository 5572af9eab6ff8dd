"""A flag of tensor2tensor that is gone says what became of it."""

import pytest

from t2t_repro.bin import gone_flags
from t2t_repro.bin import t2t_datagen
from t2t_repro.bin import t2t_trainer


@pytest.mark.parametrize(
    "argument", ["--use_tpu", "--nouse_tpu", "--use_tpu=1"]
)
def test_one_line_and_exit_status_2(capsys, argument):
    assert t2t_trainer.main([argument]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "t2t-trainer: --use_tpu of tensor2tensor is gone: TPUs are not"
        " supported; GPUs are found by themselves."
    )


def test_a_renamed_flag_names_the_new_one(capsys):
    assert t2t_datagen.main(["--only_list"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "t2t-datagen: --only_list of tensor2tensor is now --registry_help."
    )


def test_what_was_never_a_flag_is_unknown(capsys):
    assert t2t_trainer.main(["--batch_sze=3"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "batch_sze" in line and "tensor2tensor" not in line


def test_every_reason_is_one_sentence_or_two_in_one_line():
    # They end the line that a command prints.
    for reasons in gone_flags.GONE.values():
        for reason in reasons.values():
            assert reason.endswith(".") and "\n" not in reason
