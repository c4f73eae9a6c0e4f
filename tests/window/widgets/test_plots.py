"""Curves as lines of text: whatever the values are, there is a plot or nothing, and never an error."""

from __future__ import annotations

import math

import pytest

from encoder_tui.window.widgets.plots import Axes, Curve, Span, curves, linear_ticks, log_ticks

TICKS = [16, 128, 512]
NAN = math.nan


def text_of(lines: list[list[Span]]) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


def drawn(*series: Curve, log_x: bool = True, log_y: bool = False, ticks: list[float] | None = None) -> str:
    axes = Axes(TICKS if ticks is None else ticks, "{:g} s".format, log_x, log_y)
    return text_of(curves(series, axes, 60, 14))


def test_each_curve_has_its_letter_at_each_point_in_its_colour() -> None:
    a = Curve("A", 0, [(16, 0.5), (128, 1.0), (512, 4.0)])
    b = Curve("B", 1, [(16, 2.0), (128, 3.0)])
    spans = [span for line in curves([a, b], Axes(TICKS, "{:g} s".format), 60, 14) for span in line]
    letters = [(piece, colour) for piece, colour in spans for piece in piece if piece in "AB"]
    assert sorted(letters) == [("A", 0)] * 3 + [("B", 1)] * 2
    assert all(colour is None for piece, colour in spans if "┤" in piece)


def test_every_length_of_the_plan_has_its_place_before_it_is_measured() -> None:
    last = drawn(Curve("A", 0, [(16, 1.0)])).splitlines()[-1]
    assert last.split() == ["16", "128", "512"]


@pytest.mark.parametrize("log_y", [False, True])
@pytest.mark.parametrize("log_x", [False, True])
@pytest.mark.parametrize(
    ("points", "letters"),
    [
        ([(128, 0.2)], 1),
        ([(16, 0.2), (128, 0.2), (512, 0.2)], 3),
        ([(16, 0.2), (128, NAN), (512, 0.4)], 2),
        ([(16, 0.2), (128, math.inf), (512, 1e-9)], 2),
    ],
)
def test_one_point_equal_values_and_gaps(
    points: list[tuple[float, float]], letters: int, log_x: bool, log_y: bool
) -> None:
    bars = [(y * 0.9, y * 1.1) for _, y in points]
    shown = drawn(Curve("A", 0, points, bars), log_x=log_x, log_y=log_y)
    assert shown.count("A") == letters
    assert "nan" not in shown


def test_one_length_alone_has_a_plot_too() -> None:
    assert "A" in drawn(Curve("A", 0, [(128, 0.2)], [(0.2, 0.2)]), ticks=[128])


def test_zero_has_no_place_on_a_logarithmic_axis() -> None:
    assert "A" not in drawn(Curve("A", 0, [(16, 0.0)], [(0.0, 0.0)]), log_y=True)
    assert "A" in drawn(Curve("A", 0, [(16, 0.0)], [(0.0, 0.0)]))


def test_a_gap_is_not_drawn_over() -> None:
    def braille(points: list[tuple[float, float]]) -> int:
        return sum("⠀" < character <= "⣿" for character in drawn(Curve("A", 0, points)))

    assert braille([(16, 0.2), (128, 0.3), (512, 0.4)]) > 10
    assert braille([(16, 0.2), (128, NAN), (512, 0.4)]) == 0


def test_where_nothing_is_there_or_no_room_is_left_there_is_no_plot() -> None:
    axes = Axes(TICKS, str)
    assert curves([], axes, 60, 14) == []
    assert curves([Curve("A", 0, [(16, NAN)])], axes, 60, 14) == []
    assert curves([Curve("A", 0, [(16, 1.0)])], axes, 10, 14) == []


def test_a_plot_has_the_size_that_was_asked_for_not_that_of_a_terminal() -> None:
    lines = curves([Curve("A", 0, [(16, 1.0), (512, 2.0)])], Axes(TICKS, str), 300, 90)
    assert len(lines) == 90
    assert max(len(line) for line in text_of(lines).splitlines()) == 300


@pytest.mark.parametrize("highest", [1e-9, 0.003, 0.99, 1, 5.4, 123456.0])
def test_ticks_are_round_begin_at_zero_and_reach_the_highest_value(highest: float) -> None:
    ticks = linear_ticks(highest)
    assert ticks[0] == 0
    assert ticks[-2] < highest <= ticks[-1] * (1 + 1e-9)
    assert 3 <= len(ticks) <= 6
    step = ticks[1] / 10 ** math.floor(math.log10(ticks[1]))
    assert min(abs(step - round_step) for round_step in (1, 2, 2.5, 5, 10)) < 1e-6


ROUNDED = math.nextafter(0.01, 0)


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.01, 5.0), (0.2, 0.2), (1e-6, 1e3), (0.02, 0.03), (ROUNDED, 0.2), (ROUNDED, ROUNDED), (50, 1e3 * (1 + 1e-11))],
)
def test_logarithmic_ticks_enclose_the_values(low: float, high: float) -> None:
    ticks = log_ticks(math.log2(low), math.log2(high))
    assert ticks == sorted(set(ticks))
    assert ticks[0] <= low * (1 + 1e-9)
    assert ticks[-1] >= high * (1 - 1e-9)
    assert len(ticks) >= 2


def test_letters_that_fall_into_one_place_stand_beside_each_other() -> None:
    same = [(16, 1.0), (128, 2.0), (512, 4.0)]
    shown = drawn(*(Curve(letter, colour, same) for colour, letter in enumerate("ABC")))
    assert [shown.count(letter) for letter in "ABC"] == [3, 3, 3]
    at_edges = [line for line in shown.splitlines() if "ABC" in line or "CBA" in line]
    assert len(at_edges) >= 2


@pytest.mark.parametrize("length", [16, 30, 90, 181, 300, 512])
def test_a_letter_stands_in_the_column_of_its_bar(length: int) -> None:
    curve = Curve("A", 0, [(length, 2.0)], [(0.5, 3.5)], joined=False)
    cells = ["".join(piece for piece, _ in line) for line in curves([curve], Axes(TICKS, "{:g} s".format), 60, 14)]
    (column,) = {line.index("A") for line in cells if "A" in line}
    coloured = [line for line in cells if len(line) > column and line[column] == "│"]
    assert len(coloured) >= 4


def test_the_longest_length_has_its_label_and_no_two_labels_touch() -> None:
    ticks = [16.0, 1024.0, 2048.0, 4096.0]
    for width in range(40, 90, 7):
        lines = curves([Curve("A", 0, [(4096, 1.0)])], Axes(ticks, "{:g} s".format), width, 14)
        labels = text_of(lines).splitlines()[-1].split()
        assert labels[-1] == "4,096"
        assert set(labels) <= {"16", "1,024", "2,048", "4,096"}
