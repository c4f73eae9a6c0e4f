"""What the columns of a source hold: text, lists, structs; found in values or in an Arrow schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Feature:
    """What a column or a field holds: `of` describes the elements of a list, `fields` those of a struct by name.

    It is null if every value seen was null.
    """

    kind: Literal["null", "text", "other", "list", "struct"]
    of: Feature | None = None
    fields: Mapping[str, Feature] = field(default_factory=dict)


NULL: Final = Feature("null")
TEXT: Final = Feature("text")
OTHER: Final = Feature("other")


def of_value(value: Any) -> Feature:
    """Return the feature of one value as JSON has it."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        elements = NULL
        for one in value:
            elements = merged(elements, of_value(one))
        return Feature("list", elements)
    if isinstance(value, dict):
        return Feature("struct", fields={str(name): of_value(one) for name, one in value.items()})
    return OTHER


def of_arrow(kind: Any) -> Feature:
    """Return the feature of an Arrow type."""
    from pyarrow import types  # noqa: PLC0415  # loaded already, with the file

    if getattr(kind, "extension_name", "") == "arrow.json":
        return TEXT  # some of its values may be other than strings
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return NULL
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return TEXT
    if types.is_struct(kind):
        return Feature("struct", fields={one.name: of_arrow(one.type) for one in kind})
    is_list = (
        types.is_list,
        types.is_large_list,
        types.is_fixed_size_list,
        types.is_list_view,
        types.is_large_list_view,
    )
    if any(test(kind) for test in is_list):
        return Feature("list", of_arrow(kind.value_type))
    return OTHER


def merged(one: Feature, other: Feature) -> Feature:
    """Return the feature of a column that holds values of both; text if some of them are text."""
    if one == other or other.kind == "null":
        return one
    if one.kind == "null":
        return other
    if one.kind != other.kind:
        return TEXT if "text" in (one.kind, other.kind) else OTHER
    if one.kind == "list":
        return Feature("list", merged(one.of or NULL, other.of or NULL))
    names = dict.fromkeys([*one.fields, *other.fields])
    return Feature(
        "struct", fields={name: merged(one.fields.get(name, NULL), other.fields.get(name, NULL)) for name in names}
    )


def of_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, Feature]:
    """Return the features of rows by the names of their columns, in the order in which the names appear."""
    found: dict[str, Feature] = {}
    for row in rows:
        add_row(found, row)
    return found


def add_row(found: dict[str, Feature], row: Mapping[str, Any]) -> None:
    """Add what a row shows to the features found in the rows before it."""
    for name, value in row.items():
        known = found.get(name)
        if known is None:
            found[name] = of_value(value)
        elif value is not None and not (known is TEXT and type(value) is str):
            found[name] = merged(known, of_value(value))
