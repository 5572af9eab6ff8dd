"""Makes a run directory from another program's model.

  --t2t_output_dir  a tensor2tensor 1.x Transformer: its newest checkpoint, its
                    hyperparameters and its subwords
  --marian          a MarianMT / OPUS-MT model as the Hugging Face Hub keeps it:
                    weights, configuration and tokenizer

What is written is an ordinary run directory: t2t-decoder translates with it,
t2t-trainer goes on with it."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import marian_hparams, t2t_hparams
from t2t_repro.text import marian
from t2t_repro.text.subwords import SUFFIX

_TARGET_SPACES = 32
# For a model that says of no problem: its lines are the user's own.
_ANY_TEXT = "translate_from_files"


@dataclasses.dataclass(frozen=True)
class _Imported:
    """A model of another program, converted.

    Attributes:
      run: planned, its vocabulary still elsewhere.
      conversion: the weights, `interop.conversion.Conversion`.
      origin: the file they were read from.
      remarks: title and names of what did not come over.
    """

    run: run_directory.Run
    conversion: Any
    origin: str
    remarks: tuple[tuple[str, list[str]], ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-import-checkpoint`; see `command.run` for arguments."""
    return command.run(
        "t2t-import-checkpoint", __doc__ or "", _define_flags, _import, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    command.define_problem_flags(values)
    for name, text in (
        ("t2t_output_dir", "tensor2tensor's --output_dir, to read"),
        ("marian", "folder of a MarianMT model, to read"),
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
    if not values.marian:
        command.require(values, "t2t_output_dir")
    command.require(values, "output_dir")
    _check_flags(values)
    target = files.absolute(values.output_dir)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            f"--output_dir={values.output_dir} is not empty: give a new folder."
        )
    read = _from_marian if values.marian else _from_tensor2tensor
    with read(values, target) as imported:
        from t2t_repro import checkpoints

        _report(imported)
        conversion = imported.conversion
        with files.filling(target):
            # What makes it a run directory comes after what it must hold.
            written = checkpoints.save(
                target, conversion.step, conversion.variables()
            )
            run_directory.create(imported.run)
    print(f"wrote {written}")
    return 0


def _check_flags(values: flags.FlagValues) -> None:
    """Raises UsageError for flags of the other program."""
    for name in ("t2t_output_dir", "checkpoint_path", "target_space_id"):
        if values.marian and values[name].present:
            raise UsageError(
                f"--{name} is of tensor2tensor's runs, --marian is a folder of"
                " transformers: leave one out."
            )


@contextlib.contextmanager
def _from_tensor2tensor(
    values: flags.FlagValues, target: pathlib.Path
) -> Iterator[_Imported]:
    source = files.absolute(values.t2t_output_dir)
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
    differing = [f"{n}={v!r}" for n, v in theirs.differing.items()]
    yield _Imported(
        run=run_directory.Run(
            folder=target,
            model="transformer",
            hparams_set=theirs.hparams_set,
            hparams=theirs.hparams,
            problem=problem.full_name,
            languages=problem.languages,
            vocabulary=vocabulary,
            usr_dir=registry.usr_dir(),
        ),
        conversion=conversion,
        origin=prefix,
        remarks=(
            ("hparams without effect, ignored", sorted(theirs.ignored)),
            ("hparams by which further training would differ", differing),
        ),
    )


@contextlib.contextmanager
def _from_marian(
    values: flags.FlagValues, target: pathlib.Path
) -> Iterator[_Imported]:
    problem = registry.problem(values.problem or _ANY_TEXT)
    command.load_tensorflow()
    from t2t_repro.interop import huggingface, marian_weights

    folder = huggingface.open_folder(files.absolute(values.marian))
    hparams = folder.hparams()
    decode_hparams, not_followed = folder.decode_hparams()
    with tempfile.TemporaryDirectory() as place:
        name = f"vocab.{problem.name}{marian.SUFFIX}"
        vocabulary = pathlib.Path(place) / name
        marian.pack(folder.vocabulary, vocabulary)
        encoder = marian.MarianEncoder(vocabulary, folder.path)
        folder.check_ids(encoder)
        tensors, origin = folder.tensors()
        conversion = marian_weights.convert(
            tensors,
            registry.model("transformer")(hparams, encoder.vocab_size),
            encoder,
            str(origin),
        )
        languages = problem.languages
        if not values.problem:
            languages = folder.languages or languages
        yield _Imported(
            run=run_directory.Run(
                folder=target,
                model="transformer",
                hparams_set=f"huggingface:{marian_hparams.HPARAMS_SET}",
                hparams=hparams,
                problem=problem.full_name,
                languages=languages,
                vocabulary=vocabulary,
                usr_dir=registry.usr_dir(),
                decode_hparams=decode_hparams,
            ),
            conversion=conversion,
            origin=str(origin),
            remarks=(("settings of generate not followed", not_followed),),
        )


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


def _report(imported: _Imported) -> None:
    """Prints what became of every variable and every setting."""
    conversion = imported.conversion
    variables = sum(map(len, conversion.sources.values()))
    print(f"read {imported.origin}, step {conversion.step}")
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
    for title, names in (
        ("variables ignored", conversion.ignored),
        *imported.remarks,
    ):
        print(f"{title}: {', '.join(names) or 'none'}")


if __name__ == "__main__":
    raise SystemExit(main())
