"""The window in a browser, over loopback as a browser would ask."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from encoder_tui.commands.serve import window_command
from encoder_tui.core.settings import load, state_path
from tests.support.browser import chromium
from tests.support.command_case import call

aiohttp = pytest.importorskip("aiohttp", reason="the extra `serve` is not installed")
pytest.importorskip("textual_serve", reason="the extra `serve` is not installed")
importlib.import_module("aiohttp.web")
MOST_UNFINISHED = importlib.import_module("encoder_tui.commands.web_server").MOST_UNFINISHED

TEXT = "-lens; $(exit) 'x' [b]"
PATIENCE = 60


@contextlib.contextmanager
def server(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`encoder-tui serve` on any free port, and the address that it prints."""
    command = [sys.executable, "-m", "encoder_tui", "-m", "builtin:bert", f"--text={TEXT}", "serve", "--port", "0"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://\S+\?key=[\w-]+", line)
        assert address is not None, line
        yield process, address[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


async def read_until(socket: object, wanted: str) -> str:
    """What the window draws, until a text is there."""
    drawn = ""
    async with asyncio.timeout(PATIENCE):
        while wanted not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn):
            message = await socket.receive()  # type: ignore[attr-defined]
            assert message.type == aiohttp.WSMsgType.BINARY, message
            drawn += message.data.decode()
    return drawn


async def test_the_window_runs_behind_the_page_with_the_options_that_were_given() -> None:
    with server() as (process, address):
        root = address.partition("?")[0]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            page = await browser.get(address)
            html = await page.text()
            assert "key" not in str(page.url)
            assert f'data-session-websocket-url="ws:{root.removeprefix("http:")}ws"' in html
            for loaded in re.findall(r'(?:src|href)="(http://127[^"]+)"', html):
                assert (await browser.get(loaded)).status == 200
            script = await (await browser.get(f"{root}js/textual.js")).text()
            # Where the browser looks for a picture of the window.
            assert f"${{window.location.origin}}{urlsplit(root).path}download/" in script
            assert (await browser.get(f"{root}download/unknown")).status == 404
            origin = "http://" + urlsplit(root).netloc
            async with browser.ws_connect(f"{root}ws?width=100&height=30", headers={"Origin": origin}) as socket:
                await read_until(socket, "-lens; $(exit) 'x' [b]")
                await socket.send_json(["stdin", "quay"])
                await read_until(socket, "quay")
                window = children(process.pid)
                assert window
        await gone(window)
    assert process.returncode == 0


async def test_when_the_server_is_killed_its_windows_end() -> None:
    with server() as (process, address):
        root = address.partition("?")[0]
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            await browser.get(address)
            async with browser.ws_connect(f"{root}ws") as socket:
                await read_until(socket, "$(exit)")
                window = children(process.pid)
                process.kill()
                await gone(window)


async def test_nobody_gets_in_without_the_key_or_from_another_sites_page() -> None:
    with server() as (_, address):
        root, _, query = address.partition("?")
        async with aiohttp.ClientSession() as stranger:
            for path in ("", "static/js/textual.js", "js/textual.js", "download/x", "?key=wrong", f"../?{query}"):
                assert (await stranger.get(root + path)).status == 403
            host = root.split("/")[2]
            wrong = ("https://elsewhere.example", f"https://{host}", "http://127.0.0.1:1", f"ftp://{host}", "null")
            for path in ("ws", "ws?key="):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await stranger.ws_connect(root + path)
            for origin in wrong:
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await stranger.ws_connect(f"{root}ws?{query}", headers={"Origin": origin})


async def test_a_server_on_another_port_of_the_same_host_never_receives_the_key() -> None:
    """Browsers send a cookie to every port of a host; the jar here does, too."""
    received: list[str] = []

    async def other(request: Any) -> Any:
        received.append(f"{request.path_qs} {dict(request.headers)}")
        answer = aiohttp.web.Response(text="hello")
        answer.set_cookie("seen", "yes")
        return answer

    elsewhere = aiohttp.web.Application()
    elsewhere.router.add_route("*", "/{path:.*}", other)
    runner = aiohttp.web.AppRunner(elsewhere)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    another = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        with server() as (_, address):
            root, _, key = address.partition("?key=")
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
                await browser.get(another)
                await browser.get(address)
                for path in ("", "ws", "static/js/textual.js", "x/y"):
                    await browser.get(another + path)
                assert "seen" in received[-1], "the jar must send cookies to every port, as browsers do"
                async with browser.ws_connect(f"{root}ws") as socket:
                    await read_until(socket, "$(exit)")
                cookies = [cookie for cookie in browser.cookie_jar if cookie.value == key]
            assert [(cookie["path"], cookie["samesite"], cookie["httponly"]) for cookie in cookies] == [
                (urlsplit(root).path, "Strict", True)
            ]
            place = urlsplit(root).path.strip("/")
            assert not any(key in line or place in line for line in received)
    finally:
        await runner.cleanup()


async def asked(address: str, request: str) -> str:
    """The first line of the answer to bytes as they are; empty if the connection is closed without one."""
    where = urlsplit(address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(request.replace("\n", "\r\n").encode())
    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    writer.close()
    return line.decode().strip()


async def test_odd_requests_are_refused_without_a_traceback() -> None:
    with server() as (process, address):
        where = urlsplit(address)
        host, path, page = f"Host: {where.netloc}", where.path, f"{where.path}?{where.query}"
        socket = "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13"
        odd = [
            f"GET {page} HTTP/1.1\n{host}\nOrigin: http://[x\n\n",
            f"GET {path}ws?{where.query} HTTP/1.1\n{host}\n\n",
            f"GET {path}ws?{where.query} HTTP/1.1\n{host}\nUpgrade: websocket\nConnection: Upgrade\n\n",
            f"GET {path}ws?{where.query} HTTP/1.1\n{host}\n{socket}\nSec-WebSocket-Key: x\n\n",
            *(
                f"GET {page} HTTP/1.1\nHost: {name}\n\n"
                for name in ("elsewhere.example", "[x", "127.0.0.1:x", "127.0.0.1; script-src *", "")
            ),
            "GET / HTTP/9\n\n",
            f"GET {path}\x01 HTTP/1.1\n{host}\n\n",
            f"GET {page} HTTP/1.1\n{host}\nContent-Length: x\n\n",
            "\x16\x03\x01 hello\n\n",
        ]
        for request in odd:
            assert (await asked(address, request)).startswith(("HTTP/1.1 400", "HTTP/1.0 400")), request
        assert (await asked(address, f"GET {page} HTTP/1.1\n{host}\n\n")) == "HTTP/1.1 302 Found"
        tunnel = "Host: localhost:1234\nOrigin: http://localhost:1234"
        assert (await asked(address, f"GET {page} HTTP/1.1\n{tunnel}\n\n")) == "HTTP/1.1 302 Found"
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == ""


async def test_unfinished_requests_are_dropped_in_time_and_bounded_in_number() -> None:
    with server() as (_, address):
        where = urlsplit(address)
        begun = time.monotonic()
        waiting = [await asyncio.open_connection(where.hostname, where.port) for _ in range(MOST_UNFINISHED + 20)]
        for number, (_, writer) in enumerate(waiting):
            writer.write(b"" if number % 2 else f"GET {where.path} HTTP/1.1\r\nHost: ".encode())
        async with asyncio.timeout(PATIENCE):
            for reader, _ in waiting[:20]:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        assert time.monotonic() - begun < 5, "the oldest are dropped at once where there are too many"
        assert await asked(address, f"GET {address} HTTP/1.1\nHost: {where.netloc}\n\n") == "HTTP/1.1 302 Found"
        async with asyncio.timeout(PATIENCE):
            for reader, _ in waiting[21:]:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        assert 8 < time.monotonic() - begun < 20
        for _, writer in waiting:
            writer.close()


async def test_only_this_machine_is_listened_to_and_the_page_may_load_nothing_from_elsewhere() -> None:
    with server() as (_, address):
        assert address.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            policy = (await browser.get(address)).headers["Content-Security-Policy"]
    sources = {word for part in policy.split(";") for word in part.split()[1:]}
    assert sources - {"'self'", "'none'", "'unsafe-inline'", "data:"} == {f"ws://{address.split('/')[2]}"}
    assert "default-src 'none'" in policy


def test_options_reach_the_window_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"model": ("a b", "-x"), "text": "'; rm -rf / #\n$(x)`y`", "offline": True, "fresh": False}
    command = window_command(load(given)).replace(sys.executable, "printf '%s\\0'", 1)
    words = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    assert words == ["-m", "encoder_tui", "--model=a b", "--model=-x", f"--text={given['text']}", "--offline"]


def test_without_the_extra_one_line_says_how_to_install_it() -> None:
    script = "import sys; sys.modules['textual_serve'] = None; from encoder_tui.__main__ import main; main()"
    done = call("serve", program=(sys.executable, "-c", script))
    assert done.code == 1
    assert done.remarks == [
        "encoder-tui: serve needs textual-serve, which is not installed; pip install 'encoder-tui[serve]'"
    ]


def test_a_port_that_is_taken_is_told_in_a_line() -> None:
    with server() as (_, address):
        port = address.split(":")[2].partition("/")[0]
        done = call("serve", "--port", port)
    assert done.code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.remarks[0]
    assert len(done.remarks) == 1


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium on this machine")
async def test_a_browser_draws_the_window_takes_keys_and_asks_nobody_else(tmp_path: Path) -> None:
    with server() as (_, address):
        async with chromium("chromium", tmp_path / "profile") as page:
            await page.do("Page.navigate", url=address)
            await page.wait_for("document.body && document.body.classList.contains('-first-byte')")
            await page.value("document.querySelector('textarea').focus()")
            async with asyncio.timeout(PATIENCE):
                # What is typed is remembered; keys before the window has its text are nobody's.
                while not (state_path().is_file() and "quay" in state_path().read_text()):
                    await page.type("quay ")
                    await asyncio.sleep(2)
            assert await page.value("location.search") == ""
            asked = page.requested()
    host = address.split("/")[2]
    assert f"ws://{host}{urlsplit(address).path}ws" in {url.partition("?")[0] for url in asked}
    assert {url.split("/")[2] for url in asked} == {host}


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.is_dir():
        pytest.skip("processes are looked up in /proc, which is not here")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


async def gone(processes: list[int]) -> None:
    """Wait until processes have ended."""
    deadline = time.monotonic() + PATIENCE
    while any(alive(process) for process in processes):
        assert time.monotonic() < deadline, "the window is still there"
        await asyncio.sleep(0.1)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
