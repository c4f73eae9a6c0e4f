"""The window in a browser: textual-serve, let in with a key, on an origin of its own, and nothing from elsewhere.

A page of any site can ask a server on loopback, and whoever shares the machine can reach its port. So the address that
is printed holds a key; the browser keeps it in a cookie, and a websocket is accepted from this server's page alone.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp_jinja2
import click
from aiohttp import web
from textual_serve.server import Server

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load: textual-serve's page also names a font on a server of Google's, which stays unasked."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WindowServer(Server):  # type: ignore[misc]  # an extra, and so untyped here
    """Serves one command; every websocket is a process of its own."""

    def __init__(self, command: str, host: str, port: int) -> None:
        super().__init__(command, host, port, title="encoder-tui")
        self.key = secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        """What to open, with the key."""
        named = socket.gethostname() if self.host in {"0.0.0.0", "::"} else self.host
        host = f"[{named}]" if ":" in named else named
        return f"http://{host}:{self.port}/?key={self.key}"

    def initialize_logging(self) -> None:
        """Plain lines on stderr; textual-serve's own handler prints the values of variables with a traceback."""
        logging.basicConfig(level="WARNING", format="encoder-tui: %(message)s")

    async def on_startup(self, app: web.Application) -> None:
        click.echo(f"encoder-tui: the window is at {self.address}; ctrl+c ends it", err=True)
        if self.host not in {"127.0.0.1", "::1", "localhost"}:
            click.echo("encoder-tui: other machines can reach it, and what is sent is not encrypted", err=True)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guarded)
        return app

    @property
    def _guarded(self) -> Any:
        @web.middleware  # type: ignore[untyped-decorator]
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            cookie = f"encoder-tui-{self.port}"
            given = request.query.get("key") or request.cookies.get(cookie, "")
            if not hmac.compare_digest(given.encode(errors="replace"), self.key.encode()):
                raise web.HTTPForbidden(text="The address needs the key that encoder-tui serve printed.\n")
            origin = request.headers.get("Origin")
            if origin is not None and urlsplit(origin).netloc != request.host:
                raise web.HTTPForbidden(text="Another site's page is not let in.\n")
            if "key" in request.query and request.path == "/":
                # Out of the address bar, and out of what is copied from it.
                found = web.HTTPFound("/")
                found.set_cookie(cookie, self.key, httponly=True, samesite="Strict")
                raise found
            response = await handler(request)
            if not response.prepared:
                sockets = f"ws://{request.host}"
                response.headers["Content-Security-Policy"] = POLICY.format(sockets=sockets)
                response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return guard

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page, with addresses as the browser knows this server: it may come through an SSH tunnel."""
        self_here = f"//{request.host}"
        size = request.query.get("fontsize", "16")
        context = {
            "font_size": int(size) if size.isdecimal() and len(size) < 4 else 16,
            "app_websocket_url": f"ws:{self_here}/ws",
            "config": {"static": {"url": f"http:{self_here}/static/"}},
            "application": {"name": self.title},
        }
        return aiohttp_jinja2.render_template("app_index.html", request, context)


def serve(command: str, host: str, port: int) -> None:
    """Serve the window until ctrl+c or a signal; raises OSError where the address cannot be had."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, where = found[0]
    with socket.socket(family, kind, protocol) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen()  # before the address is printed: whoever reads it may ask at once
        server = WindowServer(command, host, listening.getsockname()[1])
        server.initialize_logging()
        web.run_app(server._make_app(), sock=listening, print=None, access_log=None, shutdown_timeout=5)
