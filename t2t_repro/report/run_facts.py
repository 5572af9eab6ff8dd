"""What can be known about a run from its directory: facts for the reports.

Nothing is guessed: a fact that no file tells is None. What the run directory
does not hold, the caller gives: how it was decoded, where the data lies, and
the scores of the test set.

Times and dev figures are those of TensorBoard's event files. A training that
stopped and went on has several in one folder; one that is being written may end
in half a record, which is where reading ends.
"""

import dataclasses
import itertools
import pathlib
import statistics
from typing import Any

import tensorflow as tf
from tensorboard.backend.event_processing import event_file_loader

from t2t_repro import checkpoints, evaluations, files, run_directory
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError
from t2t_repro.metrics.bracketing import SIGNATURE
from t2t_repro.report import paper, published
from t2t_repro.report.comparison import Facts
from t2t_repro.run_directory import Run


@dataclasses.dataclass(frozen=True)
class Events:
    """What the event files of a run hold.

    Attributes:
      scalars: by tag, (step, value) in the order of writing.
      seconds: from first to last event of each file, summed; the time between
        two files, when nothing ran, is not in it. None without files.
    """

    scalars: dict[str, list[tuple[int, float]]]
    seconds: float | None

    def last(self, tag: str) -> tuple[int, float] | None:
        """The newest (step, value) of a tag."""
        return max(self.scalars.get(tag, []), default=None)

    def values(self, tag: str) -> list[float]:
        """All of a tag; of a step that was repeated, what came last."""
        return list(dict(self.scalars.get(tag, [])).values())

    def seconds_at(self, step: int) -> float | None:
        """Time spent on the updates up to a step, over all sessions.

        By the seconds that a step took, where each report speaks for all steps
        since the one before it: evaluations, checkpoints and interruptions are
        not in it, and what was lost and done again counts once. Steps that
        ended in no report, such as those of now, take as long as their
        neighbours. None where the reports do not cover the steps.
        """
        total, before, speed = 0.0, 0, 0.0
        reports = dict(self.scalars.get("step_seconds", []))
        for reported, speed in sorted(reports.items()):
            if reported - before > run_directory.REPORT_EVERY:
                return None
            total += (min(reported, step) - before) * speed
            before = reported
            if reported >= step:
                return total
        is_near = step - before < run_directory.REPORT_EVERY
        return total + (step - before) * speed if speed and is_near else None


def read_events(*folders: pathlib.Path) -> Events:
    """Reads all event files of folders, but not of folders inside."""
    scalars: dict[str, list[tuple[int, float]]] = {}
    seconds = None
    for path in sorted(
        path
        for folder in folders
        for path in folder.glob("events.out.tfevents.*")
    ):
        times = []
        for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
            times.append(event.wall_time)
            for value in event.summary.value:
                if not value.HasField("tensor"):
                    continue
                number = tf.make_ndarray(value.tensor)
                if number.ndim == 0 and number.dtype.kind == "f":
                    points = scalars.setdefault(value.tag, [])
                    points.append((event.step, float(number)))
        if times:
            seconds = (seconds or 0.0) + max(times) - min(times)
    return Events(scalars, seconds)


def gather(
    run: Run,
    decoding: DecodeOptions,
    data_dir: pathlib.Path | None = None,
    scores: dict[str, tuple[float, str]] | None = None,
) -> Facts:
    """Reads a run directory.

    Args:
      run: the run.
      decoding: how it was, or will be, decoded.
      data_dir: where `<problem>.json` lies, if known.
      scores: see `read_scores`.

    Raises:
      InputError: a file is damaged, or `data_dir` has no such file.
    """
    training = training_events(run)
    hours, hours_from = _hours(run.folder, training)
    prefix = newest_checkpoint(run)
    dev = read_events(run.folder / "eval")
    return Facts(
        folder=str(run.folder),
        problem=run.problem,
        hparams_set=run.hparams_set,
        recipe=dataclasses.replace(
            paper.recipe_of(run.hparams),
            **_data_fields(run, data_dir),
            **batch_fields(run),
            **_checkpoint_fields(run.folder, prefix),
            beam_size=decoding.beam_size,
            alpha=decoding.alpha,
            extra_length=decoding.extra_length,
        ),
        parameters=checkpoints.count_weights(prefix) if prefix else None,
        hours=hours,
        hours_from=hours_from,
        hours_at_least=training.seconds is None,
        step_seconds=_mean_step(training),
        tokens_per_step=_tokens_per_step(training),
        dev={
            tag: point
            for tag in dev.scalars
            if tag in evaluations.MINIMIZE and (point := dev.last(tag))
        },
        scores=scores or {},
        standing=published.standing(run, scores or {}),
    )


def training_events(run: Run) -> Events:
    """Those of a run's training."""
    # Older runs have them in the folder itself.
    return read_events(run.folder, run.folder / "train")


def newest_checkpoint(run: Run) -> str | None:
    """The prefix of the one that t2t-decoder would take, if there is any."""
    if any(checkpoints.steps(run.folder, k) for k in ("model", "averaged")):
        return checkpoints.newest_for_decoding(run.folder)
    return None


