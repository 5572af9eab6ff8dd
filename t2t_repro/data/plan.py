"""What a problem would fetch, without fetching it (`t2t-datagen --dry_run`)."""

import pathlib
from typing import Any

from t2t_repro import files
from t2t_repro.data.problem import TextToTextProblem


def lines(problem: TextToTextProblem, tmp_dir: pathlib.Path) -> list[str]:
    """Words the plan: one line per file, and a sum.

    A file counts as present when something has its name: hashes are checked
    when it is read.

    Args:
      problem: its `sources` are looked at.
      tmp_dir: where raw material lies.
    """
    by_url: dict[str, dict[str, Any]] = {}
    by_hand = []
    for source in problem.sources():
        if source.get("url"):
            by_url.setdefault(source["url"], source)
        else:
            by_hand.append(source)
    written = [
        f"by hand  {source['split']}:"
        f" {source.get('corpus') or source.get('file', 'text')} -> {tmp_dir}"
        for source in by_hand
    ]
    missing = []
    for url, source in by_url.items():
        name = source.get("file") or url.rsplit("/", 1)[-1]
        path = tmp_dir / name
        state = "present" if path.exists() else "missing"
        if state == "missing":
            missing.append(source)
        through = (
            f" (through {source['through']})" if "through" in source else ""
        )
        written.append(
            f"{state}  {_size(source, path)}  {url} -> {path}{through}"
        )
    total = sum(source.get("size") or 0 for source in missing)
    unknown = sum(not source.get("size") for source in missing)
    parts = [files.size_text(total)] if total else []
    parts += [f"{unknown} of unknown size"] if unknown else []
    written.append(
        f"{problem.full_name}: {len(missing)} of {len(by_url)} files to fetch"
        + (f", {' and '.join(parts)}" if parts else "")
    )
    return written


def _size(source: dict[str, Any], path: pathlib.Path) -> str:
    """The published size, or else that of the file where it is there."""
    size = source.get("size")
    if not size and path.is_file():
        size = path.stat().st_size
    return files.size_text(size) if size else "size unknown"
