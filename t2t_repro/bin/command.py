"""What every console command shares: flags, help, errors, exit statuses.

A command is a module with `main(argv=None) -> int`. Its flags live in a
`FlagValues` of its own, not in absl's global one, so several commands can run
in one process (tests, notebooks) without meeting each other.

Exit statuses: 0 done (also `--help`, `--version`), 2 wrong usage, 1 anything
else that the user can mend, 130 interrupted.
"""

import dataclasses
import logging
import math
import os
import pathlib
import sys
import traceback
import typing
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from t2t_repro import (
    __version__,
    files,
    registry,
    run_directory,
    tensorflow_start,
)
from t2t_repro.bin import removed_flags
from t2t_repro.decode import parallel
from t2t_repro.errors import InputError, UsageError, nearest

_CHECKPOINTS = ("best", "averaged", "newest")
_HELP_FLAGS = {"--help", "-help", "-h", "--helpfull", "--helpshort"}
# Two words for a run directory, of tensor2tensor's and of its checkpoints'
# tools: a command that has one of them understands both.
_RUN_DIRECTORY = ("output_dir", "model_dir")
# TensorFlow's shapes are of 32 bits.
_LARGEST = 2**31 - 1
# Alone it lists everything.
_MAY_BE_EMPTY = ("registry_help",)


def run(
    name: str,
    documentation: str,
    define_flags: Callable[[flags.FlagValues], None],
    body: Callable[[flags.FlagValues], int | None],
    argv: Sequence[str] | None = None,
    positional: str | None = None,
    with_time: bool = False,
) -> int:
    """Parses the flags, runs the body, and words every user's mistake.

    Args:
      name: the command's name, such as `"t2t-trainer"`.
      documentation: what `--help` prints before the flags.
      define_flags: adds the command's flags to the given `FlagValues`.
      body: does the work with the parsed flags; may return an exit status.
      argv: arguments without the program's name; `sys.argv[1:]` when None.
      positional: the flag of several values that takes the arguments without
        a name; None: there may be none.
      with_time: whether messages begin with the time of day, as those of a
        command that runs for hours should.

    Returns:
      The exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    values = flags.FlagValues()
    define_flags(values)
    _define_common_flags(values)
    try:
        if _HELP_FLAGS & set(arguments):
            print(_help_text(name, documentation, values), flush=True)
            return 0
        _parse(values, name, arguments, positional)
        if values.version:
            print(f"{name} {__version__}", flush=True)
            return 0
        _configure_logging(with_time)
        status = body(values) or 0
        sys.stdout.flush()  # a broken pipe shows here, not after the end
        return status
    except InputError as error:
        _print_error(name, error, values)
        return error.exit_status
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) went away: not a mistake worth a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        _print_error(name, error, values)
        return 1
    except Exception as error:
        # A mistake in users' code is theirs to mend; ours keeps its traceback.
        fault = registry.fault_of_user(error)
        if fault is None:
            raise
        _print_error(name, error, values, fault)
        return 1


def _define_common_flags(values: flags.FlagValues) -> None:
    for name, text in (
        ("verbose", "show the traceback of an error before its one line"),
        ("version", "print the version, and stop"),
    ):
        flags.DEFINE_bool(name, False, text, flag_values=values)


def _print_error(
    name: str,
    error: Exception,
    values: flags.FlagValues,
    message: str | None = None,
) -> None:
    # By its name: where parsing failed, attributes cannot be asked for.
    if values["verbose"].value:
        traceback.print_exception(error)
    print(f"{name}: {message or _one_line(error)}", file=sys.stderr)


def define_flags_of(record: type, values: flags.FlagValues) -> None:
    """Makes a flag of every field of a dataclass.

    Name, type and default are the field's; its metadata have `help`, `choices`
    of text and the least number, `at_least`.
    """
    for field in dataclasses.fields(record):
        # `int | None` is an int that may be left out.
        kind = (typing.get_args(field.type) or (field.type,))[0]
        name, text = field.name, field.metadata["help"]
        default: Any = field.default
        least, choices = field.metadata["at_least"], field.metadata["choices"]
        if kind is bool:
            flags.DEFINE_bool(name, default, text, flag_values=values)
        elif kind is int:
            flags.DEFINE_integer(
                name, default, text, least, _LARGEST, flag_values=values
            )
        elif kind is float:
            flags.DEFINE_float(name, default, text, least, flag_values=values)
        elif choices:
            flags.DEFINE_enum(name, default, choices, text, flag_values=values)
        else:
            flags.DEFINE_string(name, default, text, flag_values=values)


def define_problem_flags(values: flags.FlagValues) -> None:
    """The flags by which every command finds a problem and its data."""
    flags.DEFINE_string(
        "problem", None, "name of the problem", flag_values=values
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "folder of the vocabulary and the TFRecord files",
        flag_values=values,
    )
    flags.DEFINE_string(
        "t2t_usr_dir",
        None,
        "folder of your own Python files, run before names are looked up",
        flag_values=values,
    )
    flags.DEFINE_string(
        "registry_help",
        None,
        "list the models, hparams sets and problems with what they are, and"
        " stop; --registry_help=TEXT: those that have the text",
        flag_values=values,
    )


def define_model_flags(values: flags.FlagValues) -> None:
    """The flags that say what is trained, and where the run lies."""
    for name, text in (
        ("output_dir", "run directory: hparams, vocabulary, checkpoints"),
        ("model", "registered model; default: that of the hparams set"),
        (
            "hparams_set",
            "registered hparams set; may be left out where the problem chooses"
            " one by the size of its data",
        ),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_string(
        "hparams",
        "",
        "changes to the set, such as batch_size=2048,label_smoothing=0.0",
        flag_values=values,
    )


def define_checkpoint_flags(values: flags.FlagValues) -> None:
    """The flags that choose one of a run's checkpoints."""
    for name, text in (
        ("checkpoint_path", "a checkpoint; default: the newest (average)"),
        (
            "checkpoint",
            "best (on the dev data, see --keep_best of t2t-trainer), averaged,"
            " newest, or a step",
        ),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)


