"""Records as Markdown tables."""

from collections.abc import Mapping, Sequence
from typing import Any

BEGIN = "<!-- tables: begin -->"
END = "<!-- tables: end -->"


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as a table; a key's underscores become spaces.

    Args:
      rows: at least one.
    """
    names = list(rows[0])
    lines = [
        [name.replace("_", " ") for name in names],
        ["---" for _ in names],
        *([cell(row[name]) for name in names] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: Any) -> str:
    """A value for people: three digits that count, thousands apart."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) >= 0.01 or value == 0:
        return f"{value:.3f}"
    return f"{value:.2e}"


def between_marks(text: str, content: str) -> str | None:
    """A page with new tables in their place.

    Args:
      text: the page, with a line `<!-- tables: begin -->` and one
        `<!-- tables: end -->`.
      content: what is to stand between them.

    Returns:
      The new page; None where it has no such lines.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return None
    return f"{before}{BEGIN}\n{content.strip()}\n{END}{after}"
