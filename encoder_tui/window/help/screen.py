"""F1: what the screen shows, what it means, which keys work, and a command to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Markdown, Static, TextArea

from encoder_tui.core.text.safe import visible
from encoder_tui.window.help.pages import TERMINAL, command, sections
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.key_names import lowered, spelled
from encoder_tui.window.widgets.scrolling_text import ScrollingText

FOCUSED: Final = (
    (
        TextArea,
        "The focus is in a **text field**: letters are text here. `escape` leaves it, `tab` goes to the next panel.",
    ),
    (Input, "The focus is in a **field**: letters are text here. `enter` accepts it, `escape` leaves it."),
    (Choice, "The focus is on a **row of names**: choose one with `←` and `→` or the mouse."),
    (Cycle, "The focus is on a **setting** between ‹ and ›: change it with `space`, the arrows or a click."),
)

WINDOW: Final = "Window"
OTHERS: Final = "Moving and editing"
LAST: Final = (WINDOW, OTHERS)
"""The groups that are listed last, after the keys of the pane and of the focused widget."""


@dataclass(frozen=True)
class Topic:
    """What to explain: a help page and its title; for a pane, also the current view and a command to try.

    `command` holds the arguments of `encoder-tui` that print what the view shows.
    """

    page: str
    title: str
    view: str = ""
    command: Sequence[str] = ()


class Page(ScrollingText):
    """A page of help, which also goes on with space."""

    BINDINGS = [Binding("space", "page_down", "Page down", show=False, id="move.page-down")]


class HelpScreen(ModalScreen[None]):
    """A few pages: the current view and its pane, the keys, the terminal."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > Vertical {
        width: 96; max-width: 100%; height: 90%; background: $surface; border: round $border; padding: 0 1;
    }
    HelpScreen Page { height: 1fr; scrollbar-size-vertical: 1; background: $surface; }
    HelpScreen Markdown { background: $surface; padding: 0 1; }
    HelpScreen MarkdownH1 { content-align: left middle; margin: 0 0 1 0; color: $foreground; text-style: bold; }
    HelpScreen MarkdownH2 { margin: 1 0 0 0; color: $foreground; text-style: bold underline; }
    HelpScreen MarkdownFence { margin: 1 0; }
    HelpScreen #help-keys { height: 1; color: $text-muted; }
    """
    BINDINGS = [
        Binding("escape,q", "close", "Close", id="dialog.close"),
        Binding("right,l", "page(1)", "Next page", show=False, id="help.next-page"),
        Binding("left,h", "page(-1)", "Previous page", show=False, id="help.previous-page"),
    ]

    def __init__(self, topic: Topic, models: Sequence[str], opened_from: Screen[Any]) -> None:
        super().__init__()
        self._pages = _written(topic, models, opened_from)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Help"
            yield Choice(list(self._pages), id="help-page")
            with Page():
                yield Markdown(next(iter(self._pages.values())), open_links=False)
            yield Static(
                Content("← → other pages   ↑ ↓ j k scroll   space page down   esc close"), id="help-keys", markup=False
            )

    def on_mount(self) -> None:
        self.query_one(Page).focus()

    @on(Choice.Changed, "#help-page")
    async def _turn(self, event: Choice.Changed) -> None:
        event.stop()
        await self.query_one(Markdown).update(self._pages[event.name])
        self.query_one(Page).scroll_home(animate=False)

    def action_page(self, step: int) -> None:
        """Show the next page."""
        self.query_one("#help-page", Choice).action_move(step)

    def action_close(self) -> None:
        """Close the help."""
        if self.is_active:
            self.dismiss()


def _written(topic: Topic, models: Sequence[str], opened_from: Screen[Any]) -> dict[str, str]:
    """Return every page by its name, in Markdown; the one that opens comes first."""
    focused = next((words for kind, words in FOCUSED if isinstance(opened_from.focused, kind)), "")
    written = sections(topic.page)
    if topic.view:
        name = f"{topic.title}: {topic.view}"
        here = [f"# {name}", focused, written.get(topic.view, ""), _to_try(topic.command, models), written[""]]
    else:
        name, here = topic.title, [written[""]]
    pages = {name: "\n\n".join(filter(None, here))}
    return {**pages, "keys": key_page(opened_from), TERMINAL: sections(TERMINAL)[""]}


def _to_try(arguments: Sequence[str], models: Sequence[str]) -> str:
    """Return the section with a shell command, in Markdown; empty if there is none."""
    if not arguments:
        return ""
    safe = "\n".join(map(visible, command(arguments, models).splitlines()))
    return f"**To try in a shell:**\n\n```sh\n{safe}\n```"


def key_page(screen: Screen[Any]) -> str:
    """Return the keys that work now, in Markdown: a table for each widget that handles them."""
    rows: dict[str, dict[tuple[str, str], list[str]]] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        if binding.description and not binding.system:
            # A text field has keys of Textual, which cannot be remapped here.
            where = spaced(type(active.node).__name__) if binding.id else OTHERS
            about = (lowered(binding.description), binding.id or "")
            rows.setdefault(where, {}).setdefault(about, []).append(spelled(key))
    lines = ["# Keys that work now"]
    for where, found in sorted(rows.items(), key=lambda row: LAST.index(row[0]) + 1 if row[0] in LAST else 0):
        shown = {about: " ".join(pressed) for about, pressed in found.items()}
        wide, wider = max(map(len, shown.values())), max(len(words) for words, _ in shown)
        table = [f"{pressed:<{wide}}  {words:<{wider}}  {name}".rstrip() for (words, name), pressed in shown.items()]
        lines += ["", f"## {where}", "", "```text", *table, "```"]
    return "\n".join([*lines, "", sections("keys")[""]])


def spaced(name: str) -> str:
    """Return the name of a class in words: `DocumentText` becomes `Document text`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).split()
    return " ".join(words).replace("encoder app", "window").replace("main screen", "window").capitalize()
