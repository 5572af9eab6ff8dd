"""A run directory, opened: what every decoding command and `load` use.

tensor2tensor had no such thing: whoever wanted a translation in a notebook put
encoder, features and estimator together by hand. Scores and texts are those of
t2t-decoder, by the same code.
"""

import collections
import contextlib
import dataclasses
import itertools
import logging
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import tensorflow as tf

from t2t_repro import checkpoints, registry, run_directory
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.decode import engines
from t2t_repro.decode import options as decode_options
from t2t_repro.decode.ensemble import Ensemble
from t2t_repro.decode.line_translator import source_ids
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.output import Translation
from t2t_repro.decode.scoring import Score
from t2t_repro.errors import InputError, UsageError
from t2t_repro.files import file_sha256
from t2t_repro.layers.attention import Mode
from t2t_repro.progress import Progress
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID, of_targets
from t2t_repro.text.lines import without_end

logger = logging.getLogger("t2t_repro")


@dataclasses.dataclass(frozen=True)
class Attention:
    """What every attention saw while one sentence was translated.

    Row i of a decoder's map belongs to the position that writes piece i of the
    target; in its `self_attention` column j is the position that wrote piece
    j, so that only columns up to i are seen.

    Attributes:
      source: pieces, the end of sentence included.
      target: pieces of the translation, the end of sentence included.
      text: the translation, as the model writes it.
      maps: `[heads, query, key]` float32, rows sum to 1, by place:
        `encoder/layer_0/self_attention`, `decoder/layer_0/self_attention`,
        `decoder/layer_0/encdec_attention` and so on.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    text: str
    maps: dict[str, np.ndarray]


class LoadedRun:
    """A trained model, ready to translate, score and look inside.

    Attributes:
      run: what the run directory says.
      problem: the run's.
      encoder: its vocabulary.
      model: the Keras model with its weights.
      options: how it translates.
    """

    def __init__(
        self, run: Run, model: Any, options: DecodeOptions, opened: Any = None
    ):
        """Puts the parts together; see `open_run` and `load`.

        Args:
          run: whose model it is.
          model: with its weights.
          options: how to translate.
          opened: see `engines.start`.
        """
        self.run = run
        self.problem = run.open_problem()
        self.encoder = run.encoder()
        self.model = model
        self.options = options
        self._engine = engines.start(run, model, self.encoder, options, opened)

    def with_options(self, options: DecodeOptions) -> "LoadedRun":
        """The same weights, searched in another way."""
        is_same = (options.engine, options.quantize) == (
            self.options.engine,
            self.options.quantize,
        )
        opened = self._engine.opened if is_same else None
        return LoadedRun(self.run, self.model, options, opened)

    def restore(self, checkpoint: str | None) -> None:
        """Takes the weights of a checkpoint; see `checkpoints.find`.

        Raises:
          InputError: there is none, or a damaged one.
        """
        prefix = checkpoints.find(self.run.folder, checkpoint)
        _restore(self.model, prefix)
        if self._engine.opened is not None:  # with copies of the weights
            self._engine = engines.start(
                self.run, self.model, self.encoder, self.options
            )

    @overload
    def __call__(self, lines: str) -> str: ...

    @overload
    def __call__(self, lines: list[str] | tuple[str, ...]) -> list[str]: ...

    def __call__(
        self, lines: str | list[str] | tuple[str, ...]
    ) -> str | list[str]:
        """The best translation of a line, or of each of several."""
        if isinstance(lines, str):
            return self.translate([lines])[0][0].text
        return [hypotheses[0].text for hypotheses in self.translate(lines)]

    def translate(
        self, lines: Iterable[str], log_repairs: bool = True
    ) -> list[list[Translation]]:
        """Translates lines, with scores.

        Args:
          lines: one sentence each, with or without its line end; an empty one
            stays empty. One string alone would be taken for its letters: give
            a list.
          log_repairs: whether what a problem had to mend is said.

        Returns:
          For each line its hypotheses, best first: one, or as many as `n_best`
          or `return_beams` ask for.
        """
        if isinstance(lines, str):
            raise TypeError("translate takes a list of lines, not a string")
        given = [without_end(line) for line in lines]
        read = map(self.problem.input_line, given)
        results = self._engine.translator.stream(read)
        return list(self._finish(given, results, log_repairs))

    def stream(
        self,
        lines: Iterable[str],
        first_line: int = 1,
        progress: Progress | None = None,
    ) -> Iterator[list[Translation]]:
        """Translates lines as they are read, a window of them at a time.

        Args:
          lines: the user's.
          first_line: number of the first one.
          progress: counts the lines; None: each line is translated as it
            comes, before the next is read.
        """
        # The second copy is behind by a window, and so holds no more than that.
        to_read, to_finish = itertools.tee(lines)
        read = map(self.problem.input_line, to_read)
        with progress or contextlib.nullcontext():
            results = (
                self._engine.translator.stream(
                    read, first_line, translated=progress.update
                )
                if progress
                else self._engine.translator.stream(read, first_line, at_once=1)
            )
            yield from self._finish(to_finish, results)

    def score(
        self, pairs: Iterable[tuple[str, str]], progress: Progress
    ) -> Iterator[Score]:
        """Scores given translations as they are read.

        Args:
          pairs: the user's source lines, and targets as the model writes them.
          progress: counts the pairs.
        """
        read = (
            (self.problem.input_line(source), target)
            for source, target in pairs
        )
        with progress:
            yield from self._engine.scorer.stream(read, progress.update)

    def attention(self, line: str, target: str | None = None) -> Attention:
        """Translates a line and looks at every attention on the way.

        A translation is searched for as ever, and then read once more with
        itself as the decoder's input: the maps are those of the search, whose
        steps read the same ids.

        Args:
          line: one sentence.
          target: a translation to look at instead of the model's own; for a
            parsing model, its linearised tree.

        Returns:
          The pieces of both sides and the maps.
        """
        source = self.problem.input_line(without_end(line))
        inputs = source_ids(self.encoder, source, self.options.max_input_size)
        if target is None:
            best = self._engine.translator.translate([source])[0][0]
            # A search that met its limit, or an empty line, has no end.
            ids = [i for i in best.ids if i != EOS_ID]
            text = best.text
        else:
            ids, text = of_targets(self.encoder).encode(target), target
        targets = [*ids, EOS_ID]
        maps: dict[str, Any] = {}
        self.model(
            tf.constant([inputs]), tf.constant([targets]), mode=Mode(maps=maps)
        )
        return Attention(
            source=tuple(self.encoder.pieces(inputs)),
            target=tuple(self.encoder.pieces(targets)),
            text=text,
            maps={place: value.numpy()[0] for place, value in maps.items()},
        )

    def _finish(
        self,
        lines: Iterable[str],
        results: Iterable[Sequence[Translation]],
        log_repairs: bool = True,
    ) -> Iterator[list[Translation]]:
        """Turns the model's texts into what the user gets; logs the repairs."""
        if self.problem.has_plain_lines:
            yield from map(list, results)
            return
        kinds: collections.Counter[str] = collections.Counter()
        count = repaired = 0
        # The lines first: to ask for a result is what reads one.
        for hypotheses, line in zip(results, lines, strict=True):
            outputs = [
                self.problem.output_line(line, h.text) for h in hypotheses
            ]
            # Of the best hypothesis: the others are seldom written.
            _, repairs = outputs[0]
            kinds.update(repairs.keys())
            count, repaired = count + 1, repaired + bool(repairs)
            yield [
                dataclasses.replace(hypothesis, text=text)
                for hypothesis, (text, _) in zip(
                    hypotheses, outputs, strict=True
                )
            ]
        unchanged = TextToTextProblem.output_line
        if not log_repairs or type(self.problem).output_line is unchanged:
            return
        listed = ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items()))
        logger.info(
            "%d of %d sentences were repaired%s",
            repaired,
            count,
            f" (sentences by kind: {listed})" if listed else "",
        )


