"""Multi30k (Elliott et al. 2016): 29,000 image captions, En-De and En-Fr.

Small enough to train on a laptop, real enough to be worth translating. The
raw text of the public repository is used, not its tokenised form.
"""

import pathlib
from typing import Any

from t2t_repro.data import download
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.registry import register_problem
from t2t_repro.text import lines
from t2t_repro.text.lines import LinePairs

_URL = (
    "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
)
_STEMS = {"train": "train", "dev": "val", "test": "test_2016_flickr"}
_SHA256_OF_SPLITS = """
    train de 726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6
    train en d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f
    train fr 622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c
    dev de f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a
    dev en 14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28
    dev fr ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9
    test de 9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8
    test en 611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9
    test fr 6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90
    """
_SHA256 = {
    (split, language): sha256
    for split, language, sha256 in map(
        str.split, _SHA256_OF_SPLITS.strip().splitlines()
    )
}


class _Multi30k(TextToTextProblem):
    source_language = "en"
    approx_vocab_size = 8192
    train_shards = 4
    splits = ("train", "dev", "test")

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        paths = [
            download.fetch(_file(split, language), tmp_dir)
            for language in (self.source_language, self.target_language)
        ]
        yield from lines.paired_lines(*paths)

    def sources(self) -> list[dict[str, Any]]:
        return [
            {"split": split, "url": file.url, "sha256": file.sha256}
            for split in self.splits
            for language in (self.source_language, self.target_language)
            for file in (_file(split, language),)
        ]


@register_problem
class TranslateEndeMulti30k(_Multi30k):
    """English to German: descriptions of 29,000 pictures."""

    target_language = "de"


@register_problem
class TranslateEnfrMulti30k(_Multi30k):
    """English to French: descriptions of 29,000 pictures."""

    target_language = "fr"


@register_problem
class TranslateEndeMulti30kBpe4k(TranslateEndeMulti30k):
    """`translate_ende_multi30k` with half the vocabulary."""

    approx_vocab_size = 4096


@register_problem
class TranslateEnfrMulti30kBpe4k(TranslateEnfrMulti30k):
    """`translate_enfr_multi30k` with half the vocabulary."""

    approx_vocab_size = 4096


def _file(split: str, language: str) -> download.RemoteFile:
    name = f"{_STEMS[split]}.{language}.gz"
    return download.RemoteFile(_URL + name, name, _SHA256[split, language])
