"""The client of docs/huggingface.md, where transformers is installed.

It is no dependency; the page's commands are run by tests/test_commands.py.
"""

import re
import subprocess
import sys

import pytest

from t2t_repro.bin import t2t_exporter, t2t_import_checkpoint
from tests import source_tree

_MODEL = source_tree.ROOT / "tests" / "testdata" / "marian" / "plain"
_PAGE = source_tree.ROOT / "docs" / "huggingface.md"


def test_the_client_translates(tmp_path):
    for name in ("torch", "transformers"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    (client,) = re.findall(
        r"^```python\n(.*?)^```", _PAGE.read_text("utf-8"), re.M | re.S
    )
    folder = re.findall(r'from_pretrained\("(.+?)"\)', client)[0]
    run = tmp_path / "run"
    arguments = [f"--marian={_MODEL}", f"--output_dir={run}"]
    assert t2t_import_checkpoint.main(arguments) == 0
    arguments = [f"--output_dir={run}", f"--export_dir={tmp_path / folder}"]
    assert t2t_exporter.main([*arguments, "--format=huggingface"]) == 0
    done = subprocess.run(
        [sys.executable, "-c", client],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\['.+'\]\n", done.stdout)
