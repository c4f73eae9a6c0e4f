"""What the Timing pane can measure: the window's models on the engine's machine, by a plan or with a text."""

from __future__ import annotations

from collections.abc import Callable

from encoder_tui.core.models.placement import source_of
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.plan import LONGEST, Plan, PlanError, TimedModel
from encoder_tui.core.timing.run import Run, sweep
from encoder_tui.core.timing.text_run import encoded, text_run
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.window.session.session import Session


def timed_models(session: Session) -> list[TimedModel]:
    """Return the models of the window whose files are available, in their order."""
    found = []
    for slot in session.slots:
        if slot.files is not None and slot.state != "failed":
            source = source_of(slot.files, session.settings.trust_remote_code, session.settings.offline)
            found.append(TimedModel(slot.number, slot.name, source, slot.files.card.limit, slot.files.config))
    return found


def no_models(session: Session) -> str:
    """Return why nothing can be measured."""
    failed = [slot for slot in session.slots if slot.state == "failed"]
    if len(failed) == len(session.slots):
        return visible(failed[0].message) or "no model loaded"
    return "the models are still loading; try again in a moment"


def machine(session: Session) -> tuple[int, bool]:
    """Return the cores of the engine's machine, and whether models run on an accelerator by default."""
    hello = session.hello
    if hello is None:
        return 2, False
    device = session.settings.device or (hello.devices[0].name if hello.devices else "cpu")
    return hello.threads, not device.startswith("cpu")


def devices(session: Session) -> list[str | None]:
    """Return the devices to measure a text on: the chosen one, otherwise all; [None] while they are unknown."""
    if session.settings.device is not None:
        return [session.settings.device]
    hello = session.hello
    return [device.name for device in hello.devices] if hello is not None and hello.devices else [None]


def sweep_run(session: Session, plan_of: Callable[[], Plan]) -> Run:
    """Return the sweep of a plan, with nothing measured yet. Raises `PlanError`."""
    models = _models(session)
    plan = plan_of()
    refuse_what_is_not_offered(session, plan)
    return sweep(models, plan, *machine(session))


def run_of_text(session: Session, plan_of: Callable[[], Plan]) -> Run:
    """Return the run of the current text on every device. Raises `PlanError` or `TokenizationError`."""
    models, tokenizers = _models_with_tokenizers(session)
    plan = plan_of()
    refuse_what_is_not_offered(session, plan)
    return text_run(models, tokenizers, session.document_or_text, devices(session), plan)


def search_inputs(session: Session) -> tuple[list[TimedModel], dict[int, Batch]]:
    """Return the models, and the ids of the current text by slot. Raises `PlanError` or `TokenizationError`."""
    models, tokenizers = _models_with_tokenizers(session)
    return models, {
        model.slot: encoded(tokenizer, session.document_or_text, min(model.limit or LONGEST, LONGEST))
        for model, tokenizer in zip(models, tokenizers, strict=True)
    }


def _models(session: Session) -> list[TimedModel]:
    models = timed_models(session)
    if not models:
        raise PlanError(no_models(session))
    return models


def _models_with_tokenizers(session: Session) -> tuple[list[TimedModel], list[ModelTokenizer]]:
    models = _models(session)
    slots = [session.slot_of(model.slot) for model in models]
    tokenizers = [None if slot is None else slot.tokenizer for slot in slots]
    there = [tokenizer for tokenizer in tokenizers if tokenizer is not None]
    if len(there) < len(models):
        raise PlanError(no_models(session))
    return models, there


def refuse_what_is_not_offered(session: Session, plan: Plan) -> None:
    """Raise `PlanError` if no device of the engine supports what a plan requests; the engine checks in detail."""
    if session.hello is None or session.hello.devices is None:
        return
    offered = {what for device in session.hello.devices for what in device.offers}
    if True in plan.unpadded and not any(what.startswith("flash") for what in offered):
        raise PlanError("unpadded rows need flash attention on an accelerator; none is available here")
    if True in plan.tf32 and "tf32" not in offered:
        raise PlanError("TF32 needs an NVIDIA GPU (Ampere or newer); none is available here")
