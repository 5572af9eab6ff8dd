"""What all console commands share, and that each of them does."""

import importlib
import io
import logging
import os
import pathlib
import pkgutil
import re
import subprocess
import sys

import pytest
from absl import flags

import t2t_repro.bin
from t2t_repro import registry
from t2t_repro.bin import command
from t2t_repro.errors import InputError, UsageError

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_COMMANDS = sorted(
    module.name
    for module in pkgutil.iter_modules(t2t_repro.bin.__path__)
    if module.name.startswith("t2t_")
)


@pytest.fixture(autouse=True)
def _own_logger(monkeypatch):
    """A command's log handler holds this test's standard error: drop it."""
    logger = logging.getLogger("t2t_repro")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", logger.propagate)
    level = logger.level
    yield
    logger.setLevel(level)


def _define(values):
    flags.DEFINE_integer(
        "size", 3, "how many", lower_bound=1, flag_values=values
    )
    flags.DEFINE_string("name", None, "what it is called", flag_values=values)
    flags.DEFINE_enum("mode", "a", ["a", "b"], "which", flag_values=values)


def _run(body, *arguments):
    return command.run("t2t-x", "Does x.", _define, body, arguments)


@pytest.fixture
def failure(capsys):
    """Runs a body that must fail; returns status and its line of error."""

    def run(body, *arguments):
        status = _run(body, *arguments)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith("t2t-x: ")
        return status, captured.err.removeprefix("t2t-x: ").removesuffix("\n")

    return run


def _raising(error):
    def body(values):
        raise error

    return body


def test_flags_reach_the_body():
    seen = []

    def body(values):
        seen.append((values.size, values.name, values.mode))

    assert _run(body, "--size=5", "--name", "n", "-mode=b") == 0
    assert _run(body) == 0
    assert seen == [(5, "n", "b"), (3, None, "a")]


def test_the_body_may_give_a_status():
    assert _run(lambda values: 7) == 7


def test_arguments_come_from_the_command_line(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog", "--size=9"])
    seen = []
    command.run("t2t-x", "", _define, lambda v: seen.append(v.size))
    assert seen == [9]


@pytest.mark.parametrize("flag", ["--help", "-h", "--helpfull", "-help"])
def test_help(capsys, flag):
    body = _raising(AssertionError)
    assert _run(body, "--size=0", "junk", flag) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == (
        "t2t-x: Does x.\n\nFlags:\n"
        "  --mode (default: 'a')\n      <a|b>: which\n"
        "  --name (default: None)\n      what it is called\n"
        "  --size (default: 3)\n      how many\n"
        "  --verbose (default: False)\n"
        "      show the traceback of an error before its one line\n"
        "  --version (default: False)\n      print the version, and stop\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--siz=1"], "Unknown command line flag 'siz'. Did you mean: size"),
        (["--qqqqqq"], "Unknown command line flag 'qqqqqq'"),
        (["--size=x"], "--size=x"),
        (["--size=0"], "--size=0"),
        (["--mode=c"], "a|b"),
        (["--name"], "Missing value for flag --name"),
        (["junk"], "unexpected argument 'junk': every argument is a flag"),
        (["--size=1", "junk", "more"], "unexpected argument 'junk'"),
    ],
)
def test_wrong_flags(failure, arguments, message):
    status, line = failure(_raising(AssertionError), *arguments)
    assert status == 2
    assert message in line
    assert line.endswith("See --help.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("the file is\n  gone."), 1),
        (UsageError("the file is gone."), 2),
        (OSError("the file is gone."), 1),
        (PermissionError(13, "the file is gone."), 1),
    ],
)
def test_user_errors_are_one_line(failure, error, status):
    found, line = failure(_raising(error))
    assert found == status
    assert line.endswith("the file is gone.")


@pytest.mark.parametrize("error", [InputError("gone."), OSError("gone.")])
def test_verbose_shows_the_traceback(capsys, error):
    _run(_raising(error), "--verbose")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "t2t-x: gone."


def test_an_error_of_the_users_code_is_one_line(failure, monkeypatch):
    folder = pathlib.Path(__file__).parent
    monkeypatch.setattr(registry, "_users_places", {folder})
    status, line = failure(lambda values: 1 / 0)
    assert status == 1
    assert line.startswith(f"{__file__}, line ")
    assert ": ZeroDivisionError: division by zero. Mend it; --verb" in line


def test_the_version(capsys):
    assert _run(_raising(AssertionError), "--version") == 0
    assert capsys.readouterr().out == f"t2t-x {t2t_repro.__version__}\n"


def test_an_interruption(failure):
    assert failure(_raising(KeyboardInterrupt())) == (130, "interrupted")


def test_our_own_mistakes_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        _run(lambda values: 1 / 0)


def test_a_required_flag(failure):
    status, line = failure(lambda values: command.require(values, "name"))
    assert (status, line) == (2, "--name is required: what it is called")
    status, _ = failure(
        lambda values: command.require(values, "size", "name"), "--name="
    )
    assert status == 2
    assert _run(lambda v: command.require(v, "name", "size"), "--name=n") == 0


def test_an_empty_value_is_no_value(failure):
    status, line = failure(_raising(AssertionError), "--name=")
    assert status == 2
    assert line == "--name= is empty: give it a value, or leave it out."


