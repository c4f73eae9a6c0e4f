"""Starting workers, which may be taken back before they have begun."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False) -> None:
    """Run `work()` as a worker of a node; an exclusive one takes the place of those of its group.

    `work` is the function and not what calling it gives: of a coroutine whose worker is cancelled before it begins,
    Python warns that nobody awaits it.
    """
    _: Worker[None] = node.run_worker(work, group=group, exclusive=exclusive)
