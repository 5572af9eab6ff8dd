"""What every console command shares: flags, help, errors, exit statuses.

A command is a module with `main(argv=None) -> int`. Its flags live in a
`FlagValues` of its own, not in absl's global one, so several commands can run
in one process (tests, notebooks) without meeting each other.

Exit statuses: 0 done (also `--help`), 2 wrong usage, 1 anything else that the
user can mend, 130 interrupted.
"""

import importlib
import logging
import math
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Sequence

from absl import flags

from t2t_repro import files
from t2t_repro import registry
from t2t_repro import run_directory
from t2t_repro.bin import gone_flags
from t2t_repro.decode import side_by_side
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError

_HELP_FLAGS = {"--help", "-help", "-h", "--helpfull", "--helpshort"}


def run(
    name: str,
    documentation: str,
    define_flags: Callable[[flags.FlagValues], None],
    body: Callable[[flags.FlagValues], int | None],
    argv: Sequence[str] | None = None,
) -> int:
    """Parses the flags, runs the body, and words every user's mistake.

    Args:
      name: the command's name, such as `"t2t-trainer"`.
      documentation: what `--help` prints before the flags.
      define_flags: adds the command's flags to the given `FlagValues`.
      body: does the work with the parsed flags; may return an exit status.
      argv: arguments without the program's name; `sys.argv[1:]` when None.

    Returns:
      The exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    values = flags.FlagValues()
    define_flags(values)
    try:
        if _HELP_FLAGS & set(arguments):
            print(_help_text(name, documentation, values), flush=True)
            return 0
        _parse(values, name, arguments)
        _configure_logging()
        status = body(values) or 0
        sys.stdout.flush()  # a broken pipe shows here, not after the end
        return status
    except InputError as error:
        print(f"{name}: {_one_line(error)}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) went away: not a mistake worth a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{name}: {_one_line(error)}", file=sys.stderr)
        return 1


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
    flags.DEFINE_bool(
        "registry_help",
        False,
        "list the models, hparams sets and problems, and stop",
        flag_values=values,
    )


def define_model_flags(values: flags.FlagValues) -> None:
    """The flags that say what is trained, and where the run lies."""
    for name, text in (
        ("output_dir", "run directory: hparams, vocabulary, checkpoints"),
        ("model", "registered model; default: that of the hparams set"),
        ("hparams_set", "registered hparams set"),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_string(
        "hparams",
        "",
        "changes to the set, such as batch_size=2048,label_smoothing=0.0",
        flag_values=values,
    )


def check_run(run: run_directory.Run, values: flags.FlagValues) -> None:
    """Raises UsageError when a given flag contradicts the run."""
    run_directory.check_flags(
        run, values.problem, values.model, values.hparams_set, values.hparams
    )


def check_data(run: run_directory.Run, data_dir: str) -> None:
    """Raises InputError when `--data_dir` has another vocabulary."""
    folder = files.absolute(data_dir)
    require_folder("data_dir", folder)
    run_directory.check_data(run, registry.problem(run.problem), folder)


def require_folder(flag: str, folder: pathlib.Path) -> None:
    """Raises UsageError when the folder of a flag is missing."""
    if not folder.is_dir():
        raise UsageError(
            f"--{flag}={folder} does not exist: check the path, or make it"
            " with t2t-datagen (t2t-trainer --generate_data)."
        )


def load_tensorflow(for_many_searches: bool = False) -> None:
    """Imports TensorFlow without the lines its C++ part prints on standard
    error meanwhile; an error still comes with all of them.

    Args:
      for_many_searches: the threads are those that `decode.side_by_side` wants.
    """
    with tempfile.TemporaryFile() as printed:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            tensorflow = importlib.import_module("tensorflow")
            # Tracing once per batch shape is meant, not worth its warning.
            tensorflow.get_logger().setLevel("ERROR")
            if for_many_searches:
                side_by_side.divide_cores()
            tensorflow.constant(0)
        except BaseException:
            os.dup2(saved, 2)
            printed.seek(0)
            os.write(2, printed.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def help_with_registry(values: flags.FlagValues) -> bool:
    """Imports the user's folder; prints all names when asked to.

    Returns:
      Whether the names were printed and the command is done.
    """
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    if values.registry_help:
        print(registry.registry_help())
    return values.registry_help


def require(values: flags.FlagValues, *names: str) -> None:
    """Raises UsageError for the first named flag that was left out."""
    for name in names:
        if values[name].value in (None, ""):
            raise UsageError(f"--{name} is required: {values[name].help}")


def _parse(
    values: flags.FlagValues, name: str, arguments: Sequence[str]
) -> None:
    try:
        rest = values([name, *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        gone = gone_flags.explain(name, error.flagname)
        raise UsageError(gone or f"{_one_line(error)} See --help.") from error
    # UnicodeError: a --flagfile that is no text.
    except (flags.Error, UnicodeError) as error:
        raise UsageError(f"{_one_line(error)} See --help.") from error
    for flag in values:
        number = values[flag].value
        # A bound lets NaN pass, as it is neither above nor below.
        if isinstance(number, float) and not math.isfinite(number):
            raise UsageError(f"--{flag}={number}: expected a finite number.")
    if rest:
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


def _configure_logging() -> None:
    """Plain messages on standard error, and a quiet TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logger = logging.getLogger("t2t_repro")
    if not any(isinstance(old, _StandardError) for old in logger.handlers):
        handler = _StandardError()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
    logger.setLevel(logging.INFO)