def open_run(
    run: Run, options: DecodeOptions, checkpoint: str | None = None
) -> LoadedRun:
    """Builds the run's model with a checkpoint's weights.

    Args:
      run: the run directory.
      options: how to decode.
      checkpoint: see `checkpoints.find`.

    Raises:
      InputError: no checkpoint, or a damaged one.
    """
    return LoadedRun(run, _model(run, options, checkpoint), options)


def open_ensemble(
    runs: Sequence[Run], options: DecodeOptions, checkpoint: str | None = None
) -> LoadedRun:
    """Opens runs whose models search together; of one, this is `open_run`.

    Args:
      runs: with one vocabulary and direction; the first one's problem and
        options hold.
      options: how to decode.
      checkpoint: of each run; see `checkpoints.find`.

    Raises:
      InputError: another vocabulary or direction; or as `open_run` raises.
    """
    first = runs[0]
    if len(runs) == 1:
        return open_run(first, options, checkpoint)
    expected = file_sha256(first.vocabulary), first.languages
    for run in runs[1:]:
        if (file_sha256(run.vocabulary), run.languages) != expected:
            raise InputError(
                f"{run.folder} ({' to '.join(run.languages)}) and"
                f" {first.folder} ({' to '.join(first.languages)}) do not have"
                " one vocabulary and direction: models decode together only"
                " when they were trained on the same --data_dir and problem."
            )
    models = [_model(run, options, checkpoint) for run in runs]
    return LoadedRun(first, Ensemble(models), options)


