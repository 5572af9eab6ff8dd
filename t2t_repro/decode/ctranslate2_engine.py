"""CTranslate2 searches and scores in TensorFlow's place (`engine=ctranslate2`).

The optional extra `ctranslate2`. The model is converted as it is opened
(`interop.ctranslate2`), through a temporary folder, and CTranslate2 runs it on
the processor, in float32 or, with `quantize=int8`, in 8 bits; every core has a
search of its own, as in `parallel`. Its pieces are our ids in decimal digits,
so that any vocabulary will do.

Scores are ours. CTranslate2's `length_penalty=p` would divide a log
probability by n^p, which is the paper's ((5 + n) / 6)^alpha for no p but 0, and
the penalty has no part in what stays in its beam. So the search is asked for
plain log probabilities (`length_penalty=0`) of as many hypotheses as the beam
has, and they are divided and ranked here: what `beam_search.Hypotheses`
promises holds exactly of each. Which hypotheses are found differs in two
points: one may end only where its end is among the best `beam_size`
continuations, not twice as many; and the search stops as soon as `beam_size`
have ended, the best of a step among them, not when nothing alive can become
better.

Lengths are ours, too. CTranslate2 has one limit for a batch, here that of its
longest sentence. A sentence of which a hypothesis goes beyond its own limit, or
meets it without an end, is searched once more, alone, with its own limit and
twice as many hypotheses, of which those without an end can be only half.

Left out: GPUs; sampling, whose draws are not those of our seeds; ensembles;
what `interop.ctranslate2` leaves out.
"""

import importlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from t2t_repro import files
from t2t_repro.decode import ensemble, parallel
from t2t_repro.decode.beam_step import IMPOSSIBLE
from t2t_repro.decode.line_translator import Found, Ids, LineTranslator
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.decode.scoring import IDS_AT_ONCE, LineScorer
from t2t_repro.errors import InputError, UsageError
from t2t_repro.interop import ctranslate2
from t2t_repro.run_directory import Run
from t2t_repro.text.encoder import EOS_ID, TextEncoder

_ASKED = "--engine=ctranslate2"
# --quantize, and what CTranslate2 calls it.
_COMPUTE_TYPES = {"none": "float32", "bfloat16": "bfloat16", "int8": "int8"}

logger = logging.getLogger("t2t_repro")


def open_model(run: Run, model: Any, options: DecodeOptions) -> Any:
    """Converts a model and opens it.

    Args:
      run: whose model it is.
      model: a `Seq2Seq` with its weights.
      options: `quantize`.

    Returns:
      A `ctranslate2.Translator`, which has its own copy of the weights.

    Raises:
      InputError: CTranslate2 is not installed, or there is no room for the
        temporary folder.
      UsageError: an ensemble, a model that it cannot express, or products that
        it has not on this processor.
    """
    ensemble.refuse(model, _ASKED)
    hparams = ctranslate2.check(run.hparams, _ASKED, "leave it out")
    library = importlib.import_module("ctranslate2")
    compute_type = _COMPUTE_TYPES[options.quantize]
    supported = library.get_supported_compute_types("cpu")
    if compute_type not in supported:
        raise UsageError(
            f"--quantize={options.quantize}: CTranslate2 has on this processor"
            f" {', '.join(sorted(supported))}: give none, or int8 where it is"
            " among them."
        )
    ids = [str(i) for i in range(model.vocab_size)]
    spec = ctranslate2.described(hparams, model, ids)
    spec.config.add_source_eos = False  # it is among the ids
    searches = parallel.searches()
    with files.temporary_folder() as folder:
        try:
            spec.save(str(folder))
        except OSError as error:
            raise InputError(
                f"{_ASKED} cannot write its model into {folder.parent}:"
                f" {error.strerror}: make room there, or set TMPDIR."
            ) from error
        translator = library.Translator(
            str(folder),
            compute_type=compute_type,
            inter_threads=searches,
            intra_threads=parallel.available_cores() // searches,
        )
    logger.info("CTranslate2 %s, %s", library.__version__, compute_type)
    return translator


