"""Who multiplies and searches: TensorFlow, or another program in its place."""

from typing import Any, NamedTuple

from t2t_repro.decode import ctranslate2_engine, litert_engine, shortlist
from t2t_repro.decode.constraint import ANYTHING, Constraint
from t2t_repro.decode.line_translator import LineTranslator
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.scoring import LineScorer, Scorer
from t2t_repro.decode.translator import Translator
from t2t_repro.decode.tree_constraint import TreeConstraint
from t2t_repro.errors import UsageError
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
      opened: of an engine with the same weights, `engine` and `quantize`;
        programs of LiteRT are made anew for other rules of the search.

    Raises:
      InputError: see `ctranslate2_engine.open_model`.
      UsageError: so does that; or a constraint is wanted where there is none.
    """
    constraint = _constraint(run, encoder, options)
    if options.engine == "tensorflow":
        among = None
        if options.shortlist:
            among = shortlist.of_run(options.shortlist, run)
        return Engine(
            Translator(model, encoder, options, among, constraint),
            Scorer(model, encoder, options),
        )
    if options.engine == "litert":
        if opened is None or opened.rules != litert_engine.rules(options):
            opened = litert_engine.open_model(run, model, options)
        return Engine(
            litert_engine.EngineTranslator(opened, encoder, options),
            Scorer(model, encoder, options),
            opened,
        )
    if opened is None:
        opened = ctranslate2_engine.open_model(run, model, options)
    return Engine(
        ctranslate2_engine.EngineTranslator(opened, encoder, options),
        ctranslate2_engine.EngineScorer(opened, encoder, options),
        opened,
    )


def _constraint(
    run: Run, encoder: TextEncoder, options: DecodeOptions
) -> Constraint:
    """What the search of a run is held to.

    Raises:
      UsageError: the options ask for a search that cannot be held to it.
    """
    grammar = None
    if options.constrained:
        grammar = run.open_problem().grammar(encoder)
    if grammar is None:
        return ANYTHING
    if options.shortlist or options.engine != "tensorflow":
        raise UsageError(
            "--decode_hparams: only TensorFlow's search among all ids can be"
            " held to trees: leave shortlist and engine out, or give"
            " constrained=false."
        )
    return TreeConstraint(grammar)