def read_scores(path: str) -> dict[str, tuple[float, str]]:
    """Reads what `t2t-bleu --json` or `t2t-parseval --json` printed.

    Returns:
      Scores, 0 to 100, with their signatures: `sacrebleu`, `paper_bleu` and
      `multi30k_bleu`, or `f1` with failures as zero recall.

    Raises:
      InputError: it is neither.
    """
    values = files.read_json(path)
    found: dict[str, tuple[float, str]] = {}
    try:
        if "all" in values:
            brackets = values["all"]["brackets_with_failures"]
            found = {"f1": (float(brackets["f1"]), SIGNATURE)}
        else:
            found = {
                name: (float(values[name]["score"]), values[name]["signature"])
                for name in ("sacrebleu", "paper_bleu", "multi30k_bleu")
                if name in values
            }
    except (KeyError, TypeError, ValueError, OverflowError):
        found = {}
    # NaN is in no range.
    if not found or not all(
        0 <= score <= 100.01 and isinstance(signature, str)
        for score, signature in found.values()
    ):
        raise InputError(
            f"{path} is not what t2t-bleu --json or t2t-parseval --json prints:"
            " save its standard output as it is."
        )
    return found


def _data_fields(run: Run, data_dir: pathlib.Path | None) -> dict[str, Any]:
    kinds = {".bpe": paper.BPE, ".subwords": paper.WORD_PIECES}
    fields: dict[str, Any] = {
        "data": run.problem,
        "languages": "-".join(run.languages),
        "vocabulary": kinds.get(run.vocabulary.suffix, run.vocabulary.name),
        "vocabulary_size": run.encoder().vocab_size,
    }
    if data_dir is not None:
        # A reversed problem has the data of the forward one.
        name = run.open_problem().name
        summary = files.read_json(data_dir / f"{name}.json")
        years = sorted(_years(summary))
        fields["data_year"] = ", ".join(map(str, years)) or None
        try:
            train = summary["splits"]["train"]
            fields["training_pairs"] = int(train["pairs_written"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{data_dir / name}.json does not say how many training pairs"
                " there are: it is damaged; generate the data again."
            ) from error
    return fields


def _years(value: Any) -> set[str]:
    """All that stands under "year", at whatever depth."""
    if isinstance(value, list):
        return set().union(*map(_years, value))
    if not isinstance(value, dict):
        return set()
    found = {str(value["year"])} if value.get("year") else set()
    return found.union(*map(_years, value.values()))


def batch_fields(run: Run) -> dict[str, Any]:
    """What the trainer wrote down when it had counted its devices.

    Returns:
      `replicas` and `batch_tokens`; nothing where there is no such file.

    Raises:
      InputError: the file is damaged.
    """
    path = run.folder / run_directory.BATCH_SHAPES
    if not path.exists():
        return {}
    shapes = files.read_json(path)
    replicas = shapes.get("replicas")
    tokens = shapes.get("effective_batch_tokens")
    # bool is an int, too.
    if not all(type(n) is int and n > 0 for n in (replicas, tokens)):
        raise InputError(
            f"{path} does not say how many replicas and tokens a batch had: it"
            " is damaged, restore it from a copy."
        )
    return {"replicas": replicas, "batch_tokens": tokens}


def _checkpoint_fields(
    folder: pathlib.Path, prefix: str | None
) -> dict[str, Any]:
    trained = checkpoints.steps(folder)
    fields: dict[str, Any] = {
        "train_steps": max(
            [*trained, *checkpoints.steps(folder, "averaged")], default=None
        )
    }
    if len(trained) > 1:
        times = checkpoints.times(folder, trained)
        gaps = [after - before for before, after in itertools.pairwise(times)]
        fields["checkpoint_minutes"] = round(statistics.median(gaps) / 60, 2)
    if prefix:
        is_average = "averaged.ckpt-" in prefix
        steps = checkpoints.averaged_steps(prefix)
        # Older averages do not say of how many.
        fields["averaged"] = len(steps) or (None if is_average else 0)
    return fields


def _hours(folder: pathlib.Path, training: Events) -> tuple[float | None, str]:
    if training.seconds is not None:
        return training.seconds / 3600, (
            "the times in the TensorBoard event files, evaluations included,"
            " interruptions not"
        )
    steps = checkpoints.steps(folder)
    if len(steps) > 1:
        times = checkpoints.times(folder, steps)
        return (max(times) - min(times)) / 3600, (
            "the times of the checkpoints that are kept: what came before the"
            f" oldest, step {steps[0]}, is not in it"
        )
    return None, "no event files and no two checkpoints"


def _mean_step(training: Events) -> float | None:
    seconds = [value for _, value in training.scalars.get("step_seconds", [])]
    return statistics.fmean(seconds) if seconds else None


def _tokens_per_step(training: Events) -> float | None:
    """(tokens / s) / (steps / s), over all reports, which are equally long."""
    rates = dict(training.scalars.get("target_tokens/sec", []))
    speeds = dict(training.scalars.get("global_step/sec", []))
    tokens = [
        rates[step] / speeds[step] for step in rates if speeds.get(step, 0) > 0
    ]
    return statistics.fmean(tokens) if tokens else None
