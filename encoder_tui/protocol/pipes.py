"""Pipes of the window or a command that the engine reads: the engine inherits their descriptors."""

from __future__ import annotations

from typing import Final

PIPES: Final = "ENCODER_TUI_PIPES"
"""The environment variable that holds the descriptors an engine may read, separated by commas."""
