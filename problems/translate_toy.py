"""The built-in corpus: sentences of a small grammar, nothing to download.

For demonstrations and tests: a tiny model learns it on two CPU cores in
minutes, and its BLEU says whether everything between text and text works.
"""

import pathlib

from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.registry import register_problem
from t2t_repro.text.lines import LinePairs

from . import toy_grammar

_PAIRS = {"train": 20_000, "dev": 400, "test": 1000}


class _Toy(TextToTextProblem):
    source_language = "en"
    approx_vocab_size = 1000
    train_shards = 2
    splits = ("train", "dev", "test")

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        del tmp_dir  # there is no raw material
        side = {"de": "german", "fr": "french"}[self.target_language]
        for triple in toy_grammar.corpus(split, _PAIRS[split]):
            yield triple.english, getattr(triple, side)


@register_problem
class TranslateEndeToy(_Toy):
    """English to German: sentences of a small grammar, built in."""

    target_language = "de"


@register_problem
class TranslateEnfrToy(_Toy):
    """English to French: sentences of a small grammar, built in."""

    target_language = "fr"