def load(
    output_dir: str | pathlib.Path | Sequence[str | pathlib.Path],
    checkpoint_path: str | None = None,
    decode_hparams: str = "",
    checkpoint: str | int | None = None,
    usr_dir: str | pathlib.Path | None = None,
) -> LoadedRun:
    """Opens a run directory for translation; known as `t2t_repro.load`.

    Args:
      output_dir: of a t2t-trainer run, or several, which decode together.
      checkpoint_path: a checkpoint's prefix; None: the newest (average).
      decode_hparams: as t2t-decoder takes them, such as
        `"beam_size=8,alpha=0.8"` or `"engine=litert,quantize=int8"`; else
        the problem's, else the paper's.
      checkpoint: instead of a path, "best" on the dev data, "averaged",
        "newest", or a step.
      usr_dir: folder of one's own Python files (`--t2t_usr_dir`), which are
        run; needed for a run on a problem or with a model of one's own.

    Returns:
      What translates a string, or a list of them, when it is called.

    Raises:
      InputError: no run, no checkpoint, a damaged one, or broken code in
        `usr_dir`.
      UsageError: unknown or impossible `decode_hparams`; a problem that is not
        registered.
    """
    decode_options.parse(decode_hparams)
    if usr_dir is not None:
        registry.import_usr_dir(usr_dir)
    if isinstance(output_dir, str | pathlib.Path):
        output_dir = [output_dir]
    if not output_dir:
        raise UsageError("load([]): give one run directory or more.")
    runs = [run_directory.load(folder) for folder in output_dir]
    options = decode_options.of_run(runs[0], decode_hparams)
    which = checkpoint_path if checkpoint is None else str(checkpoint)
    return open_ensemble(runs, options, which)


def _model(run: Run, options: DecodeOptions, checkpoint: str | None) -> Any:
    """The run's model with a checkpoint's weights, to decode with."""
    prefix = checkpoints.find(run.folder, checkpoint)
    model = run.new_model()
    _restore(model, prefix)
    logger.info("decoding with %s", prefix)
    if options.engine == "tensorflow" and options.quantize != "none":
        model.multiply_in(options.quantize)
    return model


def _restore(model: Any, prefix: str) -> None:
    weights = model.weights_by_path()
    checkpoints.restore(
        prefix,
        {path: weight.value for path, weight in weights.items()},
        allow_unused=True,
    )
