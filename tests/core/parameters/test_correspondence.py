"""Architectures lined up by role, and configurations side by side."""

from __future__ import annotations

from typing import Any

import msgspec

from encoder_tui.core.parameters import configuration, correspondence, search
from encoder_tui.core.parameters.description import Description, Fit, LayerFact, Parameter
from encoder_tui.core.parameters.roles import role_of
from encoder_tui.window.widgets import plots


def described(names: dict[str, tuple[int, ...]], kind: str = "", **more: Any) -> Description:
    parameters = []
    for name, shape in names.items():
        numel = 1
        for side in shape:
            numel *= side
        parameters.append(Parameter(name, shape, "float32", numel, role_of(name, kind)))
    return Description(class_name="Model", kind=kind, source="architecture", parameters=parameters, **more)


def bert(layers: int = 2) -> Description:
    names: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (10, 4),
        "embeddings.position_embeddings.weight": (16, 4),
        "embeddings.token_type_embeddings.weight": (2, 4),
    }
    for layer in range(layers):
        for part in ("query", "key", "value"):
            names[f"encoder.layer.{layer}.attention.self.{part}.weight"] = (4, 4)
            names[f"encoder.layer.{layer}.attention.self.{part}.bias"] = (4,)
    facts = [LayerFact("global")] * layers
    return described({**names, "pooler.dense.weight": (4, 4)}, "bert", layers=facts)


def modernbert(layers: int = 4) -> Description:
    names: dict[str, tuple[int, ...]] = {"embeddings.tok_embeddings.weight": (20, 4)}
    for layer in range(layers):
        names[f"layers.{layer}.attn.Wqkv.weight"] = (12, 4)
        names[f"layers.{layer}.mlp.Wi.weight"] = (6, 4)
    facts = [LayerFact("sliding window", 128, 10_000.0)] * layers
    return described({**names, "final_norm.weight": (4,)}, "modernbert", layers=facts)


def words(role: str, *models: Description) -> list[str]:
    (row,) = [row for row in correspondence.rows(models) if row.role == role]
    return [cell.words for cell in row.cells if cell is not None]


def test_a_row_stands_for_each_role_that_any_model_has_in_the_order_of_a_pass() -> None:
    roles = [row.role for row in correspondence.rows([bert(), modernbert()])]
    assert roles == [
        "word_embedding", "position_embedding", "type_embedding", "query", "key", "value", "fused_qkv",
        "fused_in_gate", "final_norm", "pooler",
    ]  # fmt: skip


def test_what_one_lacks_is_said_with_what_it_has_instead() -> None:
    pair = (bert(), modernbert())
    assert words("query", *pair) == ["2 × (4 × 4) + bias", "in the fused q/k/v"]
    assert words("fused_qkv", *pair) == ["separate query, key, value", "4 × (12 × 4)"]
    assert words("position_embedding", *pair) == ["16 × 4", "none: rotary positions instead"]
    assert words("type_embedding", *pair) == ["2 × 4", "none"]
    assert words("pooler", *pair) == ["4 × 4", "none"]


def test_a_row_differs_where_shapes_or_counts_do() -> None:
    rows = correspondence.rows([bert(2), bert(3)])
    assert {row.role for row in rows if row.differs} == {"query", "key", "value"}


def test_a_model_that_is_not_there_yet_leaves_its_place() -> None:
    (row, *_) = correspondence.rows([None, bert()])
    assert row.cells[0] is None
    assert row.cells[1] is not None
    assert correspondence.differences([None, bert()]) == ["", ""]


def test_the_values_of_all_roles_add_up_to_the_model() -> None:
    for model in (bert(), modernbert()):
        cells = [row.cells[0] for row in correspondence.rows([model])]
        assert sum(cell.numel for cell in cells if cell is not None) == model.total


def test_differences_name_only_what_is_not_the_same() -> None:
    first, second = correspondence.differences([bert(), modernbert()])
    assert "absolute positions (16), 2 token types, separate query, key and value" in first
    for part in (
        "rotary positions (base 10,000)",
        "no type embedding",
        "gated",
        "norm first",
        "no biases",
        "no pooler",
    ):
        assert part in second
    assert correspondence.differences([bert(), bert()]) == ["", ""]