class EngineTranslator(LineTranslator):
    """A model that CTranslate2 opened, its vocabulary and how to search."""

    def __init__(
        self, opened: Any, encoder: TextEncoder, options: DecodeOptions
    ):
        """Takes what `open_model` returns.

        Raises:
          UsageError: the options allow more positions than the model has.
        """
        super().__init__(encoder, options)
        self._opened = opened
        most = ctranslate2.POSITIONS - options.extra_length
        if not 0 < options.max_input_size <= most:
            raise UsageError(
                f"{_ASKED} has {ctranslate2.POSITIONS} positions:"
                f" max_input_size={options.max_input_size} and"
                f" extra_length={options.extra_length} may together be no more."
            )

    def search(
        self, sources: Sequence[Ids], numbers: Sequence[int]
    ) -> list[list[Found]]:
        """See `LineTranslator`."""
        limits = [len(ids) + self._options.extra_length for ids in sources]
        beams = self._options.beam_size
        results = self._hypotheses(sources, max(limits), beams)
        for row, limit in enumerate(limits):
            if not all(_ends_within(limit, ids) for ids, _ in results[row]):
                # In a greedy search there is but one.
                count = 2 * beams if beams > 1 else 1
                (results[row],) = self._hypotheses([sources[row]], limit, count)
        return [self._ranked(found) for found in results]

    def _hypotheses(
        self, sources: Sequence[Ids], limit: int, count: int
    ) -> list[list[Found]]:
        """So many of each sentence, with their log probabilities."""
        found = self._opened.translate_batch(
            [_pieces(ids) for ids in sources],
            beam_size=self._options.beam_size,
            patience=count / self._options.beam_size,
            num_hypotheses=count,
            length_penalty=0,
            max_input_length=0,
            min_decoding_length=0,
            max_decoding_length=limit,
            return_scores=True,
            return_end_token=True,
        )
        return [
            [
                ([int(piece) for piece in pieces], score)
                for pieces, score in zip(
                    result.hypotheses, result.scores, strict=True
                )
            ]
            for result in found
        ]

    def _ranked(self, found: list[Found]) -> list[Found]:
        """Those that ended, if any did, by their scores; see `beam_search`."""
        ended = [h for h in found if h[0][-1] == EOS_ID]
        if ended and self._options.beam_size > 1:
            alpha = self._options.alpha
            found = [
                (ids, log_probability / ((5 + len(ids)) / 6) ** alpha)
                for ids, log_probability in ended
            ]
        missing: Found = ((), IMPOSSIBLE)
        best = sorted(found, key=lambda h: h[1], reverse=True)
        return [*best, *[missing] * (self._options.beam_size - len(best))]


class EngineScorer(LineScorer):
    """A model that CTranslate2 opened, shown pairs."""

    def __init__(
        self, opened: Any, encoder: TextEncoder, options: DecodeOptions
    ):
        """Takes what `open_model` returns."""
        super().__init__(encoder, options)
        self._opened = opened

    def score_ids(
        self,
        pairs: Sequence[tuple[Ids, Ids]],
        scored: Callable[[int], None] = lambda count: None,
    ) -> list[np.ndarray]:
        """See `LineScorer`.

        Raises:
          InputError: a side is longer than the model has positions.
        """
        longest = max((len(ids) for pair in pairs for ids in pair), default=0)
        if longest > ctranslate2.POSITIONS:
            raise InputError(
                f"{_ASKED} scores up to {ctranslate2.POSITIONS} pieces, and a"
                f" line has {longest}: leave it out."
            )
        waiting = self._opened.score_batch(
            [_pieces(source) for source, _ in pairs],
            # It adds their end itself.
            [_pieces(target[:-1]) for _, target in pairs],
            max_batch_size=IDS_AT_ONCE,
            batch_type="tokens",
            max_input_length=0,
            asynchronous=True,
        )
        results = []
        for one in waiting:
            results.append(np.array(one.result().log_probs, np.float32))
            scored(1)
        return results


def _pieces(ids: Ids) -> list[str]:
    return [str(i) for i in ids]


def _ends_within(limit: int, ids: Ids) -> bool:
    return len(ids) <= limit and ids[-1] == EOS_ID