def checkpoint(values: flags.FlagValues) -> str | None:
    """What the two flags choose, for `checkpoints.find`; None: the default.

    Raises:
      UsageError: both are given, or a word that means nothing.
    """
    which = values.checkpoint
    if which is None:
        return values.checkpoint_path
    if values.checkpoint_path is not None:
        raise UsageError(
            "--checkpoint and --checkpoint_path do not go together: leave one"
            " out."
        )
    if which not in _CHECKPOINTS and not which.isdecimal():
        raise UsageError(
            f"--checkpoint={which}: expected one of {', '.join(_CHECKPOINTS)},"
            f" or a step.{nearest(which, _CHECKPOINTS)} --checkpoint_path takes"
            " a path."
        )
    return which


def check_run(run: run_directory.Run, values: flags.FlagValues) -> None:
    """Raises UsageError when a given flag contradicts the run."""
    run_directory.check_flags(
        run, values.problem, values.model, values.hparams_set, values.hparams
    )


def check_data(run: run_directory.Run, data_dir: str) -> None:
    """Raises InputError when `--data_dir` has another vocabulary."""
    folder = files.absolute(data_dir)
    require_folder("data_dir", folder)
    run_directory.check_data(run, run.open_problem(), folder)


def require_folder(flag: str, folder: pathlib.Path) -> None:
    """Raises UsageError when the folder of a flag is missing."""
    if not folder.is_dir():
        raise UsageError(
            f"--{flag}={folder} does not exist: check the path, or make it"
            " with t2t-datagen (t2t-trainer --generate_data)."
        )


