"""A run directory as a Python object: what `t2t_repro.load` returns.

tensor2tensor had no such thing: whoever wanted a translation in a notebook put
encoder, features and estimator together by hand. Scores and texts are those of
t2t-decoder, by the same code.
"""

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any
from typing import overload

import numpy as np
import tensorflow as tf

from t2t_repro import registry
from t2t_repro import run_directory
from t2t_repro.decode import lines as user_lines
from t2t_repro.decode import options as decode_options
from t2t_repro.decode import session
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import Translation
from t2t_repro.decode.translator import Translator
from t2t_repro.decode.translator import source_ids
from t2t_repro.layers.attention import Mode
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID
from t2t_repro.text.lines import without_end


@dataclasses.dataclass(frozen=True)
class Attention:
    """Who looks at whom while one sentence is translated.

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
    """A trained model, ready to translate.

    Attributes:
      run: what the run directory says.
      options: how it translates.
      model: the Keras model with its weights.
    """

    def __init__(self, run: Run, model: Any, options: DecodeOptions):
        """Puts the parts together; see `load`."""
        self.run = run
        self.options = options
        self.model = model
        self._problem = run.open_problem()
        self._encoder = run.encoder()
        self._translator = Translator(model, self._encoder, options)

    @overload
    def __call__(self, lines: str) -> str: ...

    @overload
    def __call__(self, lines: list[str] | tuple[str, ...]) -> list[str]: ...

    def __call__(
        self, lines: str | list[str] | tuple[str, ...]
    ) -> str | list[str]:
        """Translates a line, or several in batches.

        Args:
          lines: one string, or a list of them.

        Returns:
          The best translation of the string, or a list of one for each.
        """
        if isinstance(lines, str):
            return self.translate([lines])[0][0].text
        return [hypotheses[0].text for hypotheses in self.translate(lines)]

    def translate(self, lines: Iterable[str]) -> list[list[Translation]]:
        """Translates lines, with scores.

        Args:
          lines: one sentence each, with or without its line end; an empty one
            stays empty. One string alone would be taken for its letters: give
            a list.

        Returns:
          For each line its hypotheses, best first, with `text`, `score` and
          `ids`: one, or as many as `n_best` or `return_beams` ask for.
        """
        if isinstance(lines, str):
            raise TypeError("translate takes a list of lines, not a string")
        given = [without_end(line) for line in lines]
        results = self._translator.translate(
            user_lines.before(self._problem, given)
        )
        return user_lines.after(self._problem, given, results)

    def attention(self, line: str, target: str | None = None) -> Attention:
        """Translates a line and looks at every attention on the way.

        Args:
          line: one sentence.
          target: a translation to look at instead of the model's own; for a
            parsing model, its linearised tree.

        Returns:
          The pieces of both sides and the maps.
        """
        source = user_lines.input_line(self._problem, without_end(line))
        inputs = source_ids(self._encoder, source, self.options.max_input_size)
        if target is None:
            best = self._translator.translate([source])[0][0]
            # A search that met its limit, or an empty line, has no end.
            ids = [i for i in best.ids if i != EOS_ID]
            text = best.text
        else:
            ids, text = self._encoder.encode(target), target
        targets = [*ids, EOS_ID]
        maps: dict[str, Any] = {}
        self.model(
            tf.constant([inputs]), tf.constant([targets]), mode=Mode(maps=maps)
        )
        return Attention(
            source=tuple(self._encoder.pieces(inputs)),
            target=tuple(self._encoder.pieces(targets)),
            text=text,
            maps={place: value.numpy()[0] for place, value in maps.items()},
        )


def load(
    output_dir: str | pathlib.Path,
    checkpoint_path: str | None = None,
    decode_hparams: str = "",
    checkpoint: str | int | None = None,
    usr_dir: str | pathlib.Path | None = None,
) -> LoadedRun:
    """Opens a run directory for translation; known as `t2t_repro.load`.

    Args:
      output_dir: of a t2t-trainer run.
      checkpoint_path: a checkpoint's prefix; None: the newest (average).
      decode_hparams: as t2t-decoder takes them, such as
        `"beam_size=8,alpha=0.8"`; else the problem's, else the paper's.
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
    run = run_directory.load(output_dir)
    options = decode_options.parse(
        decode_hparams,
        getattr(run.open_problem(), "decode_hparams", ""),
    )
    which = checkpoint_path if checkpoint is None else str(checkpoint)
    model = session.open_model(run, which, options.quantize)
    return LoadedRun(run, model, options)
