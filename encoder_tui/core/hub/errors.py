"""Error messages for the Hub's refusals."""

from __future__ import annotations

import json
import re
from typing import Any

from encoder_tui.core.text.safe import visible


def words(text: str, longest: int = 160) -> str:
    """Return a server's text as one line of at most `longest` characters, control characters as symbols."""
    line = visible(" ".join(text[: 10 * longest].split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def proxy_for(url: str) -> tuple[str, str]:
    """Return the proxy for a URL, without its password, and the variable that names it."""
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415  # 20 ms, for a sentence

    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    except ValueError:
        return "", ""
    proxies = getproxies()
    kind = next((kind for kind in (scheme, "all") if proxies.get(kind)), "")
    if not kind or proxy_bypass(host):
        return "", ""
    return words(re.sub(r"//[^/@]*@", "//", proxies[kind])), f"{kind.upper()}_PROXY"


def refusal(response: Any, hub: str, repo: str, *, has_token: bool, revision: str | None, file: str | None) -> str:
    """Return why the Hub refused a request and what to do, as a clause to follow the model's name.

    `response` is httpx's, with its body unread; `hub` is the address to show; `revision` and `file` are what
    was requested. The Hub gives its reason in the header `X-Error-Code`; mirrors often send only the status.
    """
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
    said = _said(response)
    detail = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if code == "GatedRepo":
        who = "with the account of your HF_TOKEN" if has_token else "and set HF_TOKEN to a token of that account"
        why = f"is gated: accept its terms at {hub}/{repo} {who}"
    elif code == "RevisionNotFound":
        why = f"was not found: {repo} has no revision {revision}; see its branches and tags at {hub}/{repo}"
    elif status == 404 and file is not None:
        why = f"lists {file}, but {hub} has no such file; try again, or check HF_ENDPOINT"
    elif status == 401 and has_token and code != "RepoNotFound":
        why = f"cannot be fetched: {hub} rejects your token ({detail}); renew HF_TOKEN"
    elif status in {401, 404}:
        token = "that your HF_TOKEN may read it" if has_token else "set HF_TOKEN if it is private"
        why = f"is not on the Hub at {hub}, or is private; check the spelling, and {token}"
    elif status == 429:
        hint = "" if has_token else ", or set HF_TOKEN for a higher limit"
        why = f"cannot be fetched now: {hub} limits the number of requests; try again {_when(response)}{hint}"
    elif status >= 500:
        why = f"cannot be fetched now: {hub} has an internal error ({detail}); try later"
    else:
        why = f"is refused by {hub} ({detail}); check HF_TOKEN and HF_ENDPOINT"
    return why


def _when(response: Any) -> str:
    """Return when a rate limit ends, from `Retry-After` or the `t` of `RateLimit`: `in 30 s`."""
    limit = re.search(r"\bt=(\d{1,6})\b", response.headers.get("RateLimit", ""))
    seconds = response.headers.get("Retry-After", "") or (limit.group(1) if limit else "")
    return f"in {seconds} s" if re.fullmatch(r"\d{1,6}", seconds, re.ASCII) else "in some minutes"


def _said(response: Any) -> str:
    """Return the server's reason for a refusal, if it gives one as the Hub does."""
    if header := response.headers.get("X-Error-Message"):
        return words(header)
    try:
        error = json.loads(next(response.iter_bytes(4096), b"")).get("error")
    except Exception:  # noqa: BLE001  # without a readable body the message still has the status
        return ""
    return words(error) if isinstance(error, str) else ""
