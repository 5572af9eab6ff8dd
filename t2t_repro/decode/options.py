"""How to decode: tensor2tensor's `--decode_hparams`, with the paper's values.

Section 6.1: beam 4, alpha 0.6, at most input length + 50 (tensor2tensor's own
default is + 100). A problem may bring other values: parsing does, section 6.3.
The names are tensor2tensor's; `sampling_*` stood among its model's hparams, and
`n_best`, `sampling_keep_top_p`, `random_seed` and `constrained` are ours.

`n_best` is one of these and no flag of its own: how many hypotheses must be
final decides when the search may stop, so it belongs beside the beam.
"""

import dataclasses
from typing import Any

from t2t_repro import hparam
from t2t_repro.decode import shortlist as shortlists
from t2t_repro.errors import UsageError, nearest
from t2t_repro.run_directory import Run

_SAMPLING_METHODS = ("argmax", "random")
QUANTIZE = ("none", "bfloat16", "int8")
ENGINES = ("tensorflow", "litert", "ctranslate2")
SEARCHES = ("tensor2tensor", "huggingface", "huggingface_renormalized")


# Beyond these there is only an overflow, or no memory left.
_MOST = {
    "alpha": 10.0,
    "batch_size": 100_000,
    "beam_size": 1000,
    "extra_length": 100_000,
}


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """Values of `--decode_hparams`.

    Attributes:
      beam_size: 1 is greedy.
      alpha: exponent of the length penalty.
      extra_length: most ids beyond the source's length (with EOS).
      batch_size: sentences at a time.
      return_beams: write all hypotheses on the sentence's line.
      write_beam_scores: write scores beside the text.
      max_input_size: longer lines are cut to so many ids; -1: no limit.
      n_best: write so many hypotheses, one a line (`output`); 0: off.
      num_samples: of a dataset, decode the first so many; -1: all.
      sampling_method: `argmax`, or `random` to draw each id.
      sampling_temp: what the logits are divided by before drawing.
      sampling_keep_top_k: draw among so many likeliest ids; -1: among all.
      sampling_keep_top_p: draw among the fewest ids that have this share of
        the probability together; 1: among all.
      random_seed: of what is drawn.
      quantize: `bfloat16` makes the products with weights in 16 bits, which is
        faster on processors and GPUs that can do it, and nearly the same;
        `int8` in 8, which the other engines can.
      search: `tensor2tensor`, or by the rules of transformers (`beam_step`),
        whose `length_penalty` is alpha: `huggingface`, or
        `huggingface_renormalized` for its `renormalize_logits`.
      shortlist: a file of t2t-shortlist, whose ids alone are searched among;
        empty: all are.
      engine: what multiplies and searches; `litert` is TensorFlow's part for
        small devices (`litert_engine`), `ctranslate2` another program
        (`ctranslate2_engine`).
      constrained: where the problem's outputs have a grammar, as trees do,
        look for no others; else they are repaired.
    """

    beam_size: int = 4
    alpha: float = 0.6
    extra_length: int = 50
    batch_size: int = 32
    return_beams: bool = False
    write_beam_scores: bool = False
    max_input_size: int = 512
    n_best: int = 0
    num_samples: int = -1
    sampling_method: str = "argmax"
    sampling_temp: float = 1.0
    sampling_keep_top_k: int = -1
    sampling_keep_top_p: float = 1.0
    random_seed: int = 0
    quantize: str = "none"
    search: str = "tensor2tensor"
    shortlist: str = ""
    engine: str = "tensorflow"
    constrained: bool = True

    def __post_init__(self) -> None:
        """Refuses values with which nothing can be decoded."""
        for name in ("beam_size", "batch_size"):
            self._require(getattr(self, name) >= 1, name, "1 or more")
        if self.alpha < 0 or self.extra_length < 0:
            raise UsageError(
                "--decode_hparams: alpha and extra_length cannot be negative."
            )
        for name, most in _MOST.items():
            self._require(getattr(self, name) <= most, name, f"{most} or less")
        self._require(
            self.max_input_size > 0 or self.max_input_size == -1,
            "max_input_size",
            "a number of pieces, or -1 for no limit",
        )
        self._require(
            self.num_samples > 0 or self.num_samples == -1,
            "num_samples",
            "1 or more, or -1 for all",
        )
        self._check_choice("quantize", QUANTIZE)
        self._check_choice("search", SEARCHES)
        self._check_n_best()
        self._check_sampling()
        self._check_engine()

    @property
    def hypotheses(self) -> int:
        """How many hypotheses of a sentence are wanted."""
        if self.return_beams:
            return self.beam_size
        return self.n_best or 1

    @property
    def samples(self) -> bool:
        """Whether ids are drawn."""
        return self.sampling_method == "random"

    def _check_n_best(self) -> None:
        self._require(
            0 <= self.n_best <= self.beam_size,
            "n_best",
            f"0 to beam_size={self.beam_size}",
        )
        if self.n_best and self.return_beams:
            raise UsageError(
                "--decode_hparams: return_beams puts all hypotheses on one"
                " line, n_best each on its own: give one of them."
            )

    def _check_sampling(self) -> None:
        self._check_choice("sampling_method", _SAMPLING_METHODS)
        if self.samples and self.beam_size != 1:
            raise UsageError(
                "--decode_hparams: sampling_method=random draws one"
                " translation: give beam_size=1 with it."
            )
        self._require(
            self.sampling_temp > 0,
            "sampling_temp",
            "more than 0; sampling_method=argmax takes the likeliest id",
        )
        self._require(
            self.sampling_keep_top_k > 0 or self.sampling_keep_top_k == -1,
            "sampling_keep_top_k",
            "1 or more, or -1 for all",
        )
        self._require(
            0 < self.sampling_keep_top_p <= 1,
            "sampling_keep_top_p",
            "more than 0 and at most 1",
        )
        self._require(self.random_seed >= 0, "random_seed", "0 or more")

    def _check_engine(self) -> None:
        self._check_choice("engine", ENGINES)
        if self.engine == "tensorflow":
            if self.quantize == "int8":
                raise UsageError(
                    "--decode_hparams: quantize=int8 needs engine=litert or"
                    " ctranslate2 (t2t-decoder --engine=litert): TensorFlow's"
                    " products have 32 or 16 bits."
                )
            return
        if self.engine == "litert" and self.quantize == "bfloat16":
            raise UsageError(
                "--decode_hparams: engine=litert knows no quantize=bfloat16:"
                " give int8, or leave engine out."
            )
        for name, only in (
            ("sampling_method", "argmax"),
            ("search", "tensor2tensor"),
            ("shortlist", ""),
        ):
            if getattr(self, name) != only:
                # It may be the run's own, where nobody has said it today.
                raise UsageError(
                    f"--decode_hparams: engine={self.engine} knows no"
                    f" {name}={getattr(self, name)}: give {name}={only}, or no"
                    " engine."
                )

    def _check_choice(self, name: str, known: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in known:
            raise UsageError(
                f"--decode_hparams: {name}={value}: expected"
                f" {' or '.join(known)}.{nearest(value, known)}"
            )

    def _require(self, holds: bool, name: str, expected: str) -> None:
        if not holds:
            raise UsageError(
                f"--decode_hparams: {name}={getattr(self, name)}: expected"
                f" {expected}."
            )


def parse(text: str, defaults: str = "", **given: str | None) -> DecodeOptions:
    """Reads `"beam_size=4,alpha=0.6"`.

    Args:
      text: what the user gave.
      defaults: the same of the run's problem, for what the user left open.
      given: flags with the names of fields, which go before both; None: left
        out.

    Raises:
      UsageError: unknown name, wrong type or impossible value.
    """
    values: dict[str, Any] = {}
    for source, said in (
        ("the problem's decode_hparams", defaults),
        ("--decode_hparams", text),
    ):
        values |= hparam.parse_fields(source, DecodeOptions, said)
    values |= {name: value for name, value in given.items() if value}
    return DecodeOptions(**values)


def of_run(run: Run, text: str, **given: str | None) -> DecodeOptions:
    """How a run is decoded: the user's words, else the problem's own.

    Args:
      run: whose problem it is.
      text: `--decode_hparams`.
      given: see `parse`.

    Raises:
      UsageError: see `parse`.
      InputError: see `shortlist.of_run`.
    """
    defaults = run.decode_hparams or run.open_problem().decode_hparams
    options = parse(text, defaults, **given)
    if options.shortlist:
        shortlists.of_run(options.shortlist, run)
    return options
