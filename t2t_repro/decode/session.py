"""From a run directory to translations: what every decoding command does."""

import itertools
import logging
import pathlib
import time
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from t2t_repro.data import records
from t2t_repro.decode import lines
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.scoring import Score
from t2t_repro.decode.scoring import Scorer
from t2t_repro.decode.translator import Translation
from t2t_repro.decode.translator import Translator
from t2t_repro.run_directory import Run
from t2t_repro.train import checkpoints

# How often a long decoding says how far it is.
_PROGRESS_SECONDS = 60.0

logger = logging.getLogger("t2t_repro")


def open_model(
    run: Run, checkpoint_path: str | None, quantize: str = "none"
) -> Any:
    """Builds the run's model with a checkpoint's weights.

    Args:
      run: the run directory.
      checkpoint_path: a checkpoint's prefix; None: the newest.
      quantize: as in `DecodeOptions`.

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
    if quantize != "none":
        model.multiply_in(quantize)
    return model


def open_translator(
    run: Run, checkpoint_path: str | None, options: DecodeOptions
) -> Translator:
    """`open_model`, with the run's vocabulary and a way to search.

    Args:
      run: the run directory.
      checkpoint_path: a checkpoint's prefix; None: the newest.
      options: how to decode.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    model = open_model(run, checkpoint_path, options.quantize)
    return Translator(model, run.encoder(), options)


def translate_stream(
    run: Run,
    checkpoint_path: str | None,
    options: DecodeOptions,
    sources: Iterable[str],
    first_line: int = 1,
) -> Iterator[list[Translation]]:
    """Translates lines as they are read, and logs how fast it goes.

    The model is opened now, the first line read when the first result is
    wanted; then as many lines are in memory as `Translator.stream` takes.

    Args:
      run: the run directory.
      checkpoint_path: a checkpoint's prefix; None: the newest.
      options: how to decode.
      sources: the user's lines.
      first_line: number of the first one.

    Returns:
      All hypotheses of each line, best first, with texts as the user wants
      them (`decode.lines`).

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    translator = open_translator(run, checkpoint_path, options)
    problem = run.open_problem()
    return _stream(translator, problem, sources, first_line)


def score_stream(
    run: Run,
    checkpoint_path: str | None,
    options: DecodeOptions,
    pairs: Iterable[tuple[str, str]],
) -> Iterator[Score]:
    """Scores given translations as they are read.

    Args:
      run: the run directory.
      checkpoint_path: a checkpoint's prefix; None: the newest.
      options: `batch_size` and `max_input_size`.
      pairs: the user's source lines, and targets as the model writes them.

    Returns:
      The score of each pair, in order.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    problem = run.open_problem()
    model = open_model(run, checkpoint_path, options.quantize)
    scorer = Scorer(model, run.encoder(), options)
    return scorer.stream(
        (lines.input_line(problem, source), target) for source, target in pairs
    )


def translate_lines(
    run: Run,
    checkpoint_path: str | None,
    options: DecodeOptions,
    sources: Sequence[str],
) -> list[list[Translation]]:
    """`translate_stream` of lines that fit into memory."""
    return list(translate_stream(run, checkpoint_path, options, sources))


def dataset_pairs(
    run: Run, data_dir: pathlib.Path, split: str
) -> list[tuple[str, str]]:
    """The sentence pairs of a split as text.

    Args:
      run: whose problem and vocabulary they are of.
      data_dir: where its records lie.
      split: `dev` or `test`.

    Returns:
      (source, target) in the direction of the run's problem.

    Raises:
      InputError: there are no such records, or damaged ones.
      UsageError: the problem has no such split.
    """
    problem = run.open_problem()
    problem.check_split(split)
    pairs = records.read_pairs(
        records.shard_paths(data_dir, problem.name, split)
    )
    if problem.is_reversed:
        pairs = pairs.reversed()
    decode = run.encoder().decode
    return [
        (decode(pairs.inputs.row(i)), decode(pairs.targets.row(i)))
        for i in range(len(pairs))
    ]


def _stream(
    translator: Translator,
    problem: Any,
    sources: Iterable[str],
    first_line: int,
) -> Iterator[list[Translation]]:
    outputs = lines.Outputs(problem)
    # The second copy is behind by a window, and so holds no more than that.
    to_read, to_finish = itertools.tee(sources)
    results = translator.stream(
        (lines.input_line(problem, line) for line in to_read), first_line
    )
    begin = said = time.monotonic()
    count = 0
    for hypotheses, line in zip(results, to_finish, strict=True):
        yield outputs.finish(line, hypotheses)
        count += 1
        if time.monotonic() - said > _PROGRESS_SECONDS:
            said = time.monotonic()
            logger.info("%s", _speed(count, said - begin))
    logger.info("%s", _speed(count, time.monotonic() - begin))
    if translator.truncated_lines:
        logger.warning(
            "%d lines were cut to max_input_size", translator.truncated_lines
        )
    outputs.log_repairs()


def _speed(count: int, seconds: float) -> str:
    rate = count / max(seconds, 1e-9)
    return f"{count} lines in {seconds:.1f} s, {rate:.1f} lines/s"
