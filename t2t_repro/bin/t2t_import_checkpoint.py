"""Makes a run directory from one of tensor2tensor's.

Takes the newest checkpoint of a tensor2tensor 1.x Transformer, its
hyperparameters and its subwords, and writes an ordinary run directory:
t2t-decoder translates with it, t2t-trainer goes on with it."""

import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import t2t_hparams
from t2t_repro.text.subwords import SUFFIX

_TARGET_SPACES = 32


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-import-checkpoint`; see `command.run` for arguments."""
    return command.run(
        "t2t-import-checkpoint", __doc__ or "", _define_flags, _import, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    for name, text in (
        ("t2t_output_dir", "tensor2tensor's --output_dir, to read"),
        ("output_dir", "new run directory, to write"),
        ("checkpoint_path", "tensor2tensor's checkpoint; default: the newest"),
    ):
        flags.DEFINE_string(name, None, text, flag_values=values)
    flags.DEFINE_integer(
        "target_space_id",
        0,
        "tensor2tensor's number of the problem's target space",
        lower_bound=0,
        upper_bound=_TARGET_SPACES - 1,
        flag_values=values,
    )


def _import(values: flags.FlagValues) -> int | None:
    if command.help_with_registry(values):
        return 0
    command.require(values, "t2t_output_dir", "output_dir")
    source = files.absolute(values.t2t_output_dir)
    target = files.absolute(values.output_dir)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            f"--output_dir={values.output_dir} is not empty: give a new folder."
        )
    theirs = t2t_hparams.read_run(source)
    problem = _problem(values.problem, theirs.problem)
    vocabulary = _find_vocabulary(problem, source, values.data_dir, theirs)
    encoder = problem.open_vocabulary(vocabulary)
    command.load_tensorflow()
    from t2t_repro import checkpoints
    from t2t_repro.interop import t2t_checkpoint

    prefix = values.checkpoint_path or t2t_checkpoint.newest(source)
    conversion = t2t_checkpoint.convert(
        checkpoints.read(prefix),
        registry.model("transformer")(theirs.hparams, encoder.vocab_size),
        prefix,
        values.target_space_id,
    )
    _report(prefix, conversion, theirs)
    with files.filling(target):
        # What makes it a run directory comes after what it must hold.
        written = checkpoints.save(
            target, conversion.step, conversion.variables()
        )
        run_directory.create(
            run_directory.Run(
                folder=target,
                model="transformer",
                hparams_set=theirs.hparams_set,
                hparams=theirs.hparams,
                problem=problem.full_name,
                languages=problem.languages,
                vocabulary=vocabulary,
                usr_dir=registry.usr_dir(),
            )
        )
    print(f"wrote {written}")
    return 0


def _problem(given: str | None, recorded: str | None) -> Any:
    """The problem of the flag, or else of the run's own flags."""
    if given:
        return registry.problem(given)
    if not recorded:
        raise UsageError(
            "--problem is required: no flags_t2t.txt of the run says it."
        )
    try:
        return registry.problem(recorded)
    except UsageError as error:
        raise InputError(
            f"the run's problem {recorded!r} is not registered here: give"
            " --problem=NAME with a name that --registry_help lists, or"
            " --t2t_usr_dir=FOLDER with its definition."
        ) from error


def _find_vocabulary(
    problem: Any,
    source: pathlib.Path,
    data_dir: str | None,
    theirs: t2t_hparams.T2TRun,
) -> pathlib.Path:
    """tensor2tensor's vocabulary file, from `--data_dir` or where it lay."""
    folders = [source]
    if data_dir:
        folders = [files.absolute(data_dir)]
    elif theirs.data_dir:
        folders.append(files.absolute(theirs.data_dir))
    for folder in folders:
        found = sorted(folder.glob(f"vocab.{problem.name}.*{SUFFIX}"))
        found = found or sorted(folder.glob(f"*{SUFFIX}"))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(path.name for path in found)
            raise InputError(
                f"{folder} has {len(found)} vocabularies ({names}): give a"
                " --data_dir that has only the run's."
            )
    listed = " or ".join(str(folder) for folder in folders)
    raise InputError(
        f"no vocabulary (*{SUFFIX}) in {listed}: give the --data_dir that the"
        " run was trained on."
    )


def _report(prefix: str, conversion: Any, theirs: t2t_hparams.T2TRun) -> None:
    """Prints what became of every variable and every field."""
    variables = sum(map(len, conversion.sources.values()))
    print(f"read {prefix}, step {conversion.step}")
    print(
        f"matched: {len(conversion.weights)} weights from {variables} variables"
    )
    for path, names in conversion.sources.items():
        origin = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        print(f"  {path} {conversion.weights[path].shape} <- {origin}")
    print(
        "Adam moments: "
        + ("imported" if conversion.moments else "none there, zeros written")
    )
    differing = [f"{n}={v!r}" for n, v in theirs.differing.items()]
    for title, names in (
        ("variables ignored", conversion.ignored),
        ("hparams without effect, ignored", sorted(theirs.ignored)),
        ("hparams by which further training would differ", differing),
    ):
        print(f"{title}: {', '.join(names) or 'none'}")


if __name__ == "__main__":
    raise SystemExit(main())
