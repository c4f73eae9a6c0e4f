"""The devices of this machine through `torch.accelerator`, with their full names and memory."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import resource
import shutil
import sys
from typing import Any, Final

import torch

from encoder_tui.core.dtypes import COMPUTED
from encoder_tui.core.text.library_words import in_one_line
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.machine.memory import free_memory, total_memory
from encoder_tui.protocol.models import Device

FLASH: Final = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}
"""Attention implementations that keep packed rows apart, and the package that each needs."""
FLEX: Final = "flex_attention"
"""The attention implementation that torch compiles; it skips whole blocks that the mask excludes."""
AMPERE: Final = (8, 0)
"""The compute capability of the first devices with TF32 and flash attention."""


def resolve(name: str | None) -> torch.device:
    """Return the device of a name, with its index; None is the current accelerator, or the CPU if there is none.

    Raises `OperationError` if there is no such device, or it does not respond.
    """
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if name is None:
        device = torch.device("cpu") if accelerator is None else accelerator
    else:
        try:
            device = torch.device(name)
        except RuntimeError as error:
            raise _absent(name) from error
    if device.type == "cpu":
        return torch.device("cpu")
    if accelerator is None or device.type != accelerator.type:
        raise _absent(name or str(device))
    index = torch.accelerator.current_device_index() if device.index is None else device.index
    if not 0 <= index < torch.accelerator.device_count():
        raise _absent(name or str(device))
    device = torch.device(device.type, index)
    try:
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError) as error:  # a build of torch without this kind asserts
        words = in_one_line(str(error))
        raise OperationError(f"the device {device} does not respond ({words}); choose another one") from error
    return device


def _absent(name: str) -> OperationError:
    return OperationError(f"there is no device {name} on the engine's machine; it has {', '.join(names())}")


def names() -> list[str]:
    """Return every device, accelerators first."""
    if not torch.accelerator.is_available():
        return ["cpu"]
    kind = torch.accelerator.current_accelerator()
    assert kind is not None
    return [*(f"{kind.type}:{index}" for index in range(torch.accelerator.device_count())), "cpu"]


def dtype_of(name: str) -> torch.dtype:
    """Return the floating-point dtype of a name. Raises `OperationError`."""
    if name not in COMPUTED:
        raise OperationError(f"there is no dtype {name}; use {', '.join(COMPUTED)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def describe(name: str) -> Device:
    """Return a device's description and memory."""
    device = torch.device(name)
    if device.type == "cpu":
        return Device("cpu", _processor(), free_memory(), total_memory(), offers(device))
    backend: Any = getattr(torch, device.type)
    properties = backend.get_device_properties(device.index) if hasattr(backend, "get_device_properties") else None
    free, total = None, None
    # A dead device does not answer, but is listed all the same.
    with contextlib.suppress(RuntimeError, AttributeError):
        free, total = backend.mem_get_info(device.index)
    return Device(str(device), getattr(properties, "name", device.type), free, total, offers(device))


def offers(device: torch.device) -> list[str]:
    """Return what not every device supports: `tf32`, and attention implementations that need more than torch."""
    flex = [FLEX] if no_compiler(device) is None and _has_kernels_of_flex(device) else []
    if device.type != "cuda":
        return flex
    # torch's builds for AMD devices also call them cuda.
    is_nvidia = torch.version.cuda is not None
    if is_nvidia and torch.cuda.get_device_capability(device) < AMPERE:
        return flex
    tf32 = ["tf32"] if is_nvidia else []
    return tf32 + flex + [name for name, package in FLASH.items() if importlib.util.find_spec(package) is not None]


def _has_kernels_of_flex(device: torch.device) -> bool:
    """Return whether torch can compile flex attention for a device: for processors it writes AVX2 or AVX-512 code."""
    if device.type == "cpu":
        return torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"} and sys.platform != "darwin"
    return device.type == "cuda"


def no_compiler(device: torch.device) -> str | None:
    """Return what torch.compile lacks on this machine."""
    if device.type == "cuda":
        return None if importlib.util.find_spec("triton") is not None else "the package triton"
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    return None if shutil.which(compiler) is not None else f"a C++ compiler, and there is no {compiler} here"


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
        for line in lines:
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def free_on(device: torch.device) -> int | None:
    """Return the bytes that can still be allocated on a device, as far as known; a limit of the process counts."""
    if device.type != "cpu":
        return describe(str(device)).free_memory
    free = free_memory()
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        left = max(0, limit - _address_space())
        free = left if free is None else min(free, left)
    return free


def _address_space() -> int:
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work; the CPU already has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
