"""A run beside its row of the paper, line by line, every difference marked.

A figure that nobody measured is "not measured", one that the paper does not
give "not published"; a score on other data than the paper's is shown and not
compared. `run_facts` reads the run, `layout` writes the report.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from t2t_repro.report import paper
from t2t_repro.report.paper import Recipe
from t2t_repro.report.paper import Row

SAME = "same"
DIFFERS = "differs"
NOT_MEASURED = "not measured"
NOT_PUBLISHED = "not published"
OTHER_DATA = "other data"

# Section and words for each field of a `Recipe`, in the order of the report.
_FIELDS = {
    "data": ("Data", "problem"),
    "languages": ("Data", "languages"),
    "data_year": ("Data", "year of the data"),
    "training_pairs": ("Data", "training pairs"),
    "vocabulary": ("Data", "vocabulary"),
    "vocabulary_size": ("Data", "vocabulary size"),
    "encoder_layers": ("Model", "encoder layers, N"),
    "decoder_layers": ("Model", "decoder layers, N"),
    "d_model": ("Model", "d_model"),
    "d_ff": ("Model", "d_ff"),
    "h": ("Model", "heads, h"),
    "d_k": ("Model", "d_k"),
    "d_v": ("Model", "d_v"),
    "normalisation": ("Model", "layer normalisation"),
    "positions": ("Model", "positions"),
    "shared_embeddings": ("Model", "shared weights"),
    "residual_dropout": ("Training", "P_drop"),
    "attention_dropout": ("Training", "dropout of attention"),
    "relu_dropout": ("Training", "dropout after ReLU"),
    "label_smoothing": ("Training", "label smoothing"),
    "adam": ("Training", "Adam beta1, beta2, epsilon"),
    "schedule": ("Training", "learning rate"),
    "warmup_steps": ("Training", "warm-up steps"),
    "batch_tokens": ("Training", "tokens per batch"),
    "replicas": ("Training", "replicas (GPUs)"),
    "accumulate_steps": ("Training", "accumulated batches"),
    "train_steps": ("Training", "steps"),
    "averaged": ("Decoding", "averaged checkpoints"),
    "checkpoint_minutes": ("Decoding", "minutes between checkpoints"),
    "beam_size": ("Decoding", "beam"),
    "alpha": ("Decoding", "alpha"),
    "extra_length": ("Decoding", "extra length"),
}
# What the paper gives as "about"; this far from it is still the same.
_ABOUT = {
    "training_pairs": 0.05,
    "vocabulary_size": 0.05,
    "batch_tokens": 0.05,
    "checkpoint_minutes": 0.1,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """A run beside a `paper.Row`.

    Attributes:
      folder: the run directory.
      problem: full name.
      hparams_set: what the hparams started from.
      recipe: how it is made.
      parameters: weights in a checkpoint.
      hours: of training.
      hours_from: where the hours are from.
      hours_at_least: whether the training took longer than they say.
      step_seconds: mean, without evaluations.
      tokens_per_step: target tokens of an update, mean, no padding.
      dev: dev figures by TensorBoard tag, as (step, value).
      scores: what --scores holds, by name: score and signature.
    """

    folder: str
    problem: str
    hparams_set: str
    recipe: Recipe
    parameters: int | None
    hours: float | None
    hours_from: str
    hours_at_least: bool
    step_seconds: float | None
    tokens_per_step: float | None
    dev: dict[str, tuple[int, float]]
    scores: dict[str, tuple[float, str]]


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the report.

    Attributes:
      section: under which heading.
      name: what is compared.
      paper: its value in the paper; None: not published.
      run: its value in this run; None: not measured.
      status: one of the five words above.
      note: how to read it.
    """

    section: str
    name: str
    paper: Any
    run: Any
    status: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """All that is written.

    Attributes:
      facts: the run.
      row: of the paper.
      is_own_row: whether the run's hparam set is the row's.
      lines: the comparison.
      notes: sentences, one a paragraph.
    """

    facts: Facts
    row: Row
    is_own_row: bool
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    def count(self, status: str) -> int:
        """How many lines have a status."""
        return sum(line.status == status for line in self.lines)


