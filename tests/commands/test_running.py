"""What the commands share."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.cells import cell_len

from encoder_tui import commands
from encoder_tui.commands.cli import COMMANDS
from encoder_tui.commands.running import aligned


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    assert aligned([["a", "b"], ["abc", "12"]]) == ["a     b", "abc  12"]
    lines = aligned([["模型", "1"], ["ab", "1,024"], ["e\u0301", "12"]])
    assert [cell_len(line) for line in lines] == [11, 11, 11]
    assert lines == ["模型      1", "ab    1,024", "e\u0301        12"]


@pytest.mark.parametrize("path", Path(commands.__path__[0]).glob("*.py"), ids=lambda path: path.stem)
def test_no_command_imports_a_command(path: Path) -> None:
    of_commands = {name.rpartition(".")[2] for name in COMMANDS.values()}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "encoder_tui.commands":
            assert not of_commands & {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "") not in COMMANDS.values()
