"""From a run directory to translations: what every decoding command does."""

import contextlib
import itertools
import logging
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from t2t_repro import checkpoints
from t2t_repro.data import records
from t2t_repro.decode import lines
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.scoring import Score
from t2t_repro.decode.scoring import Scorer
from t2t_repro.decode.translator import Translation
from t2t_repro.decode.translator import Translator
from t2t_repro.progress import Progress
from t2t_repro.run_directory import Run

logger = logging.getLogger("t2t_repro")


def open_model(run: Run, checkpoint: str | None, quantize: str = "none") -> Any:
    """Builds the run's model with a checkpoint's weights.

    Args:
      run: the run directory.
      checkpoint: see `checkpoints.find`.
      quantize: as in `DecodeOptions`.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    prefix = checkpoints.find(run.folder, checkpoint)
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
    run: Run, checkpoint: str | None, options: DecodeOptions
) -> Translator:
    """`open_model`, with the run's vocabulary and a way to search.

    Args:
      run: the run directory.
      checkpoint: see `checkpoints.find`.
      options: how to decode.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    model = open_model(run, checkpoint, options.quantize)
    return Translator(model, run.encoder(), options)


def translate_stream(
    run: Run,
    checkpoint: str | None,
    options: DecodeOptions,
    sources: Iterable[str],
    first_line: int = 1,
    progress: Progress | None = None,
) -> Iterator[list[Translation]]:
    """Translates lines as they are read.

    The model is opened now, the first line read when the first result is
    wanted; then as many lines are in memory as `Translator.stream` takes.

    Args:
      run: the run directory.
      checkpoint: see `checkpoints.find`.
      options: how to decode.
      sources: the user's lines.
      first_line: number of the first one.
      progress: counts the lines; None: each line is translated as it comes,
        before the next is read.

    Returns:
      All hypotheses of each line, best first, with texts as the user wants
      them (`decode.lines`).

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    translator = open_translator(run, checkpoint, options)
    problem = run.open_problem()
    return _stream(translator, problem, sources, first_line, progress)


def score_stream(
    run: Run,
    checkpoint: str | None,
    options: DecodeOptions,
    pairs: Iterable[tuple[str, str]],
    progress: Progress,
) -> Iterator[Score]:
    """Scores given translations as they are read.

    Args:
      run: the run directory.
      checkpoint: see `checkpoints.find`.
      options: `batch_size` and `max_input_size`.
      pairs: the user's source lines, and targets as the model writes them.
      progress: counts the pairs.

    Returns:
      The score of each pair, in order.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    problem = run.open_problem()
    model = open_model(run, checkpoint, options.quantize)
    scorer = Scorer(model, run.encoder(), options)
    read = (
        (lines.input_line(problem, source), target) for source, target in pairs
    )
    return _score(scorer, read, progress)


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


def _score(
    scorer: Scorer, pairs: Iterable[tuple[str, str]], progress: Progress
) -> Iterator[Score]:
    with progress:
        yield from scorer.stream(pairs, progress.update)


def _stream(
    translator: Translator,
    problem: Any,
    sources: Iterable[str],
    first_line: int,
    progress: Progress | None,
) -> Iterator[list[Translation]]:
    outputs = lines.Outputs(problem)
    # The second copy is behind by a window, and so holds no more than that.
    to_read, to_finish = itertools.tee(sources)
    read = (lines.input_line(problem, line) for line in to_read)
    with progress or contextlib.nullcontext():
        results = (
            translator.stream(read, first_line, translated=progress.update)
            if progress
            else translator.stream(read, first_line, at_once=1)
        )
        for hypotheses, line in zip(results, to_finish, strict=True):
            yield outputs.finish(line, hypotheses)
    outputs.log_repairs()
