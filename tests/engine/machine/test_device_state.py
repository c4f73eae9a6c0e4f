"""An accelerator's own clock, what its driver tells, and what else uses the machine, against made-up ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from encoder_tui.core.timing.samples import DeviceState

torch = pytest.importorskip("torch")


class FakeEvent:
    """An event of a device whose clock goes on by 20 ms between two marks."""

    clock = 0.0

    def __init__(self, device: Any, enable_timing: bool) -> None:
        assert enable_timing
        assert str(device) == "cuda:1"
        self.at = 0.0

    def record(self) -> None:
        FakeEvent.clock += 20.0
        self.at = FakeEvent.clock

    def elapsed_time(self, other: FakeEvent) -> float:
        return other.at - self.at


def test_seconds_between_two_marks_are_by_the_clock_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine.device_clock import DeviceClock

    monkeypatch.setattr(torch, "Event", FakeEvent)
    clock = DeviceClock(torch.device("cuda", 1))
    for _ in range(3):
        clock.mark()
        clock.mark()
        assert clock.seconds() == pytest.approx(0.02)


def test_a_device_without_a_clock_has_no_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine.device_clock import DeviceClock

    def refuse(*arguments: Any, **rest: Any) -> None:
        raise NotImplementedError("no timing events here")

    monkeypatch.setattr(torch, "Event", refuse)
    for device in (torch.device("mps"), torch.device("cpu")):
        clock = DeviceClock(device)
        clock.mark()
        assert clock.seconds() is None


def fake_nvml(reasons: int, **more: Any) -> Any:
    """As much of `pynvml` as is asked for."""
    processes = [SimpleNamespace(pid=os.getpid(), usedGpuMemory=5), SimpleNamespace(pid=1, usedGpuMemory=2_000_000)]

    def handle(identifier: str) -> str:
        assert identifier == "GPU-1234"
        return "handle"

    return SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetPowerUsage=lambda of: 71_200,
        nvmlDeviceGetEnforcedPowerLimit=lambda of: 300_000,
        nvmlDeviceGetClockInfo=lambda of, kind: 1410,
        nvmlDeviceGetMaxClockInfo=lambda of, kind: 1980,
        nvmlDeviceGetTemperature=lambda of, sensor: 64,
        nvmlDeviceGetCurrentClocksEventReasons=lambda of: reasons,
        nvmlDeviceGetComputeRunningProcesses=lambda of: processes,
        **more,
    )


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A made-up NVIDIA device."""
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda of: SimpleNamespace(uuid="1234"))
    return torch.device("cuda", 0)


def test_a_device_tells_power_clocks_throttling_and_who_else_is_on_it(
    device: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.machine.device_state import read

    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(reasons=0x20 | 0x01))
    hot = read(device)
    assert hot == DeviceState(71.2, 300.0, 1410, 1980, 64, ["temperature"], 1, 2_000_000)
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(reasons=0x04))
    later = read(device, hot)
    assert later is not None
    assert later.throttled == ["temperature", "power limit"]


def test_what_a_device_does_not_tell_is_left_out(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine.device_state import read

    nvml = fake_nvml(reasons=0)

    def refuse(*arguments: Any) -> None:
        raise RuntimeError("not supported")

    nvml.nvmlDeviceGetPowerUsage = nvml.nvmlDeviceGetComputeRunningProcesses = refuse
    del nvml.nvmlDeviceGetCurrentClocksEventReasons
    nvml.nvmlDeviceGetCurrentClocksThrottleReasons = lambda of: 0x40
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    state = read(device)
    assert state is not None
    assert (state.power, state.processes, state.clock) == (None, None, 1410)
    assert state.throttled == ["temperature, by hardware"]


def test_without_the_package_or_the_driver_nothing_is_told(device: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine.device_state import read

    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert read(device) is None
    broken = fake_nvml(0)
    broken.nvmlInit = lambda: (_ for _ in ()).throw(OSError("no driver"))
    monkeypatch.setitem(sys.modules, "pynvml", broken)
    assert read(device) is None
    assert read(torch.device("cpu")) is None


def test_the_cores_that_others_use_are_those_that_this_process_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.machine import other_load

    ticks = os.sysconf("SC_CLK_TCK")
    stat = tmp_path / "stat"
    now, own = [100.0], [7.0]
    monkeypatch.setattr(other_load, "STAT", stat)
    monkeypatch.setattr(other_load.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(other_load, "_own", lambda: own[0])
    stat.write_text(f"cpu  {10 * ticks} 0 {5 * ticks} 999 888 0 0 0 0 0\ncpu0 1 2 3\n")
    load = other_load.OtherLoad()
    assert load.cores() is None
    now[0], own[0] = 110.0, 17.0
    stat.write_text(f"cpu  {20 * ticks} 0 {20 * ticks} 7777 888 0 0 0 0 0\n")
    assert load.cores() == pytest.approx(1.5)
    stat.unlink()
    assert load.cores() is None
