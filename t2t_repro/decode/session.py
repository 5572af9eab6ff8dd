"""From a run directory to translations: what every decoding command does."""

import logging
import time
from collections.abc import Sequence

from t2t_repro import registry
from t2t_repro.decode import lines
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translation
from t2t_repro.decode.translator import Translator
from t2t_repro.run_directory import Run
from t2t_repro.train import checkpoints

logger = logging.getLogger("t2t_repro")


def open_translator(
    run: Run, checkpoint_path: str | None, options: DecodeOptions
) -> Translator:
    """Builds the run's model with a checkpoint's weights.

    Args:
      run: the run directory.
      checkpoint_path: a checkpoint's prefix; None: the newest.
      options: how to decode.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    prefix = checkpoint_path or checkpoints.newest_for_decoding(run.folder)
    model = run.new_model()
    checkpoints.restore(
        prefix,
        {path: w.value for path, w in model.weights_by_path().items()},
        allow_unused=True,
    )
    logger.info("decoding with %s", prefix)
    return Translator(model, run.encoder(), options)


def translate_lines(
    run: Run,
    checkpoint_path: str | None,
    options: DecodeOptions,
    sources: Sequence[str],
) -> list[list[Translation]]:
    """Translates lines and logs how fast it went.

    Args:
      run: the run directory.
      checkpoint_path: a checkpoint's prefix; None: the newest.
      options: how to decode.
      sources: the user's lines.

    Returns:
      All hypotheses of each line, best first, with texts as the user wants
      them (`decode.lines`).

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    problem = registry.problem(run.problem)
    translator = open_translator(run, checkpoint_path, options)
    begin = time.monotonic()
    results = translator.translate(lines.before(problem, sources))
    seconds = time.monotonic() - begin
    logger.info(
        "%d lines in %.1f s, %.1f lines/s",
        len(sources),
        seconds,
        len(sources) / max(seconds, 1e-9),
    )
    if translator.truncated_lines:
        logger.warning(
            "%d lines were cut to max_input_size", translator.truncated_lines
        )
    return lines.after(problem, sources, results)
