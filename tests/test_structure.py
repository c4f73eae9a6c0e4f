"""The structure of the repository: its folders, who may import whom, and the names that docstrings mention.

The layers themselves are import-linter's (see `pyproject.toml`); what it cannot say is asserted here.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import click
import grimp
import pytest

from encoder_tui.commands.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "encoder_tui"
LAYERS = {"builtin", "client", "commands", "core", "engine", "protocol", "window"}

Imports = Mapping[str, set[str]]


@cache
def imports() -> Imports:
    """For every module the modules that it imports, those under TYPE_CHECKING too."""
    graph = grimp.build_graph("encoder_tui", exclude_type_checking_imports=False, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def rooms(level: int) -> Imports:
    """The imports between packages of one level: `encoder_tui` is of level 1, `encoder_tui.core` of level 2.

    A module above the level is a room of its own.
    """
    found: dict[str, set[str]] = {}
    for module, imported in imports().items():
        room = ".".join(module.split(".")[:level])
        others = found.setdefault(room, set())
        others |= {".".join(other.split(".")[:level]) for other in imported} - {room}
    return found


def circles(arrows: Imports) -> list[set[str]]:
    """The largest groups of rooms in which every room reaches every other."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            for other in arrows[ahead.pop()] - seen:
                seen.add(other)
                ahead.append(other)
        return seen

    reach = {room: reached(room) for room in arrows}
    groups = {frozenset(other for other in reach[room] if room in reach[other]) for room in arrows}
    return [set(group) for group in groups if group]


def short(circle: set[str]) -> set[str]:
    return {room.removeprefix("encoder_tui.") for room in circle}


def test_circles_are_found() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str](), "e": {"e"}}
    assert sorted(map(sorted, circles(arrows))) == [["b", "c"], ["e"]]


def test_no_circle_of_modules_and_none_of_packages_at_any_level() -> None:
    deepest = max(module.count(".") + 1 for module in imports())
    found = [short(circle) for level in range(2, deepest + 1) for circle in circles(rooms(level))]
    assert [sorted(circle) for circle in found] == []


def test_the_package_holds_its_layers_and_nothing_else() -> None:
    held = {entry.name for entry in PACKAGE.iterdir() if entry.name != "__pycache__"}
    assert held == {"__init__.py", "__main__.py", "py.typed", *LAYERS}


def test_every_folder_of_tests_mirrors_a_layer() -> None:
    """Those apart: what a test needs, the benchmarks, the promises, and the whole program in a terminal."""
    apart = {"support", "benchmarks", "promises", "terminal"}
    strays = []
    for folder in sorted(path for path in (ROOT / "tests").rglob("*") if path.is_dir()):
        parts = folder.relative_to(ROOT / "tests").parts
        if parts[0] in apart or parts[-1] == "__pycache__" or parts[:2] == ("window", "snapshots"):
            continue
        # A pane's tests lie in the pane's name, without `panes` between.
        if not (PACKAGE.joinpath(*parts).is_dir() or PACKAGE.joinpath("window", "panes", *parts[1:]).is_dir()):
            strays.append("/".join(parts))
    assert strays == []
    assert [path.name for path in (ROOT / "tests").glob("test_*.py")] == ["test_structure.py"]


def test_the_project_file_names_no_module_of_the_domain() -> None:
    """Contracts name layers and folders, so that a new module needs no line there.

    Beside the panes lies what puts them into the window; it is named because it is no pane.
    """
    beside_panes = {f".window.panes.{name}" for name in ("pane", "registry", "switcher")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = re.findall(r"encoder_tui((?:\.\w+)+)", str(project["tool"]))
    modules = {name for name in named if PACKAGE.joinpath(*name[1:].split(".")).with_suffix(".py").is_file()}
    assert modules - beside_panes == set()


FROM_ELSEWHERE = {
    "flash_attention_2",
    "max_length",
    "model_type",
    "return_overflowing_tokens",
    "tf32",
    "transformers",
}
"""Names in docstrings of classes that are transformers' or torch's."""


def words_of_docstrings() -> Iterator[tuple[str, str]]:
    """Each name in backticks in the docstring of a class that its module's code does not have, after the class."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text("utf-8")
        classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
        if not classes:
            continue
        known = set(FROM_ELSEWHERE)
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.NAME:
                known.add(token.string)
            elif token.type == tokenize.STRING:
                known.add(token.string.strip("\"'"))
        for node in classes:
            for name in re.findall(r"`([a-z_][a-z0-9_]*)`", ast.get_docstring(node) or ""):
                if name not in known:
                    yield f"{path.relative_to(PACKAGE)}: {node.name}", name


def test_the_fields_that_docstrings_name_exist() -> None:
    assert list(words_of_docstrings()) == []


# The pages


PAGES = (
    "README.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "tests/promises/README.md",
    "tests/benchmarks/README.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    places = [(ROOT / page).parent / link for link in links]
    # Code is named from the root of the repository or from the package; NAME is the reader's own.
    named = re.findall(r"`((?:tests|encoder_tui|core|window|client|engine|protocol|commands)/[\w./]+)`", text)
    lost = [name for name in named if "NAME" not in name and not ((ROOT / name).exists() or (PACKAGE / name).exists())]
    assert [str(place) for place in places if not place.exists()] + lost == []


def test_the_readme_is_short_and_gives_the_command_that_the_tests_are_run_with() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(readme.splitlines()) <= 250
    assert "\npip install '.[test]' && pytest\n" in readme
    assert "\npip install '.[test]' && pytest\n" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_readme_lists_every_command_with_options_that_it_has() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `encoder-tui (\w+)(.*?)` \|", readme, re.MULTILINE))
    assert set(listed) == set(COMMANDS)
    for name, words in listed.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"--[\w-]+", words)) <= options, name
