"""F1: a page for everything, and nothing in it that is not so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from textual.widgets import Markdown
from tokenizers import Tokenizer

from encoder_tui.builtin import directory
from encoder_tui.commands.cli import cli
from encoder_tui.window import keys
from encoder_tui.window.help import pages
from encoder_tui.window.help.screen import HelpScreen, key_page
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.widgets.choice import Choice
from tests.support.still import until
from tests.window.tokens.test_pane import window

pytestmark = pytest.mark.usefixtures("no_engine")

PAGES = [*PANES, pages.MODELS, "keys", pages.TERMINAL]


@pytest.mark.parametrize("pane", PANES)
def test_every_pane_and_every_view_has_a_page(pane: str) -> None:
    sections = pages.sections(pane)
    assert sections[""].startswith(f"# {PANES[pane].title}")
    assert set(sections) == {"", *PANES[pane].views()}
    assert all(len(words) > 80 for words in sections.values())


def everything() -> str:
    return "\n".join(words for page in PAGES for words in pages.sections(page).values())


def builtin_config(name: str) -> dict[str, int]:
    found: dict[str, int] = json.loads((directory(name) / "config.json").read_text("utf-8"))
    return found


def test_every_number_in_the_help_follows_from_the_configurations() -> None:
    bert, modern = builtin_config("bert"), builtin_config("modernbert")
    layers, every = modern["num_hidden_layers"], modern["global_attn_every_n_layers"]
    everywhere = sum(1 for layer in range(layers) if layer % every == 0)
    width, positions = bert["hidden_size"], bert["max_position_embeddings"]
    facts = {
        "28,996": 28_996,  # checked against the tokenizer itself below
        "50,368": 50_368,
        "256": 2**8,
        "101": 101,
        "102": 102,
        "50281": modern["cls_token_id"],
        "50282": modern["sep_token_id"],
        "768": width,
        "590,592": width * width + width,
        "2304": 3 * modern["hidden_size"],
        "512": positions,
        "513": positions + 1,
        "510": positions - 2,
        "12": bert["num_hidden_layers"],
        "22": layers,
        "14": layers - everywhere,
        "128": modern["local_attention"],
        "64": modern["local_attention"] // 2,
        "8,192": modern["max_position_embeddings"],
    }
    assert everywhere == 8
    assert "8 in all" in everything()
    for written, number in facts.items():
        assert int(written.replace(",", "")) == number, written
        assert re.search(rf"(?<![\d,]){re.escape(written)}(?![\d,]*\d)", everything()), written
    others = {"10", "52", "95"}  # the limit of the spread, OSC 52, a percentile
    prose = re.sub(r"```.*?```|`set [^`]*`", "", everything(), flags=re.DOTALL)
    found = set(re.findall(r"(?<![\w.,])\d[\d,]*\d(?![\w.])", prose.replace("-", " ")))
    assert found <= facts.keys() | others, found - facts.keys() - others


def test_what_is_said_of_the_vocabularies_is_so(reference_models: tuple[Path, Path]) -> None:
    bert, modern = (Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in reference_models)
    assert bert.get_vocab_size() == 28_996
    assert [bert.token_to_id(token) for token in ("[CLS]", "[SEP]")] == [101, 102]
    assert [modern.token_to_id(token) for token in ("[CLS]", "[SEP]")] == [50281, 50282]
    config = json.loads((reference_models[1] / "config.json").read_text("utf-8"))
    assert config["vocab_size"] == 50_368
    # `##DS` is another entry than `DS`, and so is `Ġis` than `is`.
    assert len({bert.token_to_id("##DS"), bert.token_to_id("DS"), None}) == 3
    assert len({modern.token_to_id("Ġis"), modern.token_to_id("is"), None}) == 3
    assert bert.encode("😀", add_special_tokens=False).tokens == ["[UNK]"]
    assert bert.encode("many😀", add_special_tokens=False).tokens == ["[UNK]"]
    assert len("😀".encode()) == 4
    assert len(modern.encode("😀", add_special_tokens=False).tokens) > 1
    # A fifth of the model is embeddings.
    assert 0.19 < 28_996 * 768 / 108_310_272 < 0.22


@pytest.mark.parametrize("pane", PANES)
def test_the_command_to_try_is_one_that_there_is(pane: str) -> None:
    text = 'it\'s "quoted" $HOME\nand long' * 5
    asked_of = PANES[pane].load().shell_command("", pages.quoted(text), "my docs.txt")
    words = pages.command(asked_of, ["a b", "builtin:bert"])
    assert all(len(line) <= 100 for line in words.splitlines())
    given = shlex.split(words.replace("\\\n", " "))
    assert given[:5] == ["encoder-tui", "-m", "a b", "-m", "builtin:bert"]
    # Click knows the command and each of its options.
    context = cli.make_context("encoder-tui", given[1:])
    command = cli.get_command(context, context.protected_args[0] if context.protected_args else given[5])
    assert command is not None
    asked = command.make_context(given[5], given[6:], parent=context)
    assert asked.params


def test_the_command_to_try_follows_the_view() -> None:
    def asked(pane: str, view: str) -> str:
        return pages.command(PANES[pane].load().shell_command(view, "words", None), [])

    assert asked("documents", "collection") == "encoder-tui docs --summary"
    assert asked("documents", "text") == "encoder-tui docs --limit 10"
    assert asked("outputs", "attention") == "encoder-tui run words --attentions"
    assert asked("timing", "best") == "encoder-tui time --best"


async def test_help_is_of_the_view_in_front_and_is_read_with_the_keys_of_a_list() -> None:
    async with window(size=(80, 24)) as (app, pilot):
        app.query_one("#view", Choice).chosen = "batch"
        await pilot.pause()
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        help_screen = app.screen
        await until(pilot, lambda: "A tensor is a rectangle" in str(help_screen.query_one(Markdown).source))
        page = help_screen.query_one("Page")
        await until(pilot, lambda: page.max_scroll_y > 0)
        await pilot.press("j")
        await until(pilot, lambda: page.scroll_y > 0)
        await pilot.press("g")
        await until(pilot, lambda: page.scroll_y == 0)
        await pilot.press("l", "l")
        await until(pilot, lambda: "OSC 52" in help_screen.query_one(Markdown).source)
        assert "set -g set-clipboard on" in help_screen.query_one(Markdown).source
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is not help_screen)
        # Escape closes it too, and what was written above is as it was.
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))


async def test_the_keys_in_help_are_those_that_are_heard() -> None:
    async with window() as (app, pilot):
        await pilot.press("escape")
        assert "next difference" in key_page(app.screen)
        assert re.search(r"^i +copy ids +tokens\.copy-ids$", key_page(app.screen), re.MULTILINE)
        app.set_keymap({"tokens.copy-ids": "ctrl+y"})
        assert re.search(r"^ctrl\+y +copy ids +tokens\.copy-ids$", key_page(app.screen), re.MULTILINE)
        # In the text, letters are letters.
        await pilot.press("e")
        assert "copy block" not in key_page(app.screen)


async def test_names_in_help_cannot_break_the_page() -> None:
    async with window(text="```\n# a heading\x1b[31m [link](http://example.org)") as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        source = app.screen.query_one(Markdown).source
        assert "\x1b" not in source
        assert re.findall(r"^```.*$", source, re.MULTILINE) == ["```sh", "```"]


def test_config_lists_every_key_with_its_id() -> None:
    listed = CliRunner().invoke(cli, ["config", "--keys"])
    assert listed.exit_code == 0
    for key in keys.everywhere():
        assert f" {key.id} " in listed.stdout, key
