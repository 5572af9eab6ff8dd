"""tensor2tensor's WMT problems under tensor2tensor's names.

What trained the models that were compared for years is not WMT 2014 for
English-German: the news commentary is version 13, of WMT 2018. The tables give
corpora in the order in which tensor2tensor 1.15 read them; the vocabulary is
learnt as there, from a million characters of each file. English-French is all
of WMT 2014, 40.8 million pairs, read as a stream; nothing is filtered, as in
tensor2tensor (the paper's 36 million: `translate_enfr_wmt14_wp32k`). Numbers of
lines are those that others counted; where another is read, a warning says so.

Added: newstest2014 as the test split, its `.sgm` text as it stands. References
to compare with others come from `sacrebleu -t wmt14/full`.
"""

from t2t_repro.data.archive_problem import ArchiveProblem, Corpus
from t2t_repro.registry import register_problem

from . import wmt_archives

_ENDE_TRAIN = (
    Corpus(
        "news-commentary-v13",
        2018,
        wmt_archives.NEWS_COMMENTARY_V13,
        "training-parallel-nc-v13/news-commentary-v13.de-en.en",
        "training-parallel-nc-v13/news-commentary-v13.de-en.de",
        284_246,
    ),
    Corpus(
        "commoncrawl",
        2013,
        wmt_archives.COMMON_CRAWL,
        "commoncrawl.de-en.en",
        "commoncrawl.de-en.de",
        2_399_123,
    ),
    Corpus(
        "europarl-v7",
        2013,
        wmt_archives.EUROPARL_V7,
        "training/europarl-v7.de-en.en",
        "training/europarl-v7.de-en.de",
        1_920_209,
    ),
)
_ENFR_TRAIN = (
    Corpus(
        "commoncrawl",
        2013,
        wmt_archives.COMMON_CRAWL,
        "commoncrawl.fr-en.en",
        "commoncrawl.fr-en.fr",
        3_244_152,
    ),
    Corpus(
        "europarl-v7",
        2013,
        wmt_archives.EUROPARL_V7,
        "training/europarl-v7.fr-en.en",
        "training/europarl-v7.fr-en.fr",
        2_007_723,
    ),
    Corpus(
        "news-commentary-v9",
        2014,
        wmt_archives.NEWS_COMMENTARY_V9,
        "training/news-commentary-v9.fr-en.en",
        "training/news-commentary-v9.fr-en.fr",
        183_251,
    ),
    Corpus(
        "giga-fren",
        2010,
        wmt_archives.GIGA_FREN,
        "giga-fren.release2.fixed.en.gz",
        "giga-fren.release2.fixed.fr.gz",
        22_520_376,
    ),
    Corpus(
        "undoc-2000",
        2013,
        wmt_archives.UNITED_NATIONS,
        "un/undoc.2000.fr-en.en",
        "un/undoc.2000.fr-en.fr",
        12_886_831,
    ),
)


def _news_tests(other: str) -> dict[str, tuple[Corpus, ...]]:
    """newstest2013 to develop on, newstest2014 to test on.

    Of newstest2014 the files of the other direction are taken, which
    TensorFlow Datasets reads: they hold the same sentences.
    """
    stem = f"dev/newstest2014-{other}en"
    return {
        "dev": (
            Corpus(
                "newstest2013",
                2013,
                wmt_archives.DEV_2017,
                "dev/newstest2013.en",
                f"dev/newstest2013.{other}",
                3_000,
            ),
        ),
        "test": (
            Corpus(
                "newstest2014",
                2014,
                wmt_archives.DEV_2019,
                f"{stem}-ref.en.sgm",
                f"{stem}-src.{other}.sgm",
                3_003,
            ),
        ),
    }


class _Wmt(ArchiveProblem):
    source_language = "en"
    approx_vocab_size = 2**15
    train_shards = 100
    splits = ("train", "dev", "test")


@register_problem
class TranslateEndeWmt32k(_Wmt):
    """English to German, 4.6 million pairs, 2^15 subwords."""

    target_language = "de"
    corpora = {"train": _ENDE_TRAIN, **_news_tests("de")}


@register_problem
class TranslateEndeWmt8k(TranslateEndeWmt32k):
    """`translate_ende_wmt32k` with 2^13 subwords."""

    approx_vocab_size = 2**13


@register_problem
class TranslateEnfrWmt32k(_Wmt):
    """English to French, 40.8 million pairs, 2^15 subwords."""

    target_language = "fr"
    corpora = {"train": _ENFR_TRAIN, **_news_tests("fr")}


@register_problem
class TranslateEnfrWmt8k(TranslateEnfrWmt32k):
    """`translate_enfr_wmt32k` with 2^13 subwords."""

    approx_vocab_size = 2**13
