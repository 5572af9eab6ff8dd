"""Runs walkthrough.ipynb from top to bottom and stores what it prints.

  python docs/run_walkthrough.py

1,000 steps, some minutes on two CPU cores. The folder that the notebook works
in, which is another one each time, becomes WORK in its outputs.
"""

import os
import pathlib
import re
import tempfile

import nbclient
import nbformat

_NOTEBOOK = pathlib.Path(__file__).with_name("walkthrough.ipynb")
# A line that a progress bar wrote over, and the colours of a terminal.
_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)|\x1b\[[0-9;]*m")


def main() -> None:
    """Writes the notebook anew; a cell that fails leaves it as it was."""
    notebook = nbformat.read(_NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        os.environ["PYTHONPATH"] = str(_NOTEBOOK.parents[1])
        client = nbclient.NotebookClient(
            notebook, timeout=3600, coalesce_streams=True
        )
        client.execute(cwd=folder)
    for cell in notebook.cells:
        # When a cell ran says nothing to a reader, and is another every time.
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = _clean(output.text, folder)
            elif "text/plain" in output.get("data", {}):
                plain = output.data["text/plain"]
                output.data["text/plain"] = _clean(plain, folder)
    notebook.metadata.language_info = {"name": "python"}
    nbformat.validate(notebook)
    nbformat.write(notebook, _NOTEBOOK)


def _clean(text: str, folder: str) -> str:
    text = re.sub(rf"{re.escape(folder)}/\w+", "WORK", text)
    return _OVERWRITTEN.sub("", text)


if __name__ == "__main__":
    main()
