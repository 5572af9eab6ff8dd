"""Who multiplies and searches: TensorFlow, or another program in its place."""

from typing import Any, NamedTuple

from t2t_repro.decode import ctranslate2_engine, shortlist
from t2t_repro.decode.line_translator import LineTranslator
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.scoring import LineScorer, Scorer
from t2t_repro.decode.translator import Translator
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import TextEncoder


class Engine(NamedTuple):
    """A model, ready.

    Attributes:
      translator: from lines to translations.
      scorer: from pairs of lines to scores.
      opened: the other program's copy of the model; None: there is no other.
    """

    translator: LineTranslator
    scorer: LineScorer
    opened: Any = None


def start(
    run: Run,
    model: Any,
    encoder: TextEncoder,
    options: DecodeOptions,
    opened: Any = None,
) -> Engine:
    """Prepares the engine that the options ask for.

    Args:
      run: whose model it is.
      model: with its weights.
      encoder: the vocabulary.
      options: how to translate.
      opened: of an engine with the same weights, `engine` and `quantize`.

    Raises:
      InputError: see `ctranslate2_engine.open_model`.
      UsageError: so does that.
    """
    if options.engine == "tensorflow":
        among = None
        if options.shortlist:
            among = shortlist.of_run(options.shortlist, run)
        return Engine(
            Translator(model, encoder, options, among),
            Scorer(model, encoder, options),
        )
    if opened is None:
        opened = ctranslate2_engine.open_model(run, model, options)
    return Engine(
        ctranslate2_engine.EngineTranslator(opened, encoder, options),
        ctranslate2_engine.EngineScorer(opened, encoder, options),
        opened,
    )
