"""Names to problems, models and hparam sets, and the user's own folder."""

import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys

import pytest

from t2t_repro import registry
from t2t_repro.decode.options import DecodeOptions
from t2t_repro.errors import InputError, UsageError
from t2t_repro.hparam import parse_fields

_ROOT = pathlib.Path(__file__).resolve().parents[1]

_MODULE = """
from t2t_repro.data.problem import TextToTextProblem
from t2t_repro.registry import register_problem

@register_problem
class {name}(TextToTextProblem):
    source_language, target_language = "xx", "yy"
    def generate_samples(self, split, tmp_dir):
        yield "a", "b"
"""


@pytest.fixture
def tables(monkeypatch):
    """Lets a test register names, import modules, and takes them back."""
    registry.load_built_in()
    for table in (registry._problems, registry._models, registry._hparams):
        monkeypatch.setattr(table, "_entries", dict(table._entries))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_usr_dir", None)
    monkeypatch.setattr(registry, "_users_places", set())
    yield
    for name in list(sys.modules):
        if name.startswith(("usr_", "plug_in_")):
            del sys.modules[name]


def _function(name, module):
    def entry():
        return name

    entry.__name__, entry.__module__ = name, module
    return entry


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("TranslateEndeWmt32k", "translate_ende_wmt32k"),
        ("TranslateEnfrMulti30k", "translate_enfr_multi30k"),
        ("transformer_base", "transformer_base"),
        ("Wmt14Full", "wmt14_full"),
        ("A", "a"),
    ],
)
def test_snake_case(name, snake):
    assert registry.snake_case(name) == snake


def test_an_entry_is_found_under_its_name():
    table: registry.Registry = registry.Registry("fruit", "--fruit")
    apple = table.register(_function("GreenApple", "orchard"))
    table.register(_function("banana", "orchard"))
    assert table.get("green_apple") is apple
    banana = _function("banana", "orchard")
    banana.__doc__ = """Yellow.

    And bent.
    """
    table.register(banana)
    assert table.descriptions() == {"banana": "Yellow.", "green_apple": ""}


def test_an_unknown_name_lists_the_nearest():
    table: registry.Registry = registry.Registry("fruit", "--fruit")
    table.register(_function("green_apple", "orchard"))
    table.register(_function("banana", "orchard"))
    with pytest.raises(UsageError) as raised:
        table.get("green_aple")
    assert raised.value.exit_status == 2
    assert str(raised.value) == (
        "unknown fruit 'green_aple'. Did you mean green_apple? --fruit takes a"
        " name that --registry_help lists."
    )
    with pytest.raises(UsageError, match="'zzz'. --fruit takes"):
        table.get("zzz")


def test_two_modules_under_one_name():
    table: registry.Registry = registry.Registry("fruit", "--fruit")
    table.register(_function("apple", "orchard"))
    with pytest.raises(UsageError, match="'apple'.*orchard and market: rename"):
        table.register(_function("apple", "market"))
    # The same module again is a reload: the later definition counts.
    later = table.register(_function("apple", "orchard"))
    assert table.get("apple") is later


@pytest.mark.parametrize("find", ["problem", "model", "hparams"])
def test_unknown_names_of_every_kind(find):
    with pytest.raises(UsageError, match="unknown .* 'nothing_like_it'"):
        getattr(registry, find)("nothing_like_it")


def test_what_ships_is_known():
    assert registry.problem("translate_ende_multi30k").languages == ("en", "de")
    assert registry.hparams("transformer_base").hidden_size == 512
    assert callable(registry.model("transformer"))
    words = registry.registry_help().split()
    assert {"translate_from_files", "transformer_base", "transformer"} <= set(
        words
    )


def test_everything_that_ships_says_what_it_is():
    registry.load_built_in()
    for table in (registry._problems, registry._models, registry._hparams):
        for name, text in table.descriptions().items():
            assert 10 < len(text) <= 80, (name, text)


