"""The rows of "Attention Is All You Need" that a run is compared with (v5).

A row's recipe is read from the hparams set that is the paper's model, so that
the numbers of sections 3 to 5 stand once, in `hparams/`; here stands what is no
hparam: data, steps, averaging and decoding of sections 5 and 6, and the scores
of Tables 2, 3 and 4. `None` stands wherever the paper says nothing.
"""

import dataclasses
from typing import Any

from t2t_repro import registry
from t2t_repro.hparam import HParams

# Words for a recipe's fields, the paper's as a run's.
SHARED = "both embeddings and the softmax"
NOAM = "rises over the warm-up, then with step^-0.5"
BPE = "BPE, shared"
WORD_PIECES = "word-pieces, shared"


def _line(section: str, name: str, about: float = 0.0, note: str = "") -> Any:
    """A field, and what the report writes of it.

    Of what the paper gives as "about", so large a share is no difference.
    """
    metadata = {"section": section, "name": name, "about": about, "note": note}
    return dataclasses.field(default=None, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model was made; of a row as of a run. None: not known.

    The fields stand in the order of the report.
    """

    # The problem that has the paper's text.
    data: str | None = _line(
        "Data", "problem", note="the paper's data, under its name here"
    )
    languages: str | None = _line("Data", "languages")
    data_year: str | None = _line("Data", "year of the data")
    training_pairs: int | None = _line("Data", "training pairs", 0.05)
    vocabulary: str | None = _line("Data", "vocabulary")
    vocabulary_size: int | None = _line("Data", "vocabulary size", 0.05)
    family: str | None = _line("Model", "model")
    encoder_layers: int | None = _line("Model", "encoder layers, N")
    decoder_layers: int | None = _line("Model", "decoder layers, N")
    d_model: int | None = _line("Model", "d_model")
    d_ff: int | None = _line("Model", "d_ff")
    h: int | None = _line("Model", "heads, h")
    d_k: int | None = _line("Model", "d_k")
    d_v: int | None = _line("Model", "d_v")
    normalisation: str | None = _line("Model", "layer normalisation")
    positions: str | None = _line("Model", "positions")
    shared_embeddings: str | None = _line("Model", "shared weights")
    residual_dropout: float | None = _line("Training", "P_drop")
    attention_dropout: float | None = _line("Training", "dropout of attention")
    relu_dropout: float | None = _line("Training", "dropout after ReLU")
    label_smoothing: float | None = _line("Training", "label smoothing")
    adam: str | None = _line("Training", "Adam beta1, beta2, epsilon")
    schedule: str | None = _line("Training", "learning rate")
    warmup_steps: int | None = _line("Training", "warm-up steps")
    # Of an update, over all replicas.
    batch_tokens: int | None = _line(
        "Training",
        "tokens per batch",
        0.05,
        "sentences x longer side; the paper counts each side",
    )
    replicas: int | None = _line("Training", "replicas (GPUs)")
    accumulate_steps: int | None = _line("Training", "accumulated batches")
    train_steps: int | None = _line(
        "Training", "steps", note="the newest checkpoint"
    )
    averaged: int | None = _line(  # 0: none
        "Decoding",
        "averaged checkpoints",
        note="in the checkpoint that t2t-decoder takes",
    )
    checkpoint_minutes: float | None = _line(
        "Decoding", "minutes between checkpoints", 0.1
    )
    beam_size: int | None = _line(
        "Decoding",
        "beam",
        note="the report's --decode_hparams, or their default",
    )
    alpha: float | None = _line("Decoding", "alpha")
    extra_length: int | None = _line("Decoding", "extra length")


def recipe_of(hparams: HParams) -> Recipe:
    """All of a recipe that the hparams say."""
    schedule = hparams.learning_rate_schedule
    if schedule == "noam" and hparams.learning_rate_constant == 1.0:
        schedule = NOAM
    elif schedule == "noam":
        schedule = f"{NOAM}, x {hparams.learning_rate_constant}"
    shared = "none"
    if hparams.shared_embedding_and_softmax_weights:
        shared = SHARED
    elif hparams.shared_embedding:
        shared = "both embeddings"
    adam = (
        hparams.optimizer_adam_beta1,
        hparams.optimizer_adam_beta2,
        hparams.optimizer_adam_epsilon,
    )
    # A family has words of its own, which no row of the paper has.
    known = {field.name for field in dataclasses.fields(Recipe)}
    words = hparams.architecture()
    return Recipe(
        family=hparams.MODEL,
        d_model=hparams.hidden_size,
        shared_embeddings=shared,
        label_smoothing=hparams.label_smoothing,
        adam=(
            ", ".join(f"{value:g}" for value in adam)
            if hparams.optimizer == "adam"
            else None
        ),
        schedule=schedule,
        warmup_steps=hparams.learning_rate_warmup_steps,
        accumulate_steps=hparams.accumulate_steps,
        **{name: words[name] for name in words.keys() & known},
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the tables.

    Attributes:
      name: what the report calls it.
      recipe: how it was made.
      test_set: of `test_score`.
      metric: "paper_bleu" or "f1".
      test_score: Table 2 or 4.
      dev_set: of the next two, which are of one checkpoint, not an average.
      dev_bleu: Table 3.
      dev_perplexity: Table 3, per word-piece.
      millions: Table 3's parameters.
      hours: of training, section 5.2.
      step_seconds: section 5.2.
      flops: Table 2; hours x 8 devices x 9.5e12.
    """

    name: str
    recipe: Recipe
    test_set: str
    metric: str = "paper_bleu"
    test_score: float | None = None
    dev_set: str = "newstest2013"
    dev_bleu: float | None = None
    dev_perplexity: float | None = None
    millions: int | None = None
    hours: float | None = None
    step_seconds: float | None = None
    flops: float | None = None


@dataclasses.dataclass(frozen=True)
class Compared:
    """A system of Table 2; FLOPs are those of training."""

    name: str
    bleu_ende: float | None
    bleu_enfr: float | None
    flops_ende: float | None
    flops_enfr: float | None


TABLE_2 = (
    Compared("ByteNet", 23.75, None, None, None),
    Compared("Deep-Att + PosUnk", None, 39.2, None, 1.0e20),
    Compared("GNMT + RL", 24.6, 39.92, 2.3e19, 1.4e20),
    Compared("ConvS2S", 25.16, 40.46, 9.6e18, 1.5e20),
    Compared("MoE", 26.03, 40.56, 2.0e19, 1.2e20),
    Compared("Deep-Att + PosUnk Ensemble", None, 40.4, None, 8.0e20),
    Compared("GNMT + RL Ensemble", 26.30, 41.16, 1.8e20, 1.1e21),
    Compared("ConvS2S Ensemble", 26.36, 41.29, 7.7e19, 1.2e21),
    Compared("Transformer (base)", 27.3, 38.1, 3.3e18, 3.3e18),
    Compared("Transformer (big)", 28.4, 41.8, 2.3e19, 2.3e19),
)

_TABLE_2_OURS = {"base": TABLE_2[-2], "big": TABLE_2[-1]}

# Table 4: parser, training, F1 on section 23.
TABLE_4 = (
    ("Vinyals & Kaiser et al. (2014)", "WSJ only, discriminative", 88.3),
    ("Petrov et al. (2006)", "WSJ only, discriminative", 90.4),
    ("Zhu et al. (2013)", "WSJ only, discriminative", 90.4),
    ("Dyer et al. (2016)", "WSJ only, discriminative", 91.7),
    ("Transformer (4 layers)", "WSJ only, discriminative", 91.3),
    ("Zhu et al. (2013)", "semi-supervised", 91.3),
    ("Huang & Harper (2009)", "semi-supervised", 91.3),
    ("McClosky et al. (2006)", "semi-supervised", 92.1),
    ("Vinyals & Kaiser et al. (2014)", "semi-supervised", 92.1),
    ("Transformer (4 layers)", "semi-supervised", 92.7),
    ("Luong et al. (2015)", "multi-task", 93.0),
    ("Dyer et al. (2016)", "generative", 93.3),
)

# Table 3 by hparams set: row, perplexity, BLEU and millions of parameters.
TABLE_3: dict[str, tuple[str, float, float, int | None]] = {
    "transformer_base": ("base", 4.92, 25.8, 65),
    "transformer_h1": ("A", 5.29, 24.9, None),
    "transformer_h4": ("A", 5.00, 25.5, None),
    "transformer_h16": ("A", 4.91, 25.8, None),
    "transformer_h32": ("A", 5.01, 25.4, None),
    "transformer_k128": ("B", 5.16, 25.1, 58),
    "transformer_k256": ("B", 5.01, 25.4, 60),
    "transformer_l2": ("C", 6.11, 23.7, 36),
    "transformer_l4": ("C", 5.19, 25.3, 50),
    "transformer_l8": ("C", 4.88, 25.5, 80),
    "transformer_hs256": ("C", 5.75, 24.5, 28),
    "transformer_hs1024": ("C", 4.66, 26.0, 168),
    "transformer_ff1024": ("C", 5.12, 25.4, 53),
    "transformer_ff4096": ("C", 4.75, 26.2, 90),
    "transformer_dr0": ("D", 5.77, 24.6, None),
    "transformer_dr2": ("D", 4.95, 25.5, None),
    "transformer_ls0": ("D", 4.67, 25.3, None),
    "transformer_ls2": ("D", 5.47, 25.7, None),
    "transformer_emb": ("E", 4.92, 25.7, None),
    "transformer_big": ("big", 4.33, 26.4, 213),
}
# The same recipes for one replica, by accumulation.
_ONE_GPU = {
    "transformer_base_one_gpu": "transformer_base",
    "transformer_big_one_gpu": "transformer_big",
}
# Sections 5.1, 5.2 and 6.1.
_REPLICAS = 8
_ENGLISH_GERMAN: dict[str, Any] = {
    "data": "translate_ende_wmt14_bpe37k",
    "languages": "en-de",
    "data_year": "2014",
    "training_pairs": 4_500_000,
    "vocabulary": BPE,
    "vocabulary_size": 37_000,
}
_ENGLISH_FRENCH: dict[str, Any] = {
    "data": "translate_enfr_wmt14_wp32k",
    "languages": "en-fr",
    "data_year": "2014",
    "training_pairs": 36_000_000,
    "vocabulary": WORD_PIECES,
    "vocabulary_size": 32_000,
}
_DECODING: dict[str, Any] = {"beam_size": 4, "alpha": 0.6, "extra_length": 50}
_RUNS: dict[str, dict[str, Any]] = {
    "base": {"train_steps": 100_000, "averaged": 5},
    "big": {"train_steps": 300_000, "averaged": 20},
}
_CHECKPOINT_MINUTES = 10.0
_COSTS: dict[str, dict[str, Any]] = {
    "base": {"hours": 12.0, "step_seconds": 0.4},
    "big": {"hours": 84.0, "step_seconds": 1.0},  # 3.5 days
}
# Section 6.3: WSJ only, semi-supervised.
_PARSING_DATA: dict[bool, dict[str, Any]] = {
    False: {
        "data": "parsing_wsj_wp16k",
        "training_pairs": 40_000,
        "vocabulary_size": 16_000,
    },
    True: {
        "data": "parsing_semisupervised_wp32k",
        "training_pairs": 17_000_000,
        "vocabulary_size": 32_000,
    },
}


def row(hparams_set: str, languages: str = "en-de") -> Row:
    """The row of the model that a set is.

    Args:
      hparams_set: a key of `TABLE_3`.
      languages: "en-fr" for Table 2's, of which there are base and big.
    """
    letter, perplexity, bleu, millions = TABLE_3[hparams_set]
    main = _TABLE_2_OURS.get(letter)
    if main is None:
        return Row(
            name=f"({letter}) {hparams_set} (Table 3)",
            # Table 3's variations were not averaged.
            recipe=_recipe(
                hparams_set,
                **_ENGLISH_GERMAN,
                **_DECODING,
                **_RUNS["base"] | {"averaged": 0},
            ),
            test_set="newstest2014",
            dev_bleu=bleu,
            dev_perplexity=perplexity,
            millions=millions,
        )
    is_french = languages == "en-fr"
    # English-French has a set of its own for the big model: another dropout.
    own = "transformer_big_enfr" if letter == "big" and is_french else None
    return Row(
        name=f"{letter}, "
        + ("En-Fr (Table 2)" if is_french else "En-De (Tables 2 and 3)"),
        recipe=_recipe(
            own or hparams_set,
            **(_ENGLISH_FRENCH if is_french else _ENGLISH_GERMAN),
            **_DECODING,
            **_RUNS[letter],
            checkpoint_minutes=_CHECKPOINT_MINUTES,
        ),
        test_set="newstest2014",
        test_score=main.bleu_enfr if is_french else main.bleu_ende,
        dev_bleu=None if is_french else bleu,
        dev_perplexity=None if is_french else perplexity,
        millions=millions,
        flops=main.flops_enfr if is_french else main.flops_ende,
        **_COSTS[letter],
    )


def parsing_row(is_semi_supervised: bool = False) -> Row:
    """A row of Table 4 (section 6.3).

    "All other parameters" are the base model's. Dropout, the learning rate,
    the steps and averaging are not published.
    """
    trained = "semi-supervised" if is_semi_supervised else "WSJ only"
    return Row(
        name=f"4 layers, {trained} (Table 4)",
        recipe=_recipe(
            "transformer_parsing_base",
            languages="en-trees",
            residual_dropout=None,
            attention_dropout=None,
            schedule=None,
            beam_size=21,
            alpha=0.3,
            extra_length=300,
            **_PARSING_DATA[is_semi_supervised],
        ),
        metric="f1",
        test_set="WSJ section 23",
        dev_set="WSJ section 22",
        test_score=parsing_f1(trained),
    )


def parsing_f1(training: str) -> float:
    """Of the paper's own parser, "WSJ only" or "semi-supervised"."""
    (f1,) = (
        f1
        for name, trained, f1 in TABLE_4
        if name == "Transformer (4 layers)" and trained.startswith(training)
    )
    return f1


def _recipe(hparams_set: str, **others: Any) -> Recipe:
    """That of a set on the paper's eight GPUs, with what is no hparam."""
    hparams = registry.hparams(hparams_set)
    return dataclasses.replace(
        recipe_of(hparams),
        batch_tokens=_REPLICAS * hparams.batch_size,
        replicas=_REPLICAS,
        **others,
    )


def find_row(
    hparams_set: str, languages: str, problem: str
) -> tuple[Row, bool]:
    """Finds the row to compare a run with, and whether its set is the row's.

    If not, the row is the nearest: parsing for a parser, else base (or big for
    a big model). Languages are such as `"en-de"`.
    """
    if problem.startswith("parsing_"):
        semi = "semi" in hparams_set or "semi" in problem
        suffix = "_semisupervised" if semi else ""
        own = f"transformer_parsing_base{suffix}"
        return parsing_row(semi), hparams_set == own
    if hparams_set == "transformer_big_enfr":
        return row("transformer_big", "en-fr"), True
    known = {name: name for name in TABLE_3} | _ONE_GPU
    is_big = hparams_set.startswith("transformer_big")
    nearest = "transformer_big" if is_big else "transformer_base"
    name = known.get(hparams_set, nearest)
    # The En-De set is another recipe than En-Fr's: dropout 0.3 for 0.1.
    is_other = name == "transformer_big" and languages == "en-fr"
    return row(name, languages), hparams_set in known and not is_other