def _run_in(*names):
    """A command that has these flags; returns what runs it, what it saw."""
    seen = []

    def define(values):
        for name in names:
            flags.DEFINE_string(name, None, "a folder", flag_values=values)

    def run(*arguments):
        def body(values):
            seen.append([values[name].value for name in names])

        return command.run("t2t-x", "", define, body, arguments), seen

    return run


@pytest.mark.parametrize("name", ["output_dir", "model_dir"])
def test_two_words_for_a_run_directory(name, capsys):
    run = _run_in(name)
    assert run("--output_dir=a")[0] == 0
    assert run("--model_dir", "b") == (0, [["a"], ["b"]])
    assert run("--model_dir=b", "--output_dir=a")[0] == 2
    assert "another word" in capsys.readouterr().err


def test_where_they_mean_two_things_they_stay_two():
    run = _run_in("model_dir", "output_dir")
    assert run("--output_dir=a", "--model_dir=b") == (0, [["b", "a"]])


def test_arguments_without_a_name(capsys):
    def define(values):
        flags.DEFINE_multi_string("input", [], "a line", flag_values=values)

    seen = []

    def run(*arguments):
        return command.run(
            "t2t-x",
            "",
            define,
            lambda values: seen.append(values.input),
            arguments,
            positional="input",
        )

    assert run("a b", "--input=c", "d", "--", "--e") == 0
    assert run() == 0
    assert seen == [["c", "a b", "d", "--e"], []]
    assert run("--e") == 2
    assert "goes behind --" in capsys.readouterr().err


def test_a_required_folder(tmp_path):
    command.require_folder("data_dir", tmp_path)
    with pytest.raises(UsageError, match="--data_dir=.*gone does not exist"):
        command.require_folder("data_dir", tmp_path / "gone")


def test_commands_do_not_meet_in_one_process():
    with_one = []

    def define(values):
        flags.DEFINE_float("size", 0.5, "another", flag_values=values)

    _run(lambda values: with_one.append(values.size))
    command.run("t2t-y", "", define, lambda v: with_one.append(v.size), [])
    assert with_one == [3, 0.5]
    assert "size" not in flags.FLAGS


def test_the_registry_is_listed(capsys, tmp_path, monkeypatch):
    folders: list[str] = []
    monkeypatch.setattr(registry, "import_usr_dir", folders.append)
    done = []

    def body(values):
        done.append(command.help_with_registry(values))

    define = command.define_problem_flags
    arguments = ["--registry_help", "--t2t_usr_dir=mine"]
    command.run("t2t-x", "", define, body, arguments)
    assert "\n  transformer_base  " in capsys.readouterr().out
    command.run("t2t-x", "", define, body, ["--registry_help=from_files"])
    (heading, line) = capsys.readouterr().out.splitlines()
    assert heading == "problem:" and "translate_from_files  Any" in line
    command.run("t2t-x", "", define, body, [])
    assert capsys.readouterr().out == ""
    assert done == [True, True, False]
    assert folders == ["mine"]


def test_messages_are_plain(capsys):
    logger = logging.getLogger("t2t_repro")

    def body(values):
        logger.info("step %d", 3)

    for _ in range(2):  # a second command in the process adds no handler
        _run(body)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "step 3\nstep 3\n"


def test_messages_go_to_the_standard_error_of_the_moment(monkeypatch):
    def body(values):
        logging.getLogger("t2t_repro").info("hello")

    for _ in range(2):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        _run(body)
        assert stream.getvalue() == "hello\n"
        stream.close()


def test_a_reader_that_goes_away():
    program = (
        "import sys, time; from t2t_repro.bin import command\n"
        "def body(values): time.sleep(0.2); print('late')\n"
        "sys.exit(command.run('t2t-x', '', lambda v: None, body, []))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=_ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": ""},  # empty: not set
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (finished.returncode, finished.stderr) == (1, b"")


def test_every_command_is_looked_at():
    assert {"t2t_trainer", "t2t_decoder", "t2t_datagen"} <= set(_COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_help_of_each_command_waits_for_no_library(name):
    program = (
        f"import sys; from t2t_repro.bin.{name} import main;"
        "status = main(['--help']);"
        "heavy = {'tensorflow', 'keras', 'sentencepiece', 'sacrebleu'};"
        "sys.exit(status or sorted(heavy & set(sys.modules)) or 0)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    command_name = name.replace("_", "-")
    assert finished.stdout.startswith(f"{command_name}: ")
    assert "\nFlags:\n" in finished.stdout
    assert "None\n      None" not in finished.stdout  # all are explained


@pytest.mark.parametrize("name", _COMMANDS)
def test_each_command_refuses_what_it_does_not_know(name, capsys):
    main = importlib.import_module(f"t2t_repro.bin.{name}").main
    assert main(["--help"]) == 0
    known = re.findall(r"^  --(\w+) ", capsys.readouterr().out, re.MULTILINE)
    longest = max(known, key=len)
    # There it is a sentence.
    is_text = name == "t2t_translate"
    for argument, message in (
        (f"--{longest[:-1]}", longest),
        ("junk", "is required" if is_text else "unexpected argument 'junk'"),
    ):
        assert main([argument]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith(f"{name.replace('_', '-')}: ")
        assert message in captured.err
