"""Records as Markdown."""

import pytest

from benchmarks import tables


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("base", "base"),
        (True, "True"),
        (1234567, "1,234,567"),
        (1234.5, "1,234"),
        (12.345, "12.3"),
        (0.12345, "0.123"),
        (0.0, "0.000"),
        (0.00123456, "1.23e-03"),
    ],
)
def test_cells_have_three_digits_that_count(value, text):
    assert tables.cell(value) == text


def test_a_table():
    rows = [{"a_name": "x", "n": 1}, {"a_name": "y", "n": 2000}]
    assert tables.markdown(rows) == (
        "| a name | n |\n| --- | --- |\n| x | 1 |\n| y | 2,000 |"
    )


def test_tables_go_between_their_marks():
    page = f"Before\n{tables.BEGIN}\nold\n{tables.END}\nAfter\n"
    assert tables.between_marks(page, "\nnew\n\n") == (
        f"Before\n{tables.BEGIN}\nnew\n{tables.END}\nAfter\n"
    )


@pytest.mark.parametrize(
    "page", ["", tables.BEGIN, f"{tables.END}\n{tables.BEGIN}"]
)
def test_a_page_without_marks_is_left_alone(page):
    assert tables.between_marks(page, "new") is None
