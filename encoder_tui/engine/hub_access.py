"""What this process, and every process that it starts, may ask of the Hub; set before the libraries are imported."""

from __future__ import annotations

import os
import sys

from encoder_tui.core.hub.client import endpoint
from encoder_tui.core.hub.token import may_carry_token

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


def restrict() -> None:
    """Set what holds in every engine: no telemetry, no native code from the Hub, no token in clear."""
    # By default huggingface_hub asks the Hub who is calling even before it reads its own cache, and waits for it.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Who wants kernels from the Hub sets this variable, which is that of transformers.
    os.environ.setdefault("USE_HUB_KERNELS", "NO")
    if not may_carry_token(endpoint()):
        for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            os.environ.pop(variable, None)
        os.environ["HF_TOKEN_PATH"] = os.devnull
        os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"


def go_offline() -> None:
    """Ask the Hub for nothing from now on, in whatever library."""
    for variable in OFFLINE:
        os.environ[variable] = "1"
    # Libraries that are imported already have read the variables.
    for module, name in (("huggingface_hub.constants", OFFLINE[0]), ("datasets.config", OFFLINE[0]),
                         ("datasets.config", OFFLINE[2])):  # fmt: skip
        if module in sys.modules:
            setattr(sys.modules[module], name, True)
