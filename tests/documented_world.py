"""What the readers of README.md and docs/*.md have before they type.

Texts, trees, data and runs, all of them tiny, under the names of the pages.
"""

import gzip
import json
import pathlib
import re
import shutil
import zipfile

import numpy as np
import tensorflow as tf

from t2t_repro import checkpoints
from t2t_repro.data import download, records
from tests import source_tree, toy_run
from tests.documented import Command

_T2T = source_tree.ROOT / "tests" / "testdata" / "t2t" / "model_prenorm_v3"
_MARIAN = source_tree.ROOT / "tests" / "testdata" / "marian" / "plain"
_SIDES = ("src", "tgt")
_LINES = [f"{n} dogs and {n + 1} cats" for n in range(40)]

# (page, word) -> what a reader would put in its place.
FILLED: dict[tuple[str, str], list[str]] = {
    ("README.md", "--problem=..."): ["--problem=translate_ende_wmt14_bpe37k"],
    ("docs/benchmarks.md", "--problem=P"): [f"--problem={toy_run.PROBLEM}"],
    ("docs/benchmarks.md", "--problem=translate_ende_multi30k"): [
        f"--problem={toy_run.PROBLEM}"
    ],
    ("docs/benchmarks.md", "--torch_python=..."): [],
    ("docs/benchmarks.md", "--opennmt_python=..."): [],
    ("docs/benchmarks.md", "--ctranslate2_python=..."): [],
    ("docs/from_tensor2tensor.md", "--problem=..."): [
        "--problem=translate_ende_wmt32k"
    ],
    ("docs/from_tensor2tensor.md", "--hparams_set=..."): [
        "--hparams_set=transformer_base_v3",
        "--hparams=hidden_size=64,filter_size=128,num_heads=4,"
        "num_hidden_layers=2",
    ],
    ("docs/from_tensor2tensor.md", "--data_dir=..."): ["--data_dir=OLD_DATA"],
    ("docs/reproduce.md", "--problem=translate_ende_wmt14_bpe37k"): [
        "--problem=translate_ende_toy"
    ],
    ("docs/serving.md", "--problem=translate_ende_multi30k"): [
        f"--problem={toy_run.PROBLEM}"
    ],
    ("docs/your_own.md", "..."): [
        "--hparams_set=transformer_half",
        "--generate_data",
        "--tmp_dir=T",
        "--data_dir=D",
        "--output_dir=O",
    ],
}


class World:
    """What the text of a section says its reader has, in the folder of now."""

    def __init__(self, toy: toy_run.ToyRun):
        self.toy = toy

    def text(self, *names: str) -> None:
        """A few sentences in each file."""
        for name in names:
            path = pathlib.Path(name)
            path.parent.mkdir(exist_ok=True)
            # Few lines to translate, more to learn from.
            wanted = _LINES if "train" in name else _LINES[:2]
            path.write_text("".join(f"{line}\n" for line in wanted))

    def pairs(self) -> None:
        """What translate_from_files reads."""
        self.text("T/train.src", "T/train.tgt", "T/dev.src", "T/dev.tgt")

    def trees(self) -> None:
        """A treebank, and the words of its dev sentences."""
        tree = "(TOP (S (NP (DT the) (NN {})) (VP (VBZ barks)) (. .)))\n"
        pathlib.Path("T").mkdir()
        for name, words in (("train", _LINES), ("dev", ["dog", "cat"])):
            text = "".join(tree.format(word.split()[-1]) for word in words)
            pathlib.Path(f"T/{name}.trees").write_text(text)
        pathlib.Path("dev.words").write_text(
            "the dog barks .\nthe cat barks .\n"
        )

    def babi(self) -> None:
        """The first task of bAbI, and questions about it."""
        pathlib.Path("T").mkdir()
        story = "1 Mary left.\n2 Where is Mary?\toffice\t1\n"
        for split in ("train", "test"):
            pathlib.Path(f"T/qa1_x_{split}.txt").write_text(story * 40)
        pathlib.Path("questions.txt").write_text("Mary left. Is she here?\n")

    def data(self) -> None:
        """What t2t-datagen writes."""
        shutil.copytree(self.toy.data_dir, "DATA")

    def run(self, name: str) -> None:
        """What t2t-trainer writes."""
        shutil.copytree(self.toy.output_dir, name)

    def page(self) -> None:
        """The page whose tables benchmarks.all writes."""
        pathlib.Path("docs").mkdir()
        shutil.copy(source_tree.ROOT / "docs" / "benchmarks.md", "docs")

    def usr(self) -> None:
        """The page's own --t2t_usr_dir, and the text of its problem."""
        text = (source_tree.ROOT / "docs" / "your_own.md").read_text(
            encoding="utf-8"
        )
        pathlib.Path("usr").mkdir()
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            (path,) = re.findall(r'\A"""(usr/\w+\.py):', block)
            pathlib.Path(path).write_text(block)
        pathlib.Path("T").mkdir()
        for split in ("train", "dev"):
            pairs = "".join(f"{line}\t{line}\n" for line in _LINES)
            pathlib.Path(f"T/phrases.{split}.tsv").write_text(pairs)

    def marian(self) -> None:
        """A MarianMT model with random weights, for that of the page."""
        shutil.copytree(_MARIAN, "opus-mt-en-de")

    def old(self) -> None:
        """A run of tensor2tensor and its data, of 300 ids."""
        for folder in ("OLD", "OLD_DATA"):
            pathlib.Path(folder).mkdir()
        config = json.loads((_T2T / "config.json").read_text())["hparams"]
        hparams = json.dumps(config | {"batch_size": 64})
        pathlib.Path("OLD/hparams.json").write_text(hparams)
        with np.load(_T2T / "weights_toytrained.npz") as file:
            weights = dict(file) | {"global_step": np.int64(500)}
        checkpoints.save(pathlib.Path("OLD"), 500, weights)
        letters = [*"\\_u;0123456789", *"<>EOS", *"abcdefghijklmnopqrst "]
        pieces = ["<pad>_", "<EOS>_", *letters]
        pieces += [f"q{number}_" for number in range(300 - len(pieces))]
        name = "translate_ende_wmt32k"
        path = pathlib.Path(f"OLD_DATA/vocab.{name}.32768.subwords")
        path.write_text("".join(f"'{piece}'\n" for piece in pieces))
        for split in ("train", "dev"):
            shard = records.shard_name(name, split, 0, 1)
            with tf.io.TFRecordWriter(f"OLD_DATA/{shard}") as writer:
                for number in range(2, 30):
                    ids = [number, number + 1, 1]
                    writer.write(records.serialize(ids, ids))


