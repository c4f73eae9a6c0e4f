"""An imitation of the Hugging Face Hub on loopback, with faults to order.

It serves folders as repositories of models (`OWNER/NAME`) and data sets (`datasets/OWNER/NAME`), each with
one commit on `main`: a search for their names, the information of a repository, its tree, and its files with the
headers by which huggingface_hub knows them. Files with a suffix of weights or data are large files: they redirect
to another host, as the Hub's do to its storage.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

ABOUT = {"_id": "0", "gated": False, "private": False, "disabled": False, "tags": [], "downloads": 0}
LARGE_SUFFIXES = (".safetensors", ".bin", ".parquet", ".zst", ".gz")

FAULTS = {
    "401": (401, "RepoNotFound", "Invalid username or password."),
    "token": (401, "", "Invalid credentials in Authorization header"),
    "gated": (401, "GatedRepo", "Access to model is restricted. You must be authenticated to access it."),
    "403": (403, "", "Access to this resource is disabled."),
    "404": (404, "RepoNotFound", "Repository not found"),
    "bare 404": (404, "", ""),
    "429": (429, "", "We had to rate limit your IP."),
    "500": (500, "", "Internal\r\n Error \x1b[31mred\x1b[0m\x07 " + "long " * 200),
    "503": (503, "", ""),
}
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m [bold]x[/bold] \u202e\u200b [CLS]\r\nsecond line"
FAULTS["evil"] = (500, "", EVIL)
"""Refusals: status, `X-Error-Code`, message. The message is in the body, where it may hold anything.

Further faults: `hang` accepts and never answers; `hang body` falls silent in the middle of a file; `cut` ends
the connection there, `cut at once` before its first byte; `slow` takes a second for it; `damage` changes a
byte; `longer` adds one; `ignore range` sends the whole; `html` answers with a page; `reset` breaks the connection
in the middle without a farewell; `claims less` and `claims more` lie about the length; `ends early` sends half and
says of no length; `headers drip` sends its first line a byte at a time; `evil` refuses with the words in `EVIL`.
"""


class Seen(NamedTuple):
    """A request that came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]


