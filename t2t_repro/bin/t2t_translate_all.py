"""Translates a file with every checkpoint of a run, as they appear.

Translations are TRANSLATIONS_DIR/<problem>-STEP, tensor2tensor's name. With
--reference each one's sacreBLEU goes to TensorBoard, for which the same folder
is a log directory (`bleu`, and its signature as text), and beside it into
<problem>.json, from which a second call knows what is done. Parses are written
and scored (`f1`) in the same way. The run's own averaged.ckpt-* are passed
over; the averages of t2t-avg-all are a run directory, and this command follows
that one too.

Left out of tensor2tensor's command: --decoder_command (the model stays in
memory, and only its weights change).
"""

import dataclasses
import json
import logging
import pathlib
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from absl import flags

from t2t_repro import files
from t2t_repro import registry
from t2t_repro import run_directory
from t2t_repro.bin import command
from t2t_repro.decode import options as decode_options
from t2t_repro.decode import output
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError
from t2t_repro.errors import UsageError
from t2t_repro.files import file_sha256
from t2t_repro.text import lines

if TYPE_CHECKING:
    from t2t_repro.decode.loaded_run import LoadedRun
    from t2t_repro.metrics.scores import Score

logger = logging.getLogger("t2t_repro")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `t2t-translate-all`; see `command.run`."""
    return command.run(
        "t2t-translate-all", __doc__ or "", _define_flags, _body, argv
    )


def _define_flags(values: flags.FlagValues) -> None:
    for name, default, text in (
        ("model_dir", None, "run directory to follow"),
        ("source", None, "UTF-8 text, a sentence a line"),
        ("translations_dir", "translations", "where the translations go"),
        ("reference", None, "score every translation against this file"),
        (
            "decode_hparams",
            "",
            "such as beam_size=4,alpha=0.6,extra_length=50,batch_size=32;"
            " default: these, or the problem's own",
        ),
        ("t2t_usr_dir", None, "folder of your own Python files"),
    ):
        flags.DEFINE_string(name, default, text, flag_values=values)
    flags.DEFINE_float(
        "wait_minutes",
        0.0,
        "stop after so long without a new checkpoint; 0: translate what there"
        " is",
        lower_bound=0.0,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "min_steps",
        0,
        "ignore checkpoints of fewer steps",
        lower_bound=0,
        flag_values=values,
    )


def _body(values: flags.FlagValues) -> int | None:
    command.require(values, "model_dir", "source", "translations_dir")
    if values.t2t_usr_dir:
        registry.import_usr_dir(values.t2t_usr_dir)
    # Before the run is read: the user's own mistakes come first.
    options = decode_options.parse(values.decode_hparams)
    if options.return_beams or options.write_beam_scores or options.n_best:
        raise UsageError(
            "--decode_hparams: return_beams, write_beam_scores and n_best are"
            " for t2t-decoder; here a line holds one translation."
        )
    run = run_directory.load(files.absolute(values.model_dir))
    options = decode_options.of_run(run, values.decode_hparams)
    sources = lines.read_lines(values.source)
    references = _references(values, len(sources))
    record = _open_record(run, options, values)
    command.load_tensorflow(for_many_searches=True)
    _follow(run, options, sources, references, record, values)
    return 0


def _references(values: flags.FlagValues, count: int) -> list[str] | None:
    if not values.reference:
        return None
    references = lines.read_lines(values.reference)
    if len(references) != count:
        raise InputError(
            f"{values.reference} has {len(references)} lines, {values.source}"
            f" has {count}: a reference has one line for each."
        )
    return references


@dataclasses.dataclass
class _Record:
    """`<problem>.json`: what the translations were made from, and scores.

    Attributes:
      path: the file.
      made_from: what must be the same in every call.
      reference_sha256: of the reference; empty before there was one.
      scores: by step, each with its signature.
    """

    path: pathlib.Path
    made_from: dict[str, Any]
    reference_sha256: str = ""
    scores: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def translation(self, step: int) -> pathlib.Path:
        """Where the translation of a checkpoint goes."""
        return self.path.with_name(f"{self.path.stem}-{step}")

    def write(self) -> None:
        """Replaces the file."""
        content = dataclasses.asdict(self)
        del content["path"]
        files.replace_file(self.path, json.dumps(content, indent=1) + "\n")


def _open_record(
    run: run_directory.Run, options: DecodeOptions, values: flags.FlagValues
) -> _Record:
    """Begins the record, or goes on with one that says the same.

    Raises:
      UsageError: the folder holds translations made in another way.
    """
    record = _Record(
        files.absolute(values.translations_dir) / f"{run.problem}.json",
        {
            "model_dir": str(run.folder.resolve()),
            "source_sha256": file_sha256(values.source),
            **dataclasses.asdict(options),
        },
    )
    # How many sentences at a time changes no translation.
    del record.made_from["batch_size"]
    digest = file_sha256(values.reference) if values.reference else ""
    if record.path.exists():
        known = files.read_json(record.path)
        try:
            before = known["made_from"] | {
                "reference_sha256": known["reference_sha256"] or digest
            }
            record.scores = dict(known["scores"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{record.path} is not of this command ({error}): remove it,"
                " or give a new --translations_dir."
            ) from error
        now = record.made_from | {
            "reference_sha256": digest or before["reference_sha256"]
        }
        _require_same(record.path, before, now)
        digest = now["reference_sha256"]
    record.reference_sha256 = digest
    return record


def _require_same(
    path: pathlib.Path, before: dict[str, Any], now: dict[str, Any]
) -> None:
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise UsageError(
                f"{path} was begun with {name}={before.get(name)}, not"
                f" {now.get(name)}: give a new --translations_dir."
            )


def _follow(
    run: run_directory.Run,
    options: DecodeOptions,
    sources: list[str],
    references: list[str] | None,
    record: _Record,
    values: flags.FlagValues,
) -> None:
    from t2t_repro import checkpoints

    translate = _Translate(run, options)
    board = _Board(record.path.parent)
    found = False
    for step in checkpoints.follow(
        run.folder, 60.0 * values.wait_minutes, values.min_steps
    ):
        if not found:
            # Not before: a run without a checkpoint leaves nothing behind.
            found = True
            files.make_folder(record.path.parent)
            record.write()
        path = record.translation(step)
        if path.exists():
            logger.info("%s is there already", path)
        else:
            try:
                translations = translate(step, sources)
            except InputError:
                if step in checkpoints.steps(run.folder):
                    raise
                logger.warning("step %d: the training removed it", step)
                continue
            lines.write_lines_atomically(path, translations)
            logger.info("wrote %s", path)
        if references is not None and str(step) not in record.scores:
            _score(step, path, references, record, board)
    board.close()
    if not found:
        raise InputError(
            f"{run.folder} has no checkpoint of {values.min_steps} or more"
            " steps: train on (t2t-trainer), or wait for one with"
            " --wait_minutes."
        )


def _score(
    step: int,
    path: pathlib.Path,
    references: list[str],
    record: _Record,
    board: "_Board",
) -> None:
    outputs = lines.read_lines(path)
    if len(outputs) != len(references):
        raise InputError(
            f"{path} has {len(outputs)} lines, the source has"
            f" {len(references)}: remove the file to make it again."
        )
    from t2t_repro.metrics.scores import corpus_score

    metric = registry.problem(record.path.stem).metric
    score = corpus_score(metric, outputs, references)
    # First TensorBoard: stopped in between, the point is only written twice.
    board.write(step, score)
    record.scores[str(step)] = {
        "metric": score.metric,
        "score": score.value,
        "signature": score.signature,
    }
    record.write()
    logger.info(
        "step %d  %s = %.2f %s",
        step,
        score.metric,
        score.value,
        score.signature,
    )


class _Translate:
    """The model, built at the first checkpoint; later only its weights move."""

    def __init__(self, run: run_directory.Run, options: DecodeOptions):
        self._run, self._options = run, options
        self._loaded: LoadedRun | None = None

    def __call__(self, step: int, sources: list[str]) -> Iterator[str]:
        """Restores a checkpoint; then yields its translations, line by line."""
        from t2t_repro.decode.loaded_run import open_run

        if self._loaded is None:
            self._loaded = open_run(self._run, self._options, str(step))
        else:
            self._loaded.restore(str(step))
        begin = time.monotonic()
        translated = self._loaded.translate(sources)
        logger.info(
            "step %d: %d lines in %.1f s",
            step,
            len(sources),
            time.monotonic() - begin,
        )
        return output.output_lines(self._options, translated)


class _Board:
    """TensorBoard events, opened when there is one to write."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._writer: Any = None

    def write(self, step: int, score: "Score") -> None:
        """Adds a point."""
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self._folder))
        with self._writer.as_default(step=step):
            tf.summary.scalar(score.metric, score.value)
            tf.summary.text(f"{score.metric}_signature", score.signature)
        self._writer.flush()

    def close(self) -> None:
        """Ends the file, if there is one."""
        if self._writer is not None:
            self._writer.close()


if __name__ == "__main__":
    raise SystemExit(main())
