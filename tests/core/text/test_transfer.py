"""A download says its size, its speed and the time that is left."""

from __future__ import annotations

from encoder_tui.core.text.numbers import duration
from encoder_tui.core.text.transfer import Transfer

MEGABYTE = 1_000_000


def test_size_speed_and_time_left_are_those_of_the_file_at_hand() -> None:
    now = 0.0
    transfer = Transfer(lambda: now)

    def words(done: int, text: str = "fetching model.safetensors") -> str:
        return transfer.words(text, done * MEGABYTE, 400 * MEGABYTE, "bytes")

    # 100 MB were there from an earlier attempt.
    assert words(100) == "fetching model.safetensors: 100 MB of 400 MB"
    now = 10.0
    assert words(150) == "fetching model.safetensors: 150 MB of 400 MB, 5.0 MB/s, 50 s left"
    assert words(0, "fetching second.safetensors") == "fetching second.safetensors: 0 B of 400 MB"
    now = 10.1
    assert words(1, "fetching second.safetensors") == "fetching second.safetensors: 1.0 MB of 400 MB"


def test_other_progress_is_its_own_text() -> None:
    assert Transfer().words("layer 3 of 12", 2, 12, "layers") == "layer 3 of 12"
    assert Transfer().words("fetching config.json", 10, None, "bytes") == "fetching config.json"


def test_durations_have_two_or_three_digits() -> None:
    assert [duration(seconds) for seconds in (0, 58.2, 99, 100, 5000, 6000, 36_000)] == [
        "0 s", "58 s", "99 s", "2 min", "83 min", "2 h", "10 h",
    ]  # fmt: skip
