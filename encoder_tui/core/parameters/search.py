"""Search parameters by what a person types."""

from __future__ import annotations

from encoder_tui.core.parameters.description import Description, Parameter, shape_text
from encoder_tui.core.parameters.roles import PARTS, label


def matches(description: Description, query: str) -> list[str]:
    """Return the names of the parameters that match every word of the query, in order.

    A word may be part of a name, a role, a dtype or a shape, ignoring case. A fused tensor has the roles of its parts.
    """
    words = query.lower().split()
    if not words:
        return []
    return [p.name for p in description.parameters if all(word in _haystack(p) for word in words)]


def _haystack(parameter: Parameter) -> str:
    shape = "x".join(map(str, parameter.shape))
    roles = (parameter.role, *PARTS.get(parameter.role, ()))
    parts = (parameter.name, *roles, *map(label, roles), parameter.dtype, shape, shape_text(parameter.shape))
    return "\n".join(parts).lower()
