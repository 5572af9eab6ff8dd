"""t2t-decoder's other sources and forms: pipes, parts, datasets, pairs."""

import itertools
import math
import os
import pathlib
import threading
import time

import pytest

from t2t_repro import registry
from t2t_repro.bin import t2t_decoder
from t2t_repro.text.lines import read_lines

_SOURCE = "The dog sleeps.\n\nA cat.\nTwo men and a dog.\nThe cat sees it.\n"
_PROBLEM = "translate_ende_toy"
_KINDS = ("decodes", "inputs", "targets")
_FAST = "--decode_hparams=beam_size=2,extra_length=5"


@pytest.fixture
def run(trained, capfd):
    """Returns a function from flags to (status, stdout, stderr)."""

    def call(*arguments):
        status = t2t_decoder.main(
            [f"--output_dir={trained.output_dir}", *arguments]
        )
        printed = capfd.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in"
    path.write_text(_SOURCE)
    return path


@pytest.fixture
def translation(run, source, tmp_path):
    """The lines of the whole file, in the usual way."""
    target = tmp_path / "whole"
    status, _, _ = run(
        f"--decode_from_file={source}", f"--decode_to_file={target}", _FAST
    )
    assert status == 0
    return read_lines(target)


def test_from_standard_input_to_standard_output(
    run, translation, standard_input
):
    with standard_input(_SOURCE.encode()):
        status, printed, _ = run(
            "--decode_from_file=-", "--decode_to_file=-", _FAST
        )
    assert status == 0
    assert printed.split("\n") == [*translation, ""]


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_each_line_is_answered_before_the_next(
    trained, translation, capfd, kind
):
    """--stream from a pipe; without a word where lines are typed."""
    saved = os.dup(0)
    # A terminal ends at a control character, a pipe when it is closed.
    reading, writing = os.pipe() if kind == "pipe" else os.openpty()[::-1]
    os.dup2(reading, 0)
    os.close(reading)
    arguments = [f"--output_dir={trained.output_dir}", "--decode_from_file=-"]
    arguments += [_FAST, *(["--stream"] if kind == "pipe" else [])]
    thread = threading.Thread(target=t2t_decoder.main, args=[arguments])
    try:
        thread.start()
        for line, expected in zip(
            _SOURCE.splitlines(), translation, strict=True
        ):
            os.write(writing, f"{line}\n".encode())
            printed = ""
            deadline = time.monotonic() + 120
            while not printed and time.monotonic() < deadline:
                time.sleep(0.01)
                printed = capfd.readouterr().out
            assert printed == f"{expected}\n"
    finally:
        if kind == "terminal":
            os.write(writing, b"\x04")
        else:
            os.close(writing)
        thread.join(60)
        os.dup2(saved, 0)
        os.close(saved)
    assert not thread.is_alive()


def test_nobody_named_the_output(run, source, translation):
    status, _, _ = run(f"--decode_from_file={source}", _FAST)
    # tensor2tensor's name.
    name = (
        "in.transformer.transformer_tiny.translate_ende_toy"
        ".beam2.alpha0.6.decodes"
    )
    assert status == 0
    assert read_lines(source.with_name(name)) == translation


def test_n_best(run, source, translation, tmp_path):
    target = tmp_path / "out"
    status, _, _ = run(
        f"--decode_from_file={source}",
        f"--decode_to_file={target}",
        f"{_FAST},n_best=2",
    )
    rows = [line.split("\t") for line in read_lines(target)]
    assert status == 0
    # The empty second line has one.
    assert [(row[0], row[1]) for row in rows] == [
        *(("1", "1"), ("1", "2"), ("2", "1"), ("3", "1"), ("3", "2")),
        *(("4", "1"), ("4", "2"), ("5", "1"), ("5", "2")),
    ]
    assert [row[3] for row in rows if row[1] == "1"] == translation
    for first, second in zip(rows, rows[1:], strict=False):
        if second[1] == "2":
            assert float(first[2]) >= float(second[2])


def test_sampling_is_repeated_by_its_seed(run, source, tmp_path):
    drawn = {}
    for name, more in (
        ("whole", []),
        ("again", []),
        ("part", ["--decode_shards=2", "--worker_id=1"]),
        ("other", []),
    ):
        seed = 8 if name == "other" else 7
        status, _, _ = run(
            f"--decode_from_file={source}",
            f"--decode_to_file={tmp_path / name}",
            "--decode_hparams=beam_size=1,sampling_method=random,"
            f"sampling_keep_top_k=50,extra_length=5,random_seed={seed}",
            *more,
        )
        assert status == 0
        (path,) = tmp_path.glob(f"{name}*")
        drawn[name] = read_lines(path)
    assert drawn["whole"] == drawn["again"] != drawn["other"]
    assert drawn["part"] == drawn["whole"][2:]


