"""Collections for retrieval as BEIR and MTEB publish them: a corpus, queries, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.documents.sources.tree import Tree
from encoder_tui.protocol.documents import SourceSpec

CORPUS: Final = "corpus"
QUERIES: Final = "queries"
QRELS: Final = "qrels"
"""Judgements: which documents of the corpus answer which query."""

TITLE_AND_TEXT: Final = "title,text"
"""The column of a corpus: both joined, as encoders get them."""


class Parts(NamedTuple):
    """The names of the configurations that hold a collection's corpus, queries and judgements, None without them."""

    corpus: str
    queries: str
    qrels: str | None

    def specs(self, spec: SourceSpec) -> tuple[SourceSpec, SourceSpec, SourceSpec | None]:
        """Return what to open for the corpus, the queries and the judgements of a collection.

        The split of the judgements is that of `spec`; the others have one split each.
        """
        of_corpus = msgspec.structs.replace(spec, config=self.corpus, split=None)
        of_queries = msgspec.structs.replace(spec, config=self.queries, split=None)
        if self.qrels is None:
            return of_corpus, of_queries, None
        return of_corpus, of_queries, msgspec.structs.replace(spec, config=self.qrels)


def parts_of(configs: Iterable[str]) -> Parts | None:
    """Return the parts of a collection among the names of configurations; None if there is no corpus with queries.

    A multilingual collection of MTEB has them for each language, as `en-corpus`; the first language is taken.
    """
    names = list(configs)
    for name in names:
        prefix = name.removesuffix(CORPUS)
        if name.endswith(CORPUS) and (not prefix or prefix[-1] in "-_") and f"{prefix}{QUERIES}" in names:
            judged = [one for one in (f"{prefix}{QRELS}", f"{prefix}default", "default") if one in names]
            return Parts(name, f"{prefix}{QUERIES}", judged[0] if judged else None)
    return None


def files_of_parts(tree: Tree) -> dict[str, list[str]]:
    """Return the files of a folder by part: `corpus.jsonl`, `corpus/…`, and so on; none if it is no such collection."""
    found: dict[str, list[str]] = {CORPUS: [], QUERIES: [], QRELS: []}
    for file in tree.files:
        part = file.split("/", 1)[0].split(".", 1)[0]
        if part in found:
            found[part].append(file)
    return {part: files for part, files in found.items() if files} if found[CORPUS] and found[QUERIES] else {}


def join_titles(source: Source, config: str) -> None:
    """Choose title and text for the documents of a configuration that is a corpus with titles."""
    title, text = TITLE_AND_TEXT.split(",")
    if config.endswith(CORPUS) and {title, text} <= source.by_name.keys():
        source.columns = [TITLE_AND_TEXT, *source.columns]
        source.column = TITLE_AND_TEXT
        source.examples[TITLE_AND_TEXT] = f"{source.examples.get(title, '')} {source.examples.get(text, '')}".strip()
        source.remark("title and text are joined, as encoders get them")
