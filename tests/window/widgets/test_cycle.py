"""A setting with a few values: what is shown are its words, what is chosen is a value."""

from __future__ import annotations

from encoder_tui.window.widgets.cycle import Cycle


def test_a_choice_has_words_and_a_value_and_a_text_is_both() -> None:
    cycle = Cycle("reads", [("1,024", 1024), ("all", None), "as it is"])
    assert (cycle.value, cycle.words) == (1024, "1,024")
    cycle.action_step(1)
    assert (cycle.value, cycle.words) == (None, "all")
    assert str(cycle.content) == "reads ‹all›"
    cycle.action_step(1)
    assert (cycle.value, cycle.words) == ("as it is", "as it is")
    cycle.action_step(1)
    assert cycle.value == 1024


def test_what_is_offered_already_keeps_its_words_and_other_choices_take_their_place() -> None:
    cycle = Cycle("size", [("512", 512)])
    cycle.offer(("five hundred and twelve", 512), ("64", 64))
    assert cycle.choices == [("512", 512), ("64", 64)]
    cycle.take([("one", 512), ("two", 2)], 512)
    assert cycle.values == [512, 2]
    assert str(cycle.content) == "size ‹one›"
