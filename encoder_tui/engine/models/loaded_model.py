"""A model in memory, and the settings that it runs with."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from encoder_tui.core.models.placement import Head, InForce, ModelSource, Weights
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.models import local_attention

FALLING_BACK: Final = ("eager", "sdpa")
"""Attention implementations that need nothing but torch. An architecture that lacks one of them runs with the other and
reports it; any other missing implementation is an error.
"""

COMPILED: Final = (devices.FLEX,)
"""Attention implementations that are compiled for each new shape, so that their first pass takes long."""


ALLOWING: Final = ("1", "ON", "YES", "TRUE")
"""Values of USE_HUB_KERNELS, the variable of transformers, by which a user allows kernels from the Hub."""


@dataclass
class LoadedModel:
    """A model in memory, in evaluation mode. Lists and remarks are those of `InForce`.

    `class_name` is the class that was loaded; `model` is its encoder if the class cannot run on a text alone.
    """

    source: ModelSource
    model: Any
    device: torch.device
    weights: Weights
    default_attention: str
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    head: Head | None = None
    mismatched: list[str] = field(default_factory=list)
    class_name: str = ""

    def use_attention(self, asked: str | None) -> InForce:
        """Set the attention implementation (None for the architecture's default), and return the settings in use.

        Raises `OperationError` if there is no such implementation.
        """
        name = self.source.name
        wanted = asked or self.default_attention
        if wanted in COMPILED:
            self._prepare_compiling(wanted)
        has_none = wanted == local_attention.NAME and not local_attention.is_for(self.model.config)
        if has_none:
            wanted = "sdpa"
        elif wanted == local_attention.NAME:
            local_attention.register()
        self._refuse_code_from_the_hub(wanted)
        if wanted != self._attention:
            with refusals(OperationError, f"{name}: attention {wanted} is not available here"):
                try:
                    self.model.set_attn_implementation(wanted)
                except (ValueError, ImportError):
                    if wanted not in FALLING_BACK:
                        raise
        if self._attention != wanted and wanted not in FALLING_BACK:
            raise OperationError(f"{name}: its architecture does not support attention {wanted}")
        in_force = self.in_force()
        if self._attention != wanted:
            in_force.remarks.append(f"{name}: its architecture has no {wanted} attention; {self._attention} is used")
        elif has_none:
            in_force.remarks.append(f"{name}: its architecture has no local layers; {self._attention} is used")
        return in_force

    def _refuse_code_from_the_hub(self, wanted: str) -> None:
        """Raise `OperationError` if transformers would fetch native code from the Hub and run it.

        It does so for a name such as `owner/kernel`, which may also come from a run that somebody else saved, and for
        flash attention whose package is not installed.
        """
        name = self.source.name
        if "/" in wanted and os.environ.get("USE_HUB_KERNELS", "NO").upper() not in ALLOWING:
            raise OperationError(f"{name}: attention {wanted} is native code from the Hub, which is not run")
        package = devices.FLASH.get(wanted)
        if package is not None and importlib.util.find_spec(package) is None:
            raise OperationError(f"{name}: attention {wanted} is not available here; it needs the package {package}")

    def _prepare_compiling(self, wanted: str) -> None:
        """Refuse what cannot be compiled here. Compile in this process, so that ending it leaves no other process
        behind.
        """
        if wanted not in devices.offers(self.device):
            what = devices.no_compiler(self.device) or "a device that torch compiles it for"
            raise OperationError(f"{self.source.name}: {wanted} needs {what}; use sdpa or eager")
        import torch._inductor.config as inductor  # noqa: PLC0415  # seconds, for those alone who compile

        inductor.compile_threads = 1

    def in_force(self) -> InForce:
        """Return the settings that the model runs with now."""
        return InForce(
            str(self._device_of_parameters()),
            str(self.model.dtype).removeprefix("torch."),
            self._attention,
            self.weights,
            self.parameter_bytes,
            self.missing,
            self.unexpected,
            list(self.remarks),
            mismatched=self.mismatched,
            class_name=self.class_name or type(self.model).__name__,
        )

    @property
    def _attention(self) -> str:
        return str(self.model.config._attn_implementation)

    @property
    def parameter_bytes(self) -> int:
        return sum(parameter.nbytes for parameter in self.model.parameters())

    def _device_of_parameters(self) -> torch.device:
        """Return the device of all parameters, which must be the requested one."""
        found = {parameter.device for parameter in self.model.parameters()}
        if found != {self.device}:
            where = ", ".join(sorted(map(str, found)))
            raise OperationError(f"{self.source.name}: its parameters are on {where}, not on {self.device}")
        return self.device
