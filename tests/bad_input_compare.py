"""What is wrong with runs that shall be put side by side: a table."""

import shutil

from tests.bad_input_damage import (
    Damage,
    both,
    cases,
    cut,
    fields,
    flip,
    remove,
    write,
)

_LINE = (
    '{"step": 3, "nll": 1.0, "perplexity": 2.7, "token_accuracy": 0.5, "%s": 9}'
)
_TWO = "--output_dirs={w}/run,{w}/other"
_PAGE = _TWO + " --html={w}/"


def _evaluated(metric: str = "bleu") -> Damage:
    """Two runs that can be compared: the world's, evaluated, and a copy."""
    content = f'{{"evaluations": [{_LINE % metric}]}}'.encode()

    def damage(world) -> None:
        (world / "run" / "evaluations.json").write_bytes(content)
        shutil.copytree(world / "run", world / "other")

    return damage


def _but(damage: Damage) -> Damage:
    return both(_evaluated(), damage)


CASES = cases(
    "t2t-compare",
    ("no runs", "", 2, "give two or more run directories"),
    ("one run", "--output_dirs={w}/run", 2, "give two or more"),
    ("a comma too many", "--output_dirs={w}/run,", 2, "give two or more"),
    ("not a run", "--output_dirs={w}/run,{w}/text", 1, "not a run directory"),
    ("nowhere", "--output_dirs={w}/no,{w}/run", 1, "not a run directory"),
    ("twice", "--output_dirs={w}/run,{w}/text/../run", 2, "one run twice"),
    (
        "not evaluated",
        _TWO,
        1,
        "has no evaluation by bleu",
        _but(remove("run/evaluations.json")),
    ),
    ("another metric", _TWO, 1, "no evaluation by bleu", _evaluated("f1")),
    (
        "evaluations cut",
        _TWO,
        1,
        "is not JSON",
        _but(cut("other/evaluations.json")),
    ),
    (
        "evaluations of words",
        _TWO,
        1,
        "is damaged",
        _but(fields("other/evaluations.json", evaluations=["bleu"])),
    ),
    (
        "other problem",
        _TWO,
        2,
        "different problems do not compare",
        _but(fields("other/problem.json", problem="translate_from_files_rev")),
    ),
    (
        "checkpoint",
        _TWO,
        1,
        "is damaged",
        _but(flip("other/model.ckpt-6.index", 30)),
    ),
    (
        "shapes",
        _TWO,
        1,
        "does not say how many replicas",
        _but(write("other/batch_shapes.json", b"{}")),
    ),
    ("training", _TWO, 1, "is not JSON", _but(write("other/train.json", b"{"))),
    ("page there", _PAGE + "out", 2, "give --overwrite", _evaluated()),
    ("page a folder", _PAGE + "text --overwrite", 2, "exists", _evaluated()),
    ("page nowhere", _PAGE + "no/page", 2, "does not exist", _evaluated()),
    ("page in a file", _PAGE + "out/page", 2, "does not exist", _evaluated()),
    ("page empty", _TWO + " --html=", 2, "--html= is empty", _evaluated()),
    ("JSON there", _TWO + " --json={w}/out", 2, "give --ov", _evaluated()),
    (
        "JSON the page",
        _PAGE + "new --json={w}/new",
        2,
        "give two names",
        _evaluated(),
    ),
    (
        "scores of one",
        _TWO + " --scores={w}/out",
        2,
        "has 1 files for 2 runs",
        _evaluated(),
    ),
    (
        "scores of something else",
        _TWO + " --scores={w}/run/problem.json,{w}/out",
        1,
        "is not what t2t-bleu",
        _evaluated(),
    ),
)
