"""What is published of a recipe: figures to reach, each with its source.

A figure belongs to an hparams set and a problem. It says by which metric, on
which test set and between which bounds others report that recipe: several
sources make a range, one alone is both bounds. The paper's numbers stand once,
in `paper`. Left out: Table 3's, which are of newstest2013 and one checkpoint
(t2t-report shows them); ByteNet's and Luong's, whose characters and 50,000
words are no problem here; figures that cannot be read anywhere.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping

from t2t_repro import registry
from t2t_repro.errors import UsageError
from t2t_repro.report import paper
from t2t_repro.run_directory import Run

IN, BELOW, ABOVE, UNKNOWN = "in", "below", "above", "unknown"

_UNPUBLISHED = "no figure is known to be published of this recipe"
_NAMED_TEST_SET = re.compile(r"\|test:([^|]+)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """What is published of one recipe.

    Attributes:
      hparams_sets: registered names; several only where they differ in nothing
        but how a batch is divided.
      problem: registered name.
      metric: under which t2t-bleu or t2t-parseval prints it.
      test_set: that it is of.
      sacrebleu_set: how sacreBLEU's name of that begins; empty for none.
      low: the lowest published, with as many decimals.
      high: the highest, likewise.
      source: who publishes them, and where.
    """

    hparams_sets: tuple[str, ...]
    problem: str
    metric: str
    test_set: str
    sacrebleu_set: str
    low: float
    high: float
    source: str

    @property
    def text(self) -> str:
        """Such as `41.02`, or `41.0 to 41.8`."""
        return " to ".join(dict.fromkeys(map(str, (self.low, self.high))))

    def place(self, score: float) -> str:
        """Whether a score is in the range, below or above it.

        It is rounded as the bound is that it is compared with.
        """
        if round(score, _decimals(self.low)) < self.low:
            return BELOW
        return ABOVE if round(score, _decimals(self.high)) > self.high else IN


@dataclasses.dataclass(frozen=True)
class Standing:
    """A run beside what is published of its recipe.

    Attributes:
      figure: None where nothing is known to be published.
      score: of the run, by the figure's metric; None where nobody gave it.
      status: "in", "below", "above" or "unknown".
      changed: hparams in which the run departs from its set.
    """

    figure: Figure | None
    score: float | None
    status: str
    changed: tuple[str, ...]

    @property
    def short(self) -> str:
        """Such as `below 41.02`."""
        bounds = f" {self.figure.text}" if self.figure else ""
        return f"{self.status}{bounds}"

    @property
    def text(self) -> str:
        """All of it in words."""
        figure = self.figure
        if figure is None:
            return f"{self.status}: {_UNPUBLISHED}"
        given = "not given"
        if self.score is not None:
            given = f"here {self.score:.2f}"
        changes = ""
        if self.changed:
            changes = f"; with other {', '.join(self.changed)}"
        return (
            f"{self.status}: {figure.metric} on {figure.test_set} is published"
            f" as {figure.text} ({figure.source}), {given}{changes}"
        )


def standing(run: Run, scores: Mapping[str, tuple[float, str]]) -> Standing:
    """Compares a run with its figure.

    Args:
      run: the run.
      scores: of its test set, see `run_facts.read_scores`. Where sacreBLEU's
        signature names another test set than the figure's, they do not count.
    """
    figure = find(run.hparams_set, run.problem)
    score = None
    if figure is not None and _is_test_set(figure, scores):
        score, _ = scores.get(figure.metric, (None, ""))
    status = UNKNOWN
    if figure is not None and score is not None:
        status = figure.place(score)
    return Standing(figure, score, status, tuple(_changed(run)))


def find(hparams_set: str, problem: str) -> Figure | None:
    """The figure of a recipe, if there is one."""
    for figure in FIGURES:
        if hparams_set in figure.hparams_sets and problem == figure.problem:
            return figure
    return None


def _is_test_set(
    figure: Figure, scores: Mapping[str, tuple[float, str]]
) -> bool:
    _, signature = scores.get("sacrebleu", (0.0, ""))
    named = _NAMED_TEST_SET.search(signature)
    known = figure.sacrebleu_set or " "
    return named is None or named[1].startswith(known)


def _changed(run: Run) -> Iterator[str]:
    try:
        of_set = registry.hparams(run.hparams_set)
    except UsageError:  # a user's own, which is not registered now
        return
    for field in dataclasses.fields(run.hparams):
        value = getattr(run.hparams, field.name)
        if value != getattr(of_set, field.name, None):
            yield field.name


def _decimals(value: float) -> int:
    return len(str(value).partition(".")[2])


def _table_2(system: str, languages: str) -> float:
    """BLEU of a row of the paper's Table 2."""
    (row,) = [row for row in paper.TABLE_2 if row.name == system]
    return getattr(row, f"bleu_{languages}")


