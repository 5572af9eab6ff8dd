"""Draws the plots of docs/images from what the commands write.

Needs `pip install matplotlib`, which the package itself does not need. LAYERS
and DISTANCE hold what `python -m benchmarks.layers` and `benchmarks.distance`
print (their last line is read), COMPARE what `t2t-compare --json` writes of
runs that had --minutes each, BENCHMARKS the file of `benchmarks.all`.

  python docs/make_plots.py [--layers=FILE] [--distance=FILE]
    [--compare=FILE --minutes=60] [--benchmarks=FILE]
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
    for name in ("layers", "distance", "compare", "benchmarks"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    pyplot.rcParams.update(_REPRODUCIBLE)
    if given.layers:
        _layers(_last_line(given.layers))
    if given.distance:
        _distance(_last_line(given.distance))
    if given.compare:
        _compare(_read(given.compare), given.minutes)
    if given.benchmarks:
        _speed(_read(given.benchmarks))


def _read(path: str) -> Any:
    return json.loads(pathlib.Path(path).read_text())


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


def _compare(record: dict[str, Any], minutes: float) -> None:
    """Table 2 in miniature: the score by the time that each run had.

    Twice: all of it, and the upper end, where most of the runs are.
    """
    figure, (whole, upper) = pyplot.subplots(
        1, 2, figsize=(9.6, 4.2), layout="constrained"
    )
    for run, marker in zip(record["runs"], _MARKERS, strict=False):
        points = run["evaluations"]
        times = [p["step"] / run["steps"] * minutes for p in points]
        scores = [p["score"] for p in points]
        name = run["name"].replace("_", " ")
        for axes in (whole, upper):
            axes.plot(times, scores, marker=marker, markersize=3, label=name)
    best = max(p["score"] for r in record["runs"] for p in r["evaluations"])
    upper.set_ylim(0.8 * best, 1.01 * best)
    for axes in (whole, upper):
        axes.set_xlabel("minutes of one processor core")
        axes.grid(True, alpha=0.3)
    whole.set_ylabel(f"dev {record['metric'].upper()}")
    figure.legend(
        *whole.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        fontsize=8,
    )
    _write(figure, "rivals.svg")


def _speed(tables: list[dict[str, Any]]) -> None:
    """Bars of the systems, for some of the tables of `benchmarks.all`."""
    rows = {table["title"]: table["rows"] for table in tables}
    tokens, sentences = "target_tokens_per_second", "sentences_per_second"
    shown = (
        ("Training step, base, precisions", tokens, "training base"),
        (
            "Training step, 128 wide, a part of the batch on every core",
            tokens,
            "training 128 wide",
        ),
        ("Decoding, base, fixed length", sentences, "base, beam 4"),
    )
    figure, all_axes = pyplot.subplots(
        len(shown),
        figsize=(_SIZE[0], 7.6),
        height_ratios=[len(rows[table]) for table, _, _ in shown],
    )
    for axes, (table, unit, what) in zip(all_axes, shown, strict=True):
        found = sorted(
            (row[unit], row["system"])
            for row in rows[table]
            if "greedy" not in row["system"]
        )
        bars = axes.barh(
            [system for _, system in found],
            [value for value, _ in found],
            color=["C0" if "t2t" in system else "0.7" for _, system in found],
        )
        digits = 0 if found[-1][0] > 100 else 1
        axes.bar_label(bars, [f" {value:,.{digits}f}" for value, _ in found])
        heading = f"{what}: {unit.replace('_', ' ')}"
        axes.set_title(heading, loc="left", fontsize=10)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.set_xticks([])
        axes.margins(x=0.15)
    figure.tight_layout()
    _write(figure, "speed.svg")


def _save(axes: Any, name: str) -> None:
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=8)
    axes.figure.tight_layout()
    _write(axes.figure, name)


def _write(figure: Any, name: str) -> None:
    figure.savefig(_IMAGES / name, metadata={"Date": None}, facecolor="white")


if __name__ == "__main__":
    main()
