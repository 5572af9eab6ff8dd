"""Makes the pictures of docs/images: our two pages and TensorBoard.

Needs a Chromium on PATH and `pip install playwright`, neither of which the
package itself needs. The sentences are written here, so that no picture holds
text of anybody's data, and in the words of the toy corpus; TensorBoard shows
dev data: give runs on that corpus (`make demo`), two of them to compare.

  python docs/make_screenshots.py --run=RUN [--parsing_run=RUN] [--board=LOGDIR]
    [--compare=RUN,RUN]
"""

import argparse
import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image
from playwright import sync_api

_IMAGES = pathlib.Path(__file__).parent / "images"
# What fits into a page that loads at once.
_LARGEST = 200_000
_WORDS = "My strong teacher calls Olga."
_MANY_WORDS = (
    "My strong teacher calls Olga. In winter Clara does not meet a neighbour."
    " These boys think that a bird heard this young woman. Yesterday they"
    " laughed in the park. Did the men carry the table? My child did not choose"
    " the new books."
)
_TO_PARSE = "The company said it will sell the bank ."
# What a person looks at first.
_SCALARS = "^(bleu$|loss|nll|learning_rate)"
# Chromium alone, without the network that it would look for.
_ALONE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main() -> None:
    """Makes all pictures for which a run was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, text in (
        ("run", "a run on the toy corpus, for the attention page"),
        ("parsing_run", "a trained parsing run"),
        ("board", "folder of runs, for TensorBoard"),
        ("compare", "runs, with commas between them"),
    ):
        parser.add_argument(f"--{name}", help=text)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    _IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _browser(chromium) as browser:
        if given.run:
            page = _page(given.run, [_WORDS, _MANY_WORDS], folder)
            _attention(browser, page)
        if given.parsing_run:
            page = _page(given.parsing_run, [_TO_PARSE], folder)
            _parse(browser, page)
        if given.compare:
            _compare(browser, given.compare, f"{folder}/compare.html")
        if given.board:
            with _tensorboard(given.board) as address:
                _board(browser, address)


@contextlib.contextmanager
def _browser(chromium: str | None) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*_ALONE]
        )
        yield browser
        browser.close()


def _page(run: str, sentences: list[str], folder: str) -> str:
    """Runs t2t-visualize; returns the page's address."""
    source, target = pathlib.Path(folder, "in"), pathlib.Path(folder, "page")
    source.write_text("".join(f"{sentence}\n" for sentence in sentences))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "t2t_repro.bin.t2t_visualize",
            f"--output_dir={run}",
            f"--decode_from_file={source}",
            f"--html={target}.html",
            "--overwrite",
        ],
        check=True,
    )
    return pathlib.Path(f"{target}.html").as_uri()


def _attention(browser: Any, address: str) -> None:
    """The page: few and many words, light and dark, lines and matrix."""
    for scheme in ("light", "dark"):
        with _tab(browser, address, 1000, 800, scheme) as tab:
            tab.locator("#queries button").nth(3).hover()
            _save(tab, f"attention_5_words_{scheme}")
        with _tab(browser, address, 1000, 1760, scheme) as tab:
            tab.select_option("#sentence", "1")
            if scheme == "light":
                tab.locator("#attentions input").first.check()
                tab.locator("#queries button").nth(18).hover()
            else:
                tab.locator("input[value=matrix]").check()
                tab.locator("#heads button").nth(1).dblclick()
            _save(tab, f"attention_60_words_{scheme}")
    with _tab(browser, address, 390, 800) as tab:
        tab.select_option("#sentence", "1")
        tab.locator("#keys button").last.hover()
        _save(tab, "attention_on_a_phone")


def _parse(browser: Any, address: str) -> None:
    with _tab(browser, address, 1000, 1000, "light") as tab:
        tab.locator("#queries button").nth(3).hover()
        _save(tab, "attention_parse_tree")


def _compare(browser: Any, runs: str, page: str) -> None:
    command = [sys.executable, "-m", "t2t_repro.bin.t2t_compare"]
    subprocess.run(
        [*command, f"--output_dirs={runs}", f"--html={page}"], check=True
    )
    for scheme in ("light", "dark"):
        address = pathlib.Path(page).as_uri()
        with _tab(browser, address, 1600, 1300, scheme) as tab:
            _save(tab, f"compare_{scheme}")


def _board(browser: Any, address: str) -> None:
    """TensorBoard's tabs."""
    with _tab(browser, f"{address}/#timeseries", 1280, 1000) as tab:
        # A card that is out of sight is not drawn.
        tab.get_by_role("button", name="Settings").click()
        tab.locator("input[placeholder^='Filter tags']").fill(_SCALARS)
        tab.keyboard.press("Escape")  # the list of tags it suggests
        _save(tab, "tensorboard_scalars", _settled)

    def last_layer(tab: Any) -> None:
        tags = tab.get_by_label(re.compile("Filter tags")).first
        tags.fill("layer_1/encdec")
        _settled(tab)

    with _tab(browser, f"{address}/#images", 1280, 900) as tab:
        _save(tab, "tensorboard_attention", last_layer)
    for name, width in (("text", 1280), ("hparams", 1960)):
        with _tab(browser, f"{address}/#{name}", width, 700) as tab:
            _save(tab, f"tensorboard_{name}", _settled)


@contextlib.contextmanager
def _tab(
    browser: Any, address: str, width: int, height: int, scheme: str = "light"
) -> Iterator[Any]:
    """A new window; what its page complains of ends the program."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    )
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(address)
    if address.startswith("http"):
        _settled(tab)
    yield tab
    context.close()
    if errors and not address.startswith("http"):
        raise SystemExit(f"{address}: {errors[0]}")


def _settled(tab: Any) -> None:
    """TensorBoard fetches and animates; nothing says when it is done."""
    tab.wait_for_load_state("networkidle")
    time.sleep(4)


def _save(
    tab: Any, name: str, prepare: Callable[[Any], None] | None = None
) -> None:
    """Writes a picture of the window, or of the page where that is shorter."""
    if prepare is not None:
        prepare(tab)
    path = _IMAGES / f"{name}.png"
    window = tab.viewport_size
    content = tab.locator("body").bounding_box()["height"]
    height = min(window["height"], content) if prepare is None else None
    clip = {"x": 0, "y": 0, "width": window["width"], "height": height}
    tab.screenshot(path=path, clip=clip if height else None)
    with Image.open(path) as picture:
        colours = picture.convert("RGB")
    colours.save(path, optimize=True)
    if path.stat().st_size > _LARGEST:
        few = colours.quantize(256, method=Image.Quantize.MAXCOVERAGE)
        few.save(path, optimize=True)
    if path.stat().st_size > _LARGEST:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes")
    print(f"{path}: {path.stat().st_size} bytes")


@contextlib.contextmanager
def _tensorboard(logdir: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # It shows the folder as it is told, which is nobody's business.
    folder = pathlib.Path(logdir).absolute()
    command = [sys.executable, "-m", "tensorboard.main"]
    server = subprocess.Popen(
        [*command, f"--logdir={folder.name}", f"--port={port}"],
        cwd=folder.parent,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(60):
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(address, timeout=2)
                break
            time.sleep(1)
        # It answers before it has read the runs.
        time.sleep(8)
        yield address
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
