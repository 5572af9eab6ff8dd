"""The run directory (`--output_dir`): the whole truth about a run.

    hparams.json     model, hparams set and every resolved field
    train.json       flags of the training that decide its results
    problem.json     problem, languages, the vocabulary's name and SHA-256, the
                     user's folder (--t2t_usr_dir) and that of its code; how it
                     is decoded, where that is not the problem's affair
    vocab.*          the vocabulary itself
    batch_shapes.json, warm_start.json   batches; where the weights began
    evaluations.json dev figures by step
    model.ckpt-*     checkpoints; averaged.ckpt-* their averages
    train/ eval/     TensorBoard events

Decoding needs nothing else. A flag that contradicts what stands here is an
error that names the field; nothing that decides results is overwritten.
"""

import dataclasses
import json
import logging
import pathlib
import re
import shutil
from collections.abc import Callable
from typing import Any

from t2t_repro import files, hparam, registry
from t2t_repro.errors import InputError, UsageError
from t2t_repro.files import file_sha256
from t2t_repro.text.encoder import TextEncoder

HPARAMS = "hparams.json"
PROBLEM = "problem.json"
TRAIN = "train.json"
# Written by the trainer once it has counted its devices.
BATCH_SHAPES = "batch_shapes.json"
EVALUATIONS = "evaluations.json"  # dev figures, by step
WARM_START = "warm_start.json"  # where the first weights are from
TRAINER_LOCK = "trainer.lock"  # held while one process trains
DAMAGED = "damaged"  # folder of checkpoints that cannot be read
# Steps from one event of the training's figures to the next, as in
# tensor2tensor.
REPORT_EVERY = 100

# What hparams.json has besides the hparams.
_NAMES = ("model", "hparams_set")
_CHECKPOINT = re.compile(r"^(model|averaged)\.ckpt-(\d+)\.index$")

logger = logging.getLogger("t2t_repro")


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run directory says, or will say once `create` wrote it.

    Attributes:
      folder: the directory.
      model: registered name.
      hparams_set: registered name the hparams started from.
      hparams: every field.
      problem: full name, `_rev` included.
      languages: source and target.
      vocabulary: the file; in the folder, unless the run is only planned.
      usr_dir: the user's folder that the run began with, and the SHA-256 of
        its code, as `registry.usr_dir` gives them; its code is not kept.
      decode_hparams: what `--decode_hparams` leaves open; empty: the problem
        says it. A model of another program brings that program's.
    """

    folder: pathlib.Path
    model: str
    hparams_set: str
    hparams: hparam.HParams
    problem: str
    languages: tuple[str, str]
    vocabulary: pathlib.Path
    usr_dir: tuple[str, str] | None = None
    decode_hparams: str = ""

    def open_problem(self) -> Any:
        """Makes the run's problem.

        Raises:
          UsageError: it is not registered; what to give is said.
        """
        return self._registered(registry.problem, "problem", self.problem)

    def encoder(self) -> TextEncoder:
        """Opens the run's own copy of the vocabulary."""
        return self.open_problem().open_vocabulary(self.vocabulary)

    def copy_vocabulary(self, folder: pathlib.Path) -> pathlib.Path:
        """Copies it to `vocabulary.bpe` or `vocabulary.subwords`."""
        target = folder / f"vocabulary{self.vocabulary.suffix}"
        shutil.copyfile(self.vocabulary, target)
        return target

    def new_model(self) -> Any:
        """Builds the model with fresh weights."""
        vocab_size = self.encoder().vocab_size
        factory = self._registered(registry.model, "model", self.model)
        return factory(self.hparams, vocab_size)

    def _registered(
        self, find: Callable[[str], Any], kind: str, name: str
    ) -> Any:
        return _registered(self.folder, self.usr_dir, find, kind, name)


def exists(folder: str | pathlib.Path) -> bool:
    """Whether a run was started there."""
    return (pathlib.Path(folder) / HPARAMS).exists()


