"""Runs of any models on one problem, side by side: facts and differences.

As for the paper's row, nothing is guessed: what a run directory does not tell
is None. Two things are computed, and the same for all runs: the operations of a
target token, by the formula of the family's record, and the time spent on the
updates up to a step, evaluations and interruptions left out
(`run_facts.Events`). Scores are those of the trainer's evaluations: a part of
the dev data, beam search, one checkpoint. `side_by_side_text`
and `side_by_side_page` write it down.
"""

import dataclasses
import json
import math
import os
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

from t2t_repro import checkpoints, evaluations, files, run_directory
from t2t_repro.errors import InputError, UsageError
from t2t_repro.report import published, run_facts
from t2t_repro.report.published import Standing
from t2t_repro.run_directory import Run

# A sentence of middle length, of which the operations are counted.
SENTENCE = (1, 30, 30)
_SHA256_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Point:
    """An evaluation.

    Attributes:
      step: updates done.
      hours: that they took; None where it was not recorded.
      score: on the dev data, 0 to 100.
    """

    step: int
    hours: float | None
    score: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is known of one run.

    Attributes:
      name: by which the runs are told apart.
      output_dir: as it was given.
      model: registered name of the family.
      hparams_set: registered name that the hparams started from.
      parameters: weights in a checkpoint.
      flops_per_token: of a target token of `SENTENCE`, forward and backward.
      tokens_per_second: target tokens without padding, median of the reports.
      steps: updates done.
      hours: that they took.
      best: the evaluation of the best score, the first of equal ones.
      evaluations: all of them.
      signatures: how the scores were computed; empty where nobody said.
      sentences_per_second: of the evaluations' search, median.
      recipe: every hparam, and what else decides results.
      scores: of a test set, see `run_facts.read_scores`.
      standing: beside what is published of the recipe.
    """

    name: str
    output_dir: str
    model: str
    hparams_set: str
    parameters: int | None
    flops_per_token: float | None
    tokens_per_second: float | None
    steps: int
    hours: float | None
    best: Point
    evaluations: tuple[Point, ...]
    signatures: tuple[str, ...]
    sentences_per_second: float | None
    recipe: dict[str, Any]
    scores: dict[str, tuple[float, str]]
    standing: Standing


@dataclasses.dataclass(frozen=True)
class SideBySide:
    """All that is written.

    Attributes:
      problem: of all runs.
      metric: the problem's own.
      runs: the best score first.
      differences: by field of the recipe that several runs have and not all
        alike, each run's value, None where its model has no such field.
    """

    problem: str
    metric: str
    runs: tuple[RunFacts, ...]
    differences: dict[str, tuple[Any, ...]]


def gather(
    folders: Sequence[str], scores: Sequence[dict[str, tuple[float, str]]] = ()
) -> SideBySide:
    """Reads run directories.

    Args:
      folders: two or more, as the user gave them.
      scores: of a test set, those of each run in the same order; or none.

    Raises:
      InputError: one is no run, is damaged, or has not been evaluated.
      UsageError: two are the same, or their problems are not.
    """
    given = dict(zip(_places(folders), folders, strict=True))
    runs = {place: run_directory.load(place) for place in given}
    first = next(iter(runs.values()))
    for place, run in runs.items():
        if run.problem != first.problem:
            raise UsageError(
                f"{given[first.folder]} was trained on {first.problem} and"
                f" {given[place]} on {run.problem}: scores of different"
                " problems do not compare, leave one out."
            )
    metric = first.open_problem().metric
    names = _names(list(given))
    found = [
        _facts(run, metric, names[run.folder], folder, test)
        for run, folder, test in zip(
            runs.values(), folders, scores or [{}] * len(runs), strict=True
        )
    ]
    found.sort(key=lambda facts: -facts.best.score)
    return SideBySide(first.problem, metric, tuple(found), _differences(found))


def _places(folders: Sequence[str]) -> list[pathlib.Path]:
    """The folders in full, all different."""
    seen: dict[str, str] = {}
    for folder in folders:
        place = os.path.realpath(files.absolute(folder))
        if place in seen:
            raise UsageError(
                f"--output_dirs has one run twice, as {seen[place]} and"
                f" {folder}: leave one out."
            )
        seen[place] = folder
    return [files.absolute(folder) for folder in folders]


def _names(places: Sequence[pathlib.Path]) -> dict[pathlib.Path, str]:
    """The last parts of each path, as few as tell them all apart."""
    for count in range(1, max(len(place.parts) for place in places) + 1):
        names = ["/".join(place.parts[-count:]) for place in places]
        if len(set(names)) == len(names):
            break
    return dict(zip(places, names, strict=True))


def _facts(
    run: Run,
    metric: str,
    name: str,
    output_dir: str,
    scores: dict[str, tuple[float, str]],
) -> RunFacts:
    history = evaluations.History(run.folder)
    training = run_facts.training_events(run)
    points = tuple(
        Point(step, _hours(training, step), score)
        for step, score in zip(*history.of(metric), strict=True)
        if math.isfinite(score)
    )
    if not points:
        raise InputError(
            f"{output_dir} has no evaluation by {metric}: t2t-trainer makes"
            " them every --local_eval_frequency steps, unless told"
            " --schedule=train. Go on with it, or leave it out."
        )
    prefix = run_facts.newest_checkpoint(run)
    steps = max(points[-1].step, *checkpoints.steps(run.folder), 0)
    searches = run_facts.read_events(run.folder / "eval")
    return RunFacts(
        name=name,
        output_dir=output_dir,
        model=run.model,
        hparams_set=run.hparams_set,
        parameters=checkpoints.count_weights(prefix) if prefix else None,
        flops_per_token=_flops_per_token(run),
        tokens_per_second=_median(training.values("target_tokens/sec")),
        steps=steps,
        hours=_hours(training, steps),
        best=max(points, key=lambda point: (point.score, -point.step)),
        evaluations=points,
        signatures=tuple(history.signatures()),
        sentences_per_second=_median(searches.values("decode_sentences/sec")),
        recipe=_recipe(run),
        scores=scores,
        standing=published.standing(run, scores),
    )


def _hours(training: run_facts.Events, step: int) -> float | None:
    seconds = training.seconds_at(step)
    return None if seconds is None else seconds / 3600


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _flops_per_token(run: Run) -> float | None:
    vocab_size = run.encoder().vocab_size
    try:
        forward = run.hparams.forward_flops(SENTENCE, vocab_size)
    except UsageError:  # the family has no formula
        return None
    return 3 * forward / SENTENCE[2]


def _recipe(run: Run) -> dict[str, Any]:
    """All that decides results, under the names that it was given by."""
    recipe: dict[str, Any] = {
        "model": run.model,
        **dataclasses.asdict(run.hparams),
        "vocabulary": f"{run.encoder().vocab_size} pieces, SHA-256"
        f" {files.file_sha256(run.vocabulary)[:_SHA256_DIGITS]}",
        **run_facts.batch_fields(run),
    }
    for name, value in _recorded(run, run_directory.TRAIN).items():
        if name != "version":
            recipe[f"--{name}"] = value
    digest = _recorded(run, run_directory.BATCH_SHAPES).get("data_sha256")
    if digest:
        recipe["training data"] = f"SHA-256 {str(digest)[:_SHA256_DIGITS]}"
    return recipe


def _recorded(run: Run, name: str) -> dict[str, Any]:
    path = run.folder / name
    return files.read_json(path) if path.exists() else {}


def _differences(runs: Sequence[RunFacts]) -> dict[str, tuple[Any, ...]]:
    fields = dict.fromkeys(name for run in runs for name in run.recipe)
    found = {}
    for name in fields:
        values = [run.recipe[name] for run in runs if name in run.recipe]
        if any(value != values[0] for value in values):
            found[name] = tuple(run.recipe.get(name) for run in runs)
    return found


def as_json(compared: SideBySide) -> str:
    """For programs."""
    return json.dumps(dataclasses.asdict(compared), indent=1) + "\n"