# (page, section) -> what is there before its first command.
GIVEN = {
    ("README.md", "Two commands"): lambda world: world.run("demo_run/run"),
    ("README.md", "Parse the Penn Treebank's public sample"): World.trees,
    ("README.md", "Your own text, no code"): lambda world: (
        world.pairs(),
        world.text("in.txt"),
    ),
    ("README.md", "Look inside"): lambda world: world.run("O"),
    ("README.md", "What is here"): lambda world: world.run("O"),
    ("docs/babi.md", "One task"): World.babi,
    ("docs/babi.md", "The table"): World.babi,
    ("docs/benchmarks.md", "How to run"): lambda world: (
        world.data(),
        world.run("RUN"),
        world.text("SENTENCES"),
        world.page(),
        world.babi(),
    ),
    ("docs/devices.md", "One machine"): World.data,
    ("docs/devices.md", "What stays the same, what does not"): lambda world: (
        world.data(),
        world.run("RUN"),
    ),
    ("docs/from_tensor2tensor.md", "A trained model"): lambda world: (
        world.old(),
        world.text("in.en"),
    ),
    (
        "docs/huggingface.md",
        "From the Hub to a fine-tuned model, and back",
    ): lambda world: (world.marian(), world.text("in.en")),
    ("docs/index.md", "The four commands of every run"): lambda world: (
        world.text("in.en", "ref.de")
    ),
    ("docs/reliability.md", "Memory"): lambda world: (
        world.pairs(),
        world.run("O"),
        world.text("IN"),
    ),
    ("docs/rivals.md", "Side by side"): lambda world: (
        world.run("RUN"),
        world.run("CONVS2S"),
    ),
    ("docs/serving.md", "Among fewer ids"): lambda world: (
        world.data(),
        world.run("O"),
        world.text("in.en"),
    ),
    ("docs/serving.md", "A student of fewer decoder layers"): lambda world: (
        world.run("O"),
        world.text("train.en", "test.en"),
        world.text(*(f"T2/{s}.{x}" for s in ("train", "dev") for x in _SIDES)),
    ),
    ("docs/serving.md", "On the command line"): lambda world: world.run("O"),
    ("docs/parsing.md", "What gave what"): World.trees,
    (
        "docs/parsing.md",
        "With and without, of a model that has hardly begun",
    ): World.trees,
    ("docs/plug_ins.md", "A folder"): World.usr,
    ("docs/your_own.md", "A new problem"): World.usr,
    ("docs/your_own.md", "A new hparams set"): World.usr,
    ("docs/your_own.md", "Data without code"): lambda world: (
        world.pairs(),
        world.text("in.txt"),
    ),
}


def fetch(file: download.RemoteFile, tmp_dir) -> pathlib.Path:
    """What a download leaves under that name, in miniature."""
    path = pathlib.Path(tmp_dir) / file.name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".zip":  # a corpus of pairs in one file
        with zipfile.ZipFile(path, "w") as archive:
            # So many that dev and test, a hundredth each, have some.
            lines = (f"{n} dogs\t{n} Hunde\n" for n in range(500))
            archive.writestr("pairs.txt", "".join(lines))
        return path
    count = 40 if path.name.startswith("train") else 2
    with gzip.open(path, "wt", encoding="utf-8") as packed:
        packed.writelines(f"{line}\n" for line in _LINES[:count])
    return path


def filled(command: Command) -> list[str]:
    """Program and arguments, with what a reader puts in."""
    words: list[str] = []
    for word in command.words:
        words += FILLED.get((command.page, word), [word])
    return words
