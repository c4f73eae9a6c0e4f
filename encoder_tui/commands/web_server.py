"""The window in a browser: textual-serve behind a secret key and a secret path, without anything from other servers.

A page of any site can send requests to a server on loopback, and other users of the machine can reach its port. So the
printed address holds a key; the browser keeps it in a cookie, and a websocket is accepted only from this server's page.
Browsers send a cookie to every port of a host, so the cookie is limited to a path that only the printed address names:
a server on another port never sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ipaddress
import logging
import re
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast
from urllib.parse import urlsplit

import aiohttp_jinja2
import click
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from textual_serve.server import Server

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load. textual-serve's page also names a font on a server of Google; it is not requested."""

PATIENCE: Final = 10.0
"""Seconds for a connection to send a whole request; also how long an idle one stays open afterwards."""
MOST_UNFINISHED: Final = 64
"""The most connections without a whole request; one more, and the oldest is dropped."""

_HOST: Final = re.compile(r"(?P<name>[\w.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
"""A `Host` header as browsers send it."""
_DOWNLOAD: Final = "${window.location.origin}/download/"
"""Where textual-serve's script looks for a file that the window delivers, a picture for example."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WindowServer(Server):  # type: ignore[misc]  # an extra, and so untyped here
    """Serves one command; every websocket gets its own process.

    Everything is below `/PLACE/`. Place and key are both secret: the key opens the page; the place keeps the cookie,
    which then holds the key, away from other servers of the same host.
    """

    def __init__(self, command: str, host: str, port: int, *, is_loopback: bool) -> None:
        super().__init__(command, host, port, title="encoder-tui")
        self.key = secrets.token_urlsafe(16)
        self.place = secrets.token_urlsafe(16)
        self.is_loopback = is_loopback
        self.connections = Connections()

    @property
    def address(self) -> str:
        """The address to open, with the key."""
        named = socket.gethostname() if self.host in {"0.0.0.0", "::"} else self.host
        host = f"[{named}]" if ":" in named else named
        return f"http://{host}:{self.port}/{self.place}/?key={self.key}"

    def initialize_logging(self) -> None:
        """Log plain lines without tracebacks to stderr, and nothing for malformed HTTP: the client gets the error."""
        written = logging.StreamHandler()
        written.addFilter(lambda record: not isinstance((record.exc_info or (None, None))[1], HttpProcessingError))
        written.setFormatter(_OneLine("encoder-tui: %(message)s"))
        logging.basicConfig(level="WARNING", handlers=[written])

    async def on_startup(self, app: web.Application) -> None:
        click.echo(f"encoder-tui: the window is at {self.address}; ctrl+c stops the server", err=True)
        if not self.is_loopback:
            click.echo("encoder-tui: other machines can reach it, and the connection is not encrypted", err=True)

    async def _make_app(self) -> web.Application:
        page = await super()._make_app()
        page.router.add_get("/js/textual.js", self.handle_script)
        app = web.Application(middlewares=[self._guarded])
        app.add_subapp(f"/{self.place}", page)
        return app

    @property
    def _guarded(self) -> Any:
        @web.middleware  # type: ignore[untyped-decorator]
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.connections.complete(request.protocol)
            try:
                self._refuse_oddities(request)
                self._refuse_strangers(request)
                if "key" in request.query and request.path == f"/{self.place}/":
                    raise self._without_key()
                response = await handler(request)
            except web.HTTPException as refusal:
                if refusal.status >= 400:
                    refusal.force_close()
                refusal.headers["Referrer-Policy"] = "no-referrer"
                raise
            if not response.prepared:
                sockets = f"ws://{request.host}"
                response.headers["Content-Security-Policy"] = POLICY.format(sockets=sockets)
                response.headers["Referrer-Policy"] = "no-referrer"
                response.headers["X-Content-Type-Options"] = "nosniff"
            return response

        return guard

    def _refuse_oddities(self, request: web.Request) -> None:
        """Raise `HTTPBadRequest` for requests that no browser sends."""
        if not self._is_own(request.host):
            raise web.HTTPBadRequest(text="This server is not known under that host name.\n")
        try:
            urlsplit(request.headers.get("Origin", ""))
        except ValueError:
            raise web.HTTPBadRequest(text="The Origin is not an address.\n") from None
        if request.path.endswith("/ws") and not web.WebSocketResponse().can_prepare(request).ok:
            raise web.HTTPBadRequest(text="This path accepts websockets only.\n")

    def _is_own(self, host: str) -> bool:
        """Return whether a `Host` is well formed and, if the server listens on loopback only, names this machine.

        The port may differ: the page may be opened through an SSH tunnel.
        """
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found["name"].strip("[]").lower()
        return not self.is_loopback or name in {self.host.lower(), "localhost"} or _is_loopback(name)

    def _refuse_strangers(self, request: web.Request) -> None:
        """Raise `HTTPForbidden` for a request without place and key, or from a page of another origin."""
        place = request.path.split("/")[1]
        given = request.query.get("key") or request.cookies.get(self._cookie, "")
        if not _is_equal(place, self.place) or not _is_equal(given, self.key):
            raise web.HTTPForbidden(text="The address needs the key that encoder-tui serve printed.\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() != f"http://{request.host.lower()}":
            raise web.HTTPForbidden(text="Pages of other sites have no access.\n")

    @property
    def _cookie(self) -> str:
        """A name that no other server of this host can set a cookie for."""
        return f"encoder-tui-{self.place}"

    def _without_key(self) -> web.HTTPFound:
        """Redirect to the page without the key, so that it is not in the address bar or copied from there."""
        found = web.HTTPFound(f"/{self.place}/", headers={"Cache-Control": "no-store"})
        found.set_cookie(self._cookie, self.key, path=f"/{self.place}/", httponly=True, samesite="Strict")
        return found

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Return the page, with addresses as the browser sees this server: it may come through an SSH tunnel."""
        here = f"//{request.host}/{self.place}"
        size = request.query.get("fontsize", "16")
        context = {
            "font_size": int(size) if size.isdecimal() and len(size) < 4 else 16,
            "app_websocket_url": f"ws:{here}/ws",
            "config": {"static": {"url": f"http:{here}/static/"}},
            "application": {"name": self.title},
        }
        response = aiohttp_jinja2.render_template("app_index.html", request, context)
        assert response.text is not None
        response.text = response.text.replace("/static/js/textual.js", "/js/textual.js")
        return response

    async def handle_script(self, request: web.Request) -> web.Response:
        """Return textual-serve's script, changed to look for delivered files below the place, not the server's root."""
        script = (self.statics_path / "js" / "textual.js").read_text("utf-8")
        script = script.replace(_DOWNLOAD, f"${{window.location.origin}}/{self.place}/download/")
        return web.Response(text=script, content_type="text/javascript")


def _is_equal(given: str, secret: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _OneLine(logging.Formatter):
    """Formats records as one line, without a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = record.stack_info = None
        return " ".join(super().format(record).split())


class Connections:
    """Connections that have not sent a whole request yet, bounded in time and number.

    aiohttp itself waits for a first request without a limit.
    """

    def __init__(self) -> None:
        self._unfinished: dict[asyncio.BaseProtocol, tuple[asyncio.Transport, asyncio.TimerHandle]] = {}

    def made(self, handler: asyncio.BaseProtocol, transport: asyncio.Transport) -> None:
        """Wait for a request of this connection; drop the oldest waiting one if there are too many."""
        timer = asyncio.get_running_loop().call_later(PATIENCE, self._drop, handler)
        self._unfinished[handler] = transport, timer
        if len(self._unfinished) > MOST_UNFINISHED:
            self._drop(next(iter(self._unfinished)))

    def complete(self, handler: asyncio.BaseProtocol) -> None:
        """Stop waiting: a whole request has come, or the connection is closed."""
        found = self._unfinished.pop(handler, None)
        if found is not None:
            found[1].cancel()

    def _drop(self, handler: asyncio.BaseProtocol) -> None:
        transport, timer = self._unfinished.pop(handler)
        timer.cancel()
        transport.abort()


class _Connection(asyncio.Protocol):
    """Passes data on to aiohttp, and reports when a connection begins and ends."""

    def __init__(self, handler: asyncio.Protocol, connections: Connections) -> None:
        self._handler = handler
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._handler.connection_made(transport)
        self._connections.made(self._handler, cast(asyncio.Transport, transport))

    def data_received(self, data: bytes) -> None:
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.complete(self._handler)
        self._handler.connection_lost(exc)


def serve(command: str, host: str, port: int) -> None:
    """Serve the window until ctrl+c or a signal. Raises OSError if the address is not available."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, where = found[0]
    with socket.socket(family, kind, protocol) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen()  # before the address is printed, so that it works at once
        bound, number = listening.getsockname()[:2]
        server = WindowServer(command, host, number, is_loopback=_is_loopback(bound))
        server.initialize_logging()
        asyncio.run(_run(server, listening))


async def _run(server: WindowServer, listening: socket.socket) -> None:
    """Serve until a signal comes; open windows then have five seconds to end."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, ended.set)
    runner = web.AppRunner(await server._make_app(), access_log=None, keepalive_timeout=PATIENCE, shutdown_timeout=5)
    await runner.setup()
    handlers = runner.server
    assert handlers is not None
    accepting = await loop.create_server(lambda: _Connection(handlers(), server.connections), sock=listening)
    try:
        await ended.wait()
    finally:
        accepting.close()
        await runner.cleanup()