def test_quantized_translations_have_other_scores(run, source, tmp_path):
    scores = f"{_FAST},write_beam_scores=true"
    written = {}
    for name, flags in (
        ("none", [scores, "--quantize=none"]),
        ("flag", [scores, "--quantize=bfloat16"]),
        ("hparam", [f"{scores},quantize=bfloat16"]),
    ):
        status, _, _ = run(
            f"--decode_from_file={source}",
            f"--decode_to_file={tmp_path / name}",
            *flags,
        )
        assert status == 0
        written[name] = read_lines(tmp_path / name)
    assert written["flag"] == written["hparam"] != written["none"]
    # 8 bits of a factor: scores of a few nats agree to a tenth.
    for rounded, exact in zip(written["flag"], written["none"], strict=True):
        score, expected = (float(x.split("\t")[1]) for x in (rounded, exact))
        assert score == pytest.approx(expected, abs=0.1)


def test_parts_of_workers_are_the_whole(run, source, translation, tmp_path):
    target = tmp_path / "out"
    for worker in (1, 0):
        status, _, _ = run(
            f"--decode_from_file={source}",
            f"--decode_to_file={target}",
            "--decode_shards=2",
            f"--worker_id={worker}",
            _FAST,
        )
        assert status == 0
    # 5 lines: 2 and 3 of them.
    parts = [read_lines(tmp_path / f"out{worker:03d}") for worker in (0, 1)]
    assert [len(part) for part in parts] == [2, 3]
    assert parts[0] + parts[1] == translation


def test_a_workers_lines_keep_their_numbers(run, source, tmp_path):
    target = tmp_path / "out"
    status, _, error = run(
        f"--decode_from_file={source}",
        f"--decode_to_file={target}",
        "--decode_shards=5",
        "--worker_id=3",
        f"{_FAST},n_best=1,max_input_size=3",
    )
    (line,) = read_lines(tmp_path / "out003")
    assert status == 0 and line.startswith("4\t1\t")
    assert "line 4 has" in error


def test_a_worker_without_lines_writes_an_empty_file(run, tmp_path):
    (tmp_path / "in").write_text("A cat.\n")
    status, _, _ = run(
        f"--decode_from_file={tmp_path / 'in'}",
        f"--decode_to_file={tmp_path / 'out'}",
        "--decode_shards=2",
    )
    assert status == 0 and read_lines(tmp_path / "out000") == []


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_dataset(run, trained, tmp_path, split):
    arguments = [
        f"--data_dir={trained.data_dir}",
        f"--decode_to_file={tmp_path / 'F'}",
        f"{_FAST},num_samples=3",
    ]
    if split == "test":
        arguments.append("--eval_use_test_set")
    status, _, _ = run(*arguments)
    stem = "F.transformer.transformer_tiny.translate_ende_toy.beam2.alpha0.6."
    names = sorted(path.name for path in tmp_path.iterdir())
    assert status == 0
    assert names == [f"{stem}{kind}" for kind in _KINDS]
    decodes, inputs, targets = (
        read_lines(tmp_path / f"{stem}{kind}") for kind in _KINDS
    )
    assert len(decodes) == len(inputs) == len(targets) == 3
    again = tmp_path / "again"
    run(
        f"--decode_from_file={tmp_path / (stem + 'inputs')}",
        f"--decode_to_file={again}",
        _FAST,
    )
    assert read_lines(again) == decodes
    samples = registry.problem(_PROBLEM).generate_samples(split, tmp_path)
    pairs = list(itertools.islice(samples, 3))
    assert pairs == list(zip(inputs, targets, strict=True))


def test_a_datasets_files_are_not_overwritten(run, trained, tmp_path):
    taken = tmp_path / (
        "F.transformer.transformer_tiny.translate_ende_toy.beam4.alpha0.6"
        ".targets"
    )
    taken.write_text("mine\n")
    status, _, error = run(
        f"--data_dir={trained.data_dir}", f"--decode_to_file={tmp_path / 'F'}"
    )
    assert status == 2 and str(taken) in error
    assert [path.name for path in tmp_path.iterdir()] == [taken.name]


