"""Requests to the Hugging Face Hub and downloads from it, with bounded waiting.

This uses the session (proxies, certificates), the token and the locks of huggingface_hub, but not its requests.
In version 2.4, `hf_hub_download` asks an unreachable Hub once with a time-out of 10 s, then six times more
with 60 s each and 23 s of sleep between them; it deletes a partial file, so nothing resumes; after an answer 429
it sleeps for as long as the answer says; and for its user agent it requests a list of AI agents from the Hub,
with a time-out of 3 s for each address. None of this can be turned off by its arguments.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from encoder_tui import __version__
from encoder_tui.core.files.private import open_file
from encoder_tui.core.hub.errors import proxy_for, refusal, words
from encoder_tui.core.hub.listing import Listing, RemoteFile, parse_listing
from encoder_tui.core.hub.token import may_carry_token
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.text.numbers import decimal_size

RESUMPTIONS: Final = 5
"""How often one call resumes a download that the server cut off; each attempt must have received bytes."""

LARGEST_LISTING: Final = 64 << 20
LARGEST_SEARCH: Final = 4 << 20
MEMORY: Final = 3.0
"""Seconds for which a silent Hub gets no new request, so that four models do not wait four times."""

_silent_until: dict[str, float] = {}


def endpoint() -> str:
    """The address of the Hub."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _seconds(variable: str, default: float) -> float:
    try:
        return max(0.1, float(os.environ.get(variable) or default))
    except ValueError:
        return default