def checkpoint_steps(folder: pathlib.Path, kind: str = "model") -> list[int]:
    """Steps of all whole checkpoints in a folder, oldest first.

    Args:
      folder: need not be there.
      kind: "model" or "averaged".
    """
    found = []
    for path in folder.glob(f"{kind}.ckpt-*.index"):
        match = _CHECKPOINT.match(path.name)
        if match and path.with_suffix(".data-00000-of-00001").exists():
            found.append(int(match[2]))
    return sorted(found)


def create(run: Run) -> Run:
    """Writes a planned run; `hparams.json`, written last, makes it one.

    Args:
      run: with a vocabulary file that lies anywhere; it is copied.

    Returns:
      The run as `load` reads it.
    """
    folder = files.make_folder(run.folder)
    shutil.copyfile(run.vocabulary, folder / run.vocabulary.name)
    description = {
        "problem": run.problem,
        "languages": list(run.languages),
        "vocabulary": run.vocabulary.name,
        "vocabulary_sha256": file_sha256(run.vocabulary),
    }
    if run.usr_dir:
        description["usr_dir"], description["usr_dir_sha256"] = run.usr_dir
    if run.decode_hparams:
        description["decode_hparams"] = run.decode_hparams
    files.replace_file(
        folder / PROBLEM, json.dumps(description, indent=0) + "\n"
    )
    resolved = {
        **dataclasses.asdict(run.hparams),
        "model": run.model,
        "hparams_set": run.hparams_set,
    }
    files.replace_file(
        folder / HPARAMS,
        json.dumps(resolved, indent=0, sort_keys=True) + "\n",
    )
    return load(folder)


def load(folder: str | pathlib.Path) -> Run:
    """Reads a run directory.

    Raises:
      InputError: there is none, or its files are damaged.
    """
    path = pathlib.Path(folder).expanduser()
    if not exists(path):
        raise InputError(
            f"{folder} is not a run directory (it has no hparams.json): give"
            " the --output_dir of a t2t-trainer run."
        )
    hparams_path, problem_path = path / HPARAMS, path / PROBLEM
    values = files.read_json(hparams_path)
    problem = files.read_json(problem_path)
    usr_dir = _usr_dir(problem, problem_path)
    model = _text(values, "model", hparams_path)
    family = _registered(path, usr_dir, registry.model, "model", model)
    run = Run(
        folder=path,
        model=model,
        hparams_set=_text(values, "hparams_set", hparams_path),
        hparams=family.hparams.from_mapping(
            {n: v for n, v in values.items() if n not in _NAMES},
            str(hparams_path),
        ),
        problem=_text(problem, "problem", problem_path),
        languages=_languages(problem, problem_path),
        vocabulary=path / _file_name(problem, "vocabulary", problem_path),
        usr_dir=usr_dir,
        decode_hparams=(
            _text(problem, "decode_hparams", problem_path)
            if "decode_hparams" in problem
            else ""
        ),
    )
    expected = _text(problem, "vocabulary_sha256", problem_path)
    found = file_sha256(run.vocabulary)
    if found != expected:
        raise InputError(
            f"{run.vocabulary} has SHA-256 {found}, but the run was"
            f" trained with {expected}: restore the file."
        )
    given = registry.usr_dir()
    if given and run.usr_dir and given[1] != run.usr_dir[1]:
        logger.warning(
            "--t2t_usr_dir=%s has other code (SHA-256 %s) than the run %s"
            " began with (%s of %s).",
            *given,
            folder,
            *reversed(run.usr_dir),
        )
    return run


def _registered(
    folder: pathlib.Path,
    usr_dir: tuple[str, str] | None,
    find: Callable[[str], Any],
    kind: str,
    name: str,
) -> Any:
    """Looks a name of a run up; where it is unknown, says what to give."""
    try:
        return find(name)
    except UsageError as error:
        if not str(error).startswith("unknown"):
            raise
        given = usr_dir[0] if usr_dir else "FOLDER"
        plug_in = f" {error.__cause__}" if error.__cause__ else ""
        raise UsageError(
            f"{folder} was trained with the {kind} {name!r}, which is not"
            f" registered here: give --t2t_usr_dir={given}, the folder of its"
            f" code (usr_dir of t2t_repro.load).{plug_in}"
        ) from error