def test_scores_of_given_translations(run, source, tmp_path):
    """What the search wrote, scored: before the penalty it is the same."""
    best = tmp_path / "best"
    status, _, _ = run(
        f"--decode_from_file={source}",
        f"--decode_to_file={best}",
        f"{_FAST},alpha=0,n_best=1",
    )
    rows = [line.split("\t") for line in read_lines(best)]
    pairs, target = tmp_path / "pairs", tmp_path / "scores"
    texts = [
        f"{line}\t{row[3]}\n"
        for line, row in zip(_SOURCE.splitlines(), rows, strict=True)
    ]
    pairs.write_text("".join(texts), encoding="utf-8")
    status, _, _ = run(f"--score_file={pairs}", f"--decode_to_file={target}")
    scores = [float(line) for line in read_lines(target)]
    assert status == 0 and len(scores) == 5
    assert all(score < 0 for score in scores)
    per_token = tmp_path / "per_token"
    status, _, _ = run(
        f"--score_file={pairs}",
        f"--decode_to_file={per_token}",
        "--score_per_token",
    )
    assert status == 0
    for score, line in zip(scores, read_lines(per_token), strict=True):
        total, *fields = line.split("\t")
        pieces, values = fields[::2], [float(field) for field in fields[1::2]]
        assert float(total) == pytest.approx(score, abs=1e-5)
        assert sum(values) == pytest.approx(score, abs=1e-4)
        assert pieces[-1] == "</s>" and len(pieces) == len(values)


def test_scores_from_standard_input(run, standard_input):
    with standard_input(b"A dog.\tEin Hund.\n"):
        status, printed, _ = run("--score_file=-", "--decode_to_file=-")
    assert status == 0 and math.isfinite(float(printed))


def test_interactive(run, standard_input, translation):
    typed = "The dog sleeps.\n:beem 4\n:set extra_length=5\n:beam 2\n"
    typed += "The dog sleeps.\n:quit\nA cat.\n"
    with standard_input(typed.encode()):
        status, printed, error = run("--decode_interactive")
    lines = printed.split("\n")
    assert status == 0 and len(lines) == 6 and lines[-1] == ""
    assert lines[1].startswith("unknown command :beem. Did you mean beam?")
    assert lines[4] == translation[0]
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        ([], 2, ["--data_dir"]),
        (["--decode_interactive", "--score_file=a"], 2, ["--score_file"]),
        (["--decode_interactive", "--decode_to_file=a"], 2, ["do not go"]),
        (["--score_file=IN", "--decode_reference=a"], 2, ["do not go"]),
        (["--score_file=IN"], 2, ["--decode_to_file is required"]),
        (["--score_file=IN", "--decode_to_file=a"], 1, ["line 1, has 0 tabs"]),
        (["--score_file=nowhere", "--decode_to_file=a"], 1, ["nowhere"]),
        (["--decode_from_file=IN", "--score_per_token"], 2, ["do not go"]),
        (["--decode_from_file=IN", "--eval_use_test_set"], 2, ["do not go"]),
        (["--decode_from_file=IN", "--worker_id=1"], 2, ["expected 0 to 0"]),
        (["--decode_from_file=IN", "--decode_shards=0"], 2, ["decode_shards"]),
        (["--decode_from_file=-", "--decode_shards=2"], 2, ["is a pipe"]),
        (["--decode_from_file="], 2, ["--decode_from_file= is empty"]),
        (["--decode_from_file=", "--data_dir=DATA"], 2, ["is empty"]),
        (["--data_dir=DATA", "--stream"], 2, ["do not go"]),
        (["--decode_from_file=IN", "--stream"], 2, ["--decode_to_file=-"]),
        (
            [
                "--decode_from_file=IN",
                "--decode_reference=IN",
                "--decode_to_file=-",
            ],
            2,
            ["translations alone"],
        ),
        (["--data_dir=DATA"], 2, ["--decode_to_file is required"]),
        (["--data_dir=DATA", "--decode_to_file=-"], 2, ["a dataset"]),
    ],
)
def test_what_does_not_go_together(
    run, source, trained, tmp_path, monkeypatch, arguments, status, words
):
    monkeypatch.chdir(tmp_path)
    found, printed, error = run(
        *(
            argument.replace("IN", str(source)).replace(
                "DATA", str(trained.data_dir)
            )
            for argument in arguments
        )
    )
    assert found == status and printed == ""
    assert error.count("\n") == 1 and error.startswith("t2t-decoder: ")
    for word in words:
        assert word in error
    assert [path.name for path in pathlib.Path().iterdir()] == ["in"]
