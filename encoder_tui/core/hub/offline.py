"""Whether the Hub may be asked."""

from __future__ import annotations

import os


def forbidden_by(offline: bool) -> str:
    """What forbids asking the Hub: `--offline` or a variable with its value; empty if nothing does."""
    return "--offline" if offline else offline_by_environment()


def offline_by_environment() -> str:
    """The variable by which huggingface_hub is told to stay offline, with its value; empty if none does."""
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if value := os.environ.get(variable):
            return f"{variable}={value}" if value.upper() in {"1", "ON", "YES", "TRUE"} else ""
    return ""
