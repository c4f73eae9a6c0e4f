"""Messages of other libraries: in one line of bounded length, and without their advice to lower a protection."""

from __future__ import annotations

import re
from typing import Final

from encoder_tui.core.text.safe import visible

ADVICE: Final = (
    (
        r"weights.?only|allow_pickle|add_safe_globals|unpickl",
        "it is a pickle that is damaged or holds more than plain tensors, and nothing else in a pickle is loaded;"
        " use safetensors files",
    ),
    (
        r"trust_remote_code|custom code",
        "it needs Python code of its own, which is not run unless trust_remote_code names the model",
    ),
    (r"allow_all_kernels|kernels?-community|hub.kernels?\b", "it asks for native code from the Hub, which is not run"),
    (r"(HF_HUB|TRANSFORMERS|HF_DATASETS)_OFFLINE|offline mode", "it needs the Hub, which must not be asked now"),
    (r"verify\s*=\s*False|CERT_NONE|_DISABLE_SSL|check_hostname", "the server's certificate cannot be verified"),
)
"""Patterns of messages with unsafe advice, and the sentences that replace them: users might follow the advice."""

_COMPILED: Final = tuple((re.compile(pattern, re.IGNORECASE), sentence) for pattern, sentence in ADVICE)


LONGEST: Final = 300
"""Characters of a message that people are shown."""
_BEGINNING: Final = 100
_ESCAPE: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-_])")
"""What colours the words of a library for a terminal."""


def in_one_line(message: str) -> str:
    """Return the message of another library as one printable line, without unsafe advice.

    A long message keeps its beginning and, because many give their reason last, more of its end.
    """
    line = visible(" ".join(_ESCAPE.sub("", without_advice(message)).split()))
    if len(line) <= LONGEST:
        return line
    begin, end = line[:_BEGINNING].rpartition(" "), line[_BEGINNING - LONGEST + 3 :].partition(" ")
    return f"{begin[0] or begin[2]} … {end[2] or end[0]}"


def without_advice(message: str) -> str:
    """Return the message of another library, or our sentence if it advises to lower a protection."""
    return next((sentence for pattern, sentence in _COMPILED if pattern.search(message)), message)
