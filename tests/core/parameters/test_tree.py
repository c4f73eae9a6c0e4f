"""Parameters as a tree: stacks of layers known as such, exceptions said in words."""

from __future__ import annotations

from typing import Any

import msgspec

from encoder_tui.core.parameters import tree
from encoder_tui.core.parameters.description import Description, Fit, LayerFact, Misfit, Parameter
from encoder_tui.core.parameters.tree import Node


def described(shapes: dict[str, tuple[int, ...]], **more: Any) -> Description:
    """A model with parameters of these names and shapes."""
    parameters = []
    for name, shape in shapes.items():
        numel = 1
        for side in shape:
            numel *= side
        parameters.append(Parameter(name, shape, "float32", numel, "other"))
    return Description(class_name="Model", kind="model", source="architecture", parameters=parameters, **more)


def stack_of(description: Description) -> Node:
    return next(node for node in tree.build(description).walk() if node.is_stack)


def layers(number: int, *parts: str) -> dict[str, tuple[int, ...]]:
    return {f"layers.{layer}.{part}": (2, 3) for layer in range(number) for part in parts}


def test_the_tree_holds_every_parameter_once_and_adds_up() -> None:
    shapes = {"embed.words.weight": (10, 4), **layers(3, "a.weight", "a.bias", "b.weight"), "norm.weight": (4,)}
    root = tree.build(described(shapes))
    assert [parameter.name for parameter in root.parameters] == list(shapes)
    leaves = [node for node in root.walk() if not node.children]
    assert [node.path for node in leaves] == list(shapes)
    for node in root.walk():
        if node.children:
            assert node.numel == sum(child.numel for child in node.children)
            assert node.bytes == 4 * node.numel


def test_a_module_that_holds_one_thing_stands_in_one_line_with_it() -> None:
    root = tree.build(described({"embed.words.weight": (10, 4), "norm.weight": (4,), "norm.bias": (4,)}))
    assert [child.label for child in root.children] == ["embed.words.weight", "norm"]


def test_layers_that_are_alike_are_a_stack() -> None:
    stack = stack_of(described(layers(12, "a.weight", "b.weight")))
    assert tree.stack_label(stack) == "12 layers alike"
    assert stack.badges == []
    assert [child.label for child in stack.children] == [str(layer) for layer in range(12)]


def test_a_layer_that_lacks_a_module_is_named() -> None:
    shapes = layers(5, "norm.weight", "norm.bias", "b.weight")
    del shapes["layers.0.norm.weight"], shapes["layers.0.norm.bias"]
    stack = stack_of(described(shapes))
    assert tree.stack_label(stack) == "5 layers"
    assert stack.badges == ["layer 0 has no norm"]


def test_layers_of_another_shape_or_with_more_are_named() -> None:
    shapes = layers(6, "a.weight", "b.weight")
    shapes["layers.4.a.weight"] = shapes["layers.5.a.weight"] = (9, 9)
    shapes["layers.1.extra.weight"] = (1,)
    assert stack_of(described(shapes)).badges == [
        "layer 1 has extra as well",
        "layers 4, 5 has a with another shape or dtype".replace(" has ", " have "),
    ]


def test_every_third_layer_is_said_to_be_global() -> None:
    facts = [
        LayerFact("global", None, 160_000.0) if layer % 3 == 0 else LayerFact("sliding window", 128, 10_000.0)
        for layer in range(7)
    ]
    stack = stack_of(described(layers(7, "a.weight", "b.weight"), layers=facts))
    assert stack.badges == [
        "every third layer (0 to 6) global, rotary base 160,000",
        "the others sliding window of 128, rotary base 10,000",
    ]
    assert stack.children[1].badges == ["sliding window of 128, rotary base 10,000"]


def test_facts_that_are_for_another_number_of_layers_are_left_out() -> None:
    stack = stack_of(described(layers(3, "a.weight", "b.weight"), layers=[LayerFact("global")] * 12))
    assert stack.badges == []


def test_a_tie_is_a_badge() -> None:
    tied = Parameter("words.weight", (2, 2), "float32", 4, "word_embedding", ("decoder.weight of Head",))
    description = Description(class_name="M", kind="m", source="architecture", parameters=[tied])
    (leaf,) = tree.build(description).children
    assert leaf.badges == ["tied to decoder.weight of Head"]


def test_folded_rows_show_no_layer() -> None:
    rows = tree.folded_rows(tree.build(described(layers(4, "a.weight", "b.weight"))))
    assert [(depth, node.label, words) for depth, node, words in rows] == [
        (0, "Model", ""),
        (1, "layers", "4 layers alike"),
    ]


def test_dtypes_that_are_mixed_are_said_to_be() -> None:
    parameters = [Parameter("a", (4,), "bfloat16", 4, "other"), Parameter("b", (1,), "float32", 1, "other")]
    root = tree.build(Description(class_name="M", kind="m", source="checkpoint", parameters=parameters))
    assert (root.dtype, root.bytes) == ("bfloat16, …", 12)


def test_what_a_checkpoint_lacks_stores_otherwise_or_has_too_much_is_marked() -> None:
    shapes = {
        "embed.weight": (10, 4),
        **layers(2, "a.weight", "b.weight"),
        "pooler.weight": (4, 4),
        "pooler.bias": (4,),
    }
    fit = Fit(
        missing=["pooler.weight", "pooler.bias", "layers.1.a.weight"],
        unexpected=["classifier.weight", "0.weight"],
        misfits=[Misfit("embed.weight", (9, 4), (10, 4))],
        stored_dtypes={"layers.0.b.weight": "float16"},
        stored_names={"layers.0.b.weight": "layers.0.b.kernel"},
    )
    description = msgspec.structs.replace(described(shapes), fit=fit)
    root = tree.build_with_checkpoint(description)
    nodes = {node.path: node for node in root.walk()}
    assert root.badges == ["4 random"]
    assert nodes["pooler"].badges == ["random, not in the checkpoint"]
    assert nodes["layers"].badges[-1] == "1 random"
    assert nodes["embed.weight"].badges == ["random, 9 × 4 in the checkpoint"]
    assert nodes["embed.weight"].details == [
        "embed.weight is 9 × 4 in the checkpoint and 10 × 4 in the model, so random once Model is loaded"
    ]
    assert nodes["layers.0.b.weight"].badges == ["stored as float16"]
    assert nodes["layers.0.b.weight"].details == [
        "stored as float16, loaded as float32", "called layers.0.b.kernel in the checkpoint"
    ]  # fmt: skip
    branch = root.children[-1]
    assert branch.label == "in the checkpoint, not in the model"
    assert [child.label for child in branch.children] == ["classifier.weight", "0.weight"]
    assert branch.is_outside
    assert not branch.is_stack
    assert root.numel == description.total, "what is outside is not counted"
    assert tree.build(description).children[-1].path == "pooler"


def test_a_head_is_a_branch_of_its_own() -> None:
    names = {"bert.embed.weight": (10, 4), "cls.dense.weight": (4, 4), "cls.bias": (4,)}
    plain = described(names)
    parameters = [msgspec.structs.replace(p, is_head=not p.name.startswith("bert.")) for p in plain.parameters]
    root = tree.build(msgspec.structs.replace(plain, parameters=parameters))
    assert [(child.label, child.numel) for child in root.children] == [("bert.embed.weight", 40), ("head", 20)]
    head = root.children[1]
    assert head.leads_to("cls.dense.weight")
    assert not head.leads_to("bert.embed.weight")
    assert root.numel == plain.total