def test_the_counterpart_is_in_the_layer_that_is_as_deep() -> None:
    first, second = bert(3), modernbert(5)
    by_name = {parameter.name: parameter for parameter in first.parameters}
    for layer, expected in ((0, 0), (1, 2), (2, 4)):
        parameter = by_name[f"encoder.layer.{layer}.attention.self.value.weight"]
        assert correspondence.counterpart(parameter, first, second) == f"layers.{expected}.attn.Wqkv.weight"
    assert correspondence.counterpart(by_name["pooler.dense.weight"], first, second) is None
    fused = next(p for p in second.parameters if p.name == "layers.4.attn.Wqkv.weight")
    assert correspondence.counterpart(fused, second, first) == "encoder.layer.2.attention.self.query.weight"


def test_the_sentence_counts_names_and_roles() -> None:
    assert correspondence.sentence([bert(), modernbert()], "AB").endswith("they share no name and 1 of 10 roles.")
    short = correspondence.sentence([bert(), modernbert()], "AB", short=True)
    assert short.endswith("they share no name and 1 of 10 roles.")
    assert " in " not in short
    assert "they share 16 names" in correspondence.sentence([bert(), bert()], "AB")
    assert correspondence.sentence([None], "A") == "No model is described yet."


def test_settings_are_flat_and_differences_come_first() -> None:
    first = described({}, config={"a": 1, "same": True, "rope": {"x": 1.5}, "alone": "word", "list": [1] * 20})
    second = described({}, config={"a": 2000, "same": True, "rope": {"x": 2.5}, "list": [1] * 19 + [2]})
    rows = [row for row in configuration.settings([first, second]) if not row.is_derived]
    assert [(row.name, row.values) for row in rows] == [
        ("a", ("1", "2,000")),
        ("list", ("20 × 1", "19 × 1, 1 × 2")),
        ("rope.x", ("1.5", "2.5")),
        ("alone", ("word", None)),
        ("same", ("true", "true")),
    ]
    assert configuration.summary(rows, 2) == "4 of 5 settings differ"
    assert [row.name for row in configuration.settings([first, second], "ROPE 2.5")] == ["rope.x"]


def test_derived_numbers_bear_nonsense() -> None:
    odd = {"hidden_size": "many", "num_attention_heads": 0, "max_position_embeddings": None}
    numbers = configuration.derived(described({"a.weight": (2, 2)}, config=odd))
    assert "head size" not in numbers
    assert numbers["context"] == "no limit"
    assert numbers["weights in int8"] == "4 B"
    configuration.derived(described({}, config={}))


def test_a_search_takes_every_word_in_names_roles_types_and_shapes() -> None:
    model = bert()
    assert search.matches(model, "LAYER.1 key") == [
        "encoder.layer.1.attention.self.key.weight",
        "encoder.layer.1.attention.self.key.bias",
    ]
    assert search.matches(model, "token type") == ["embeddings.token_type_embeddings.weight"]
    assert search.matches(model, "16x4") == ["embeddings.position_embeddings.weight"]
    assert len(search.matches(modernbert(), "query")) == 4
    assert search.matches(model, "  ") == []


def test_a_bar_chart_is_plain_lines_of_the_size_that_was_asked_for() -> None:
    lines = plots.bars([0.5, 1.5, 2.5], [1, 5, 2], 50, 10)
    assert len(lines) == 10
    assert max(map(len, lines)) <= 50
    assert "█" in "".join(lines)
    assert all(line.isprintable() for line in lines)
    again = plots.bars([0.5, 1.5, 2.5], [1, 5, 2], 50, 10)
    assert again == lines, "nothing is left of the plot before"
    assert plots.bars([1.0], [0], 30, 8)


def test_the_sentence_counts_what_is_random_and_what_is_unused() -> None:
    fit = Fit(missing=["pooler.dense.weight"], unexpected=["classifier.weight", "classifier.bias"])
    words = correspondence.sentence([msgspec.structs.replace(bert(), fit=fit), bert()], "AB", short=True)
    assert words.startswith("A has 248 values (1 random, 2 stored tensors unused), B 248;")
