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
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from t2t_repro import files, registry, run_directory
from t2t_repro.bin import command
from t2t_repro.decode import options as decode_options
from t2t_repro.decode import output
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError, UsageError
from t2t_repro.files import file_sha256
from t2t_repro.text import lines

if TYPE_CHECKING:
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
    record = _Record(run, options, values)
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


class _Record:
    """What the translations were made from, and their scores by step.

    Both stand in `<problem>.json`; the scores are TensorBoard's, too.
    """

    def __init__(
        self,
        run: run_directory.Run,
        options: DecodeOptions,
        values: flags.FlagValues,
    ):
        """Begins the record, or goes on with one that says the same.

        Raises:
          InputError: the file is not of this command.
          UsageError: the folder holds translations made in another way.
        """
        self.folder = files.absolute(values.translations_dir)
        self._path = self.folder / f"{run.problem}.json"
        self._made_from = {
            "model_dir": str(run.folder.resolve()),
            "source_sha256": file_sha256(values.source),
            **dataclasses.asdict(options),
        }
        # How many sentences at a time changes no translation.
        del self._made_from["batch_size"]
        self._reference_sha256 = (
            file_sha256(values.reference) if values.reference else ""
        )
        self._scores: dict[str, dict[str, Any]] = {}
        self._writer: Any = None
        if self._path.exists():
            self._go_on(files.read_json(self._path))

    def _go_on(self, known: dict[str, Any]) -> None:
        try:
            before = dict(known["made_from"])
            scored_by = known["reference_sha256"]
            self._scores = dict(known["scores"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._path} is not of this command ({error}): remove it,"
                " or give a new --translations_dir."
            ) from error
        now = dict(self._made_from)
        if scored_by and self._reference_sha256:
            before["reference_sha256"] = scored_by
            now["reference_sha256"] = self._reference_sha256
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                raise UsageError(
                    f"{self._path} was begun with {name}={before.get(name)},"
                    f" not {now.get(name)}: give a new --translations_dir."
                )
        self._reference_sha256 = self._reference_sha256 or scored_by

    def __contains__(self, step: int) -> bool:
        """Whether the translation of that checkpoint has a score."""
        return str(step) in self._scores

    def translation(self, step: int) -> pathlib.Path:
        """Where the translation of a checkpoint goes."""
        return self.folder / f"{self._path.stem}-{step}"

    def write(self) -> None:
        """Replaces the file; makes its folder."""
        files.make_folder(self.folder)
        content = {
            "made_from": self._made_from,
            "reference_sha256": self._reference_sha256,
            "scores": self._scores,
        }
        files.replace_file(self._path, json.dumps(content, indent=1) + "\n")

    def add(self, step: int, score: "Score") -> None:
        """Takes down a score."""
        import tensorflow as tf

        # First TensorBoard: stopped in between, the point is written twice.
        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.folder))
        with self._writer.as_default(step=step):
            tf.summary.scalar(score.metric, score.value)
            tf.summary.text(f"{score.metric}_signature", score.signature)
        self._writer.flush()
        self._scores[str(step)] = {
            "metric": score.metric,
            "score": score.value,
            "signature": score.signature,
        }
        self.write()


def _follow(
    run: run_directory.Run,
    options: DecodeOptions,
    sources: list[str],
    references: list[str] | None,
    record: _Record,
    values: flags.FlagValues,
) -> None:
    from t2t_repro import checkpoints
    from t2t_repro.decode.loaded_run import open_run

    loaded, found = None, False
    for step in checkpoints.follow(
        run.folder, 60.0 * values.wait_minutes, values.min_steps
    ):
        if not found:
            # Not before: a run without a checkpoint leaves nothing behind.
            record.write()
            found = True
        path = record.translation(step)
        if path.exists():
            logger.info("%s is there already", path)
        else:
            begin = time.monotonic()
            try:
                if loaded is None:
                    loaded = open_run(run, options, str(step))
                else:
                    loaded.restore(str(step))
                translations = loaded.translate(sources)
            except InputError:
                if step in checkpoints.steps(run.folder):
                    raise
                logger.warning("step %d: the training removed it", step)
                continue
            lines.write_lines_atomically(
                path, output.output_lines(options, translations)
            )
            seconds = time.monotonic() - begin
            logger.info("wrote %s in %.1f s", path, seconds)
        if references is not None and step not in record:
            _score(run, step, path, references, record)
    if not found:
        raise InputError(
            f"{run.folder} has no checkpoint of {values.min_steps} or more"
            " steps: train on (t2t-trainer), or wait for one with"
            " --wait_minutes."
        )


def _score(
    run: run_directory.Run,
    step: int,
    path: pathlib.Path,
    references: list[str],
    record: _Record,
) -> None:
    from t2t_repro.metrics.scores import corpus_score

    outputs = lines.read_lines(path)
    if len(outputs) != len(references):
        raise InputError(
            f"{path} has {len(outputs)} lines, the source has"
            f" {len(references)}: remove the file to make it again."
        )
    score = corpus_score(run.open_problem().metric, outputs, references)
    record.add(step, score)
    logger.info(
        "step %d  %s = %.2f %s",
        step,
        score.metric,
        score.value,
        score.signature,
    )


if __name__ == "__main__":
    raise SystemExit(main())
