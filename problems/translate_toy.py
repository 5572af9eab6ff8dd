"""The built-in corpus: sentences of a small grammar, nothing to download.

For demonstrations and tests: a tiny model learns it on two CPU cores in
minutes, and its BLEU says whether everything between text and text works.
"""

import pathlib
from collections.abc import Iterator

from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.registry import register_problem

from . import toy_grammar

_PAIRS = {"train": 20_000, "dev": 400, "test": 1000}


class _Toy(TextToTextProblem):
    source_language = "en"
    approx_vocab_size = 1000
    train_shards = 2
    splits = ("train", "dev", "test")

    def generate_samples(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, str]]:
        del tmp_dir  # there is no raw material
        for triple in toy_grammar.corpus(split, _PAIRS[split]):
            yield triple.english, self._translation(triple)

    def _translation(self, triple: toy_grammar.Triple) -> str:
        return {"de": triple.german, "fr": triple.french}[self.target_language]


@register_problem
class TranslateEndeToy(_Toy):
    """English to German: sentences of a small grammar, built in."""

    target_language = "de"


@register_problem
class TranslateEnfrToy(_Toy):
    """English to French: sentences of a small grammar, built in."""

    target_language = "fr"
