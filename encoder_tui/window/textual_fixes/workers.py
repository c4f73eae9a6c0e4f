"""Starting workers that may be cancelled before they begin."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False) -> None:
    """Run `work()` as a worker of a node; an exclusive one cancels the others of its group.

    `work` is a function, not a coroutine: if a worker is cancelled before it begins, Python would warn that its
    coroutine was never awaited.
    """
    _: Worker[None] = node.run_worker(work, group=group, exclusive=exclusive)
