"""From a run directory to one of the forms that other programs load.

The folder of an export is whole or not at all, and never another's:
`export.json` says what was exported from what, and marks the folder as one that
may be replaced when a user says so. tensor2tensor wrote each export into a new
folder named by the time; so does this where no other is asked for.
"""

import contextlib
import dataclasses
import functools
import json
import logging
import pathlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from t2t_repro import files
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError
from t2t_repro.files import file_sha256
from t2t_repro.run_directory import Run

FORMATS = (
    "saved_model",
    "litert",
    "ctranslate2",
    "huggingface",
    "keras_weights",
)
# Those that keep how the run is searched.
WITH_SEARCH = ("saved_model", "litert", "huggingface")

_MARK = "export.json"

logger = logging.getLogger("t2t_repro")


def write(
    run: Run,
    form: str,
    folder: pathlib.Path,
    options: DecodeOptions,
    checkpoint: str | None = None,
    overwrite: bool = False,
) -> None:
    """Exports a run; the folder appears whole or not at all.

    Args:
      run: the run directory.
      form: one of `FORMATS`.
      folder: where to.
      options: how to search, which forms `WITH_SEARCH` keep.
      checkpoint: see `checkpoints.find`.
      overwrite: whether an earlier export in `folder` may go.

    Raises:
      InputError: no checkpoint, a damaged one, or a package is missing.
      UsageError: the run cannot be expressed in this form, or something
        stands in `folder` already.
    """
    # These import TensorFlow, which --help must not wait for.
    from t2t_repro import checkpoints
    from t2t_repro.decode.loaded_run import open_run

    check_folder(folder, overwrite)
    export = _export_function(run, form, options)
    prefix = checkpoints.find(run.folder, checkpoint)
    model = open_run(run, DecodeOptions(), prefix).model
    description: dict[str, Any] = {
        "format": form,
        "problem": run.problem,
        "languages": run.languages,
        "hparams_set": run.hparams_set,
        "checkpoint": pathlib.Path(prefix).name,
        "vocabulary_sha256": file_sha256(run.vocabulary),
    }
    if form in WITH_SEARCH:
        description["decode_hparams"] = dataclasses.asdict(options)
    with new_folder(folder, description, overwrite) as partial:
        export(model, partial)
    logger.info("wrote %s (%s)", folder, form)


def _export_function(
    run: Run, form: str, options: DecodeOptions
) -> Callable[[Any, pathlib.Path], None]:
    """A function of model and folder; refuses what no model need be opened for.

    Each form imports what the others do without.
    """
    if form == "saved_model":
        from t2t_repro.export import saved_model

        saved_model.check(run, options)
        return functools.partial(saved_model.export, run, options)
    if form == "litert":
        from t2t_repro.export import litert_model

        litert_model.check(run)
        return functools.partial(litert_model.export, run, options)
    if form == "ctranslate2":
        from t2t_repro.interop import ctranslate2

        ctranslate2.check(run.hparams)
        return functools.partial(ctranslate2.export, run)
    if form == "huggingface":
        from t2t_repro.interop import huggingface

        huggingface.check(run)
        return functools.partial(huggingface.export, run, options)
    if form == "keras_weights":
        return functools.partial(_export_keras_weights, run)
    raise UsageError(f"--format={form}: expected one of {', '.join(FORMATS)}.")


def _export_keras_weights(run: Run, model: Any, folder: pathlib.Path) -> None:
    """Weights as Keras saves them, and what builds their model again.

    The model is keras.ops code, so the weights load on any Keras backend. No
    `.keras` file: that would need this package to be read, and the JSON is
    easier to read without it.
    """
    model.save_weights(folder / "model.weights.h5")
    description = {
        "model": run.model,
        "vocab_size": model.vocab_size,
        "hparams": dataclasses.asdict(run.hparams),
    }
    files.replace_file(
        folder / "model.json",
        json.dumps(description, indent=1, sort_keys=True) + "\n",
    )
    run.copy_vocabulary(folder)


def default_folder(run: Run) -> pathlib.Path:
    """tensor2tensor's place: `output_dir/export/<seconds since 1970>`."""
    return run.folder / "export" / str(int(time.time()))


def check_folder(folder: pathlib.Path, overwrite: bool) -> None:
    """Raises UsageError when something stands there that is not to go.

    With `overwrite` an earlier export may.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / _MARK).is_file():
        raise UsageError(
            f"--export_dir={folder} exists and is no export: name a folder that"
            " is empty or does not exist yet."
        )
    if not overwrite:
        raise UsageError(
            f"--export_dir={folder} holds an export already: name another"
            " folder, or give --overwrite."
        )


@contextlib.contextmanager
def new_folder(
    folder: pathlib.Path, description: Mapping[str, Any], overwrite: bool
) -> Iterator[pathlib.Path]:
    """Lends a folder beside the wanted one; success gives it its name.

    Whatever goes wrong inside, an earlier export is untouched. The description
    goes into `export.json`.

    Raises:
      InputError: the place is not writable.
      UsageError: see `check_folder`.
    """
    check_folder(folder, overwrite)
    files.make_folder(folder.parent)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        files.make_folder(partial)
        yield partial
        text = json.dumps(dict(description), indent=1, sort_keys=True)
        files.replace_file(partial / _MARK, text + "\n")
        # Once more: someone else may have written there meanwhile.
        check_folder(folder, overwrite)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
