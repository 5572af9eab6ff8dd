"""The t2t-parseval command, as a user meets it."""

import json
import re

import pytest

from t2t_repro.bin import t2t_parseval

_GOLD = "(TOP (S (NP (NN Rain)) (VP (VBZ falls)) (. .)))"
_FLAT = "(TOP (S (NN Rain) (NN falls) (. .)))"


@pytest.fixture
def files(tmp_path):
    """Writes both files; returns the flags that name them."""

    def write(gold, test):
        for name, lines in [("gold", gold), ("test", test)]:
            text = "".join(f"{line}\n" for line in lines)
            (tmp_path / name).write_text(text)
        return [f"--gold={tmp_path / 'gold'}", f"--test={tmp_path / 'test'}"]

    return write


@pytest.fixture
def failure(capsys):
    """Runs the command; returns its exit status and its one line of error."""

    def run(*arguments):
        status = t2t_parseval.main(list(arguments))
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("t2t-parseval: ")
        assert captured.err.count("\n") == 1
        return status, captured.err

    return run


def test_summary(files, capsys):
    assert t2t_parseval.main(files([_GOLD] * 3, [_GOLD, _FLAT, ""])) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    everything, short = captured.out.split("\n\n")
    assert everything.startswith("-- all --\n")
    assert short.startswith("-- len<=40 --\n")
    # 4 of 6 gold brackets (S, NP, VP twice) are found, 4 of 4 are right.
    expected = [
        "Number of sentences       =      3",
        "Number of error sentences =      0",
        "Number of skip sentences  =      1",
        "Number of valid sentences =      2",
        "Bracketing recall         =  66.67",
        "Bracketing precision      = 100.00",
        "Bracketing F1             =  80.00",
        "Complete match            =  50.00",
        "Average crossing          =   0.00",
        "No crossing               = 100.00",
        "2 or less crossing        = 100.00",
        "Tagging accuracy          =  75.00",
        "Failures counted as zero recall (1 of 3 sentences): recall 44.44,"
        " precision 100.00, F1 61.54, complete match 33.33",
    ]
    assert everything.split("\n")[1:] == expected
    assert short.rstrip("\n").split("\n")[1:] == expected


def test_per_sentence_rows_and_reasons(files, capsys):
    arguments = files([_GOLD] * 3, [_FLAT, "", "(S (NN Rain))"])
    assert t2t_parseval.main([*arguments, "--per_sentence"]) == 0
    captured = capsys.readouterr()
    assert captured.out.split("\n")[2:5] == [
        "   1    3    0   33.33 100.00     1      3    1      0      2"
        "     1    50.00",
        "   2    3    2    0.00   0.00     0      0    0      0      0"
        "     0     0.00",
        "   3    3    1    0.00   0.00     0      0    0      0      0"
        "     0     0.00",
    ]
    assert captured.err.splitlines() == [
        "sentence 2: the test tree has no words",
        "sentence 3: the gold tree has 2 words, the test tree 1",
    ]


def test_json(files, capsys):
    arguments = files([_GOLD] * 2, [_FLAT, ""])
    assert t2t_parseval.main([*arguments, "--json", "--per_sentence"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"all", "len<=40", "sentences"}
    assert report["all"]["brackets"] == {
        "matched": 1,
        "gold": 3,
        "test": 1,
        "recall": pytest.approx(100 / 3),
        "precision": 100,
        "f1": 50,
    }
    assert report["all"]["brackets_with_failures"]["gold"] == 6
    assert report["all"]["skipped"] == 1
    assert report["all"]["tagging_accuracy"] == 50
    assert report["all"] == report["len<=40"]
    assert [row["status"] for row in report["sentences"]] == [0, 2]
    assert report["sentences"][0]["brackets"]["f1"] == 50
    assert t2t_parseval.main([*arguments, "--json"]) == 0
    assert "sentences" not in json.loads(capsys.readouterr().out)


def test_broken_test_tree_is_a_failed_parse(files, capsys):
    arguments = files([_GOLD] * 2, [_GOLD[:-1], "no tree"])
    assert t2t_parseval.main(arguments) == 0
    output = capsys.readouterr().out
    assert "Number of error sentences =      1" in output
    assert "Number of skip sentences  =      1" in output
    assert "(2 of 2 sentences): recall 0.00" in output


def test_missing_file(files, failure, tmp_path):
    _, test = files([_GOLD], [_GOLD])
    status, error = failure(f"--gold={tmp_path / 'nowhere'}", test)
    assert status == 1
    assert "nowhere" in error
    assert "--gold takes" in error


def test_help(capsys):
    assert t2t_parseval.main(["--help"]) == 0
    assert "--per_sentence" in capsys.readouterr().out


def test_output_agrees_with_evalb_character_for_character(shared, capsys):
    folder = shared("oracle/evalb")
    arguments = [
        f"--gold={folder / 'gold.trees'}",
        f"--test={folder / 'test.trees'}",
        "--per_sentence",
    ]
    assert t2t_parseval.main(arguments) == 0
    row = re.compile(r" *\d+ +\d+ +[012] +\d+\.\d\d .*", re.ASCII)

    def rows(text):
        return [line for line in text.split("\n") if row.fullmatch(line)]

    def figures(text):
        return re.findall(r"(= +[\d.]+)\n", text)

    printed = (folder / "evalb_output.txt").read_text()
    ours = capsys.readouterr().out
    assert len(rows(printed)) == 120
    assert rows(ours) == rows(printed)
    assert len(figures(printed)) == 24
    assert figures(ours) == figures(printed)