class FakeHub:
    """The server; a context manager. `requests` is its log, `endpoint` what HF_ENDPOINT has to be.

    `moved` maps former repository names to present ones; they redirect, as the Hub does. Where
    `states_hashes` is False, it says neither size nor hash of a file in listings, as some mirrors do.
    """

    def __init__(self, repos: dict[str, Path], moved: dict[str, str] | None = None, states_hashes: bool = True) -> None:
        self.repos = repos
        self.moved, self.states_hashes = moved or {}, states_hashes
        self.large_suffixes = LARGE_SUFFIXES
        self.about: dict[str, dict[str, Any]] = {}
        """What a search says about a repository besides its name."""
        self.also_found: list[Any] = []
        """What every search finds as well."""
        self.requests: list[Seen] = []
        self._faults: list[list[Any]] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def storage(self) -> str:
        """The same server by another host's name, which must not see a token."""
        return self.endpoint.replace("127.0.0.1", "localhost")

    def fault(self, path_pattern: str, kind: str, times: int | None = None, **headers: str) -> None:
        """Let requests whose path matches go wrong; `headers` (`_` for `-`) go with a refusal."""
        self._faults.append([path_pattern, kind, times, headers])

    def heal(self) -> None:
        """End every fault."""
        self._faults.clear()

    def paths(self, method: str = "GET") -> list[str]:
        """The paths that were asked for, without queries."""
        return [seen.path.partition("?")[0] for seen in self.requests if seen.method == method]

    def commit(self, repo: str) -> str:
        """The commit of a repository: a hash of its content."""
        digest = hashlib.sha1()
        for name, file in self.files(repo).items():
            digest.update(f"{name}\0{_git_hash(file.read_bytes())}\n".encode())
        return digest.hexdigest()

    def files(self, repo: str) -> dict[str, Path]:
        """A repository's files by their path in it."""
        root = self.repos[repo]
        return {file.relative_to(root).as_posix(): file for file in sorted(root.rglob("*")) if file.is_file()}

    def take_fault(self, path: str) -> tuple[str, dict[str, str]] | None:
        """The fault that a request meets, counted down."""
        with self._lock:
            for fault in self._faults:
                pattern, kind, times, headers = fault
                if fnmatch(path, pattern) and times != 0:
                    if times is not None:
                        fault[2] -= 1
                    return kind, headers
        return None


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; the requests are in `FakeHub.requests`."""

    def do_GET(self) -> None:
        with contextlib.suppress(ConnectionError):
            self._answer()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.posted = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def _answer(self) -> None:
        seen = {name.lower(): value for name, value in self.headers.items()}
        self.fake.requests.append(Seen(self.command, self.path, seen))
        path = unquote(urlsplit(self.path).path)
        self.kind, headers = self.fake.take_fault(path) or ("", {})
        if self.kind == "hang":
            self.fake.closing.wait()
            self.close_connection = True
        elif self.kind == "headers drip":
            while not self.fake.closing.wait(0.2):
                self.wfile.write(b"H")
                self.wfile.flush()
        elif self.kind == "html":
            self._send(200, b"<html>Please sign in to this hotel.</html>", {"Content-Type": "text/html"})
        elif self.kind in FAULTS:
            self._refuse(*FAULTS[self.kind], {key.replace("_", "-"): value for key, value in headers.items()})
        else:
            self._route(path)

    def _route(self, path: str) -> None:
        if found := re.fullmatch(r"/api/(models|datasets)", path):
            self._search(found[1])
        elif found := re.fullmatch(r"/api/(models|datasets)/(.+?)(?:/(revision|tree|paths-info)/([^/]+)(/.*)?)?", path):
            kind, name, what, revision, under = found.groups()
            repo = name if kind == "models" else f"datasets/{name}"
            if self._knows(repo, revision or "main", f"/api/{kind}/"):
                self._describe(repo, what or "revision", (under or "").strip("/"))
        elif found := re.fullmatch(r"/((?:datasets/)?.+?)/resolve/([^/]+)/(.+)", path):
            repo, revision, name = found.groups()
            if self._knows(repo, revision, "/"):
                self._file(repo, name)
        elif found := re.fullmatch(r"/storage/(.+)/-/(.+)", path):
            self._content(self.fake.files(found[1])[found[2]].read_bytes(), {})
        else:
            self._refuse(404, "", "Sorry, we can't find the page you are looking for.", {})

    def _search(self, kind: str) -> None:
        """Answer a search: repositories with the query in their names, and what `about` says of them."""
        wanted = parse_qs(urlsplit(self.path).query).get("search", [""])[0].casefold()
        repos = [repo for repo in self.fake.repos if repo.startswith("datasets/") == (kind == "datasets")]
        names = [name for repo in repos if wanted in (name := repo.removeprefix("datasets/")).casefold()]
        self._send_json([{"id": name} | self.fake.about.get(name, {}) for name in names] + self.fake.also_found)

    def _knows(self, repo: str, revision: str, before: str) -> bool:
        """Answer for a repository or revision that is not there, or has moved."""
        if repo in self.fake.moved:
            target = self.path.replace(f"{before}{repo}", f"{before}{self.fake.moved[repo]}", 1)
            self._send(307, b"", {"Location": self.fake.endpoint + target})
        elif repo not in self.fake.repos:
            self._refuse(404 if "authorization" in self.headers else 401, "RepoNotFound", "No such repository", {})
        elif revision not in {"main", self.fake.commit(repo)}:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}", {})
        else:
            return True
        return False

    def _describe(self, repo: str, what: str, under: str) -> None:
        self.files = self.fake.files(repo)
        query = parse_qs(urlsplit(self.path).query)
        if what == "revision":
            keys = ("rfilename", "blobId", "sha256")
            in_full = "blobs" in query and self.fake.states_hashes
            siblings = [self._listed(path, keys) if in_full else {"rfilename": path} for path in self.files]
            name = repo.removeprefix("datasets/")
            self._send_json(ABOUT | {"id": name, "sha": self.fake.commit(repo), "siblings": siblings})
            return
        tree = {part.as_posix() for path in self.files for part in [Path(path), *Path(path).parents][:-1]}
        if what == "tree":
            deep = "true" in query.get("recursive", [])
            inside = [path for path in sorted(tree) if path.startswith(f"{under}/" if under else "")]
            wanted = [path for path in inside if deep or Path(path).parent == Path(under)]
        else:
            posted = self.posted.decode()
            wanted = json.loads(posted)["paths"] if posted.startswith("{") else parse_qs(posted)["paths"]
        if under and under not in tree:
            self._refuse(404, "EntryNotFound", f"{under} does not exist", {})
        else:
            self._send_json([self._entry(path) for path in wanted if path in tree])

    def _entry(self, path: str) -> dict[str, Any]:
        """A file or a folder as a tree shows it."""
        if path not in self.files:
            return {"type": "directory", "path": path, "size": 0, "oid": _git_hash(path.encode())}
        return {"type": "file"} | self._listed(path, ("path", "oid", "oid"))

    def _listed(self, path: str, keys: tuple[str, str, str]) -> dict[str, Any]:
        """A file as a listing shows it; `keys`: those of its name, its hash and the hash of a large one."""
        name_key, hash_key, large_key = keys
        content = self.files[path].read_bytes()
        entry: dict[str, Any] = {name_key: path, "size": len(content), hash_key: _git_hash(content)}
        if path.endswith(self.fake.large_suffixes):
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {large_key: sha256, "size": len(content), "pointerSize": 134}
        return entry

    def _file(self, repo: str, name: str) -> None:
        file = self.fake.files(repo).get(name)
        commit = {"X-Repo-Commit": self.fake.commit(repo)}
        if file is None:
            self._refuse(404, "EntryNotFound", "Entry not found", commit)
            return
        content = file.read_bytes()
        if file.suffix in self.fake.large_suffixes:
            place = f"{self.fake.storage}/storage/{repo}/-/{name}"
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            large = {"Location": place, "X-Linked-Etag": etag, "X-Linked-Size": str(len(content))}
            self._send(302, b"", commit | large)
        else:
            self._content(content, commit | {"ETag": f'"{_git_hash(content)}"'})

    def _content(self, content: bytes, headers: dict[str, str]) -> None:
        """A file, or the part of it that was asked for, with the fault that was ordered."""
        status, start = 200, 0
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if self.kind == "damage":
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        if asked and self.kind != "ignore range":
            status, start = 206, int(asked[1])
            if start >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            end = min(int(asked[2] or len(content) - 1), len(content) - 1)
            headers = headers | {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            content = content[start : end + 1]
        content += b" " * (self.kind == "longer")
        if self.kind in {"claims less", "claims more"}:
            wrong = len(content) // 2 if self.kind == "claims less" else len(content) + 100
            self._start(status, headers | {"Content-Length": str(wrong)})
            self.wfile.write(content)
            self.close_connection = self.kind == "claims more"
            return
        if self.kind == "ends early":
            self._start(status, headers | {"Connection": "close"})
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        if self.kind in {"cut", "cut at once", "hang body", "slow", "reset"} and self.command == "GET":
            self._start(status, headers | {"Content-Length": str(len(content))})
            self._haltingly(content)
        else:
            self._send(status, content, {"Accept-Ranges": "bytes"} | headers)

    def _haltingly(self, content: bytes) -> None:
        if self.kind == "slow":
            for begin in range(0, len(content), step := len(content) // 10 + 1):
                self.wfile.write(content[begin : begin + step])
                self.wfile.flush()
                self.fake.closing.wait(0.1)
            return
        self.wfile.write(content[: len(content) // 2] if self.kind != "cut at once" else b"")
        self.wfile.flush()
        if self.kind == "hang body":
            self.fake.closing.wait()
        self.close_connection = True
        if self.kind == "reset":
            self.fake.closing.wait(0.1)  # what was sent must have arrived, a reset would overtake it
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        self.connection.shutdown(socket.SHUT_RDWR)

    def _refuse(self, status: int, code: str, message: str, headers: dict[str, str]) -> None:
        body = json.dumps({"error": message}).encode() if message else b""
        plain = {"X-Error-Message": message} if message.isprintable() and message else {}
        self._send(status, body, plain | ({"X-Error-Code": code} if code else {}) | headers)

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._start(status, headers | {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
