"""Constituency parsing: section 6.3 and Table 4.

The Wall Street Journal part of the Penn Treebank may not be given away: the
user puts LDC99T42 into `--tmp_dir`, and for the semi-supervised setting two
more files. A sample of 3,914 of its sentences is free (NLTK's `treebank`).

Each split is either one file, `<split>.trees` with one tree a line (also as
`<split>.raw.trees` or `<split>.plain.trees`) or `<split>.mrg`, or, of LDC99T42,
its own `.mrg` files in whatever folders. All may be packed (`.gz`).
"""

import collections
import pathlib
import re
from collections.abc import Iterator

from t2t_repro.data.parsing_problem import ParsingProblem
from t2t_repro.errors import InputError
from t2t_repro.registry import register_problem
from t2t_repro.text import lines
from t2t_repro.text.trees import Tree

from . import tree_recombination

_LAYOUTS = ("trees", "raw.trees", "plain.trees", "mrg")
_SECTIONS = {"train": range(2, 22), "dev": range(22, 23), "test": range(23, 24)}
_SECTION_FILE = re.compile(r"wsj_(\d\d)\d\d\.mrg(\.gz)?", re.IGNORECASE)
# Vinyals et al. (2015): trees on which two parsers agree, and the
# BerkeleyParser corpus.
_MACHINE_PARSED = ("high_confidence.trees", "berkeley_parser.trees")


@register_problem
class ParsingPtbSample(ParsingProblem):
    """The Penn Treebank's public sample: 3,396 sentences, 273 more for dev.

    So few sentences show a rare word once or never; with a small vocabulary
    its subwords are seen more often. The sample's other 245 sentences are left
    aside, for a test.
    """

    approx_vocab_size = 2000
    words_in_target = True
    train_shards = 1

    def tree_files(
        self, split: str, tmp_dir: pathlib.Path
    ) -> list[pathlib.Path]:
        found = _find(tmp_dir, split)
        if found is None:
            raise InputError(
                f"{tmp_dir} has no {split}.trees: --tmp_dir must hold the"
                " public Penn Treebank sample (NLTK's package treebank) as"
                " train.trees and dev.trees, one tree a line, or as train.mrg"
                " and dev.mrg, its .mrg files put together."
            )
        return [found]

    def sources(self) -> list[dict[str, str]]:
        return [
            {"split": split, "corpus": "public sample of the Penn Treebank"}
            for split in self.splits
        ]


@register_problem
class ParsingPtbSampleInorder(ParsingPtbSample):
    """`parsing_ptb_sample`, each bracket behind its first child."""

    in_order = True


@register_problem
class ParsingPtbSampleRecombined(ParsingPtbSample):
    """`parsing_ptb_sample`, with 19 recombined copies of each sentence.

    What is developed on is the sample's, untouched.
    """

    train_shards = 4

    def training_trees(self, annotated: Iterator[Tree]) -> Iterator[Tree]:
        originals = list(annotated)
        yield from originals
        yield from tree_recombination.recombined(originals, copies=19, seed=1)

    def sources(self) -> list[dict[str, str]]:
        return [
            *super().sources(),
            {"split": "train", "corpus": "19 recombined copies of the sample"},
        ]


@register_problem
class ParsingPtbSampleRecombinedInorder(ParsingPtbSampleRecombined):
    """`parsing_ptb_sample_recombined`, each bracket behind its first child."""

    in_order = True


@register_problem
class ParsingWsjWp16k(ParsingProblem):
    """Wall Street Journal: sections 02-21, some 40,000; dev 22, test 23."""

    approx_vocab_size = 16_000
    train_shards = 10
    splits = ("train", "dev", "test")
    # What these sections hold.
    published_pairs = {"train": 39_832, "dev": 1_700, "test": 2_416}

    def tree_files(
        self, split: str, tmp_dir: pathlib.Path
    ) -> list[pathlib.Path]:
        found = _find(tmp_dir, split)
        return [found] if found else _section_files(split, tmp_dir)

    def sources(self) -> list[dict[str, str]]:
        return [
            {
                "split": split,
                "corpus": "LDC99T42, Wall Street Journal, sections"
                f" {sections[0]:02}-{sections[-1]:02}",
            }
            for split, sections in _SECTIONS.items()
        ]


@register_problem
class ParsingSemisupervisedWp32k(ParsingWsjWp16k):
    """`parsing_wsj_wp16k`, and some 17 million sentences parsed by machine."""

    approx_vocab_size = 32_000
    train_shards = 100
    published_pairs = {"dev": 1_700, "test": 2_416}

    def tree_files(
        self, split: str, tmp_dir: pathlib.Path
    ) -> list[pathlib.Path]:
        wsj = super().tree_files(split, tmp_dir)
        if split != "train":
            return wsj
        for name in _MACHINE_PARSED:
            path = lines.find(tmp_dir / name)
            if path is None:
                raise InputError(
                    f"{tmp_dir / name} does not exist: {self.name} takes, one"
                    " tree a line, the high-confidence corpus as"
                    f" {_MACHINE_PARSED[0]} and the BerkeleyParser corpus as"
                    f" {_MACHINE_PARSED[1]} in --tmp_dir, beside LDC99T42."
                )
            wsj.append(path)
        return wsj

    def sources(self) -> list[dict[str, str]]:
        return [
            *super().sources(),
            *({"split": "train", "corpus": name} for name in _MACHINE_PARSED),
        ]


def _find(folder: pathlib.Path, split: str) -> pathlib.Path | None:
    """The one file that holds a whole split, if there is one."""
    candidates = (folder / f"{split}.{layout}" for layout in _LAYOUTS)
    return next(filter(None, map(lines.find, candidates)), None)


def _section_files(split: str, folder: pathlib.Path) -> list[pathlib.Path]:
    """LDC99T42's own files of a split, in the order of their names."""
    by_section: dict[int, dict[str, pathlib.Path]] = collections.defaultdict(
        dict
    )
    for path in sorted(folder.rglob("*")):
        match = _SECTION_FILE.fullmatch(path.name)
        if match is None:
            continue
        name = path.name.lower().removesuffix(".gz")
        other = by_section[int(match[1])].setdefault(name, path)
        if other != path:
            raise InputError(
                f"{path} is there twice, also as {other}: leave one copy of"
                " LDC99T42 in --tmp_dir."
            )
    missing = [n for n in _SECTIONS[split] if n not in by_section]
    if missing:
        listed = ", ".join(f"{number:02}" for number in missing)
        raise InputError(
            f"{folder} lacks sections {listed} of the Wall Street Journal: put"
            " the .mrg files of LDC99T42 (the Penn Treebank, from the"
            " Linguistic Data Consortium) there, such as wsj/02/wsj_0201.mrg,"
            f" or the whole split as {split}.mrg, or as {split}.trees, one"
            " tree a line."
        )
    return [
        by_section[number][name]
        for number in _SECTIONS[split]
        for name in sorted(by_section[number])
    ]
