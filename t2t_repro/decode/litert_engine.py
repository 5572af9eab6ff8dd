"""LiteRT multiplies and searches in TensorFlow's place (`engine=litert`).

The model is converted as it is opened (`interop.litert`), in memory, and runs
on the processor, in float32 or, with `quantize=int8`, with matrices of 8 bits;
every core has a search of its own, as in `parallel`. LiteRT is a part of
TensorFlow: nothing more is needed. Hypotheses are those of `beam_search`, whose
rules are a part of the program (`litert_search`).

Given translations are scored by TensorFlow, in float32: one pass over all
positions at once is large products, in which neither its overhead nor 8 bits
matter as much as in a search.

Left out: GPUs; sampling; the search of transformers; ensembles; shortlists;
constraints; families other than the Transformer.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_repro import tensorflow_start
from t2t_repro.decode import beam_step, ensemble, litert_search
from t2t_repro.decode.line_translator import Found, Ids, LineTranslator
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.translator import padded
from t2t_repro.errors import UsageError
from t2t_repro.interop import litert
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID, TextEncoder

_ASKED = "--engine=litert"

logger = logging.getLogger("t2t_repro")


def open_model(
    run: Run, model: Any, options: DecodeOptions
) -> litert_search.Programs:
    """Converts a model for a search.

    Args:
      run: whose model it is.
      model: a `Seq2Seq` with its weights.
      options: `quantize` and the search.

    Raises:
      UsageError: an ensemble, or a model of another family.
    """
    ensemble.refuse(model, _ASKED)
    if not litert.has_programs(run.hparams):
        raise UsageError(
            f"{_ASKED}: the run has the model {run.hparams.MODEL}, which is not"
            " made into programs of LiteRT: leave it out."
        )
    is_narrow = options.quantize == "int8"
    made = litert_search.programs(model, rules(options), is_narrow)
    logger.info("LiteRT, %s", "int8" if is_narrow else "float32")
    return made


def rules(options: DecodeOptions) -> beam_step.Rules:
    """Those that the programs of a model end with."""
    if options.beam_size == 1:
        return beam_step.greedy_rules(options.search)
    return beam_step.beam_rules(
        options.beam_size, options.alpha, options.hypotheses, options.search
    )


class EngineTranslator(LineTranslator):
    """A model that was converted, its vocabulary and how to search."""

    def __init__(
        self,
        opened: litert_search.Programs,
        encoder: TextEncoder,
        options: DecodeOptions,
    ):
        """Takes what `open_model` returns for these options."""
        super().__init__(encoder, options)
        self._search = litert_search.Searches(opened)
        # At its first call LiteRT says that there is XNNPACK.
        with tensorflow_start.quiet_standard_error():
            self._search(np.array([[EOS_ID]]), np.array([1]))

    def search(
        self, sources: Sequence[Ids], numbers: Sequence[int]
    ) -> list[list[Found]]:
        """See `LineTranslator`."""
        inputs, lengths = padded(sources)
        found = self._search(inputs, lengths + self._options.extra_length)
        return [
            list(zip(ids, scores.tolist(), strict=True))
            for ids, scores in found
        ]
