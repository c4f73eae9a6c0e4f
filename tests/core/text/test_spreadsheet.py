"""No cell of a table in a file is a formula to a spreadsheet, and numbers stay numbers."""

from __future__ import annotations

import pytest

from encoder_tui.core.text.spreadsheet import safe_table, text_cell


@pytest.mark.parametrize("text", ["=1+1", "-1+1|x", "@SUM(A1)", "-x", "+-1", "-1,a", "-inf", "-1e", "-=", "--"])
def test_what_could_be_a_formula_is_text(text: str) -> None:
    assert text_cell(text) == f"'{text}"
    assert safe_table(f"a\t{text}\n{text}\tb\n") == f"a\t'{text}\n'{text}\tb\n"


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "+1", "-"])
def test_text_that_is_text_for_certain_never_is_a_number_either(text: str) -> None:
    assert text_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["-1", "+1", "-1,024", "-0.5", "+0.021", "-1.5e-07", "-2E+3", "-", "a=b", "'=1", "1-2"]
)
def test_numbers_and_everything_else_stay(text: str) -> None:
    assert safe_table(f"{text}\n\t{text}") == f"{text}\n\t{text}"
