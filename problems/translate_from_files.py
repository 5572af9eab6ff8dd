"""The user's own text, without writing code.

`--tmp_dir` is a folder with `train.src`, `train.tgt`, `dev.src` and `dev.tgt`
(each may be packed as `.gz`): UTF-8, a sentence a line, line i of one file the
translation of line i of the other.
"""

import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.registry import register_problem
from t2t_repro.text import lines
from t2t_repro.text.lines import LinePairs

# Below so many pairs text is small, and gets fewer pieces, as Sennrich and
# Zhang 2019 (arXiv:1905.11901) found best for 5,000 sentences: 2,000.
_SMALL_TEXT, _SMALL_VOCABULARY = 10_000, 2000
# From so many on the paper's base model pays, where there is a GPU.
_LARGE_TEXT = 100_000


@register_problem
class TranslateFromFiles(TextToTextProblem):
    """Any language pair, from four text files."""

    source_language = "src"
    target_language = "tgt"
    approx_vocab_size = 8192
    train_shards = 10

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        yield from lines.paired_lines(
            _find(tmp_dir, f"{split}.src"), _find(tmp_dir, f"{split}.tgt")
        )

    def sources(self) -> list[dict[str, Any]]:
        """The four files, to be found changed under data made from them."""
        return [
            {"split": split, "file": f"{split}.{side}", "sha256": None}
            for split in self.splits
            for side in ("src", "tgt")
        ]

    def expected_pairs(self, split: str, tmp_dir: pathlib.Path) -> int:
        return sum(
            1 for _ in lines.iterate_lines(_find(tmp_dir, f"{split}.src"))
        )

    def learn_vocabulary(
        self, lines: Iterator[str], path: pathlib.Path
    ) -> None:
        from t2t_repro.text import bpe  # --registry_help needs no library

        # Two lines a pair.
        first = list(itertools.islice(lines, 2 * _SMALL_TEXT))
        size = self.approx_vocab_size
        if len(first) < 2 * _SMALL_TEXT:
            size = min(size, _SMALL_VOCABULARY)
        bpe.learn(itertools.chain(first, lines), size, path)

    def default_hparams_set(self, pairs: int, has_gpu: bool) -> str:
        is_large = has_gpu and pairs >= _LARGE_TEXT
        return (
            "transformer_base_one_gpu"
            if is_large
            else "transformer_low_resource"
        )


def _find(folder: pathlib.Path, name: str) -> pathlib.Path:
    path = lines.find(folder / name)
    if path is None:
        raise InputError(
            f"{folder / name} does not exist: translate_from_files takes the"
            " folder with train.src, train.tgt, dev.src and dev.tgt as"
            " --tmp_dir."
        )
    return path