def load_tensorflow(for_many_searches: bool = False) -> None:
    """Imports TensorFlow quietly; see `tensorflow_start`.

    Args:
      for_many_searches: the threads are those that `decode.parallel` wants.
    """
    if for_many_searches:
        tensorflow_start.load(parallel.divide_cores)
    else:
        tensorflow_start.load()


def help_with_registry(values: flags.FlagValues) -> bool:
    """Imports the user's folder; prints all names when asked to.

    Returns:
      Whether the names were printed and the command is done.
    """
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    if values.registry_help is None:
        return False
    print(registry.registry_help(values.registry_help))
    return True


def require(values: flags.FlagValues, *names: str) -> None:
    """Raises UsageError for the first named flag that was left out."""
    for name in names:
        if values[name].value in (None, ""):
            raise UsageError(f"--{name} is required: {values[name].help}")


def _parse(
    values: flags.FlagValues,
    name: str,
    arguments: Sequence[str],
    positional: str | None,
) -> None:
    # Alone it lists everything, and takes no value from the next argument.
    arguments = [
        f"{given}=" if given.lstrip("-") == "registry_help" else given
        for given in arguments
    ]
    known = [flag for flag in _RUN_DIRECTORY if flag in values]
    aliases = set(_RUN_DIRECTORY) - set(known) if known else set()
    for alias in aliases:
        flags.DEFINE_alias(alias, known[0], flag_values=values)
    # So that a flag may stand behind an argument without a name.
    values.set_gnu_getopt()
    try:
        rest = values([name, *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        gone = removed_flags.explain(name, error.flagname)
        behind = " (A sentence that begins with - goes behind --.)"
        raise UsageError(
            gone
            or f"{_one_line(error)} See --help.{behind if positional else ''}"
        ) from error
    # UnicodeError: a --flagfile that is no text.
    except (flags.Error, UnicodeError) as error:
        raise UsageError(f"{_one_line(error)} See --help.") from error
    for flag in values:
        value = values[flag].value
        # A bound lets NaN pass, as it is neither above nor below.
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"--{flag}={value}: expected a finite number.")
        is_empty = value == "" and values[flag].default != ""
        if is_empty and flag not in _MAY_BE_EMPTY:
            raise UsageError(
                f"--{flag}= is empty: give it a value, or leave it out."
            )
    for alias in aliases:
        # The flag itself counts its alias, too.
        if 0 < values[alias].present < values[known[0]].present:
            raise UsageError(
                f"--{alias} is another word for --{known[0]}: give one of them."
            )
    if positional:
        given: Any = values[positional].value
        values[positional].value = [*given, *rest]
    elif rest:
        raise UsageError(
            f"unexpected argument {rest[0]!r}: every argument is a flag of the"
            " form --name=value. See --help."
        )


def _help_text(name: str, documentation: str, values: flags.FlagValues) -> str:
    lines = [f"{name}: {documentation.strip()}", "", "Flags:"]
    for flag in sorted(set(values[key] for key in values), key=_flag_name):
        lines.append(f"  --{flag.name} (default: {flag.default!r})")
        lines.append(f"      {flag.help}")
    return "\n".join(lines)


def _flag_name(flag: flags.Flag) -> str:
    return flag.name


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


class _StandardError(logging.StreamHandler):
    """Writes to the standard error of the moment.

    Where commands share a process (tests, notebooks), each may find another
    one, and the first one's may be closed by then.
    """

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _configure_logging(with_time: bool = False) -> None:
    """Plain messages on standard error, and a quiet TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logger = logging.getLogger("t2t_repro")
    if not any(isinstance(old, _StandardError) for old in logger.handlers):
        logger.addHandler(_StandardError())
        logger.propagate = False
    time = "%(asctime)s " if with_time else ""
    formatter = logging.Formatter(f"{time}%(message)s", "%H:%M:%S")
    for handler in logger.handlers:
        handler.setFormatter(formatter)
    logger.setLevel(logging.INFO)