def compare(facts: Facts, device_tflops: float | None = None) -> Report:
    """Puts a run beside its row.

    Args:
      facts: the run.
      device_tflops: sustained TFLOPS of one device, for the paper's way of
        estimating FLOPs.
    """
    languages = facts.recipe.languages or ""
    row, is_own = paper.find_row(facts.hparams_set, languages, facts.problem)
    lines = (
        *_recipe_lines(row.recipe, facts.recipe),
        *_score_lines(row, facts),
        *_cost_lines(row, facts, device_tflops),
    )
    return Report(facts, row, is_own, lines, tuple(_notes(row, facts)))


def _recipe_lines(published: Recipe, run: Recipe) -> Iterator[Line]:
    for field, (section, name) in _FIELDS.items():
        ours, theirs = getattr(run, field), getattr(published, field)
        status = _status(theirs, ours, _ABOUT.get(field, 0.0))
        yield Line(section, name, theirs, ours, status, _field_note(field))


def _field_note(field: str) -> str:
    return {
        "batch_tokens": "sentences x longer side; the paper counts each side",
        "averaged": "in the checkpoint that t2t-decoder takes",
        "beam_size": "the report's --decode_hparams, or their default",
        "train_steps": "the newest checkpoint",
        "data": "the paper's data, under its name here",
    }.get(field, "")


def _status(paper: Any, run: Any, tolerance: float = 0.0) -> str:
    if paper is None:
        return NOT_PUBLISHED
    if run is None:
        return NOT_MEASURED
    if tolerance:
        is_same = math.isclose(paper, run, rel_tol=tolerance)
    else:
        is_same = paper == run
    return SAME if is_same else DIFFERS


def _score_lines(row: Row, facts: Facts) -> Iterator[Line]:
    has_data = facts.problem == row.recipe.data
    if row.metric == "f1":
        yield _score(
            f"F1 (paper: {row.test_set})",
            row.test_score,
            facts.scores.get("f1"),
            has_data,
        )
        for tag, point in sorted(facts.dev.items()):
            yield _score(f"dev {tag}", None, _dev(point), has_data)
        return
    # Of a named test set, sacreBLEU's signature says which it was.
    signature = facts.scores.get("sacrebleu", (0.0, ""))[1]
    is_test_set = has_data and (
        "test:" not in signature or "test:wmt14" in signature
    )
    yield _score(
        f"paper_bleu (paper: {row.test_set})",
        row.test_score,
        facts.scores.get("paper_bleu"),
        is_test_set,
    )
    yield _score("sacrebleu", None, facts.scores.get("sacrebleu"), is_test_set)
    yield _score(
        f"dev perplexity per subword (paper: {row.dev_set})",
        row.dev_perplexity,
        _dev(facts.dev.get("perplexity")),
        has_data,
    )
    yield _score(
        f"dev paper_bleu, one checkpoint (paper: {row.dev_set})",
        row.dev_bleu,
        None,
        has_data,
    )
    yield _score(
        "dev sacrebleu while training",
        None,
        _dev(facts.dev.get("bleu")),
        has_data,
    )


def _dev(point: tuple[int, float] | None) -> tuple[float, str] | None:
    return point and (point[1], f"step {point[0]}")