def _text(values: dict[str, Any], name: str, path: pathlib.Path) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise _damaged(values, name, path)
    return value


def _languages(values: dict[str, Any], path: pathlib.Path) -> tuple[str, str]:
    match values.get("languages"):
        case [str(source), str(target)]:
            return source, target
    raise _damaged(values, "languages", path)


def _usr_dir(
    values: dict[str, Any], path: pathlib.Path
) -> tuple[str, str] | None:
    if "usr_dir" not in values:
        return None
    return _text(values, "usr_dir", path), _text(values, "usr_dir_sha256", path)


def _damaged(
    values: dict[str, Any], name: str, path: pathlib.Path
) -> InputError:
    has = f"lacks {name!r}"
    if name in values:
        has = f"cannot have {str(values[name])[:40]!r} as {name!r}"
    return InputError(f"{path} {has}: it is damaged, restore it from a copy.")


def _file_name(values: dict[str, Any], name: str, path: pathlib.Path) -> str:
    """A name that cannot lead out of the folder."""
    value = _text(values, name, path)
    is_path = value in (".", "..") or "/" in value or "\\" in value
    # Not printable: NUL, and surrogates, which no file name can have.
    if is_path or not value.isprintable():
        raise InputError(
            f"{path} has {name}={value!r}: it must be the name of a file in the"
            " same folder. Put the file there."
        )
    return value


def check_flags(
    run: Run,
    problem: str | None = None,
    model: str | None = None,
    hparams_set: str | None = None,
    overrides: str | None = None,
) -> None:
    """Compares flags that were given with the run; None was not given.

    Raises:
      UsageError: one says otherwise; the field is named.
    """
    for flag, given, stands in (
        ("problem", problem, run.problem),
        ("model", model, run.model),
        ("hparams_set", hparams_set, run.hparams_set),
    ):
        if given is not None and given != stands:
            raise UsageError(
                f"--{flag}={given}, but {run.folder} was trained with"
                f" {flag}={stands}: leave the flag out or take another"
                " --output_dir."
            )
    given_fields = hparam.parse_fields(
        "--hparams", type(run.hparams), overrides or ""
    )
    for name, value in given_fields.items():
        if value != getattr(run.hparams, name):
            raise UsageError(
                f"--hparams: {name}={value}, but {run.folder} was trained with"
                f" {name}={getattr(run.hparams, name)}: leave it out or take"
                " another --output_dir."
            )


def check_data(run: Run, problem: Any, data_dir: pathlib.Path) -> None:
    """Makes sure that a data directory has the run's vocabulary.

    Raises:
      InputError: it has another one; both are named.
    """
    vocabulary = data_dir / run.vocabulary.name
    if not vocabulary.exists():
        vocabulary = data_vocabulary(problem, data_dir)
    ours = file_sha256(run.vocabulary)
    theirs = file_sha256(vocabulary)
    if ours != theirs:
        raise InputError(
            f"{vocabulary} (SHA-256 {theirs}) is not the vocabulary of the run"
            f" {run.vocabulary} (SHA-256 {ours}): give the"
            " --data_dir that the run was trained on."
        )


def data_vocabulary(problem: Any, data_dir: pathlib.Path) -> pathlib.Path:
    """The vocabulary file of a problem's data.

    It has the problem's own name for it, or, in a directory that tensor2tensor
    made, is the only other `vocab.<problem>.*`.

    Raises:
      InputError: it is not there.
    """
    path = data_dir / problem.vocab_filename
    others = sorted(data_dir.glob(f"vocab.{problem.name}.*"))
    if not path.exists() and len(others) == 1:
        return others[0]
    if not path.exists():
        raise InputError(
            f"{data_dir} has no {problem.vocab_filename}: run t2t-datagen"
            f" --problem={problem.name} --data_dir={data_dir} first, or"
            " t2t-trainer with --generate_data."
        )
    return path
