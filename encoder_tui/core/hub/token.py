"""Where the token for the Hub may be sent: never over an unencrypted connection."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def may_carry_token(url: str) -> bool:
    """Return whether a token may be sent to an address: over https, or to this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname or ""))


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