_PAPER = "Vaswani et al. 2017, arXiv:1706.03762"
_CONVS2S = (
    "Gehring et al. 2017, arXiv:1705.03122, Table 1, by Nesterov's gradient and"
    " with a BPE of 40,000"
)
_NEWSTEST_2014 = {
    "metric": "paper_bleu",
    "test_set": "newstest2014",
    "sacrebleu_set": "wmt14",
}
_ENDE = {"problem": "translate_ende_wmt14_bpe37k", **_NEWSTEST_2014}
_ENFR = {"problem": "translate_enfr_wmt14_wp32k", **_NEWSTEST_2014}
_MULTI30K = {
    "metric": "multi30k_bleu",
    "test_set": "test_2016_flickr",
    "sacrebleu_set": "multi30k/2016",
}
_BASE = ("transformer_base", "transformer_base_one_gpu")
_BIG = ("transformer_big", "transformer_big_one_gpu")
_WSJ_23 = {"metric": "f1", "test_set": "WSJ section 23", "sacrebleu_set": ""}

FIGURES = (
    Figure(
        hparams_sets=_BASE,
        **_ENDE,
        low=27.11,
        high=_table_2("Transformer (base)", "ende"),
        source=f"{_PAPER}, Table 2; the lower one of tensor2tensor with BPE on"
        " 8 GPUs, tensorflow/tensor2tensor#317",
    ),
    Figure(
        hparams_sets=_BASE,
        **_ENFR,
        low=_table_2("Transformer (base)", "enfr"),
        high=_table_2("Transformer (base)", "enfr"),
        source=f"{_PAPER}, Table 2",
    ),
    Figure(
        hparams_sets=_BIG,
        **_ENDE,
        low=_table_2("Transformer (big)", "ende"),
        high=_table_2("Transformer (big)", "ende"),
        source=f"{_PAPER}, Table 2",
    ),
    Figure(
        hparams_sets=("transformer_big_enfr",),
        **_ENFR,
        low=41.0,
        high=_table_2("Transformer (big)", "enfr"),
        source=f"{_PAPER}, Table 2; the lower one in section 6.1",
    ),
    Figure(
        hparams_sets=("convs2s_wmt_ende",),
        **_ENDE,
        low=_table_2("ConvS2S", "ende"),
        high=_table_2("ConvS2S", "ende"),
        source=_CONVS2S,
    ),
    Figure(
        hparams_sets=("convs2s_wmt_enfr",),
        **_ENFR,
        low=_table_2("ConvS2S", "enfr"),
        high=_table_2("ConvS2S", "enfr"),
        source=_CONVS2S,
    ),
    Figure(
        hparams_sets=("transformer_multi30k",),
        problem="translate_ende_multi30k",
        **_MULTI30K,
        low=41.02,
        high=41.02,
        source="Wu et al. 2021, arXiv:2105.14462, with larger batches and rate",
    ),
    Figure(
        hparams_sets=("transformer_multi30k_v2",),
        problem="translate_ende_multi30k_bpe4k",
        **_MULTI30K,
        low=41.02,
        high=41.02,
        source="Wu et al. 2021, arXiv:2105.14462, with norms behind sub-layers",
    ),
    Figure(
        hparams_sets=("transformer_parsing_base",),
        problem="parsing_wsj_wp16k",
        **_WSJ_23,
        low=paper.parsing_f1("WSJ only"),
        high=paper.parsing_f1("WSJ only"),
        source=f"{_PAPER}, Table 4",
    ),
    Figure(
        hparams_sets=("transformer_parsing_base_semisupervised",),
        problem="parsing_semisupervised_wp32k",
        **_WSJ_23,
        low=paper.parsing_f1("semi-supervised"),
        high=paper.parsing_f1("semi-supervised"),
        source=f"{_PAPER}, Table 4",
    ),
)
