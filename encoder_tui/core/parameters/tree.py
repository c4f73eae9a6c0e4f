"""A model's parameters as a tree of modules, with stacks of similar layers recognised."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from encoder_tui.core.parameters.description import Description, Fit, LayerFact, Parameter, shape_text
from encoder_tui.core.text.numbers import count, first_of

HEAD, OUTSIDE = "(head)", "(unexpected)"
"""The paths of two branches that are no modules: the head, and what only the checkpoint has."""


class Node:
    """A module, a stack of layers, or a parameter. `label` is the part of the path that its parents do not show.

    `badges` are said beside it, `details` in full sentences where there is room. If `is_outside`, the checkpoint has it
    and the model has no place for it.
    """

    is_outside = False

    def __init__(self, label: str, path: str, parameter: Parameter | None = None) -> None:
        self.label = label
        self.path = path
        self.parameter = parameter
        self.children: list[Node] = []
        self.badges: list[str] = []
        self.details: list[str] = []

    @property
    def is_stack(self) -> bool:
        """Whether the children are layers, numbered from 0."""
        return (
            not self.is_outside
            and len(self.children) > 1
            and all(child.label.partition(".")[0].isdecimal() for child in self.children)
        )

    @cached_property
    def parameters(self) -> list[Parameter]:
        """All parameters below this node, in order."""
        return [self.parameter] if self.parameter else [p for child in self.children for p in child.parameters]

    @cached_property
    def numel(self) -> int:
        return sum(parameter.numel for parameter in self.parameters)

    @cached_property
    def bytes(self) -> int:
        return sum(parameter.bytes for parameter in self.parameters)

    @cached_property
    def dtype(self) -> str:
        """The dtype of everything below, or the most frequent one with a mark that there are others."""
        sizes: Counter[str] = Counter()
        for parameter in self.parameters:
            sizes[parameter.dtype] += parameter.numel
        names = [name for name, _ in sizes.most_common()]
        return names[0] if len(names) == 1 else f"{names[0]}, …" if names else ""

    def leads_to(self, path: str) -> bool:
        """Return whether a path is this node's, or may be below it."""
        if self.path in {HEAD, OUTSIDE}:
            return path == self.path or any(child.leads_to(path) for child in self.children)
        return path == self.path or path.startswith(f"{self.path}.")

    def walk(self) -> Iterator[Node]:
        """Yield this node and everything below it, top down."""
        yield self
        for child in self.children:
            yield from child.walk()


def build(description: Description) -> Node:
    """Return the tree of a description; its root is the model, and a head is a branch of its own."""
    root = Node(description.class_name, "")
    _grow(root, [parameter for parameter in description.parameters if not parameter.is_head])
    if head := [parameter for parameter in description.parameters if parameter.is_head]:
        branch = Node("head", HEAD)
        _grow(branch, head)
        root.children.append(branch)
    _add_badges(root, description)
    return root


def build_with_checkpoint(description: Description) -> Node:
    """Return the tree of a description with marks where its checkpoint differs, and a branch for what it adds."""
    root = build(description)
    if description.fit is not None:
        _mark(root, description, description.fit)
    return root


def _grow(root: Node, parameters: Iterable[Parameter]) -> None:
    places: dict[str, Node] = {"": root}
    for parameter in parameters:
        parts = parameter.name.split(".")
        parent = root
        for depth in range(1, len(parts)):
            path = ".".join(parts[:depth])
            if path not in places:
                places[path] = Node(parts[depth - 1], path)
                parent.children.append(places[path])
            parent = places[path]
        parent.children.append(Node(parts[-1], parameter.name, parameter))
    for child in root.children:
        _join_single(child)


def _mark(root: Node, description: Description, fit: Fit) -> None:
    """Say at each node what its checkpoint lacks, stores otherwise, or has in another shape."""
    missing = set(fit.missing)
    misfits = {misfit.name: misfit for misfit in fit.misfits}
    for node in root.walk():
        if node.parameter is None:
            random = sum(p.name in missing or p.name in misfits for p in node.parameters)
            if random:
                all_of_it = random == len(node.parameters)
                node.badges.append("random, not in the checkpoint" if all_of_it else f"{random:,} random")
            continue
        name = node.parameter.name
        if node.parameter.tied_to:
            node.details.append(f"tied to {', '.join(node.parameter.tied_to)}, counted once")
        if name in missing:
            node.badges.append("random, not in the checkpoint")
            node.details.append(f"not in the checkpoint, so random once {description.class_name} is loaded")
        if (misfit := misfits.get(name)) is not None:
            node.badges.append(f"random, {shape_text(misfit.stored)} in the checkpoint")
            node.details.append(f"{misfit.words}, so random once {description.class_name} is loaded")
        if (dtype := fit.stored_dtypes.get(name)) is not None:
            node.badges.append(f"stored as {dtype}")
            node.details.append(f"stored as {dtype}, loaded as {node.parameter.dtype}")
        if (stored := fit.stored_names.get(name)) is not None:
            node.details.append(f"called {stored} in the checkpoint")
    if fit.unexpected:
        root.children.append(_outside(fit.unexpected))


def _outside(names: Sequence[str]) -> Node:
    branch = Node("in the checkpoint, not in the model", OUTSIDE)
    branch.children = [Node(name, name) for name in names]
    for node in branch.walk():
        node.is_outside = True
        node.details.append("in the checkpoint, but the model has no place for it (unexpected)")
    branch.details = [f"{count(len(names), 'tensor')} of the checkpoint for which the model has no place (unexpected)"]
    return branch