def test_a_part_of_the_registry():
    assert registry.registry_help("FF4096") == (
        "hparams set:\n"
        "  transformer_ff4096  A row of Table 3: base with filter_size=4096."
    )
    # By its description too, and every kind that has it.
    assert registry.registry_help("small grammar").splitlines() == [
        "problem:",
        *(
            f"  translate_en{code}_toy  English to {name}: sentences of a small"
            " grammar, built in."
            for code, name in (("de", "German"), ("fr", "French"))
        ),
    ]
    with pytest.raises(UsageError, match="--registry_help=tlh: no model, hpar"):
        registry.registry_help("tlh")


def test_rev_swaps_the_languages():
    problem = registry.problem("translate_ende_multi30k_rev")
    assert problem.languages == ("de", "en")
    assert problem.name == "translate_ende_multi30k"
    assert problem.full_name == "translate_ende_multi30k_rev"


def test_an_unknown_rev_is_repeated_as_typed():
    with pytest.raises(UsageError) as raised:
        registry.problem("translate_ende_multi3k_rev")
    message = str(raised.value)
    assert message.startswith("unknown problem 'translate_ende_multi3k_rev'.")
    assert "translate_ende_multi30k" in message


def test_a_name_that_ends_in_rev_by_itself(tables, tmp_path):
    folder = tmp_path / "usr_with_rev"
    folder.mkdir()
    (folder / "words.py").write_text(_MODULE.format(name="SpellRev"))
    registry.import_usr_dir(str(folder))
    problem = registry.problem("spell_rev")
    assert problem.full_name == "spell_rev"
    assert problem.languages == ("xx", "yy")
    assert registry.problem("spell_rev_rev").languages == ("yy", "xx")


def test_a_usr_dir_with_init_imports_what_it_says(tables, tmp_path):
    folder = tmp_path / "usr_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("from usr_package import one\n")
    (folder / "one.py").write_text(_MODULE.format(name="UsrOne"))
    (folder / "two.py").write_text(_MODULE.format(name="UsrTwo"))
    registry.import_usr_dir(str(folder))
    assert registry.problem("usr_one").source_language == "xx"
    with pytest.raises(UsageError, match="'usr_two'"):
        registry.problem("usr_two")


def test_a_usr_dir_without_init_imports_every_file(tables, tmp_path):
    folder = tmp_path / "usr_plain"
    folder.mkdir()
    (folder / "one.py").write_text(_MODULE.format(name="UsrOne"))
    (folder / "two.py").write_text(_MODULE.format(name="UsrTwo"))
    (folder / "notes.txt").write_text("not Python")
    registry.import_usr_dir(f"{folder}/")
    assert registry.problem("usr_one").name == "usr_one"
    assert registry.problem("usr_two_rev").languages == ("yy", "xx")


def test_a_usr_dir_cannot_take_a_name_that_ships_here(tables, tmp_path):
    folder = tmp_path / "usr_clash"
    folder.mkdir()
    (folder / "a.py").write_text(_MODULE.format(name="TranslateFromFiles"))
    with pytest.raises(
        UsageError, match="registered by both.*problems.*rename"
    ):
        registry.import_usr_dir(str(folder))


