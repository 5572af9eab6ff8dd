"""The user's own text, without writing code.

`--tmp_dir` is a folder with `train.src`, `train.tgt`, `dev.src` and `dev.tgt`
(each may be packed as `.gz`): UTF-8, a sentence a line, line i of one file the
translation of line i of the other.
"""

import pathlib
from collections.abc import Iterator
from typing import Any

from t2t_repro.data import download
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError
from t2t_repro.registry import register_problem
from t2t_repro.text import lines


@register_problem
class TranslateFromFiles(TextToTextProblem):
    """Any language pair, from four text files."""

    source_language = "src"
    target_language = "tgt"
    approx_vocab_size = 8192
    train_shards = 10

    def generate_samples(
        self, split: str, tmp_dir: pathlib.Path
    ) -> Iterator[tuple[str, str]]:
        yield from download.paired_lines(
            _find(tmp_dir, f"{split}.src"), _find(tmp_dir, f"{split}.tgt")
        )

    def sources(self) -> list[dict[str, Any]]:
        """The four files, to be found changed under data made from them."""
        return [
            {"split": split, "file": f"{split}.{side}", "sha256": None}
            for split in self.splits
            for side in ("src", "tgt")
        ]

    def count_pairs(self, split: str, tmp_dir: pathlib.Path) -> int:
        return sum(
            1 for _ in lines.iterate_lines(_find(tmp_dir, f"{split}.src"))
        )


def _find(folder: pathlib.Path, name: str) -> pathlib.Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise InputError(
        f"{folder / name} does not exist: translate_from_files takes the"
        " folder with train.src, train.tgt, dev.src and dev.tgt as --tmp_dir."
    )
