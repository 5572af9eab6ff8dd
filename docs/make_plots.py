"""Draws the plots of docs/images from what the commands write.

Needs `pip install matplotlib`, which the package itself does not need. LAYERS
and DISTANCE hold what `python -m benchmarks.layers` and `benchmarks.distance`
print (their last line is read), COMPARE what `t2t-compare --json` writes.

  python docs/make_plots.py [--layers=FILE] [--distance=FILE] [--compare=FILE]
"""

import argparse
import json
import pathlib
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402 - after the choice above

_IMAGES = pathlib.Path(__file__).parent / "images"
_SIZE = (7.2, 4.0)  # inches
# Told apart without colours too.
_MARKERS = "osD^vPX*"
# The same bytes for the same numbers; letters are letters.
_REPRODUCIBLE = {"svg.hashsalt": "t2t_repro", "svg.fonttype": "none"}


def main() -> None:
    """Makes every plot for which a file was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("layers", "distance", "compare"):
        parser.add_argument(f"--{name}")
    given = parser.parse_args()
    pyplot.rcParams.update(_REPRODUCIBLE)
    if given.layers:
        _layers(_last_line(given.layers))
    if given.distance:
        _distance(_last_line(given.distance))
    if given.compare:
        _compare(json.loads(pathlib.Path(given.compare).read_text()))


def _last_line(path: str) -> dict[str, Any]:
    return json.loads(pathlib.Path(path).read_text().splitlines()[-1])


def _layers(record: dict[str, Any]) -> None:
    """Table 1: seconds of a layer by the length, both logarithmic."""
    _, axes = pyplot.subplots(figsize=_SIZE)
    lengths = record["lengths"]
    for row, marker in zip(record["rows"], _MARKERS, strict=False):
        times = [row[f"ms, n = {n}"] for n in lengths]
        label = f"{row['layer']}: n^{row['exponent measured']:.2f}"
        axes.loglog(lengths, times, marker=marker, label=label)
    axes.set_xticks(lengths, [str(n) for n in lengths])
    axes.set_xlabel(f"n, positions (d = {record['d_model']})")
    axes.set_ylabel("ms, forward and backward")
    _save(axes, "table1.svg")


def _distance(record: dict[str, Any]) -> None:
    """Accuracy by distance."""
    _, axes = pyplot.subplots(figsize=_SIZE)
    for row, marker in zip(record["rows"], _MARKERS, strict=False):
        bands = {name: v for name, v in row.items() if " to " in name}
        axes.plot(
            [int(name.split(" to ")[0]) for name in bands],
            [100 * value for value in bands.values()],
            marker=marker,
            label=row["run"],
        )
    axes.set_xlabel("distance from reading a symbol to writing it")
    axes.set_ylabel("right, %")
    axes.set_ylim(0, 103)
    _save(axes, "reverse.svg")


def _compare(record: dict[str, Any]) -> None:
    """Table 2 in miniature: the score by updates."""
    _, axes = pyplot.subplots(figsize=_SIZE)
    for run, marker in zip(record["runs"], _MARKERS, strict=False):
        points = run["evaluations"]
        axes.plot(
            [p["step"] for p in points],
            [p["score"] for p in points],
            marker=marker,
            label=run["name"],
        )
    axes.set_xlabel("updates")
    axes.set_ylabel(f"dev {record['metric']}")
    _save(axes, "rivals.svg")


def _save(axes: Any, name: str) -> None:
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=8)
    axes.figure.tight_layout()
    axes.figure.savefig(
        _IMAGES / name, metadata={"Date": None}, facecolor="white"
    )


if __name__ == "__main__":
    main()