class HubClient:
    """Requests to the Hub about one repository.

    `name` is the model as the user gave it, for messages. `progress(text, done, total, unit)` is called ten
    times a second until the Hub answers and before every file; what it raises ends the request, and
    what has arrived stays on the disk. Every failure is a `ModelError` with one sentence, except failures of
    the disk, which are OSErrors.

    The first answer must begin within `patience` seconds (2, or HF_HUB_ETAG_TIMEOUT), including name
    look-up and every address tried. After that, a transfer may take any time, but it ends after
    `silence` seconds without data (10, or HF_HUB_DOWNLOAD_TIMEOUT).
    """

    def __init__(self, name: str, repo: str, progress: Callable[..., None]) -> None:
        self.name = name
        self.repo = repo
        self.progress = progress
        self.endpoint = endpoint()
        try:
            _ = urlsplit(self.endpoint).port
        except ValueError as error:
            # With this address huggingface_hub cannot even be imported.
            raise ModelError(f"{name}: HF_ENDPOINT is not an address ({words(str(error))}); fix or unset it") from error
        from huggingface_hub import get_session  # noqa: PLC0415

        self.shown = words(re.sub(r"//[^/@]*@", "//", self.endpoint))
        self.patience = _seconds("HF_HUB_ETAG_TIMEOUT", 2)
        self.silence = _seconds("HF_HUB_DOWNLOAD_TIMEOUT", 10)
        self.headers: dict[str, str] = {}
        self._withheld = ""
        try:
            self._session: Any = get_session()
        except (ValueError, ImportError) as error:  # a proxy of an unknown kind
            raise self._unreachable(words(str(error))) from error
        # httpx under huggingface_hub 1, httpx2 under 2.
        self._http: Any = importlib.import_module(type(self._session).__module__.partition(".")[0])

    def listing(self, revision: str) -> Listing:
        """Return the repository's files at a revision. Raises `ModelError`."""
        if _silent_until.get(self.endpoint, 0) > time.monotonic():
            raise self._unreachable("no answer a moment ago")
        kind = "" if self.repo.startswith("datasets/") else "models/"
        url = f"{self.endpoint}/api/{kind}{self.repo}/revision/{quote(revision, safe='')}?blobs=true"
        body = self._ask(url, revision)
        try:
            return parse_listing(body)
        except ValueError as error:
            why = words(str(error))
            raise ModelError(
                f"{self.name}: {self.shown} does not look like a Hugging Face Hub ({why}); check HF_ENDPOINT"
            ) from error

    def search(self, kind: str, query: str) -> bytes:
        """Return the Hub's answer to a search for `models` or `datasets`; `query` is encoded. Raises `ModelError`."""
        if _silent_until.get(self.endpoint, 0) > time.monotonic():
            raise self._unreachable("no answer a moment ago")
        return self._ask(f"{self.endpoint}/api/{kind}?{query}", "", LARGEST_SEARCH, is_short=True)

    def _ask(self, url: str, revision: str, largest: int = LARGEST_LISTING, *, is_short: bool = False) -> bytes:
        """Return the body behind a URL, at most `largest` bytes of it, requested in a thread.

        If `is_short`, all of it must arrive in the time in which an answer must begin.

        The HTTP library has no time-out for name look-up, and its time-out for connecting starts again for
        each address of a host. If the Hub does not answer, the thread is abandoned.
        """
        answer: concurrent.futures.Future[bytes] = concurrent.futures.Future()
        begun = threading.Event()

        def work() -> None:
            try:
                self.headers = self._identification()
                answer.set_result(self._whole_body(url, revision, begun, largest))
            except self._http.HTTPError as error:
                answer.set_exception(self._unreachable(words(str(error)) or type(error).__name__))
            except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for the answer
                answer.set_exception(error)

        threading.Thread(target=work, name="hub", daemon=True).start()
        deadline = time.monotonic() + self.patience
        while not answer.done():
            self.progress(f"asking the Hub for {self.name}", 0, None, "")
            concurrent.futures.wait([answer], timeout=0.1)
            if (is_short or not begun.is_set()) and not answer.done() and time.monotonic() > deadline:
                _silent_until[self.endpoint] = time.monotonic() + MEMORY
                raise self._unreachable(f"no answer within {self.patience:g} s")
        return answer.result()

    def _whole_body(self, url: str, revision: str, begun: threading.Event, largest: int) -> bytes:
        with self._get(url, {}, max(self.patience, self.silence)) as response:
            begun.set()
            if response.status_code != 200:
                raise self._refusal(response, revision=revision)
            body = bytearray()
            for piece in response.iter_bytes():
                body += piece
                if len(body) > largest:
                    raise ModelError(f"{self.name}: the list from {self.shown} is larger than {largest >> 20} MiB")
        return bytes(body)

    def download(self, commit: str, file: RemoteFile, blob: Path, arrived: Callable[[int], None]) -> None:
        """Download a file to `blob` in the cache, resuming from `blob`.incomplete if it exists.

        Two programs that want the same file wait for each other, with the lock of huggingface_hub. `arrived`
        is called with the number of bytes so far. At most `file.bound` bytes are written. Raises `ModelError`,
        OSError, and what `progress` or `arrived` raises.
        """
        from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]  # noqa: PLC0415

        url = f"{self.endpoint}/{self.repo}/resolve/{commit}/{quote(file.name)}"
        partial = blob.with_name(f"{blob.name}.incomplete")
        repository = blob.parent.parent
        lock = repository.parent / ".locks" / repository.name / f"{blob.name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        blob.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(WeakFileLock(lock, timeout=0.3))
                    break
                except TimeoutError:
                    self.progress(f"waiting for another program that is fetching {file.name}", 0, None, "")
            resumptions = 0
            while not blob.is_file():
                before = _length(partial)
                try:
                    if before != file.size or not before:
                        self._receive(url, partial, file, arrived)
                    whole = file.is_whole(partial)
                except self._http.HTTPError as error:
                    if _length(partial) <= before or resumptions == RESUMPTIONS:
                        raise self._cut(file.name, error) from error
                    resumptions += 1
                    continue
                if whole:
                    partial.replace(blob)
                    return
                partial.unlink(missing_ok=True)
                if not before:
                    raise ModelError(f"{self.name}: {file.name} arrived damaged; try again, or check HF_ENDPOINT")

    def _receive(self, url: str, partial: Path, file: RemoteFile, arrived: Callable[[int], None]) -> None:
        """Append the missing bytes to a partial file, with one request."""
        done = _length(partial)
        # Ranges count the bytes of the encoded body, so the body must not be encoded.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
        with self._get(url, headers, self.silence) as response:
            if response.status_code == 416:
                partial.unlink(missing_ok=True)
                return
            if response.status_code not in {200, 206}:
                raise self._refusal(response, file=file.name)
            if response.status_code == 200:
                done = 0
            flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if done else os.O_TRUNC)
            with os.fdopen(open_file(partial, flags, 0o666), "wb", buffering=0) as out:
                for piece in response.iter_bytes():
                    done += len(piece)
                    if file.bound is not None and done > file.bound:
                        partial.unlink(missing_ok=True)
                        bound = f"the {decimal_size(file.bound)} allowed" if file.size is None else f"{self.shown} said"
                        raise ModelError(f"{self.name}: {file.name} is larger than {bound}; check HF_ENDPOINT")
                    view = memoryview(piece)
                    while view:
                        view = view[out.write(view) :]
                    arrived(done)

    def part(self, commit: str, file: str, start: int, end: int) -> tuple[bytes, int]:
        """Return bytes `start` to `end` of a file, fewer if it is shorter, and the size of the whole file.

        Sends one request. The rest is not fetched even if the server ignores ranges. Raises `ModelError`.
        """
        self.progress(f"reading the header of {file}", 0, None, "")
        url = f"{self.endpoint}/{self.repo}/resolve/{commit}/{quote(file)}"
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-{end - 1}"}
        wanted, skip = bytearray(), 0
        try:
            with self._get(url, headers, self.silence) as response:
                if response.status_code == 206:
                    stated = response.headers.get("Content-Range", "").rpartition("/")[2]
                elif response.status_code == 200:
                    stated, skip = response.headers.get("Content-Length", ""), start
                else:
                    raise self._refusal(response, file=file)
                for piece in response.iter_bytes():
                    wanted += piece
                    if len(wanted) >= skip + end - start:
                        break
        except self._http.HTTPError as error:
            raise self._cut(file, error) from error
        if not stated.isdecimal():
            raise ModelError(f"{self.name}: {self.shown} does not say how long {file} is; check HF_ENDPOINT")
        return bytes(wanted[skip : skip + end - start]), int(stated)

    def stretch(self, commit: str, file: str, start: int, end: int) -> Iterator[bytes]:
        """Yield bytes `start` to `end` of a file as they arrive; a connection that is cut is resumed.

        Raises `ModelError`, also if the server sends whole files only.
        """
        url = f"{self.endpoint}/{self.repo}/resolve/{commit}/{quote(file)}"
        place, resumptions = start, 0
        while place < end:
            before = place
            headers = {"Accept-Encoding": "identity", "Range": f"bytes={place}-{end - 1}"}
            try:
                with self._get(url, headers, self.silence) as response:
                    if response.status_code not in {200, 206}:
                        raise self._refusal(response, file=file)
                    sent = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
                    if response.status_code == 200 or sent != str(place):
                        raise ModelError(
                            f"{self.name}: {self.shown} sends {file} only as a whole, so a part of it cannot be read;"
                            " Outputs downloads the whole file"
                        )
                    for piece in response.iter_bytes():
                        wanted = piece[: end - place]
                        place += len(wanted)
                        yield wanted
                        if place == end:
                            return
            except self._http.HTTPError as error:
                if place == before or resumptions == RESUMPTIONS:
                    raise self._cut(file, error, is_kept=False) from error
            else:
                if place == before or resumptions == RESUMPTIONS:
                    raise ModelError(f"{self.name}: {self.shown} sent only a part of what it announced of {file}")
            resumptions += 1

    @contextmanager
    def _get(self, url: str, headers: dict[str, str], silence: float) -> Iterator[Any]:
        """Send a GET, following redirects; yield the response, whose body is unread. Reading may raise `HTTPError`."""
        timeout = self._http.Timeout(silence, connect=self.patience)
        with ExitStack() as opened:
            try:
                stream = self._session.stream(
                    "GET", url, headers=self.headers | headers, timeout=timeout, follow_redirects=True
                )
                response = opened.enter_context(stream)
            except (self._http.HTTPError, self._http.InvalidURL, ValueError) as error:
                raise self._unreachable(words(str(error)) or type(error).__name__) from error
            yield response

    def _identification(self) -> dict[str, str]:
        """Return headers that identify the user. May itself send a request, to renew a token of `hf auth login`.

        A token is never sent unencrypted; the HTTP library drops it when it is redirected to another host, port or
        scheme.
        """
        from huggingface_hub import get_token  # noqa: PLC0415
        from huggingface_hub.constants import HF_HUB_DISABLE_IMPLICIT_TOKEN  # noqa: PLC0415

        try:
            token = None if HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        except Exception as error:
            raise ModelError(
                f"{self.name}: cannot get the token for the Hub ({words(str(error))}); set HF_TOKEN"
            ) from error
        if token and not may_carry_token(self.endpoint):
            self._withheld = "; your token was not sent, because the address does not begin with https"
            token = None
        return {"user-agent": f"encoder-tui/{__version__}"} | ({"authorization": f"Bearer {token}"} if token else {})

    def _refusal(self, response: Any, *, revision: str | None = None, file: str | None = None) -> ModelError:
        has_token = "authorization" in self.headers
        why = refusal(response, self.shown, self.repo, has_token=has_token, revision=revision, file=file)
        return ModelError(f"{self.name} {why}{self._withheld}")

    def _unreachable(self, reason: str) -> ModelError:
        through, variable = proxy_for(self.endpoint)
        return ModelError(
            f"{self.name}: the Hub at {self.shown} does not answer{through and f' through the proxy {through}'}"
            f" ({reason}); check the network and {variable or 'HF_ENDPOINT'}, or name a directory"
        )

    def _cut(self, file: str, error: Exception, *, is_kept: bool = True) -> ModelError:
        return ModelError(
            f"{self.name}: the connection to {self.shown} was lost while fetching {file}"
            f" ({words(str(error)) or type(error).__name__}); try again{', what has arrived is kept' * is_kept}"
        )


def _length(file: Path) -> int:
    """Return the bytes of a file, 0 if it does not exist; a link is not followed."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0
