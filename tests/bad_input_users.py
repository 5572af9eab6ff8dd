"""What is wrong with users' own code, and what they are told: a table.

Folders of --t2t_usr_dir, the problems and sets in them, and runs that were
trained with them.
"""

import pathlib

from tests.bad_input_damage import Damage, cases, fields, write

_FOLDER = "bad_input_usr"
_GENERATE = f"--t2t_usr_dir={{w}}/{_FOLDER} --problem=mine"
_GENERATE += " --tmp_dir={w}/raw --data_dir={w}/new"
_TRAIN = f"--t2t_usr_dir={{w}}/{_FOLDER} --hparams_set=mine"
_TRAIN += " --problem=translate_from_files --data_dir={w}/data"
_TRAIN += " --output_dir={w}/new"
_DECODE = "--output_dir={w}/run --decode_from_file={w}/text/lines"
_DECODE += " --decode_to_file={w}/out2"
_PROBLEM = "run/problem.json"

_IMPORTS = """from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.registry import hparams, register_hparams, register_problem
"""
_CLASS = "@register_problem\nclass Mine(TextToTextProblem):\n"
_LANGUAGES = "  source_language, target_language = 'it', 'no'\n"
_SAMPLES = "  def generate_samples(self, split, tmp_dir):\n"
_SET = "@register_hparams\ndef mine():\n"


def _code(text: str | bytes, name: str = "a.py") -> Damage:
    """A user's folder with one file."""

    def damage(world: pathlib.Path) -> None:
        content = text if isinstance(text, bytes) else text.encode()
        (world / _FOLDER).mkdir()
        write(f"{_FOLDER}/{name}", content)(world)

    return damage


def _mine(*parts: str) -> Damage:
    return _code(_IMPORTS + "".join(parts))


FOLDER = cases(
    "t2t-datagen",
    (
        "usr_dir a file",
        _GENERATE.replace(_FOLDER, "out"),
        2,
        "is not a folder",
    ),
    (
        "usr_dir package",
        _GENERATE,
        1,
        "__init__.py, line 1: ImportError: cannot import name 'no'",
        _code("from . import no, gone", "__init__.py"),
    ),
    *(
        (f"usr_dir {name}", _GENERATE, 1, f"{_FOLDER}/a.py{says}", _code(code))
        for name, says, code in (
            ("syntax", ", line 2: SyntaxError: invalid", "x = 1\ndef f(:"),
            ("indent", ", line 2: IndentationError: un", "x = 1\n  y = 2"),
            ("raises", ", line 1: ZeroDivisionError: division by", "1 / 0"),
            ("import", ", line 1: ModuleNotFoundError: No", "import no_such"),
            ("from", ", line 1: ImportError: cannot", "from json import no"),
            ("exits", ", line 2: SystemExit: 3.", "import sys\nsys.exit(3)"),
            ("silent", ", line 1: AssertionError. Mend", "assert False"),
            ("latin-1", ", line 1: SyntaxError: (unico", b"x = '\xe4'\n"),
            ("NUL", ": ", b"x = 1\0\n"),
            ("recursion", ", line 1: RecursionError", "def f(): f()\nf()"),
        )
    ),
)

PROBLEM = cases(
    "t2t-datagen",
    (
        "taken name",
        _GENERATE,
        2,
        "registered by both",
        _mine(_CLASS.replace("Mine", "TranslateFromFiles"), "  pass\n"),
    ),
    *(
        (f"problem {name}", _GENERATE, 2, says, damage)
        for name, says, damage in (
            (
                "no class",
                "a.py: TypeError: mine() got an unexpected keyword",
                _mine("@register_problem\ndef mine(): pass\n"),
            ),
            (
                "no samples",
                "a.py: TypeError: Can't instantiate abstract class Mine",
                _mine(_CLASS, _LANGUAGES),
            ),
            (
                "no language",
                "mine has no source_language: give its class one",
                _mine(_CLASS, _SAMPLES, "    yield 'a', 'b'\n"),
            ),
            (
                "vocabulary",
                "mine has the vocab_kind 'letters': it must be one of bpe",
                _mine(
                    _CLASS,
                    _LANGUAGES,
                    "  vocab_kind = 'letters'\n",
                    _SAMPLES,
                    "    yield 'a', 'b'\n",
                ),
            ),
        )
    ),
    *(
        (
            f"samples {name}",
            _GENERATE,
            1,
            says,
            _mine(_CLASS, _LANGUAGES, _SAMPLES, f"    {body}\n"),
            ("new",),
        )
        for name, says, body in (
            ("raise", "a.py, line 7: KeyError: 'x'. Mend it", "yield {}['x']"),
            ("a string", "yields 'ab': it must yield pairs", "yield 'ab'"),
            ("bytes", "yields (b'a', 'b'): it must", "yield b'a', 'b'"),
            ("three", "yields ('a', 'b', 'c'): it", "yield 'a', 'b', 'c'"),
            ("none", "no sentence pairs", "return []"),
            ("nothing", "no sentence pairs", "pass"),
            ("a number", "a.py, line 7: TypeError", "return iter(3)"),
        )
    ),
)

SET = cases(
    "t2t-trainer",
    *(
        (f"set {name}", _TRAIN, status, says, _mine(_SET, f"  {body}\n"))
        for name, status, says, body in (
            ("none", 2, "a.py: the hparams set 'mine' returned None", "pass"),
            ("a dict", 2, "'mine' returned {}: end its", "return {}"),
            (
                "field",
                2,
                "a.py, line 5: unknown hparam 'hiden_size'. Did you mean hidd",
                "return hparams('transformer_tiny').replace(hiden_size=3)",
            ),
            (
                "value",
                2,
                "a.py, line 5: hparam num_heads=3 does not divide",
                "return hparams('transformer_tiny').replace(num_heads=3)",
            ),
            (
                "type",
                1,
                "a.py, line 5: TypeError",
                "return hparams('transformer_tiny').replace(hidden_size='3')",
            ),
            ("base", 2, "Did you mean transformer_", "hparams('transformer')"),
        )
    ),
)

RUN = cases(
    "t2t-decoder",
    (
        "own problem",
        _DECODE,
        2,
        "which is not registered here: give --t2t_usr_dir=/there/usr, the",
        fields(
            _PROBLEM,
            problem="mine",
            usr_dir="/there/usr",
            usr_dir_sha256="0",
        ),
    ),
    (
        "own problem, old run",
        _DECODE,
        2,
        "not registered here: give --t2t_usr_dir=FOLDER, the folder of its",
        fields(_PROBLEM, problem="mine"),
    ),
    (
        "own model",
        _DECODE,
        2,
        "with the model 'mine', which is not registered here: give --t2t_usr",
        fields("run/hparams.json", model="mine"),
    ),
    (
        "usr_dir a list",
        _DECODE,
        1,
        "cannot have '[1]' as 'usr_dir'",
        fields(_PROBLEM, usr_dir=[1]),
    ),
    (
        "usr_dir without hash",
        _DECODE,
        1,
        "lacks 'usr_dir_sha256'",
        fields(_PROBLEM, usr_dir="/there/usr"),
    ),
    ("no such text", "--registry_help=tlhtlh", 2, "--registry_help=tlhtlh: no"),
    ("version of", "--version=2", 2, "--version=2"),
)

CASES = [*FOLDER, *PROBLEM, *SET, *RUN]