@pytest.mark.parametrize(
    ("code", "line", "says"),
    [
        (
            "def f():\n    1 / 0\nf()\n",
            2,
            "ZeroDivisionError: division by zero",
        ),
        ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError: Expecting"),
        ("import no_such\n", 1, "ModuleNotFoundError: No module named 'no_s"),
        ("x = 1\n\ndef f(:\n    pass\n", 3, "SyntaxError: invalid syntax."),
        ("assert False\n", 1, "AssertionError. Mend it; --verbose shows"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3."),
        ("open('no such file')\n", 1, "FileNotFoundError: [Errno 2] No such"),
    ],
)
def test_an_error_in_the_users_code(tables, tmp_path, code, line, says):
    """The user's own line is named, though a library's may be the last."""
    folder = tmp_path / "usr_broken"
    folder.mkdir()
    (folder / "a.py").write_text(code)
    with pytest.raises(InputError) as raised:
        registry.import_usr_dir(str(folder))
    assert str(raised.value).startswith(
        f"--t2t_usr_dir={folder}: {folder}/a.py, line {line}: {says}"
    )
    assert raised.value.exit_status == 1
    assert raised.value.__cause__ is not None


def test_only_users_code_is_blamed(tables, tmp_path):
    folder = tmp_path / "usr_fine"
    folder.mkdir()
    (folder / "a.py").write_text("def divide(x):\n    return 1 / x\n")
    registry.import_usr_dir(folder)
    with pytest.raises(ZeroDivisionError) as theirs:
        sys.modules["usr_fine.a"].divide(0)
    assert registry.fault_of_user(theirs.value) == (
        f"{folder}/a.py, line 2: ZeroDivisionError: division by zero. Mend it;"
        " --verbose shows the whole traceback."
    )
    with pytest.raises(ZeroDivisionError) as ours:
        1 / 0  # noqa: B018
    assert registry.fault_of_user(ours.value) is None


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            "return hparams('transformer_tiny').replace(hiden_size=3)",
            "sets.py, line 5: unknown hparam 'hiden_size'. Did you mean hidden",
        ),
        (
            "hparams('transformer_tiny').replace(hidden_size=4)",
            "sets.py: the hparams set 'usr_set' returned None: end its functio",
        ),
        ("return {'hidden_size': 3}", "returned {'hidden_size': 3}: end"),
    ],
)
def test_a_set_that_is_none(tables, tmp_path, body, says):
    folder = tmp_path / "usr_sets"
    folder.mkdir()
    (folder / "sets.py").write_text(
        "from t2t_repro.registry import hparams, register_hparams\n\n"
        f"@register_hparams\ndef usr_set():\n    {body}\n"
    )
    registry.import_usr_dir(folder)
    with pytest.raises(UsageError) as raised:
        registry.hparams("usr_set")
    assert says in str(raised.value)


def test_the_hash_is_of_the_code(tables, tmp_path):
    assert registry.usr_dir() is None
    folder = tmp_path / "usr_hashed"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.py").write_text("x = 1\n")
    (folder / "inner" / "b.py").write_text("x = 2\n")
    registry.import_usr_dir(folder)
    name, before = registry.usr_dir()
    assert name == str(folder)
    (folder / "notes.txt").write_text("no code")
    assert registry.usr_dir() == (name, before)
    (folder / "inner" / "b.py").write_text("x = 3\n")
    assert registry.usr_dir()[1] != before


def test_a_bad_usr_dir(tables, tmp_path):
    with pytest.raises(UsageError, match="nowhere is not a folder: give"):
        registry.import_usr_dir(str(tmp_path / "nowhere"))
    file = tmp_path / "file.py"
    file.write_text("")
    with pytest.raises(UsageError, match="is not a folder"):
        registry.import_usr_dir(str(file))
    (tmp_path / "my-models").mkdir()
    with pytest.raises(UsageError, match="'my-models'; rename it"):
        registry.import_usr_dir(str(tmp_path / "my-models"))


@pytest.mark.parametrize("name", ["absl", "json"])
def test_a_usr_dir_named_like_another_module(tables, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "a.py").write_text(_MODULE.format(name="UsrOne"))
    with pytest.raises(UsageError, match=f"called '{name}' already; rename"):
        registry.import_usr_dir(str(folder))


_HOSTILE = """
import sys
import problems  # the user's own
from t2t_repro import registry
from t2t_repro.decode.options import DecodeOptions

registry.import_usr_dir("problems")
print(registry.registry_help("transformer_tiny"), problems.MINE)
print(registry.problem("translate_ende_toy").languages)
print(registry.hparams("transformer_tiny").hidden_size)
"""


