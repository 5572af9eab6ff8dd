"""How to decode: tensor2tensor's `--decode_hparams`, with the paper's values.

Section 6.1: beam 4, alpha 0.6, at most input length + 50 (tensor2tensor's own
default is + 100). A problem may bring other values: parsing does, section 6.3.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from t2t_repro import hparam
from t2t_repro.errors import UsageError


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """Values of `--decode_hparams`.

    Attributes:
      beam_size: 1 is greedy.
      alpha: exponent of the length penalty.
      extra_length: most ids beyond the source's length (with EOS).
      batch_size: sentences at a time.
      return_beams: write all hypotheses, not only the best.
      write_beam_scores: write scores beside the text.
      max_input_size: longer lines are cut to so many ids; -1: no limit.
    """

    beam_size: int = 4
    alpha: float = 0.6
    extra_length: int = 50
    batch_size: int = 32
    return_beams: bool = False
    write_beam_scores: bool = False
    max_input_size: int = 512

    def __post_init__(self) -> None:
        """Refuses values with which nothing can be decoded."""
        for name in ("beam_size", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(
                    f"--decode_hparams: {name}={getattr(self, name)}:"
                    " expected 1 or more."
                )
        if self.alpha < 0 or self.extra_length < 0:
            raise UsageError(
                "--decode_hparams: alpha and extra_length cannot be negative."
            )
        if self.max_input_size == 0 or self.max_input_size < -1:
            raise UsageError(
                f"--decode_hparams: max_input_size={self.max_input_size}:"
                " expected a number of pieces, or -1 for no limit."
            )


def parse(text: str, defaults: str = "") -> DecodeOptions:
    """Reads `"beam_size=4,alpha=0.6"`.

    Args:
      text: what the user gave.
      defaults: the same of the run's problem, for what the user left open.

    Raises:
      UsageError: unknown name, wrong type or impossible value.
    """
    values: dict[str, Any] = {}
    for source, given in (
        ("the problem's decode_hparams", defaults),
        ("--decode_hparams", text),
    ):
        values |= hparam.parse_fields(source, DecodeOptions, given)
    return DecodeOptions(**values)


def output_line(options: DecodeOptions, hypotheses: Sequence[Any]) -> str:
    """What stands on the line of one sentence, as tensor2tensor writes it.

    Args:
      options: `return_beams` and `write_beam_scores`.
      hypotheses: `translator.Translation`s, best first.

    Returns:
      The texts and, if wanted, their scores, separated by tabs.
    """
    kept = hypotheses if options.return_beams else hypotheses[:1]
    fields = []
    for hypothesis in kept:
        # Text is a line; a model can still spell out a line end in bytes.
        fields.append(hypothesis.text.replace("\n", " "))
        if options.write_beam_scores:
            fields.append(f"{hypothesis.score:.4f}")
    return "\t".join(fields)
