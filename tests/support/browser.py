"""A headless Chromium, driven through its DevTools protocol."""

from __future__ import annotations

import asyncio
import itertools
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60
QUIET = (
    *("--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic", "--remote-debugging-port=0"),
)


class Page:
    """The page that is open; `events` is everything that the browser told of it."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == number:
                    assert "error" not in message, message
                    return message["result"]
                self.events.append(message)

    async def value(self, script: str) -> Any:
        """What a script comes to in the page."""
        return (await self.do("Runtime.evaluate", expression=script))["result"].get("value")

    async def wait_for(self, script: str) -> None:
        """Wait until a script says true."""
        async with asyncio.timeout(PATIENCE):
            while not await self.value(script):
                await asyncio.sleep(0.1)

    async def type(self, text: str) -> None:
        """Press a key for each character."""
        for character in text:
            await self.do("Input.dispatchKeyEvent", type="keyDown", text=character, key=character)
            await self.do("Input.dispatchKeyEvent", type="keyUp", key=character)

    def requested(self) -> list[str]:
        """The addresses that were really asked, websockets too."""
        blocked = {e["params"]["requestId"] for e in self.events if e["method"] == "Network.loadingFailed"}
        found = [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent" and event["params"]["requestId"] not in blocked
        ]
        sockets = [e["params"]["url"] for e in self.events if e["method"] == "Network.webSocketCreated"]
        return [url for url in found if url.startswith("http")] + sockets


@asynccontextmanager
async def chromium(program: str, profile: Path) -> AsyncIterator[Page]:
    """A browser with an empty page."""
    import aiohttp

    process = subprocess.Popen(
        [program, *QUIET, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = next(found for line in process.stderr if (found := re.search(r"ws://([\d.:]+)/devtools", line)))
        async with aiohttp.ClientSession() as client:
            pages = await (await client.get(f"http://{found[1]}/json/list")).json()
            address = next(page for page in pages if page["type"] == "page")["webSocketDebuggerUrl"]
            async with client.ws_connect(address, max_msg_size=1 << 28) as socket:
                page = Page(socket)
                for domain in ("Page", "Network", "Runtime", "Log"):
                    await page.do(f"{domain}.enable")
                yield page
    finally:
        process.terminate()
        process.wait(PATIENCE)
