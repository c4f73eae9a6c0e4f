"""The one rule for names that come from outside: which are paths inside a folder, and which are refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from encoder_tui.core.files.outside_names import LONGEST, NameRefused, inside, is_name


@pytest.mark.parametrize("name", ["model.safetensors", "sub/part 2.safetensors", "é.json", "..hidden.json", "a..b"])
def test_a_name_of_a_file_in_the_folder_is_its_path(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path, name) == tmp_path / name


HOSTILE = (
    "", ".", "..", "../x", "a/../x", "a/..", "/etc/passwd", "//x", "a//b", "a/", "./a", "C:x", "C:/x", "x:stream",
    "a\\b", "..\\x", "a\nb", "a\0b", "\x1b[2J", "\u202eevil", "\ud800", "x" * (LONGEST + 1), "é" * LONGEST,
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_any_other_name_is_refused_in_words_that_are_safe_to_print(tmp_path: Path, name: str) -> None:
    assert not is_name(name)
    with pytest.raises(NameRefused) as caught:
        inside(tmp_path, name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_link_out_of_the_folder_is_refused_whether_or_not_there_is_anything(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "a").symlink_to("../secret")
    (folder / "b").symlink_to("../not there yet")
    (folder / "sub").symlink_to("..")
    (folder / "round").symlink_to("round")
    for name in ("a", "b", "sub/secret", "round"):
        with pytest.raises(NameRefused):
            inside(folder, name)


def test_a_snapshot_of_the_cache_links_into_its_repository_and_no_further(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    blob = tmp_path / "models--a--b" / "blobs" / "hash"
    blob.parent.mkdir()
    blob.write_text("x")
    (snapshot / "part").symlink_to("../../blobs/hash")
    assert inside(snapshot, "part").read_text() == "x"
    (snapshot / "out").symlink_to("../../../secret")
    with pytest.raises(NameRefused):
        inside(snapshot, "out")
    ordinary = tmp_path / "home" / "snapshots" / "model"
    ordinary.mkdir(parents=True)
    (ordinary / "part").symlink_to("../../secret")
    with pytest.raises(NameRefused):
        inside(ordinary, "part")


def test_a_folder_of_links_to_another_model_is_its_owners_own(tmp_path: Path) -> None:
    real, links = tmp_path / "real", tmp_path / "links"
    real.mkdir()
    links.mkdir()
    for name in ("index.json", "part"):
        (real / name).write_text("x")
        (links / name).symlink_to(real / name)
    assert inside(links, "part", stated_by=links / "index.json").read_text() == "x"


def test_a_pipe_a_socket_or_a_device_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to(os.devnull)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.fspath(tmp_path / "socket"))
        for name in ("pipe", "null", "socket"):
            with pytest.raises(NameRefused):
                inside(tmp_path, name)
