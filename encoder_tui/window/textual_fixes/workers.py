"""Start workers that may be cancelled before they have begun.

`DOMNode.run_worker` also accepts a coroutine; if its worker is cancelled before it begins, Python warns that the
coroutine was never awaited. Uses no private parts of Textual. Tried with Textual 8.2.8.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def start(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False) -> None:
    """Run `work()` as a worker of a node; an exclusive one cancels the other workers of its group.

    Pass the function itself, not the coroutine that it returns.
    """
    _: Worker[None] = node.run_worker(work, group=group, exclusive=exclusive)
