"""Entities of several models over one text, and of several windows."""

from __future__ import annotations

from encoder_tui.core.tasks.entities import Entity, aligned, without_overlaps

TEXT = "Ada Lovelace lived in London."


def entity(label: str, text: str, score: float = 0.9) -> Entity:
    start = TEXT.index(text)
    return Entity(label, start, start + len(text), text, score)


def test_entities_of_two_models_are_lined_up_by_their_characters() -> None:
    first = [entity("PER", "Ada Lovelace"), entity("LOC", "London")]
    second = [entity("PER", "Ada"), entity("PER", "Lovelace"), entity("MISC", "lived")]
    assert aligned([first, second]) == [
        [first[0], second[0]],
        [None, second[1]],
        [None, second[2]],
        [first[1], None],
    ]
    assert aligned([[], []]) == []


def test_of_overlapping_windows_the_longer_entity_is_kept_and_then_the_surer() -> None:
    short, long = entity("PER", "Ada", 0.99), entity("PER", "Ada Lovelace", 0.5)
    assert without_overlaps([short, long, entity("LOC", "London")]) == [long, entity("LOC", "London")]
    assert without_overlaps([entity("LOC", "London", 0.4), entity("PER", "London", 0.6)]) == [
        entity("PER", "London", 0.6)
    ]
