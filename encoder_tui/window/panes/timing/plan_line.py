"""The plan as two lines of fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, HorizontalScroll, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from encoder_tui.core.settings import MOST_THREADS, Settings
from encoder_tui.core.timing.plan import LENGTHS, LONGEST, Plan, PlanError, Rows, numbers
from encoder_tui.protocol.models import Device
from encoder_tui.window.widgets.cycle import Cycle

SWITCH: Final = (("no", [False]), ("yes", [True]), ("no + yes", [False, True]))
ROWS: Final[tuple[tuple[str, tuple[Rows, list[bool]]], ...]] = (
    ("full", ("full", [False])),
    ("varied", ("varied", [False])),
    ("varied unpadded", ("varied", [True])),
    ("padded + unpadded", ("varied", [False, True])),
)
"""Rows of a batch: all as long as the length, or of several lengths, with padding or without."""


def swept(*values: str | None) -> tuple[str, list[str | None]]:
    """Values that are swept over, with their words; None leaves the value to the machine."""
    return " + ".join("auto" if value is None else value for value in values), list(values)


class PlanLine(Vertical):
    """Lengths, batches, minimum time, threads; device, dtype, attention, rows, compiling, TF32."""

    DEFAULT_CSS = """
    PlanLine { height: 2; }
    PlanLine > Horizontal { height: 1; }
    PlanLine > HorizontalScroll { height: 1; scrollbar-size: 0 0; }
    PlanLine Label { padding: 0 1; color: $text-muted; }
    PlanLine Input { width: 6; }
    PlanLine Input#lengths { width: 1fr; }
    PlanLine Input#batches { width: 8; }
    """

    class Changed(Message):
        """The plan changed."""

    class Submitted(Message):
        """Enter was pressed in a field."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("lengths")
            yield Input(", ".join(map(str, LENGTHS)), compact=True, id="lengths", restrict=r"[\d, ]*")
            yield Label("batch")
            yield Input("1", compact=True, id="batches", restrict=r"[\d, ]*")
            yield Label("seconds")
            yield Input("1", compact=True, id="min-time", restrict=r"[\d.]{0,5}")
            yield Label("threads")
            threads = "" if self._settings.threads is None else str(self._settings.threads)
            yield Input(threads, placeholder="all", compact=True, id="threads", restrict=r"[\d, ]*")
        # In a narrow window, a field scrolls into view when it gets the focus.
        with HorizontalScroll(can_focus=False, id="placement"):
            started = self._settings
            yield Cycle("device", _first(started.device), id="device")
            dtypes = [swept("float32"), swept("bfloat16"), swept("float16"), swept("float32", "bfloat16")]
            yield Cycle("dtype", _first(started.dtype, *dtypes), id="dtype")
            attentions = [swept("sdpa"), swept("sdpa_local"), swept("eager")]
            both = [swept("sdpa", "sdpa_local"), swept("sdpa", "eager")]
            yield Cycle("attention", _first(started.attention, *attentions, *both), id="attention")
            yield Cycle("rows", ROWS, id="rows")
            yield Cycle("compile", SWITCH, id="compiled")
            yield Cycle("TF32", SWITCH, id="tf32")

    def on_mount(self) -> None:
        # Offered if an accelerator supports it.
        self.query_one("#tf32").display = False

    def offer_devices(self, devices: Sequence[Device]) -> None:
        """Offer each device, all of them together, and what they support."""
        names = [device.name for device in devices]
        self._cycle("device").offer(*map(swept, names), *([swept(*names)] if len(names) > 1 else []))
        can = list(dict.fromkeys(what for device in devices for what in device.offers))
        self.query_one("#tf32").display = "tf32" in can
        flash = [what for what in can if what != "tf32"]
        self._cycle("attention").offer(*map(swept, flash), *(swept("sdpa", one) for one in flash))

    def _cycle(self, name: str) -> Cycle:
        return self.query_one(f"#{name}", Cycle)

    @on(Input.Changed)
    @on(Cycle.Changed)
    def _changed(self) -> None:
        self.post_message(self.Changed())

    @on(Cycle.Changed)
    def _keep_in_sight(self, event: Cycle.Changed) -> None:
        """Scroll to the focused field: a longer value may have pushed it out of a narrow window."""
        if event.cycle.has_focus:
            self.call_after_refresh(event.cycle.scroll_visible, animate=False)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.post_message(self.Submitted())

    def plan(self) -> Plan:
        """Return the plan in the fields. Raises `PlanError`."""

        def text(name: str) -> str:
            return self.query_one(f"#{name}", Input).value

        try:
            min_time = float(text("min-time") or 1)
        except ValueError:
            raise PlanError("seconds per point: enter a number") from None
        if not 0 <= min_time <= 600:
            raise PlanError("seconds per point: from 0 to 600")
        threads: list[int | None] = [None]
        if text("threads"):
            threads = [*numbers(text("threads"), "threads", MOST_THREADS)]
        rows, unpadded = self._cycle("rows").value
        return Plan(
            numbers(text("lengths"), "lengths", LONGEST),
            numbers(text("batches"), "batch", 4096),
            min_time,
            self._cycle("device").value,
            self._cycle("dtype").value,
            self._cycle("attention").value,
            threads,
            rows,
            compiled=self._cycle("compiled").value,
            tf32=self._cycle("tf32").value,
            unpadded=unpadded,
        )

    def run_with(self, settings: Settings) -> None:
        """Show settings that were chosen while the window is open."""
        self.query_one("#threads", Input).value = "" if settings.threads is None else str(settings.threads)
        chosen = (("device", settings.device), ("dtype", settings.dtype), ("attention", settings.attention))
        for name, value in chosen:
            self._show(name, [value])

    def _show(self, name: str, values: list[str | None]) -> None:
        cycle = self._cycle(name)
        cycle.offer(swept(*values))
        cycle.value = values

    def take(self, plan: Plan) -> None:
        """Show the plan of another run, so that it can be repeated; a search for the best settings has no fields."""
        if plan.best:
            return
        self.query_one("#lengths", Input).value = ", ".join(map(str, plan.lengths))
        self.query_one("#batches", Input).value = ", ".join(map(str, plan.batches))
        self.query_one("#min-time", Input).value = f"{plan.min_time:g}"
        self.query_one("#threads", Input).value = ", ".join(str(one) for one in plan.threads if one is not None)
        # A field only accepts values of a file that it offers.
        for name, value in (("rows", (plan.rows, plan.unpadded)), ("compiled", plan.compiled), ("tf32", plan.tf32)):
            cycle = self._cycle(name)
            cycle.value = value if value in cycle.values else cycle.values[0]
        for name, values in (("device", plan.devices), ("dtype", plan.dtypes), ("attention", plan.attentions)):
            self._show(name, values)


def _first(value: str | None, *others: tuple[str, list[str | None]]) -> list[tuple[str, list[str | None]]]:
    """Return a field's choices, beginning with the one that the program was started with."""
    first = [] if value is None else [swept(value)]
    found = [*first, swept(None), *others]
    return [choice for place, choice in enumerate(found) if choice not in found[:place]]
