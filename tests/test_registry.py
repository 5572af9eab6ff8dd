"""Names to problems, models and hparam sets, and the user's own folder."""

import importlib.metadata
import pathlib
import subprocess
import sys

import pytest

from t2t_repro import registry
from t2t_repro.errors import UsageError

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
    assert table.names() == ["banana", "green_apple"]


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
    with pytest.raises(UsageError, match="registered by both problems.*rename"):
        registry.import_usr_dir(str(folder))


def test_errors_in_the_users_code_are_shown_whole(tables, tmp_path):
    folder = tmp_path / "usr_broken"
    folder.mkdir()
    (folder / "a.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        registry.import_usr_dir(str(folder))


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


@pytest.mark.parametrize("name", ["problems", "json"])
def test_a_usr_dir_named_like_another_module(tables, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "a.py").write_text(_MODULE.format(name="UsrOne"))
    with pytest.raises(UsageError, match=f"called '{name}' already; rename"):
        registry.import_usr_dir(str(folder))


def test_a_usr_dir_cannot_stand_in_for_ours(tmp_path):
    """The same in a fresh process, where nothing of ours is imported yet."""
    (tmp_path / "problems").mkdir()
    (tmp_path / "problems" / "__init__.py").touch()
    program = (
        "import sys; from t2t_repro import errors, registry\n"
        "try: registry.import_usr_dir(sys.argv[1])\n"
        "except errors.UsageError: print(len(registry.registry_help()))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "problems")],
        cwd=pathlib.Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(finished.stdout) == len(registry.registry_help())


def test_an_installed_plug_in(tables, tmp_path, monkeypatch):
    (tmp_path / "plug_in_module.py").write_text(_MODULE.format(name="Plugged"))
    sys.path.insert(0, str(tmp_path))

    def entry_points(group):
        return [
            importlib.metadata.EntryPoint(
                name="any", value="plug_in_module", group=group
            )
        ]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert registry.problem("plugged").source_language == "xx"


def test_plug_ins_are_asked_for_under_our_group(monkeypatch):
    groups = []

    def entry_points(group):
        groups.append(group)
        return []

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    registry.load_built_in()
    assert groups == ["t2t_repro.plugins"]
