"""bAbI (Weston et al. 2015, arXiv:1502.05698): 20 tasks, stories and questions.

The source is a story up to its question, a full stop behind each sentence; the
target one word. Where a task has several answers (`apple,milk`), they are one
word, as in Sukhbaatar et al. 2015, so that a model has to know the set.
Questions that came before in a story are no part of it.

The text (tasks_1-20_v1-2, CC BY 3.0) is put into `--tmp_dir` by hand: its
folder as it is, or the files of a task alone.
"""

import pathlib
import re
from collections.abc import Iterator
from typing import Any

from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.errors import InputError, UsageError
from t2t_repro.registry import register_problem
from t2t_repro.text import lines
from t2t_repro.text.lines import LinePairs
from t2t_repro.text.words import FULL_STOP

_TASKS = range(1, 21)
_ARCHIVE = "tasks_1-20_v1-2"
_NUMBER = re.compile(r"(\d+) (.*)", re.ASCII)
# A word, without the full stop or question mark that is at its end.
_WORD = re.compile(r"[.?]|[^\s.?]+")


class _Babi(TextToTextProblem):
    """Stories with a question, and the answer."""

    source_language = "en"
    target_language = "answers"
    vocab_kind = "words"
    approx_vocab_size = 1000  # all 20 tasks have fewer than 250 words
    train_shards = 1
    splits = ("train", "dev", "test")
    decode_hparams = "beam_size=1,extra_length=2"
    metric = "accuracy"
    has_plain_lines = False
    tasks: tuple[int, ...]
    folder = "en"

    def __init__(self, name: str, is_reversed: bool = False):
        """Raises UsageError where a story from its answer is asked."""
        if is_reversed:
            raise UsageError(
                f"{name}_rev: an answer does not tell its story. Take {name}."
            )
        super().__init__(name)

    def generate_samples(self, split: str, tmp_dir: pathlib.Path) -> LinePairs:
        """Streams stories with a question, and answers, task by task.

        The last tenth of a task's training questions is the dev split, as in
        the authors' program.
        """
        for task in self.tasks:
            file = "test" if split == "test" else "train"
            pairs = list(_questions(self._find(task, file, tmp_dir)))
            held_out = len(pairs) * 9 // 10
            if split == "train":
                pairs = pairs[:held_out]
            elif split == "dev":
                pairs = pairs[held_out:]
            yield from pairs

    def input_line(self, line: str) -> str:
        """What the model reads: words in lower case, and full stops.

        `John left. Where is he?` becomes `john left . where is he`.
        """
        tokens = _WORD.findall(line.lower())
        return " ".join(token for token in tokens if token != "?")

    def sources(self) -> list[dict[str, Any]]:
        """One entry per task and split."""
        return [
            {"split": split, "corpus": f"{_ARCHIVE}, {self.folder}, qa{task}"}
            for split in self.splits
            for task in self.tasks
        ]

    def _find(
        self, task: int, split: str, tmp_dir: pathlib.Path
    ) -> pathlib.Path:
        places = [
            tmp_dir / _ARCHIVE / self.folder,
            tmp_dir / self.folder,
            tmp_dir,
        ]
        name = f"qa{task}_*_{split}.txt"
        for folder in places:
            found = sorted(folder.glob(name))
            if len(found) == 1:
                return found[0]
        raise InputError(
            f"{tmp_dir} has no {name}: unpack the bAbI tasks ({_ARCHIVE}, of"
            f" which {self.folder} is read) into --tmp_dir, or put the files of"
            " the task there."
        )


def _questions(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Streams (story and question, answer) of a task's file."""
    story: list[str] = []
    for number, line in enumerate(lines.iterate_lines(path), start=1):
        match = _NUMBER.fullmatch(line.strip())
        if match is None:
            raise InputError(
                f"{path}, line {number}: expected a number and a sentence, as"
                " in the bAbI tasks."
            )
        if match[1] == "1":
            story = []
        text, *answer = match[2].lower().split("\t")
        words = text.rstrip(" .?")
        if answer:
            source = [f"{sentence} {FULL_STOP}" for sentence in story]
            yield " ".join([*source, words]), answer[0].strip()
        else:
            story.append(words)


def _register(
    name: str, tasks: tuple[int, ...], says: str, **attributes: Any
) -> None:
    members = {"__doc__": says, "tasks": tasks, **attributes}
    made = type(name, (_Babi,), {"__module__": __name__, **members})
    register_problem(made, name=name)


for _folder, _suffix, _size in (
    ("en", "", "1,000"),
    ("en-10k", "_10k", "10,000"),
):
    for _task in _TASKS:
        _register(
            f"babi_qa{_task}{_suffix}",
            (_task,),
            f"bAbI, task {_task}: {_size} questions on short stories.",
            folder=_folder,
        )
    _register(
        f"babi_joint{_suffix}",
        tuple(_TASKS),
        f"bAbI, all 20 tasks together, {_size} questions each.",
        folder=_folder,
        train_shards=4,
    )
