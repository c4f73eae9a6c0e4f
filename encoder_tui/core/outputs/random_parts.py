"""Which outputs of a model are random, because parameters that they are computed from are not in its checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.text.numbers import count, first_of

POOLER: Final = "pooler_output"
POOLED: Final = {"pooler": POOLER}
"""The output that a pooling is computed from, by pooling; the last hidden states for all others."""
STATES: Final = "last_hidden_state"

_LAYER: Final = re.compile(r"(?:^|\.)(?:layers?|blocks?|h)\.(\d+)\.")
_OF_POOLER: Final = re.compile(r"(?:^|\.)pooler(?:\.|$)")
_NUMBERED: Final = re.compile(r"(.*?)\.(\d+)$")


def is_random(output: str, parameters: Iterable[str]) -> bool:
    """Return whether an output is computed from one of these parameters.

    A pooler enters into `pooler_output` alone, a decoder into everything but the encoder's outputs, and a layer into
    the hidden states after it. What a name does not show counts as if it entered everywhere.
    """
    return any(_enters(parameter, output) for parameter in parameters)


def why_random(in_force: InForce, output: str = STATES) -> str:
    """Return why an output is random although the model has weights, as a clause for people; empty if it is not."""
    found = [parameter for parameter in in_force.random if _enters(parameter, output)]
    if not found:
        return ""
    are = "is" if len(found) == 1 else "are"
    named = first_of(found, 2) if len(found) <= 2 else f"{count(len(found), 'parameter')} such as {found[0]}"
    return f"random: {named} {are} not in the checkpoint"


def _enters(parameter: str, output: str) -> bool:
    if _OF_POOLER.search(parameter):
        return output == POOLER
    if parameter.startswith("decoder.") and output.startswith("encoder_"):
        return False
    layer = _LAYER.search(parameter)
    place = _NUMBERED.match(output)
    if layer is None or place is None:
        return True
    if parameter.startswith("encoder.") and output.startswith(("decoder_", "cross_")):
        return True
    # Hidden states begin with the embeddings: those numbered 1 come out of layer 0, whose attentions are numbered 0.
    first = int(layer[1]) + (1 if "hidden_states" in place[1] else 0)
    return int(place[2]) >= first
