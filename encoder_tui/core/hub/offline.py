"""Whether requests to the Hub are allowed."""

from __future__ import annotations

import os


def forbidden_by(offline: bool) -> str:
    """Return what forbids requests to the Hub: `--offline`, or a variable with its value; empty if nothing."""
    return "--offline" if offline else offline_by_environment()


def offline_by_environment() -> str:
    """Return the variable that sets huggingface_hub offline, with its value; empty if none is set."""
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if value := os.environ.get(variable):
            return f"{variable}={value}" if value.upper() in {"1", "ON", "YES", "TRUE"} else ""
    return ""
