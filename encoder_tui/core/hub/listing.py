"""The Hub's list of a repository's files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.core.files.outside_names import is_name
from encoder_tui.core.models.files import TOKENIZER_SUFFIXES
from encoder_tui.core.models.small_files import SMALL_FILE

COMMIT: Final = re.compile(r"[0-9a-f]{40}")
HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Lfs(msgspec.Struct, frozen=True):
    """What the Hub states about a large file."""

    sha256: str | None = None


class RemoteFile(msgspec.Struct, frozen=True):
    """A file of a repository; size in bytes."""

    name: str = msgspec.field(name="rfilename")
    size: int | None = None
    git_hash: str | None = msgspec.field(name="blobId", default=None)
    lfs: Lfs | None = None

    @property
    def hash(self) -> str | None:
        """The SHA-256 of a large file, git's SHA-1 of any other; None if the server states neither."""
        stated = self.lfs.sha256 if self.lfs else self.git_hash
        return stated if stated and HASH.fullmatch(stated) else None

    @property
    def bound(self) -> int | None:
        """The most bytes to accept: the stated size, or a default for small files; None (no limit) for weights."""
        return self.size if self.size is not None or Path(self.name).suffix not in TOKENIZER_SUFFIXES else SMALL_FILE

    def is_whole(self, path: Path) -> bool:
        """Return whether a download has the size and the hash that the server stated, if it stated any."""
        if not path.is_file():
            return False
        length = path.stat().st_size
        if self.size is not None and length != self.size:
            return False
        if self.hash is None:
            return self.size is not None or _ends_where_it_should(path, Path(self.name).suffix)
        header = b"" if len(self.hash) == 64 else b"blob %d\0" % length
        digest = hashlib.new("sha1" if header else "sha256", header, usedforsecurity=False)
        with path.open("rb") as content:
            while piece := content.read(1 << 20):
                digest.update(piece)
        return digest.hexdigest() == self.hash


def _ends_where_it_should(path: Path, suffix: str) -> bool:
    """Return whether a file without stated size and hash is complete; only some formats can tell."""
    from encoder_tui.core.files.safetensors_header import HeaderError, read_header  # noqa: PLC0415  # for such mirrors alone

    try:
        if suffix == ".safetensors":
            read_header(path)
        elif suffix == ".json":
            json.loads(path.read_bytes())
    except (HeaderError, ValueError, RecursionError):
        return False
    return True


class Listing(msgspec.Struct, frozen=True):
    """The files of a repository at a commit."""

    commit: str = msgspec.field(name="sha")
    files: list[RemoteFile] = msgspec.field(name="siblings")


def parse_listing(body: bytes) -> Listing:
    """Parse the answer of `/api/models/…?blobs=true`. Raises ValueError if it is not such an answer."""
    listing = msgspec.json.decode(body, type=Listing)
    if not COMMIT.fullmatch(listing.commit):
        raise ValueError("its answer names no commit")
    # Names that lead out of a folder are dropped, so such a file is never requested.
    return Listing(listing.commit, [file for file in listing.files if is_name(file.name)])
