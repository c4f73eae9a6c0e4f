"""The table of operations and the modules that do them."""

from __future__ import annotations

from pathlib import Path

from encoder_tui.engine import operations as modules
from encoder_tui.protocol import operations


def test_every_module_is_an_operation_and_every_operation_a_module() -> None:
    folder = Path(modules.__file__).parent
    assert sorted(operations.OPERATIONS) == sorted(path.stem for path in folder.glob("[!_]*.py"))


def test_every_operation_that_is_defined_is_in_the_table() -> None:
    defined = [value for value in vars(operations).values() if isinstance(value, operations.Operation)]
    assert sorted(operation.name for operation in defined) == sorted(operations.OPERATIONS)
