"""From a run directory to one of the forms that other programs load."""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Callable
from typing import Any

from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import UsageError
from t2t_repro.export import folder as export_folder
from t2t_repro.files import file_sha256
from t2t_repro.run_directory import Run

FORMATS = ("saved_model", "ctranslate2", "keras_weights")

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
      options: how to search, which a `saved_model` keeps.
      checkpoint: see `checkpoints.find`.
      overwrite: whether an earlier export in `folder` may go.

    Raises:
      InputError: no checkpoint, a damaged one, or a package is missing.
      UsageError: the run cannot be expressed in this form, or something
        stands in `folder` already.
    """
    # These import TensorFlow, and a command's --help shall not.
    from t2t_repro import checkpoints
    from t2t_repro.decode.loaded_run import open_run

    export_folder.check(folder, overwrite)
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
    if form == "saved_model":
        description["decode_hparams"] = dataclasses.asdict(options)
    with export_folder.new_folder(folder, description, overwrite) as partial:
        export(model, partial)
    logger.info("wrote %s (%s)", folder, form)


def _export_function(
    run: Run, form: str, options: DecodeOptions
) -> Callable[[Any, pathlib.Path], None]:
    """Checks what can be checked before a model is opened.

    Returns:
      A function from a model and a folder.
    """
    # Each imports what the others do without.
    if form == "saved_model":
        from t2t_repro.export import saved_model

        saved_model.check(run, options)
        return functools.partial(saved_model.export, run, options)
    if form == "ctranslate2":
        from t2t_repro.interop import ctranslate2

        ctranslate2.check(run.hparams)
        return functools.partial(ctranslate2.export, run)
    if form == "keras_weights":
        from t2t_repro.export import keras_weights

        return functools.partial(keras_weights.export, run)
    raise UsageError(f"--format={form}: expected one of {', '.join(FORMATS)}.")