def test_a_folder_that_has_problems_and_hparams_of_its_own(tmp_path):
    """A package and a plain folder, found before ours by `import`."""
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems" / "__init__.py").write_text("MINE = 'my own'\n")
    (tmp_path / "hparams").mkdir()

    def run(*arguments):
        finished = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{tmp_path}:{_ROOT}"},
            capture_output=True,
            text=True,
            check=True,
        )
        return finished.stdout

    listed = run("-m", "t2t_repro.bin.t2t_trainer", "--registry_help")
    assert listed == registry.registry_help() + "\n"
    said = run("-c", _HOSTILE)
    assert "my own" in said
    assert "('en', 'de')\n" in said


def test_a_second_import_of_a_file_is_no_clash():
    """`import problems`, as in a checkout, is the same file once more."""
    registry.load_built_in()
    from problems import translate_from_files

    assert registry._problems.get("translate_from_files").__module__ in (
        "t2t_repro.problems.translate_from_files",
        translate_from_files.__name__,
    )


@pytest.fixture
def plug_ins(tables, tmp_path, monkeypatch):
    """Installs plug-ins of the given code; returns the list of what ran."""
    groups = []

    def install(**code):
        for name, text in code.items():
            (tmp_path / f"plug_in_{name}.py").write_text(text)
        sys.path.insert(0, str(tmp_path))
        importlib.invalidate_caches()

        def entry_points(group):
            groups.append(group)
            return [
                importlib.metadata.EntryPoint(name, f"plug_in_{name}", group)
                for name in code
            ]

        monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
        return groups

    return install


def test_a_plug_in_is_loaded_for_a_name_that_nothing_else_has(plug_ins):
    groups = plug_ins(good=_MODULE.format(name="Plugged"))
    registry.problem("translate_ende_toy_rev")
    registry.hparams("transformer_tiny")
    registry.model("transformer")
    assert not groups
    assert registry.problem("plugged_rev").languages == ("yy", "xx")
    assert set(groups) == {"t2t_repro.plugins"}


def test_a_broken_plug_in(plug_ins, tmp_path):
    half = _MODULE.format(name="HalfPlugged")
    plug_ins(bad=f"{half}\n1 / 0\n", good=_MODULE.format(name="Plugged"))
    fault = (
        f"The plug-in 'bad' (plug_in_bad) cannot be loaded: {tmp_path}"
        "/plug_in_bad.py, line 11: ZeroDivisionError: division by zero. Mend"
    )
    # The others go on without it; who asks for a name hears of it.
    assert registry.problem("plugged").languages == ("xx", "yy")
    assert registry.hparams("transformer_tiny").hidden_size
    with pytest.raises(UsageError) as raised:
        registry.problem("unplugged")
    assert str(raised.value).startswith("unknown problem 'unplugged'. Did you")
    assert fault in str(raised.value)
    with pytest.raises(UsageError, match="unknown problem 'half_plugged'"):
        registry.problem("half_plugged")
    listing = registry.registry_help()
    assert fault in listing
    assert re.search("^  plugged +Sentence pairs", listing, re.MULTILINE)


def test_a_plug_in_that_is_gone(plug_ins, monkeypatch):
    plug_ins()
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: [importlib.metadata.EntryPoint("x", "plug_in_no", group)],
    )
    with pytest.raises(UsageError, match="cannot be loaded: ModuleNotFoundErr"):
        registry.problem("unplugged")


@pytest.mark.parametrize(
    ("name", "change", "families"),
    [
        ("rnn_tiny", "filter_size=3", "the model transformer."),
        ("transformer_tiny", "encoder_direction=reversed", "the model rnn."),
    ],
)
def test_a_field_of_another_family_names_the_family(name, change, families):
    with pytest.raises(UsageError, match=f"belongs to {families}"):
        registry.hparams(name).override(change)
    with pytest.raises(UsageError, match="Did you mean hidden_size"):
        registry.hparams(name).override("hiden_size=3")
    # Whoever says how to decode does not ask for a model.
    with pytest.raises(UsageError, match="Did you mean beam_size"):
        parse_fields("--decode_hparams", DecodeOptions, "filter_size=3")
