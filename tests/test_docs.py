"""The pages of docs/: they build, what they name exists, their code runs."""

import ast
import importlib.metadata
import pathlib
import re
import subprocess
import sys
import tomllib

import nbformat
import pytest

from t2t_repro import registry
from t2t_repro.bin import t2t_datagen
from t2t_repro.errors import InputError

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_DOCS = _ROOT / "docs"


def _blocks(page, language):
    text = (_DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, without a warning."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
        + ["--site-dir", str(folder)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_a_page_asks_no_other_server_for_anything(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(list(_DOCS.glob("*.md")))
    for page in pages:
        fetched = re.findall(
            r"<(?:script|img|link|iframe)[^>]*? (?:src|href)=[\"']?http[^>]*>",
            page.read_text(encoding="utf-8"),
        )
        assert not fetched, page


def test_the_start_page_has_the_attention_picture_in_both_colours(site):
    text = (site / "index.html").read_text(encoding="utf-8")
    for colour in ("light", "dark"):
        assert f"images/attention_5_words_{colour}.png#only-{colour}" in text
        assert (site / f"images/attention_5_words_{colour}.png").exists()


def test_a_flag_in_a_sentence_does_not_break_at_its_dashes(site):
    text = (site / "your_own" / "index.html").read_text(encoding="utf-8")
    assert "<code><span>--t2t_usr_dir</span></code>" in text
    blocks = re.findall("<pre>.*?</pre>", text, re.DOTALL)
    assert blocks and not any("<code><span>" in block for block in blocks)


@pytest.mark.parametrize(
    "row",
    [
        line
        for line in (_DOCS / "paper.md").read_text("utf-8").splitlines()
        if re.match(r"\| (\d|all)", line)
    ],
)
def test_the_map_leads_somewhere(row):
    _, _, where, tests = (
        re.findall("`([^`]+)`", cell) for cell in row.strip("| ").split(" | ")
    )
    paths = [name for name in where + tests if name.endswith(".py")]
    assert paths and tests
    for path in paths:
        assert (_ROOT / path).is_file(), path
    defined = set()
    for path in paths:
        if path in where:
            tree = ast.parse((_ROOT / path).read_text(encoding="utf-8"))
            defined |= {
                node.name
                for node in tree.body
                if isinstance(node, (ast.ClassDef, ast.FunctionDef))
            }
    names = {n for n in where if n.isidentifier()}
    assert names <= defined


@pytest.fixture(scope="module")
def user_dir(tmp_path_factory):
    """A --t2t_usr_dir with the page's Python blocks, registered."""
    folder = tmp_path_factory.mktemp("page") / "usr"
    folder.mkdir()
    for block in _blocks("your_own.md", "python"):
        name = re.search(r"usr/(\w+\.py)", block).group(1)
        (folder / name).write_text(block, encoding="utf-8")
    tables = (registry._problems._entries, registry._hparams._entries)
    registry.load_built_in()
    before = [dict(table) for table in tables]
    registry.import_usr_dir(str(folder))
    yield folder
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def test_the_problem_of_the_page_makes_data(user_dir, tmp_path, capsys):
    (block, _) = _blocks("your_own.md", "python")
    assert len(block.strip().splitlines()) <= 27
    for split in ("train", "dev"):
        lines = [f"uno {i} due\ten {i} to\n" for i in range(200)]
        (tmp_path / f"phrases.{split}.tsv").write_text("".join(lines))
    arguments = [
        "--problem=translate_itno_phrases",
        f"--t2t_usr_dir={user_dir}",
        f"--tmp_dir={tmp_path}",
        f"--data_dir={tmp_path / 'data'}",
    ]
    assert t2t_datagen.main(arguments) == 0, capsys.readouterr().err
    assert list((tmp_path / "data").glob("translate_itno_phrases-train-*"))


def test_the_problem_of_the_page_names_a_bad_line(user_dir, tmp_path):
    (tmp_path / "phrases.dev.tsv").write_text("uno\ten\nno tab\n")
    problem = registry.problem("translate_itno_phrases")
    with pytest.raises(InputError, match="line 2"):
        list(problem.generate_samples("dev", tmp_path))


def test_the_set_of_the_page_is_found(user_dir):
    hparams = registry.hparams("transformer_half")
    assert hparams.hidden_size // hparams.num_heads == 64


def test_the_plug_in_of_the_page(tmp_path, monkeypatch):
    (project,) = map(tomllib.loads, _blocks("plug_ins.md", "toml"))
    (code,) = _blocks("plug_ins.md", "python")
    ((name, value),) = project["project"]["entry-points"][
        "t2t_repro.plugins"
    ].items()
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "__init__.py").write_text(code, encoding="utf-8")
    registry.load_built_in()
    for table in (registry._problems, registry._hparams):
        monkeypatch.setattr(table, "_entries", dict(table._entries))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: [importlib.metadata.EntryPoint(name, value, group)],
    )
    try:
        assert registry.hparams("transformer_phrases").hidden_size == 64
        problem = registry.problem("translate_svfi_phrases_rev")
        assert problem.languages == ("fi", "sv")
        assert len(list(problem.generate_samples("dev", tmp_path))) == 2
        assert "Swedish to Finnish" in registry.registry_help("phrases")
    finally:
        sys.modules.pop("phrases", None)


def test_the_notebook_is_whole_and_has_its_outputs():
    notebook = nbformat.read(_DOCS / "walkthrough.ipynb", as_version=4)
    nbformat.validate(notebook)  # its format, and that cells have ids
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count
            for output in cell.outputs:
                assert output.output_type != "error"
                assert not re.search(r"/(tmp|home|root|work)/", str(output))
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    printed = str([cell.get("outputs") for cell in notebook.cells])
    assert "step 1000" in printed and "Elefant" in printed


def test_the_notebook_runs_from_top_to_bottom(monkeypatch, capsys):
    # What is shown takes 1,000 steps; two show that every cell works.
    monkeypatch.setenv("WALKTHROUGH_STEPS", "2")
    notebook = nbformat.read(_DOCS / "walkthrough.ipynb", as_version=4)
    names: dict = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    assert names["page"].exists()
    assert "elephant" in capsys.readouterr().out
