"""t2t-decoder on a parsing run: words in, trees over these words out."""

import contextlib
import io
import json
import shutil

import pytest

import t2t_repro
from t2t_repro.bin import t2t_datagen, t2t_decoder, t2t_trainer
from t2t_repro.report import run_facts
from t2t_repro.text.lines import read_lines
from t2t_repro.text.trees import parse_tree

_PROBLEM = "parsing_ptb_sample"
_NOUNS = [f"{letter}og" for letter in "bcdfghjklmnp"]
_TREE = "(TOP (S (NP (DT the) (NN {})) (VP (VBZ sleeps)) (. .)))\n"
# The decoder's own limit would be 300 ids more than the input.
_FAST = "--decode_hparams=beam_size=3,extra_length=12"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Returns the directory of a run that has hardly begun to learn."""
    folder = tmp_path_factory.mktemp("parsing")
    for split, count in (("train", 12), ("dev", 2)):
        text = "".join(_TREE.format(noun) for noun in _NOUNS[:count])
        (folder / f"{split}.trees").write_text(text)
    data, output = folder / "data", folder / "run"
    common = [f"--problem={_PROBLEM}", f"--data_dir={data}"]
    assert t2t_datagen.main([*common, f"--tmp_dir={folder}"]) == 0
    sizes = "hidden_size=16,filter_size=16,num_heads=2,num_hidden_layers=1"
    arguments = [
        *common,
        f"--output_dir={output}",
        "--hparams_set=transformer_parsing_sample",
        f"--hparams={sizes},batch_size=128,batch_shapes=1",
        "--train_steps=2",
        "--local_eval_frequency=2",
        "--eval_bleu_sentences=1",
    ]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        assert t2t_trainer.main(arguments) == 0
    assert "F1" in said.getvalue() and "repaired" not in said.getvalue()
    return output


@pytest.fixture
def decode(run, tmp_path, capsys):
    """Returns a function from text and more flags to what comes of it."""

    def call(text, *more):
        source, target = tmp_path / "in", tmp_path / "out"
        source.write_text(text)
        status = t2t_decoder.main(
            [
                f"--output_dir={run}",
                f"--decode_from_file={source}",
                f"--decode_to_file={target}",
                *more,
            ]
        )
        lines = read_lines(target) if target.exists() else None
        printed = capsys.readouterr()
        return status, lines, printed.out, printed.err

    return call


def test_training_evaluates_a_parser_as_one(run):
    """By F1 of whole trees, decoded with the problem's own options."""
    (line,) = json.loads((run / "evaluations.json").read_text())["evaluations"]
    figures = {"nll", "perplexity", "token_accuracy", "f1"}
    assert line.keys() == {"step", "signature", *figures}
    assert 0.0 <= line["f1"] <= 100.0
    dev = run_facts.read_events(run / "eval")
    assert dev.last("f1") == dev.last("f1_best") == (2, line["f1"])
    assert dev.last("bleu") is None


def test_early_stopping_knows_its_metric(run, capsys):
    arguments = [f"--output_dir={run}", f"--data_dir={run.parent / 'data'}"]
    metric = "--eval_early_stopping_metric=bleu"
    assert t2t_trainer.main([*arguments, metric]) == 2
    assert "scored by f1, give that" in capsys.readouterr().err


def test_every_line_becomes_a_tree_over_its_words(decode):
    text = "the dog sleeps .\n\nf(x)  (y) , gnu\n"
    status, lines, _, error = decode(text, _FAST)
    assert status == 0 and len(lines) == 3
    trees = [parse_tree(line) for line in lines]
    assert trees[0].words() == ["the", "dog", "sleeps", "."]
    assert lines[1] == "(TOP)"
    assert trees[2].words() == ["f-LRB-x-RRB-", "-LRB-y-RRB-", ",", "gnu"]
    assert "0 of 3 sentences were repaired" in error
    assert [leaf.label for leaf in trees[2].leaves()][2] == ","


def test_without_the_constraint_trees_are_repaired(decode):
    free = f"{_FAST},constrained=false"
    status, lines, _, error = decode("the dog sleeps .\n\nf(x) gnu\n", free)
    assert status == 0 and len(lines) == 3
    assert parse_tree(lines[0]).words() == ["the", "dog", "sleeps", "."]
    # Hardly trained, it makes mistakes; the empty line needs no repair.
    assert "2 of 3 sentences were repaired (sentences by kind: " in error


def test_models_together_are_held_to_trees_too(run, tmp_path, messages):
    shutil.copytree(run, tmp_path / "run")
    loaded = t2t_repro.load(
        [run, tmp_path / "run"], decode_hparams="beam_size=2"
    )
    line = loaded("the dog sleeps .")
    assert parse_tree(line).words() == ["the", "dog", "sleeps", "."]
    assert messages[-1] == "0 of 1 sentences were repaired"


def test_all_beams_are_trees(decode):
    _, lines, _, _ = decode("the dog .\n", f"{_FAST},return_beams=true")
    beams = lines[0].split("\t")
    assert len(beams) == 3
    for beam in beams:
        assert parse_tree(beam).words() == ["the", "dog", "."]


def test_score_against_gold_trees(decode, tmp_path):
    gold = tmp_path / "gold"
    gold.write_text(_TREE.format("dog"))
    status, _, printed, _ = decode(
        "the dog sleeps .\n", _FAST, f"--decode_reference={gold}"
    )
    assert status == 0
    assert printed.startswith("f1 = ") and "COLLINS.prm" in printed
    assert "0 failures" in printed and "sacrebleu" not in printed


def test_a_broken_gold_tree_is_named(decode, tmp_path):
    gold = tmp_path / "gold"
    gold.write_text("(TOP (NN dog)\n")
    status, lines, _, error = decode("the dog\n", f"--decode_reference={gold}")
    assert (status, lines) == (1, None)
    assert f"{gold}, line 1, column 1" in error and error.count("\n") == 1


def test_gold_trees_of_other_length(decode, tmp_path):
    gold = tmp_path / "gold"
    gold.write_text(_TREE.format("dog") * 2)
    status, lines, _, error = decode("the dog\n", f"--decode_reference={gold}")
    assert (status, lines) == (1, None)
    assert "has 2 lines" in error and error.count("\n") == 1