def _join_single(node: Node) -> None:
    """Show a module with a single child on one line with that child."""
    while len(node.children) == 1:
        only = node.children[0]
        node.label, node.path, node.parameter = f"{node.label}.{only.label}", only.path, only.parameter
        node.children = only.children
    for child in node.children:
        _join_single(child)


def _add_badges(root: Node, description: Description) -> None:
    facts = description.layers
    for node in root.walk():
        if node.parameter and node.parameter.tied_to:
            node.badges.append(f"tied to {', '.join(node.parameter.tied_to)}")
        if not node.is_stack:
            continue
        node.badges += stack_badges(node, facts if len(facts) == len(node.children) else [])
        if len(facts) == len(node.children):
            for child, fact in zip(node.children, facts, strict=True):
                child.badges.append(fact_text(fact))
    if description.repeats and (shared := _shared_layer(root)) is not None:
        shared.badges.append(f"the same layers run {description.repeats} times")
        if facts:
            shared.badges.append(fact_text(facts[0]))


def _shared_layer(root: Node) -> Node | None:
    return next((node for node in root.walk() if "albert_layer_groups" in node.label), None)


def fact_text(fact: LayerFact) -> str:
    """Say how a layer attends."""
    words = fact.attention if fact.window is None else f"{fact.attention} of {fact.window:,}"
    return words if fact.rotary_base is None else f"{words}, rotary base {fact.rotary_base:,.0f}"


def stack_badges(stack: Node, facts: Sequence[LayerFact]) -> list[str]:
    """Return what all layers of a stack have in common, and which layers are exceptions."""
    signatures = [_signature(layer) for layer in stack.children]
    common = Counter(frozenset(signature.items()) for signature in signatures).most_common(1)[0][0]
    usual = dict(common)
    groups: dict[str, list[int]] = {}
    for index, signature in enumerate(signatures):
        difference = _difference(signature, usual)
        if difference:
            groups.setdefault(difference, []).append(index)
    exceptions = []
    for difference, indices in groups.items():
        plural = len(indices) > 1 and not _layers(indices).startswith("every")
        exceptions.append(f"{_layers(indices)} {difference.replace('has ', 'have ') if plural else difference}")
    kinds: dict[LayerFact, list[int]] = {}
    for index, fact in enumerate(facts):
        kinds.setdefault(fact, []).append(index)
    if len(kinds) == 1:
        exceptions.append(f"all {fact_text(next(iter(kinds)))}")
    else:
        ordered = sorted(kinds.items(), key=lambda entry: len(entry[1]))
        exceptions += [f"{_layers(indices)} {fact_text(fact)}" for fact, indices in ordered[:-1]]
        exceptions += [f"the others {fact_text(fact)}" for fact, _ in ordered[-1:]]
    return exceptions


def stack_label(stack: Node) -> str:
    """Describe a stack in a few words: how many layers, and whether all are alike."""
    signatures = {frozenset(_signature(layer).items()) for layer in stack.children}
    alike = " alike" if len(signatures) == 1 else ""
    return f"{count(len(stack.children), 'layer')}{alike}"


def _signature(layer: Node) -> dict[str, tuple[object, ...]]:
    """Return the names within a layer, with shape and dtype."""
    start = len(".".join(layer.parameters[0].name.split(".")[: _depth(layer)])) + 1 if layer.parameters else 0
    return {p.name[start:]: (p.shape, p.dtype) for p in layer.parameters}


def _depth(layer: Node) -> int:
    """Return how many parts of a parameter's name lead up to the layer's number, inclusive."""
    extra = layer.label.count(".")
    return layer.path.count(".") + 1 - extra


def _difference(signature: dict[str, tuple[object, ...]], usual: dict[str, tuple[object, ...]]) -> str:
    """Say how a layer differs from the usual one; empty if it does not."""
    missing = _modules(name for name in usual if name not in signature)
    more = _modules(name for name in signature if name not in usual)
    other = _modules(name for name, what in signature.items() if name in usual and usual[name] != what)
    words = []
    if missing:
        words.append(f"has no {first_of(missing, 3)}")
    if more:
        words.append(f"has {first_of(more, 3)} as well")
    if other:
        words.append(f"has {first_of(other, 3)} with another shape or dtype")
    return " and ".join(words)


def _modules(names: Iterable[str]) -> list[str]:
    """Return the module names of parameters, each once."""
    return list(dict.fromkeys(name.removesuffix(".weight").removesuffix(".bias") for name in names))


def _layers(indices: Sequence[int]) -> str:
    """Format layer numbers: a single one, every n-th, a range, or a list."""
    if len(indices) == 1:
        return f"layer {indices[0]}"
    steps = {b - a for a, b in itertools.pairwise(indices)}
    if len(steps) == 1 and len(indices) > 2:
        step = steps.pop()
        ordinal = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}.get(step, f"{step}th")
        span = f"{indices[0]} to {indices[-1]}"
        return f"layers {span}" if step == 1 else f"every {ordinal} layer ({span})"
    return f"layers {', '.join(map(str, indices[:6]))}{', …' if len(indices) > 6 else ''}"


def folded_rows(root: Node) -> list[tuple[int, Node, str]]:
    """Return the tree with every stack folded, as lines: depth, node, and the description of a stack."""
    rows: list[tuple[int, Node, str]] = []

    def visit(node: Node, depth: int) -> None:
        stacked = node.is_stack
        rows.append((depth, node, stack_label(node) if stacked else ""))
        if stacked:
            return
        for child in node.children:
            visit(child, depth + 1)

    visit(root, 0)
    return rows
