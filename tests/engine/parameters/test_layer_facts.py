"""How far each layer sees, by the configurations of transformers."""

from __future__ import annotations

from encoder_tui.core.models.architectures import reach_of
from encoder_tui.engine.parameters.layer_facts import layer_facts


def test_the_window_of_gemma_is_what_its_config_json_states() -> None:
    """Gemma 3 halves the stated window when it is an encoder; EmbeddingGemma 2 states the half of it."""
    from transformers import AutoConfig

    stated = {
        "sliding_window": 512,
        "use_bidirectional_attention": True,
        "num_hidden_layers": 2,
        "layer_types": ["sliding_attention", "full_attention"],
    }
    config = AutoConfig.for_model("gemma3_text", **stated)
    assert [fact.window for fact in layer_facts(config)] == [512, None]
    assert [reach_of(stated, layer) for layer in (0, 1)] == [256, None]
    assert [reach_of(config.to_dict(), layer) for layer in (0, 1)] == [256, None]
    del stated["use_bidirectional_attention"]
    config = AutoConfig.for_model("embedding_gemma2_text", **stated | {"sliding_window": 256})
    assert [fact.window for fact in layer_facts(config)] == [512, None]
    assert reach_of(config.to_dict(), 0) == 256
