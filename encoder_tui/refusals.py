"""What the Rust library `tokenizers` raises, as errors that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from encoder_tui.display import visible


@contextmanager
def refusals(kind: type[Exception], what: str) -> Iterator[None]:
    """Turn what the Rust library raises into `kind`, in one line that begins with `what`.

    It raises bare Exception, and where it panics a BaseException that is no Exception. Its messages quote
    tokens, so they come from strangers.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, kind) and kind is not ValueError:
            # Raised by ourselves, on the way to the library; memory that ran out is one kind.
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise kind(f"{what}: {visible(' '.join(str(error).split())[:240])}") from error
