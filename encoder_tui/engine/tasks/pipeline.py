"""A deployed model in memory: the whole pipeline of sentence-transformers, with the settings that it runs with."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.placement import InForce
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.models.loaded_model import LoadedModel


@dataclass
class LoadedPipeline(LoadedModel):
    """A pipeline of sentence-transformers; `model` is the pipeline itself.

    `encoders` are the transformers in it, of which a Router has several and a table of vectors none. `library` is what
    runs it, with its version. `pooling_is_ours` says that the model states no pooling and that the mean was chosen
    here. `is_random` says that some values that the pipeline computes with are random.
    """

    card: Card = field(default_factory=lambda: Card(kind="encoder"))
    encoders: list[LoadedModel] = field(default_factory=list)
    library: str = ""
    pooling_is_ours: bool = False
    is_random: bool = False

    def use_attention(self, asked: str | None) -> InForce:
        """Set the attention implementation of every transformer, and return the settings in use.

        Raises `OperationError` if one of them has no such implementation.
        """
        if not self.encoders:
            return self.in_force()
        remarks = [remark for one in self.encoders for remark in one.use_attention(asked).remarks]
        in_force = self.in_force()
        in_force.remarks.extend(remark for remark in remarks if remark not in in_force.remarks)
        return in_force

    def in_force(self) -> InForce:
        """Return the settings that the pipeline runs with now."""
        dtypes = dict.fromkeys(str(one.dtype).removeprefix("torch.") for one in self.model.parameters())
        attentions = dict.fromkeys(one.in_force().attention for one in self.encoders)
        return InForce(
            str(self._device_of_parameters()),
            next(iter(dtypes), "float32"),
            " and ".join(attentions) or "no",
            self.weights,
            self.parameter_bytes,
            self.missing,
            self.unexpected,
            list(self.remarks),
        )

    def _device_of_parameters(self) -> torch.device:
        """Return the device of the parameters; a pipeline without any, such as a count of words, is on the CPU."""
        found = {parameter.device for parameter in self.model.parameters()}
        if found - {self.device}:
            where = ", ".join(sorted(map(str, found)))
            raise OperationError(f"{self.source.name}: its parameters are on {where}, not on {self.device}")
        return self.device
