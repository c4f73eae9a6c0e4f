"""What the engine runs on: versions, devices, threads, free memory."""

from __future__ import annotations

import os
import platform

from encoder_tui.engine.contract import Device, Hello, HelloRequest
from encoder_tui.engine.job import Job
from encoder_tui.engine.versions import installed_versions


def run(request: HelloRequest, job: Job) -> Hello:
    """Versions at once, devices once torch is imported; afterwards the first forward pass need not wait for it."""
    about = Hello(installed_versions(), platform.python_version(), platform.platform(), _cores(), free_memory())
    job.partial(about)
    job.progress("importing torch")
    import torch  # noqa: PLC0415  # seconds and hundreds of megabytes: after the first words

    job.progress("importing transformers")
    import transformers.models.auto.modeling_auto  # noqa: F401, PLC0415

    devices = [Device("cpu", platform.processor() or platform.machine(), free_memory(), _total_memory())]
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator is not None:
        devices = [_accelerator(torch, accelerator.type, index) for index in range(torch.accelerator.device_count())]
        devices.append(Device("cpu", platform.processor() or platform.machine(), free_memory(), _total_memory()))
    return Hello(about.versions, about.python, about.platform, torch.get_num_threads(), free_memory(), devices)


def _accelerator(torch: object, kind: str, index: int) -> Device:
    """One accelerator, named in full (`cuda:1`)."""
    backend = getattr(torch, kind)
    properties = backend.get_device_properties(index) if hasattr(backend, "get_device_properties") else None
    free, total = backend.mem_get_info(index) if hasattr(backend, "mem_get_info") else (None, None)
    return Device(f"{kind}:{index}", getattr(properties, "name", kind), free, total)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _total_memory() -> int | None:
    return _sysconf("SC_PHYS_PAGES")


def free_memory() -> int | None:
    """Bytes that a process can still have without swapping, as far as the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return _sysconf("SC_AVPHYS_PAGES")


def _sysconf(name: str) -> int | None:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