def _score(
    name: str,
    paper: float | None,
    figure: tuple[float, str] | None,
    is_comparable: bool,
) -> Line:
    """A line of a score, which is compared only on the paper's data."""
    if figure is None:
        status = NOT_PUBLISHED if paper is None else NOT_MEASURED
        return Line("Scores", name, paper, None, status)
    value, note = round(figure[0], 2), figure[1]
    if paper is None:
        return Line("Scores", name, None, value, NOT_PUBLISHED, note)
    if not is_comparable:
        return Line("Scores", name, paper, value, OTHER_DATA, note)
    # The paper's figures have so many decimals.
    decimals = 2 if "perplexity" in name else 1
    difference = round(value, decimals) - paper
    status = SAME if abs(difference) < 1e-9 else DIFFERS
    note = f"{difference:+.{decimals}f}; {note}"
    return Line("Scores", name, paper, value, status, note)


def _cost_lines(
    row: Row, facts: Facts, device_tflops: float | None
) -> Iterator[Line]:
    recipe = facts.recipe
    millions = facts.parameters and round(facts.parameters / 1e6, 2)
    yield _cost("parameters, millions", row.millions, millions)
    tokens = _product(facts.tokens_per_step, recipe.train_steps)
    tokens_of_paper = _product(row.recipe.batch_tokens, row.recipe.train_steps)
    yield _cost(
        "target tokens trained on, millions",
        _product(1e-6, tokens_of_paper),
        _rounded(_product(1e-6, tokens), 2),
    )
    yield _cost(
        "FLOPs, 6 x parameters x target tokens",
        _product(6e6, row.millions, tokens_of_paper),
        _product(6, facts.parameters, tokens),
    )
    yield _cost(
        "FLOPs, hours x devices x TFLOPS",
        row.flops,
        _product(
            facts.hours and facts.hours * 3600,
            recipe.replicas,
            device_tflops and device_tflops * 1e12,
        ),
    )
    hours = _cost("hours", row.hours, _rounded(facts.hours, 2))
    if facts.hours_at_least and hours.run is not None:
        hours = dataclasses.replace(hours, note=f"{hours.note}, at least")
    yield hours
    yield _cost(
        "seconds a step", row.step_seconds, _rounded(facts.step_seconds, 3)
    )


def _cost(name: str, paper: float | None, run: float | None) -> Line:
    """A line whose difference is said as a ratio."""
    status = _status(paper, run)
    if paper and run and status == DIFFERS:
        if f"{run:.2g}" == f"{paper:.2g}":
            return Line("Cost", name, paper, run, SAME, "to two digits")
        return Line("Cost", name, paper, run, status, f"x {run / paper:.2g}")
    return Line("Cost", name, paper, run, status)


def _product(*factors: float | None) -> float | None:
    """The product of what is known, None if anything is not."""
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _notes(row: Row, facts: Facts) -> Iterator[str]:
    yield f"Hours of this run: {facts.hours_from}."
    yield (
        "FLOPs: the paper multiplies hours, 8 devices and the P100's sustained"
        " 9.5 TFLOPS, which is what the hardware could have done; 6 x"
        " parameters x tokens counts what the model does, forward and backward."
        " The two are not to be compared with each other. Tokens of the paper"
        " are its 25,000 a batch times its steps; those of the run are without"
        " padding."
    )
    if row.millions:
        yield (
            f"Parameters: the paper's {row.millions} million do not follow"
            " from its vocabulary of about 37,000, with which base has 63 and"
            " big 214; what it counted is not known."
        )
    if row.metric == "f1":
        yield (
            "The paper does not publish dropout, learning rate, steps or"
            " averaging of its parsers, nor how F1 was computed; here it is by"
            " EVALB's rules with COLLINS.prm, all lengths."
        )
        return
    yield (
        "BLEU of the paper is of tokenised text with compounds split"
        " (paper_bleu); sacrebleu of the same translation is lower by one or"
        " two points, and is not in the paper."
    )
    yield (
        "English-French, big: the paper contradicts itself, with 41.8 BLEU in"
        " Table 2 and the abstract and 41.0 in the text of section 6.1."
    )
    yield (
        "The paper averages checkpoints for newstest2014 (Table 2), not for"
        " newstest2013 (Table 3)."
    )
