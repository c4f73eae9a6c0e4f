"""Power, clocks, throttling and other processes of an NVIDIA device, if `nvidia-ml-py` is installed."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import torch

from encoder_tui.core.timing.samples import DeviceState

R = TypeVar("R")

THROTTLING: Final = {
    0x04: "power limit",
    0x08: "hardware",
    0x20: "temperature",
    0x40: "temperature, by hardware",
    0x80: "power brake",
}
"""NVML's bits of reasons for a slower clock; those that the user asked for are left out."""
CLOCK_SM: Final = 1
"""NVML's number of the clock of the multiprocessors."""


def read(device: torch.device, before: DeviceState | None = None) -> DeviceState | None:
    """Return the current state of a device, including the reasons for throttling in `before`; None if it is unknown.

    Takes milliseconds, so it must not be called while a sample is taken.
    """
    if device.type != "cuda":
        return None
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        # torch may number the visible devices differently from NVML; the identifier is the same.
        identifier = str(torch.cuda.get_device_properties(device).uuid)
        prefixed = identifier if identifier.startswith("GPU-") else f"GPU-{identifier}"
        handle = nvml.nvmlDeviceGetHandleByUUID(prefixed)
    except Exception:  # noqa: BLE001  # no package, no driver, no such device: each raises its own kind
        return None
    found = _state(nvml, handle)
    if before is None:
        return found
    return msgspec.structs.replace(found, throttled=list(dict.fromkeys([*before.throttled, *found.throttled])))


def _state(nvml: Any, handle: Any) -> DeviceState:
    def asked(question: Callable[[], R]) -> R | None:
        try:
            return question()
        except Exception:  # noqa: BLE001  # NVMLError, or a function that this version does not have
            return None

    power = asked(lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000)
    power_limit = asked(lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000)
    clock = asked(lambda: int(nvml.nvmlDeviceGetClockInfo(handle, CLOCK_SM)))
    clock_limit = asked(lambda: int(nvml.nvmlDeviceGetMaxClockInfo(handle, CLOCK_SM)))
    temperature = asked(lambda: int(nvml.nvmlDeviceGetTemperature(handle, 0)))
    reasons = asked(lambda: int(nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)))
    if reasons is None:
        reasons = asked(lambda: int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))) or 0
    running = asked(lambda: list(nvml.nvmlDeviceGetComputeRunningProcesses(handle)))
    others = None if running is None else [one for one in running if one.pid != os.getpid()]
    held = None if others is None else sum(one.usedGpuMemory or 0 for one in others)
    throttled = [words for bit, words in THROTTLING.items() if reasons & bit]
    number = None if others is None else len(others)
    return DeviceState(power, power_limit, clock, clock_limit, temperature, throttled, number, held)
