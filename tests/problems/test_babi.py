"""bAbI as a text-to-text problem."""

import pytest

from t2t_repro import registry
from t2t_repro.errors import InputError, UsageError

_STORY = """\
1 Mary moved to the bathroom.
2 John went to the hallway.
3 Where is Mary? \tbathroom\t1
4 Mary got the apple.
5 What is Mary carrying?\tapple,milk\t4 4
1 Sandra left.
2 Is Sandra here?\tno\t1
"""


@pytest.fixture
def tmp_dir(tmp_path):
    (tmp_path / "qa8_lists-sets_train.txt").write_text(_STORY * 4)
    # Windows' ends of lines and mark change nothing.
    text = "\ufeff" + _STORY.replace("\n", "\r\n")
    (tmp_path / "qa8_lists-sets_test.txt").write_text(text, newline="")
    return tmp_path


def test_stories_and_answers(tmp_dir):
    problem = registry.problem("babi_qa8")
    story = "mary moved to the bathroom . john went to the hallway ."
    assert list(problem.generate_samples("test", tmp_dir)) == [
        (f"{story} where is mary", "bathroom"),
        # Without the question before; several answers are one word.
        (f"{story} mary got the apple . what is mary carrying", "apple,milk"),
        ("sandra left . is sandra here", "no"),
    ]
    # Of 12 questions the last tenth, rounded up, is for development.
    train = list(problem.generate_samples("train", tmp_dir))
    dev = list(problem.generate_samples("dev", tmp_dir))
    assert (len(train), len(dev)) == (10, 2)
    assert dev[1] == ("sandra left . is sandra here", "no")


def test_a_users_line_is_read_as_the_data_are():
    problem = registry.problem("babi_qa1")
    line = "Mary moved to the bathroom. John left.Where is Mary?"
    read = "mary moved to the bathroom . john left . where is mary"
    assert problem.input_line(line) == read
    assert problem.input_line(read) == read
    assert problem.metric == "accuracy"


def test_files_lie_in_the_folder_of_the_tasks_or_alone(tmp_dir, tmp_path):
    folder = tmp_path / "tasks_1-20_v1-2" / "en-10k"
    folder.mkdir(parents=True)
    (folder / "qa8_lists-sets_test.txt").write_text(_STORY * 2)
    large = registry.problem("babi_qa8_10k")
    assert len(list(large.generate_samples("test", tmp_path))) == 6
    small = registry.problem("babi_qa8")
    assert len(list(small.generate_samples("test", tmp_path))) == 3


def test_joint_training_has_all_tasks(tmp_path):
    problem = registry.problem("babi_joint")
    assert problem.tasks == tuple(range(1, 21))
    for task in problem.tasks:
        for split in ("train", "test"):
            name = f"qa{task}_x_{split}.txt"
            (tmp_path / name).write_text(f"1 It is {task}.\n2 Is it?\tyes\t1\n")
    pairs = list(problem.generate_samples("test", tmp_path))
    assert len(pairs) == 20
    assert pairs[9] == ("it is 10 . is it", "yes")
    assert len(problem.sources()) == 60


@pytest.mark.parametrize(
    "text, words",
    [
        ("Mary left.\n", "line 1: expected a number"),
        ("1 Mary left.\n2\n", "line 2: expected a number"),
    ],
)
def test_another_file_is_refused(tmp_path, text, words):
    (tmp_path / "qa1_x_test.txt").write_text(text)
    problem = registry.problem("babi_qa1")
    with pytest.raises(InputError, match=words):
        list(problem.generate_samples("test", tmp_path))


def test_what_is_missing_is_named(tmp_path):
    problem = registry.problem("babi_joint")
    with pytest.raises(InputError, match=r"has no qa1_\*_train.txt: unpack"):
        list(problem.generate_samples("dev", tmp_path))
    with pytest.raises(UsageError, match="an answer does not tell its story"):
        registry.problem("babi_qa1_rev")


def test_the_published_tasks(shared):
    folder = shared("data/babi")
    for task in (1, 2, 6, 16):
        problem = registry.problem(f"babi_qa{task}")
        counts = [
            sum(1 for _ in problem.generate_samples(split, folder))
            for split in problem.splits
        ]
        assert counts == [900, 100, 1000]
