"""Strings that try to take over a terminal, to hide, or to be obeyed; and models and documents made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.color import Color
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

from encoder_tui.window.widgets.safety_filter import Fence, obeyed
from tests.support.model_directories import model_config

HOSTILE = {
    "CSI": "\x1b[2J\x1b[31mred\x1b[0m",
    "OSC title": "\x1b]0;owned\x07",
    "OSC 8": "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "OSC 52": "\x1b]52;c;b3duZWQ=\x07",
    "DCS": "\x1bP$qm\x1b\\",
    "APC": "\x1b_Gq\x1b\\",
    "full reset": "\x1bc",
    "C1": "\x9b2J\x9d0;owned\x9c\x90q\x85",
    "C0": "a\x07b\x08c\x0ed\x7f\rover",
    "override": "\u202elive\u202c\u2066isolated\u2069\u200f",
    "zero width": "a\u200bb\u200cc\u2060d\ufeffe\xadf",
    "tags": "\U000e0067\U000e007f",
    "NUL": "n\x00ul",
    "line ends": "one\u2028two\x0bthree\x0cfour\u2029five\x1csix",
    "Textual markup": "[bold]x[/bold] [@click=app.quit]quit[/] [red on $error]y[/]",
    "rich markup": "[link=http://evil.example]z[/link] [/] [blink]w :skull:",
    "special tokens": "[CLS][MASK][SEP][PAD]",
    "backslash": "\\[CLS] \\\\[b]",
    "right to left": "שלום العربية",
    "joined emoji": "👩\u200d👩\u200d👧 ❤\ufe0f 👍🏽 🇬🇧",
    "marks": "Z\u0338\u0361\u0489\u0301",
    "private": "\ue000\U0010fffd\ufdd0",
}
"""By what they are."""
SURROGATES = "\ud800x\udfff\udc80"
MEGABYTE = "x" * 1_000_000
ALL = " ".join(HOSTILE.values())

NAME = "\x1b]0;owned\x07\x1b[2J[bold]x[bold]\u202e\u200b\x9b2J\x85\n[CLS]"
"""What a file or a directory may be called; no slash, no NUL."""


class Watch:
    """Every line that any widget draws, as it is before the last look: `leaks` is what that had to mend."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.leaks: list[str] = []
        self.drawn: set[str] = set()
        apply = Fence.apply

        def look(fence: Fence, segments: list[Segment], background: Color) -> list[Segment]:
            self.leaks += [segment.text for segment in segments if obeyed(segment)]
            self.drawn.add("".join(segment.text for segment in segments if not segment.control))
            return apply(fence, segments, background)

        monkeypatch.setattr(Fence, "apply", look)

    def saw(self, text: str) -> bool:
        """Whether some line held a text."""
        return any(text in line for line in self.drawn)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


def hostile_tokenizer() -> Tokenizer:
    """A tokenizer whose vocabulary holds every hostile string as a token of its own."""
    letters = [chr(code) for code in range(0x21, 0x7F)]
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({entry: index for index, entry in enumerate(entries)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in HOSTILE.values()])
    return tokenizer


def hostile_model(folder: Path, name: str = NAME, **config: Any) -> Path:
    """A small BERT whose directory, vocabulary and configuration are hostile; it has no weights."""
    directory = folder / name
    directory.mkdir(parents=True)
    tokenizer = hostile_tokenizer()
    tokenizer.save(str(directory / "tokenizer.json"))
    labels = {str(index): text for index, text in enumerate(HOSTILE.values())}
    evil = {f"evil {text}": text for text in HOSTILE.values()}
    made = model_config("bert", tokenizer.get_vocab_size()) | {"id2label": labels} | evil | config
    (directory / "config.json").write_text(json.dumps(made), "utf-8")
    special = {f"{kind}_token": f"[{kind.upper()}]" for kind in ("pad", "unk", "cls", "sep", "mask")}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64, **special}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return directory


def hostile_documents(folder: Path, name: str = f"{NAME}.jsonl") -> Path:
    """A file of documents with hostile columns and texts, one of them a lone surrogate."""
    path = folder / name
    rows = [*HOSTILE.values(), SURROGATES, ALL * 20]
    columns = [f"column {text}" for text in HOSTILE.values()]
    path.write_text("".join(json.dumps({"text": text, **dict.fromkeys(columns, text)}) + "\n" for text in rows))
    return path
