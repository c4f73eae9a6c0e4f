"""Two or more architectures matched by role: what each has for a role, and what it lacks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from encoder_tui.core.parameters.description import Description, Parameter, million, shape_text, total
from encoder_tui.core.parameters.roles import PARTS, ROLES, label
from encoder_tui.core.text.numbers import count


class Cell(msgspec.Struct, frozen=True):
    """One model's tensors of a role: a description, number of values, and the first tensor's name (None if none)."""

    words: str
    numel: int
    first: str | None


class Row(msgspec.Struct, frozen=True):
    """One role; `cells` are in the order of the models; None for a model that is not described yet."""

    role: str
    cells: tuple[Cell | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the models differ here."""
        return len({(cell.words, cell.numel) for cell in self.cells if cell is not None}) > 1


def of_role(description: Description, role: str) -> list[Parameter]:
    """Return a model's parameters of a role."""
    return [parameter for parameter in description.parameters if parameter.role == role]


def rows(descriptions: Sequence[Description | None]) -> list[Row]:
    """Return a row for each role that any of the models has, in the order of a forward pass."""
    there = {p.role for description in descriptions if description is not None for p in description.parameters}
    return [
        Row(role, tuple(None if description is None else cell(description, role) for description in descriptions))
        for role in ROLES
        if role in there
    ]


def cell(description: Description, role: str) -> Cell:
    """Return one model's tensors of a role, or the reason why there are none."""
    parameters = of_role(description, role)
    if not parameters:
        return Cell(_why_none(description, role), 0, None)
    weights = [p for p in parameters if not _is_bias(p.name)]
    shown = weights or parameters
    shapes = list(dict.fromkeys(p.shape for p in shown))
    shape = shape_text(shapes[0]) if len(shapes) == 1 else f"{shape_text(shapes[0])}, …"
    words = shape if len(shown) == 1 else f"{len(shown)} × ({shape})"
    if weights and len(weights) < len(parameters):
        words += " + bias"
    return Cell(words, total(parameters), parameters[0].name)


def _is_bias(name: str) -> bool:
    return name.endswith(("bias", ".beta"))


def _why_none(description: Description, role: str) -> str:
    """Say why a model has no tensor of a role, as far as its data shows."""
    roles = {p.role for p in description.parameters}
    for fused, parts in PARTS.items():
        if role in parts and fused in roles:
            return f"in the {label(fused)}"
        if role == fused and roles.intersection(parts):
            apart = [part for part in parts if part in roles]
            return "separate " + ", ".join(map(label, apart)) if len(apart) > 1 else f"only {label(apart[0])}"
    if role == "position_embedding" and (instead := positions(description)) != "no positions":
        return f"none: {instead.partition(' (')[0]} instead"
    if role == "feed_forward_gate":
        return "none: not gated"
    if role == "final_norm" and "feed_forward_norm" in roles:
        return "none: norm after each part"
    return "none"


def positions(description: Description) -> str:
    """Say how a model encodes the position of a token."""
    absolute = [p for p in of_role(description, "position_embedding") if len(p.shape) == 2]
    bases = sorted({fact.rotary_base for fact in description.layers if fact.rotary_base is not None}, reverse=True)
    words = [f"absolute positions ({absolute[0].shape[0]:,})"] if absolute else []
    if bases:
        words.append(f"rotary positions (base {' and '.join(f'{base:,.0f}' for base in bases)})")
    if of_role(description, "relative_position"):
        words.append("relative positions")
    return " and ".join(words) or "no positions"


def traits(description: Description) -> dict[str, str]:
    """Return special features of an architecture, by aspect, in words derived from its tensors."""
    roles = {p.role for p in description.parameters}
    # Norms are left out: `norm_bias` is a separate setting, and a model can have either without the other.
    linear = [p for p in description.parameters if "norm" not in p.role and "embedding" not in p.role]
    biases = [p for p in linear if _is_bias(p.name)]
    types = next(iter(of_role(description, "type_embedding")), None)
    gated = bool(roles & {"feed_forward_gate", "fused_in_gate"})
    found = {
        "positions": positions(description),
        "token types": "no type embedding" if types is None else f"{types.shape[0]:,} token types",
        "attention input": "query, key and value in one tensor"
        if "fused_qkv" in roles
        else "separate query, key and value",
        "feed-forward": "gated feed-forward" if gated else "feed-forward without a gate",
        "norms": "norm first" if "final_norm" in roles else "norm after each part",
        "biases": f"biases ({count(len(biases), 'tensor')})" if biases else "no biases",
        "pooler": "a pooler" if "pooler" in roles else "no pooler",
        "attention": _attention(description),
    }
    if description.repeats:
        found["sharing"] = f"the same layers run {description.repeats} times"
    return {aspect: words for aspect, words in found.items() if words}


