"""Columns by name: nested ones, lists of texts, several joined to one text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.features import NULL, Feature

BETWEEN_COLUMNS: Final = " "
"""Joins the texts of several columns: title and text as BEIR, MTEB and sentence-transformers join them."""

BETWEEN_TEXTS: Final = "\n"
"""Joins the texts of a list."""

TURNS: Final = ("content", "value")
"""The field of a conversation's turns that holds their texts, beside `role` or `from`."""


class Column(NamedTuple):
    """A column of text: `name` as it is chosen by, `top` the source's column, `path` the fields below it.

    If `is_list` is set, it takes a list to get there; if `is_each` is set, every text of the list is a document.
    """

    name: str
    top: str
    path: tuple[str, ...] = ()
    is_list: bool = False
    is_each: bool = False

    @property
    def last(self) -> str:
        """The name of the innermost field."""
        return self.path[-1] if self.path else self.top

    def texts(self, row: Mapping[str, Any]) -> list[str]:
        """Return the texts that a row holds here, in order."""
        found: list[str] = []
        _collect(row.get(self.top), self.path, found)
        return found


def _collect(value: Any, path: tuple[str, ...], found: list[str]) -> None:
    if isinstance(value, str):
        if not path:
            found.append(without_surrogates(value))
    elif isinstance(value, list):
        for one in value:
            _collect(one, path, found)
    elif isinstance(value, Mapping) and path:
        _collect(value.get(path[0]), path[1:], found)


class Chosen(NamedTuple):
    """The column that was requested, or several whose texts are joined."""

    columns: tuple[Column, ...]

    @property
    def tops(self) -> list[str]:
        """The source's columns that have to be read."""
        return list(dict.fromkeys(column.top for column in self.columns))

    @property
    def is_each(self) -> bool:
        """Whether every text of a list is a document of its own."""
        return self.columns[0].is_each

    @property
    def plain(self) -> str | None:
        """The source's column whose text is the document as it is; None if it takes more to make the document."""
        column = self.columns[0]
        return column.top if len(self.columns) == 1 and not column.path and not column.is_list else None

    def text(self, row: Mapping[str, Any]) -> str | None:
        """Return the document of a row; None if it has no text."""
        parts = [BETWEEN_TEXTS.join(texts) for column in self.columns if (texts := column.texts(row))]
        if not parts:
            return None
        return parts[0] if len(self.columns) == 1 else BETWEEN_COLUMNS.join(filter(None, parts)).strip()

    def texts(self, row: Mapping[str, Any]) -> list[str]:
        """Return the documents of a row if every text of a list is one."""
        return self.columns[0].texts(row)


def columns_of(features: Mapping[str, Feature]) -> dict[str, Column]:
    """Return every column of text by its name. Of two with the same name, the second is called `NAME#2`."""
    found: dict[str, Column] = {}
    tops = [Column(name, name) for name, feature in features.items() if feature.kind == "text"]
    nested = [column for name, feature in features.items() for column in _below(name, name, (), feature, is_list=False)]
    for column in [*tops, *(one for one in nested if one.path or one.is_list)]:
        name, number = column.name, 2
        while name in found:
            name, number = f"{column.name}#{number}", number + 1
        found[name] = column._replace(name=name)
    order = {name: place for place, name in enumerate(features)}
    return dict(sorted(found.items(), key=lambda item: order[item[1].top]))


def _below(name: str, top: str, path: tuple[str, ...], feature: Feature, *, is_list: bool) -> Iterator[Column]:
    """Yield the columns of text in a feature: as one text a row and, inside a list, as a document each."""
    if feature.kind == "text":
        joined = name.replace("[]", "")
        if is_list:
            yield Column(name, top, path, is_list=True, is_each=True)
        yield Column(joined, top, path, is_list)
    elif feature.kind == "list":
        of = feature.of or NULL
        turn = next((one for one in TURNS if one in of.fields), None)
        if turn is not None and of.fields.keys() & {"role", "from"}:
            yield Column(name.replace("[]", ""), top, (*path, turn), is_list=True)
        yield from _below(f"{name}[]", top, path, of, is_list=True)
    elif feature.kind == "struct":
        for field, of in feature.fields.items():
            yield from _below(f"{name}.{field}", top, (*path, field), of, is_list=is_list)


def chosen(name: str, columns: Mapping[str, Column]) -> Chosen | None:
    """Return the columns that a name stands for: one, or several separated by commas; None if there is none such."""
    found = _split(name, columns)
    if found is None or (len(found) > 1 and any(column.is_each for column in found)):
        return None
    return Chosen(found)


def _split(name: str, columns: Mapping[str, Column]) -> tuple[Column, ...] | None:
    """Split a name at commas into names of columns, which may have commas in them."""
    if name in columns:
        return (columns[name],)
    if name.strip() in columns:
        return (columns[name.strip()],)
    for place, letter in enumerate(name):
        if letter == "," and (first := columns.get(name[:place].strip())) is not None:
            rest = _split(name[place + 1 :], columns)
            if rest is not None:
                return (first, *rest)
    return None
