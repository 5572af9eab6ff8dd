"""A flag of tensor2tensor that is gone says what became of it."""

import pytest

from t2t_repro.bin import (
    removed_flags,
    t2t_avg_all,
    t2t_datagen,
    t2t_exporter,
    t2t_report,
    t2t_trainer,
)


@pytest.mark.parametrize(
    "argument", ["--use_tpu", "--nouse_tpu", "--use_tpu=1", "-use_tpu"]
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


@pytest.mark.parametrize(
    "arguments", [["--hp_hidden_size", "256"], ["--hp_hidden_size=256"]]
)
def test_any_hparam_had_a_flag(capsys, arguments):
    assert t2t_trainer.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "t2t-trainer: --hp_hidden_size of tensor2tensor is now"
        " --hparams=hidden_size=VALUE."
    )


def test_a_flag_with_a_dash_in_its_name(capsys):
    assert t2t_trainer.main(["--job-dir=O"]) == 2
    assert "--job-dir of tensor2tensor is now --output_dir." in (
        capsys.readouterr().err
    )


def test_the_exporter_took_the_trainers_flags_along(capsys):
    assert t2t_exporter.main(["--train_steps=5"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "t2t-exporter: --train_steps of tensor2tensor is gone: it is for"
        " training; leave it out."
    )


def test_flags_of_absl_are_gone_where_tensor2tensor_had_the_command(capsys):
    assert t2t_avg_all.main(["--verbosity=1"]) == 2
    assert "--verbosity of tensor2tensor is gone" in capsys.readouterr().err
    assert t2t_report.main(["--verbosity=1"]) == 2
    assert "Unknown command line flag" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["batch_sze", "notes", "nohp_x"])
def test_what_was_never_a_flag_is_unknown(capsys, name):
    assert t2t_trainer.main([f"--{name}=3"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert name in line and "tensor2tensor" not in line


def test_every_reason_is_one_sentence_or_two_in_one_line():
    # They end the line that a command prints.
    for reasons in removed_flags.GONE.values():
        for reason in reasons.values():
            assert reason.endswith(".") and "\n" not in reason
