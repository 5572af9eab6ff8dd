"""The tables of "Attention Is All You Need" as data (arXiv:1706.03762v5).

A `Row` is a line of Table 2, 3 or 4 with all that sections 5 and 6 say of how
it came about; `None` stands wherever the paper says nothing. `find_row` chooses
the row that a run is to be held against. The hparam sets of `hparams/` are not
read: two tables written apart can be compared (and a test does).
"""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model was made; of a row as of a run. None: not known.

    Attributes, where the name does not say it:
      data: name of the problem that has the paper's text.
      batch_tokens: per update, over all replicas, of the longer side.
      accumulate_steps: micro-batches per update.
      averaged: checkpoints in the average; 0: none.
      checkpoint_minutes: between two checkpoints.
      extra_length: ids that the output may have beyond the input's.
    """

    # Data.
    data: str | None = None
    languages: str | None = None
    data_year: str | None = None
    training_pairs: int | None = None
    vocabulary: str | None = None
    vocabulary_size: int | None = None
    # Model.
    encoder_layers: int | None = None
    decoder_layers: int | None = None
    d_model: int | None = None
    d_ff: int | None = None
    h: int | None = None
    d_k: int | None = None
    d_v: int | None = None
    normalisation: str | None = None
    positions: str | None = None
    shared_embeddings: str | None = None
    # Training.
    residual_dropout: float | None = None
    attention_dropout: float | None = None
    relu_dropout: float | None = None
    label_smoothing: float | None = None
    adam: str | None = None
    schedule: str | None = None
    warmup_steps: int | None = None
    batch_tokens: int | None = None
    replicas: int | None = None
    accumulate_steps: int | None = None
    train_steps: int | None = None
    # Decoding.
    averaged: int | None = None
    checkpoint_minutes: float | None = None
    beam_size: int | None = None
    alpha: float | None = None
    extra_length: int | None = None


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


# Sections 3, 5 and 6.1, the words of which `run_facts` uses for a run, too.
SINUSOIDS = "sinusoids, sine and cosine in turn"
LEARNED = "learned"
POST_NORM = "after each sub-layer"
SHARED = "both embeddings and the softmax"
NOAM = "rises over the warm-up, then with step^-0.5"
BPE = "BPE, shared"
WORD_PIECES = "word-pieces, shared"

_BASE = Recipe(
    data="translate_ende_wmt14_bpe37k",
    languages="en-de",
    data_year="2014",
    training_pairs=4_500_000,
    vocabulary=BPE,
    vocabulary_size=37_000,
    encoder_layers=6,
    decoder_layers=6,
    d_model=512,
    d_ff=2048,
    h=8,
    d_k=64,
    d_v=64,
    normalisation=POST_NORM,
    positions=SINUSOIDS,
    shared_embeddings=SHARED,
    residual_dropout=0.1,
    attention_dropout=0.0,
    relu_dropout=0.0,
    label_smoothing=0.1,
    adam="0.9, 0.98, 1e-09",
    schedule=NOAM,
    warmup_steps=4000,
    batch_tokens=25_000,
    replicas=8,
    accumulate_steps=1,
    train_steps=100_000,
    averaged=5,
    checkpoint_minutes=10.0,
    beam_size=4,
    alpha=0.6,
    extra_length=50,
)
_BIG = dataclasses.replace(
    _BASE,
    d_model=1024,
    d_ff=4096,
    h=16,
    residual_dropout=0.3,
    train_steps=300_000,
    averaged=20,
)
_ENGLISH_FRENCH: dict[str, Any] = {
    "data": "translate_enfr_wmt14_wp32k",
    "languages": "en-fr",
    "training_pairs": 36_000_000,
    "vocabulary": WORD_PIECES,
    "vocabulary_size": 32_000,
}
_BASE_COST: dict[str, Any] = {
    "millions": 65,
    "hours": 12.0,
    "step_seconds": 0.4,
    "flops": 3.3e18,
}
_BIG_COST: dict[str, Any] = {
    "millions": 213,
    "hours": 84.0,  # 3.5 days
    "step_seconds": 1.0,
    "flops": 2.3e19,
}

BASE = Row(
    name="base, En-De (Tables 2 and 3)",
    recipe=_BASE,
    test_set="newstest2014",
    test_score=27.3,
    dev_bleu=25.8,
    dev_perplexity=4.92,
    **_BASE_COST,
)
BIG = Row(
    name="big, En-De (Tables 2 and 3)",
    recipe=_BIG,
    test_set="newstest2014",
    test_score=28.4,
    dev_bleu=26.4,
    dev_perplexity=4.33,
    **_BIG_COST,
)
BASE_ENFR = Row(
    name="base, En-Fr (Table 2)",
    recipe=dataclasses.replace(_BASE, **_ENGLISH_FRENCH),
    test_set="newstest2014",
    test_score=38.1,
    **_BASE_COST,
)
BIG_ENFR = Row(
    name="big, En-Fr (Table 2)",
    recipe=dataclasses.replace(_BIG, **_ENGLISH_FRENCH, residual_dropout=0.1),
    test_set="newstest2014",
    test_score=41.8,
    **_BIG_COST,
)

# Section 6.3 and Table 4: "all other parameters" are the base model's. Dropout,
# the learning rate, the steps and averaging are not published.
_PARSING = dataclasses.replace(
    _BASE,
    data="parsing_wsj_wp16k",
    languages="en-trees",
    data_year=None,
    training_pairs=40_000,
    vocabulary=None,
    vocabulary_size=16_000,
    encoder_layers=4,
    decoder_layers=4,
    d_model=1024,
    d_k=128,
    d_v=128,
    residual_dropout=None,
    attention_dropout=None,
    schedule=None,
    train_steps=None,
    averaged=None,
    checkpoint_minutes=None,
    beam_size=21,
    alpha=0.3,
    extra_length=300,
)
PARSING = Row(
    name="4 layers, WSJ only (Table 4)",
    recipe=_PARSING,
    metric="f1",
    test_set="WSJ section 23",
    dev_set="WSJ section 22",
    test_score=91.3,
)
PARSING_SEMI = Row(
    name="4 layers, semi-supervised (Table 4)",
    recipe=dataclasses.replace(
        _PARSING,
        data="parsing_semisupervised_wp32k",
        training_pairs=17_000_000,
        vocabulary_size=32_000,
    ),
    metric="f1",
    test_set="WSJ section 23",
    dev_set="WSJ section 22",
    test_score=92.7,
)


def _variation(
    letter: str,
    perplexity: float,
    bleu: float,
    millions: int | None = None,
    **changes: Any,
) -> Row:
    """A row of Table 3 between base and big; they were not averaged."""
    changed = ", ".join(f"{name} {value}" for name, value in changes.items())
    return Row(
        name=f"({letter}) {changed} (Table 3)",
        recipe=dataclasses.replace(
            _BASE, **changes, averaged=0, checkpoint_minutes=None
        ),
        test_set="newstest2014",
        dev_bleu=bleu,
        dev_perplexity=perplexity,
        millions=millions,
    )


def _layers(count: int, perplexity: float, bleu: float, millions: int) -> Row:
    changes = {"encoder_layers": count, "decoder_layers": count}
    return _variation("C", perplexity, bleu, millions, **changes)


# By the name of the hparam set.
TABLE_3 = {
    "transformer_base": BASE,
    "transformer_h1": _variation("A", 5.29, 24.9, h=1, d_k=512, d_v=512),
    "transformer_h4": _variation("A", 5.00, 25.5, h=4, d_k=128, d_v=128),
    "transformer_h16": _variation("A", 4.91, 25.8, h=16, d_k=32, d_v=32),
    "transformer_h32": _variation("A", 5.01, 25.4, h=32, d_k=16, d_v=16),
    "transformer_k128": _variation("B", 5.16, 25.1, 58, d_k=16),
    "transformer_k256": _variation("B", 5.01, 25.4, 60, d_k=32),
    "transformer_l2": _layers(2, 6.11, 23.7, 36),
    "transformer_l4": _layers(4, 5.19, 25.3, 50),
    "transformer_l8": _layers(8, 4.88, 25.5, 80),
    "transformer_hs256": _variation(
        "C", 5.75, 24.5, 28, d_model=256, d_k=32, d_v=32
    ),
    "transformer_hs1024": _variation(
        "C", 4.66, 26.0, 168, d_model=1024, d_k=128, d_v=128
    ),
    "transformer_ff1024": _variation("C", 5.12, 25.4, 53, d_ff=1024),
    "transformer_ff4096": _variation("C", 4.75, 26.2, 90, d_ff=4096),
    "transformer_dr0": _variation("D", 5.77, 24.6, residual_dropout=0.0),
    "transformer_dr2": _variation("D", 4.95, 25.5, residual_dropout=0.2),
    "transformer_ls0": _variation("D", 4.67, 25.3, label_smoothing=0.0),
    "transformer_ls2": _variation("D", 5.47, 25.7, label_smoothing=0.2),
    "transformer_emb": _variation("E", 4.92, 25.7, positions=LEARNED),
    "transformer_big": BIG,
}
# The same recipes for one replica, by accumulation.
_ONE_GPU = {
    "transformer_base_one_gpu": BASE,
    "transformer_big_one_gpu": BIG,
}
_FRENCH = {BASE.name: BASE_ENFR, BIG.name: BIG_ENFR}


def find_row(
    hparams_set: str, languages: str, problem: str
) -> tuple[Row, bool]:
    """Finds the row that a run is to be held against.

    Args:
      hparams_set: the run's.
      languages: source and target, such as `"en-de"`.
      problem: its full name.

    Returns:
      The row, and whether the set is the row's own; if not, the row is the
      nearest: parsing for a parser, else base (or big for a big model).
    """
    if problem.startswith("parsing_"):
        semi = "semi" in hparams_set or "semi" in problem
        own = hparams_set == (
            "transformer_parsing_base_semisupervised"
            if semi
            else "transformer_parsing_base"
        )
        return (PARSING_SEMI if semi else PARSING), own
    if hparams_set == "transformer_big_enfr":
        return BIG_ENFR, True
    known = TABLE_3 | _ONE_GPU
    nearest = BIG if hparams_set.startswith("transformer_big") else BASE
    row = known.get(hparams_set, nearest)
    if languages == "en-fr":
        row = _FRENCH.get(row.name, row)
    # The En-De set is another recipe than En-Fr's: dropout 0.3 for 0.1.
    own = hparams_set in known and row is not BIG_ENFR
    return row, own


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
