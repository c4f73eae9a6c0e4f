"""Which outputs a random parameter enters into, by changing every parameter and looking at what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.random_parts import is_random, why_random
from tests.support.architectures import write_configuration

torch = pytest.importorskip("torch")

SMALL = {"vocab_size": 40, "d_model": 16, "d_ff": 24, "d_kv": 8, "num_heads": 2, "num_layers": 2}
SIDES = {f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")}
SMALL |= SIDES | {f"{side}_ffn_dim": 16 for side in ("encoder", "decoder")}


def model_of(kind: str, folder: Path) -> Any:
    from transformers import AutoConfig, AutoModel, T5EncoderModel

    if kind in {"t5", "bart"}:
        config = AutoConfig.for_model(kind, **SMALL)
        return (T5EncoderModel(config) if kind == "t5" else AutoModel.from_config(config)).eval()
    return AutoModel.from_config(AutoConfig.from_pretrained(write_configuration(folder, kind))).eval()


def outputs_of(model: Any) -> dict[str, Any]:
    wishes = {"output_hidden_states": True, "output_attentions": True}
    with torch.inference_mode():
        found = model(input_ids=torch.arange(3, 11)[None], attention_mask=torch.ones(1, 8, dtype=torch.long), **wishes)
    flat = {}
    for key, value in found.items():
        if isinstance(value, torch.Tensor):
            flat[key] = value
        elif isinstance(value, tuple):
            flat |= {f"{key}.{index}": one for index, one in enumerate(value) if isinstance(one, torch.Tensor)}
    return flat


@pytest.mark.parametrize(
    "kind", ["bert", "modernbert", "distilbert", "albert", "deberta-v2", "nomic_bert", "bart", "t5"]
)
def test_whatever_a_parameter_changes_is_random_with_it(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = model_of(kind, tmp_path)
    model.set_attn_implementation("eager")
    before, unchanged = outputs_of(model), 0
    for name, parameter in model.named_parameters():
        kept = parameter.detach().clone()
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter))
        after = outputs_of(model)
        changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
        marked = {key for key in after if is_random(key, [name])}
        assert changed <= marked, name
        unchanged += len(after) - len(marked)
        with torch.no_grad():
            parameter.copy_(kept)
    assert unchanged, "not everything is marked whatever is missing"


def test_the_reason_names_the_parameters() -> None:
    pooler = ["pooler.dense.weight", "pooler.dense.bias"]
    in_force = InForce("cpu", "float32", "sdpa", "checkpoint", 1, missing=pooler)
    assert why_random(in_force) == ""
    assert why_random(in_force, "pooler_output") == f"random: {', '.join(pooler)} are not in the checkpoint"
    many = InForce("cpu", "float32", "sdpa", "checkpoint", 1, missing=[f"encoder.layer.{n}.x" for n in range(9)])
    assert why_random(many) == "random: 9 parameters such as encoder.layer.0.x are not in the checkpoint"
    assert why_random(many, "hidden_states.0") == ""
    assert why_random(many, "hidden_states.1") == "random: encoder.layer.0.x is not in the checkpoint"
