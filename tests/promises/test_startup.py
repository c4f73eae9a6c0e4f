"""What starting the program imports: nothing that takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import encoder_tui

ROOT = Path(encoder_tui.__file__).parent
HEAVY = ("torch", "transformers", "datasets", "numpy", "pyarrow", "pandas")
APP = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for folder in ("commands", "window/panes", "window/widgets", "window/dialogs")
    for path in (ROOT / folder).rglob("*.py")
)


def imported(*modules: str, then: str = "") -> set[str]:
    """The top-level packages that a new process has after importing these modules."""
    script = f"import sys, {', '.join(modules)}\n{then}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_modules_looked_at_are_all_there_are() -> None:
    assert {
        "encoder_tui.commands.tokens",
        "encoder_tui.window.panes.tokens.pane",
        "encoder_tui.window.widgets.table",
    } <= set(APP)


def test_the_window_with_every_pane_imports_nothing_heavy() -> None:
    found = imported("encoder_tui.window.app", "encoder_tui.commands.cli", "encoder_tui.client.client", *APP)
    assert {"textual", "encoder_tui", "msgspec"} <= found
    assert not found & set(HEAVY)


@pytest.mark.parametrize("name", [module for module in APP if module.startswith("encoder_tui.commands.")])
def test_a_command_imports_neither_the_window_nor_anything_heavy(name: str) -> None:
    found = imported("encoder_tui.__main__", name)
    assert "click" in found
    assert not found & {"textual", "plotext", "huggingface_hub", *HEAVY}


def test_help_imports_no_window_and_nothing_heavy() -> None:
    call = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
    found = imported("encoder_tui.commands.cli", then=f"{call}    encoder_tui.commands.cli.cli(['--help'])")
    assert not found & {"textual", "plotext", "huggingface_hub", *HEAVY}


def test_tokens_of_the_built_in_pair_are_had_without_anything_heavy() -> None:
    call = (
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    arguments = ['tokens', 'x', '--json', '-m', 'builtin:bert', '-m', 'builtin:modernbert']\n"
        "    encoder_tui.commands.cli.cli(arguments)\n"
    )
    found = imported("encoder_tui.commands.cli", then=call)
    assert "tokenizers" in found
    assert not found & {"textual", "plotext", "huggingface_hub", *HEAVY}


def test_the_engine_imports_no_window_and_torch_only_when_asked() -> None:
    found = imported("encoder_tui.engine.server", "encoder_tui.protocol.operations", "encoder_tui.engine.__main__")
    assert not found & {"textual", "rich", "click", "plotext", *HEAVY}


def test_the_engines_tasks_import_no_window() -> None:
    tasks = [f"encoder_tui.engine.operations.{path.stem}" for path in (ROOT / "engine" / "operations").glob("[!_]*.py")]
    assert "encoder_tui.engine.operations.tokenizer" in tasks
    assert not imported("encoder_tui.engine.server", *tasks) & {"textual", "click"}