def _attention(description: Description) -> str:
    windows = [fact for fact in description.layers if fact.window is not None]
    if not description.layers:
        return ""
    if not windows:
        return "global attention everywhere"
    sizes = " and ".join(f"{size:,}" for size in sorted({fact.window for fact in windows if fact.window is not None}))
    return f"a window of {sizes} in {len(windows)} of {count(len(description.layers), 'layer')}"


def differences(descriptions: Sequence[Description | None]) -> list[str]:
    """Return for each model the traits in which it differs from the others, as one sentence; empty if none."""
    known = [traits(description) for description in descriptions if description is not None]
    aspects = list(dict.fromkeys(aspect for one in known for aspect in one))
    differing = [aspect for aspect in aspects if len({one.get(aspect) for one in known}) > 1]
    return [
        ""
        if description is None
        else ", ".join(words for aspect, words in traits(description).items() if aspect in differing)
        for description in descriptions
    ]


def shared_names(descriptions: Sequence[Description]) -> int:
    """Return how many parameter names all models have in common."""
    names = [{p.name for p in description.parameters} for description in descriptions]
    return len(set.intersection(*names)) if names else 0


def counterpart(parameter: Parameter, source: Description, target: Description) -> str | None:
    """Return the parameter of another model with the same role in the layer at the same relative depth, or None.

    If one model holds several roles in one tensor, that tensor corresponds to each of them.
    """
    wanted = [parameter.role]
    wanted += [fused for fused, parts in PARTS.items() if parameter.role in parts]
    wanted += PARTS.get(parameter.role, ())
    for role in wanted:
        candidates = of_role(target, role)
        alike = [p for p in candidates if _is_bias(p.name) == _is_bias(parameter.name)] or candidates
        if not alike:
            continue
        layer = layer_of(parameter.name)
        if layer is None:
            return alike[0].name
        depth = layer / max(_deepest(source), 1)
        aim = depth * _deepest(target)
        return min(alike, key=lambda p: abs((layer_of(p.name) or 0) - aim)).name
    return None


def layer_of(name: str) -> int | None:
    """Return the number of a parameter's layer, or None outside the stack."""
    return next((int(part) for part in name.split(".") if part.isdecimal()), None)


def _deepest(description: Description) -> int:
    return max((layer_of(p.name) or 0 for p in description.parameters), default=0)


def _fit_words(description: Description) -> str:
    """Count what a checkpoint lacks and adds: ` (2 random, 3 tensors unused)`; empty if it fits or none is known."""
    if description.fit is None:
        return ""
    random, unused = len(description.fit.random), len(description.fit.unexpected)
    parts = [f"{random:,} random"] if random else []
    parts += [f"{count(unused, 'stored tensor')} unused"] if unused else []
    return f" ({', '.join(parts)})" if parts else ""


def sentence(descriptions: Sequence[Description | None], letters: Sequence[str], short: bool = False) -> str:
    """Summarise the comparison in a sentence that can be read aloud; `short` is for a narrow window."""
    known = [(letter, one) for letter, one in zip(letters, descriptions, strict=False) if one is not None]
    if not known:
        return "No model is described yet."
    totals: list[str] = []
    for letter, one in known:
        words = f"{letter} {million(one.total)}" if totals else f"{letter} has {million(one.total)} values"
        number = len(one.parameters)
        within = "" if short else f" in {number:,}" if totals else f" in {count(number, 'parameter')}"
        totals.append(words + within + _fit_words(one))
    sizes = ", ".join(totals)
    if len(known) == 1:
        return f"{sizes}."
    described = [one for _, one in known]
    names = shared_names(described)
    lined = rows(described)
    everywhere = sum(1 for row in lined if all(c is not None and c.first is not None for c in row.cells))
    return f"{sizes}; they share {count(names, 'name') if names else 'no name'} and {everywhere} of {len(lined)} roles."
