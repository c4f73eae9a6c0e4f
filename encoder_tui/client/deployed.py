"""Requests to deployed models, of the window and of the commands alike, with the limit that the user chose."""

from __future__ import annotations

from collections.abc import Sequence

from encoder_tui.core.models.placement import placement_of
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.encoding import Side
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.protocol.tasks import EncodeRequest, PairsRequest, TokenStatesRequest


def encode_request(
    model: ReadyModel,
    settings: Settings,
    texts: Sequence[str],
    prompt: str | None = None,
    side: Side | None = None,
    truncate_dim: int | None = None,
) -> EncodeRequest:
    """Return the request that encodes texts; the arguments are those of `EncodeRequest`."""
    return EncodeRequest(
        model.source(settings),
        placement_of(settings),
        [without_surrogates(text) for text in texts],
        prompt,
        side,
        truncate_dim,
        model.card.chosen_limit,
    )


def pairs_request(
    model: ReadyModel, settings: Settings, pairs: Sequence[tuple[str, str]], prompt: str | None = None
) -> PairsRequest:
    """Return the request that scores pairs of texts."""
    clean = [(without_surrogates(first), without_surrogates(second)) for first, second in pairs]
    return PairsRequest(model.source(settings), placement_of(settings), clean, prompt, model.card.chosen_limit)


def token_states_request(model: ReadyModel, settings: Settings, query: str, document: str) -> TokenStatesRequest:
    """Return the request that compares the tokens of two texts."""
    return TokenStatesRequest(
        model.source(settings),
        placement_of(settings),
        without_surrogates(query),
        without_surrogates(document),
        model.card.chosen_limit,
    )
