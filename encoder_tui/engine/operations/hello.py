"""What the engine runs on: versions, devices, threads, free memory."""

from __future__ import annotations

import os
import platform

from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job
from encoder_tui.engine.machine.memory import free_memory
from encoder_tui.protocol.models import Hello, HelloRequest


def run(request: HelloRequest, job: Job) -> Hello:
    """Send versions at once, and devices when torch has been imported; then the first forward pass need not wait for
    it.
    """
    about = Hello(installed_versions(), platform.python_version(), platform.platform(), cores(), free_memory())
    job.partial(about)
    job.progress("importing torch")
    import torch  # noqa: PLC0415  # seconds and hundreds of megabytes: after the first words

    from encoder_tui.engine.machine import devices  # noqa: PLC0415

    job.progress("importing transformers")
    import transformers.models.auto.modeling_auto  # noqa: F401, PLC0415

    found = [devices.describe(name) for name in devices.names()]
    return Hello(about.versions, about.python, about.platform, torch.get_num_threads(), free_memory(), found)


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
