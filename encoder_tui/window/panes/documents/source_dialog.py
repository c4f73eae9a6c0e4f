"""Choosing other documents: typed, recent, one of the defaults, or another split; and how their files are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from encoder_tui.core.files.typed_paths import dropped
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.documents import FORMATS, SourceAnswer, SourceSpec
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.session.hub_search import HubSearch, result_words
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.option_list import Options

ALWAYS: Final = ("sentence-transformers/mldr:en-triplet:train", "builtin")

GUESSED: Final = ("guessed", None)
DELIMITERS: Final = (GUESSED, ("comma", ","), ("tab", "\t"), ("semicolon", ";"), ("bar", "|"))
DOCUMENTS: Final = (("a text file", False), ("a line of it", True))
OF_ROWS: Final = "of a JSON object: the one that holds the rows"
WHETHER: Final = (GUESSED, ("yes", True), ("no", False))


class SourceChooser(Dialog[tuple[str, SourceSpec] | None]):
    """Asks for a source; the answer is what was typed, and the request that it means."""

    CSS = """
    SourceChooser > Vertical { max-height: 90%; overflow-y: auto; }
    SourceChooser OptionList { max-height: 10; }
    SourceChooser Static { color: $text-muted; }
    SourceChooser Horizontal { height: 1; }
    SourceChooser Horizontal Cycle { color: $foreground; }
    SourceChooser #field { width: 1fr; margin: 0; }
    SourceChooser .label { width: auto; padding: 0 1; }
    """

    def __init__(
        self,
        session: Session,
        current: str | None,
        spec: SourceSpec,
        recent: Sequence[str] = (),
        answer: SourceAnswer | None = None,
        remarks: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._search = HubSearch(session, "datasets", session.documents_engine, self._show)
        self._current = current
        self._spec = spec
        self._known = list(dict.fromkeys([*recent, *ALWAYS]))
        self._choices_of_current = [] if answer is None or current is None else choices_of(answer)
        self._remarks = "\n".join(f"! {visible(remark)}" for remark in remarks)
        self._sources, self._choices = list(self._known), list(self._choices_of_current)

    def compose(self) -> ComposeResult:
        spec = self._spec
        with Vertical() as box:
            box.border_title = "Documents"
            yield Static(
                "A file (text, JSON, CSV, parquet; also packed), a directory, a pattern, several of them in quotes,"
                " or a data set of the Hub as NAME[:CONFIG[:SPLIT]]",
                markup=False,
            )
            yield Field(self._current or "", placeholder="file, directory or data set", compact=True, id="source-name")
            with Horizontal():
                yield Cycle("format", (GUESSED, *FORMATS), id="format", value=spec.format)
                yield Cycle("delimiter", DELIMITERS, id="delimiter", value=spec.delimiter)
            with Horizontal():
                yield Cycle("header", WHETHER, id="header", value=spec.header)
                yield Cycle("quotes", WHETHER, id="quotes", value=spec.quotes)
                yield Cycle("a document is", DOCUMENTS, id="lines", value=spec.lines)
            with Horizontal():
                yield Static("field", classes="label", markup=False)
                yield Field(spec.field or "", placeholder=OF_ROWS, compact=True, id="field")
            names = [*(f"{kind} {name}" for kind, name in self._choices), *self._sources]
            yield Options(*(Option(Content(visible(name))) for name in names), markup=False)
            yield Static(self._remarks, id="source-search", markup=False)

    def on_unmount(self) -> None:
        self._search.close()

    @on(Input.Changed, "#source-name")
    def _name_changed(self, event: Input.Changed) -> None:
        # What the field opened with is not a question.
        self._search.ask("" if event.value == (self._current or "") else event.value)
        self._show()

    def _show(self) -> None:
        """Show what goes with what was typed: choices of the open source, known sources, what the Hub found."""
        typed = self.query_one("#source-name", Field).value
        is_typed = typed != (self._current or "")
        results = {found.name: result_words(found) for found in self._search.found}
        wanted = typed.strip().casefold() if is_typed else ""
        self._choices = [] if is_typed else list(self._choices_of_current)
        known = [source for source in self._known if wanted in source.casefold()]
        self._sources = list(dict.fromkeys([*known, *results]))
        options = self.query_one(Options)
        highlighted = options.highlighted
        options.set_options(
            Option(Content.assemble(visible(name), (f"   {results[name]}" if name in results else "", "dim")))
            for name in [*(f"{kind} {name}" for kind, name in self._choices), *self._sources]
        )
        options.highlighted = highlighted
        self.query_one("#source-search", Static).update(Content(self._search.words or self._remarks))

    def key_down(self) -> None:
        """Go from the field to what there is to choose."""
        options = self.query_one(Options)
        if isinstance(self.focused, Field) and options.option_count:
            options.highlighted = 0
            self.set_focus(options)  # at once: the next key is meant for it

    def _answer(self, source: str) -> tuple[str, SourceSpec]:
        names = dropped(source)
        chosen = {name: self.query_one(f"#{name}", Cycle).value for name in ("format", "delimiter", "header", "quotes")}
        return source, SourceSpec(
            names[0],
            bool(self.query_one("#lines", Cycle).value),
            self._spec.offline,
            more=tuple(names[1:]),
            field=self.query_one("#field", Field).value.strip() or None,
            **chosen,
        )

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        typed = self.query_one("#source-name", Field).value.strip()
        if typed:
            self.dismiss(self._answer(typed))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        place = event.option_index - len(self._choices)
        if place >= 0:
            self.dismiss((self._sources[place], SourceSpec(self._sources[place], offline=self._spec.offline)))
            return
        assert self._current is not None
        self.dismiss((self._current, with_choice(self._spec, *self._choices[event.option_index])))


def choices_of(answer: SourceAnswer) -> list[tuple[str, str]]:
    """Return the other configurations and splits of an open source, each with what it is."""
    return [
        *(("config", name) for name in answer.configs if name != answer.config),
        *(("split", name) for name in answer.splits if name != answer.split),
    ]


def with_choice(spec: SourceSpec, kind: str, name: str) -> SourceSpec:
    """Return the request for another configuration or split of the same source."""
    if kind == "split":
        return msgspec.structs.replace(spec, split=name)
    return msgspec.structs.replace(spec, config=name, split=None)
