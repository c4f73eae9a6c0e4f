"""A real connection by SSH to this machine: the window over it, and an engine behind it."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from encoder_tui.client.client import EngineError
from tests.support import fake_engine
from tests.support.engine_case import clients, living, needs_proc, until
from tests.support.terminal import Terminal, encoder_tui

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
NOISE = "Welcome to the machine"
COPIED = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)")
pytestmark = needs_proc


@dataclass(frozen=True)
class Server:
    """An SSH server, and the words of the command that reaches it."""

    pid: int
    command: tuple[str, ...]

    def running(self, *command: str) -> list[str]:
        """The words of a command that runs another over the connection, after a shell has had its say."""
        return [*self.command, "localhost", f"echo {NOISE!r}; exec {shlex.join(command)}"]

    def behind(self) -> list[int]:
        """The processes of its connections."""
        found, parents = [], {self.pid}
        while parents:
            parents = set(living(lambda pid, parent, group: parent in parents))  # noqa: B023  # called at once
            found += parents
        return found


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within a minute"
        time.sleep(0.02)


def are_gone(pids: list[int]) -> bool:
    return not living(lambda pid, parent, group: pid in pids)


@pytest.fixture
def server(home: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own, on a port of its own, which lets this user in with a key made for it."""
    daemon = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if daemon is None or not shutil.which("ssh"):
        pytest.skip("there is no sshd (Debian: openssh-server)")
    if os.geteuid() == 0:
        # Where a service manager would have made it.
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    (tmp_path / "banner").write_text("Authorised use only.\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name.startswith(("XDG_", "HF_"))}
    given = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "user.pub",
        "Banner": tmp_path / "banner",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "SetEnv": " ".join(f'"{name}={value}"' for name, value in given.items()),
    }
    (tmp_path / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    options = {
        "IdentityFile": tmp_path / "user",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    command = ("ssh", "-F", "none", "-p", str(port), *words)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([daemon, "-D", "-e", "-f", str(tmp_path / "config")], stderr=log)
    try:
        wait(lambda: "Server listening" in (tmp_path / "log").read_text() or process.poll() is not None)
        tried = subprocess.run([*command, "localhost", "true"], check=False, capture_output=True, text=True)
        if tried.returncode:
            pytest.skip(f"this user cannot log in here by SSH: {tried.stderr.strip()}")
        yield Server(process.pid, command)
    finally:
        process.terminate()
        process.wait()


def test_the_window_over_ssh_hears_keys_mouse_and_sizes_copies_and_leaves_nothing_behind(server: Server) -> None:
    program = encoder_tui("-m", "builtin:bert", "-m", "builtin:modernbert", "--text", "A lens")
    with Terminal([*server.command, "-t", "localhost", shlex.join(program)], 80, 24) as terminal:
        terminal.wait_for("blocks agree", PATIENCE)
        terminal.send("es")
        terminal.wait_for("A lenses")
        terminal.send("escape", "y")
        terminal.wait_for("copied the block")
        assert "lenses" in base64.b64decode(COPIED.findall(bytes(terminal.output))[-1]).decode()
        terminal.resize(120, 40)
        terminal.wait_for(lambda text: "F2–F7 panes" in terminal.screen.display[39])
        for key, seen in (
            ("f4", "rows"),
            ("f5", "runs every model"),
            ("f7", "press s to start"),
            ("f2", "blocks agree"),
        ):
            terminal.send(key)
            terminal.wait_for(seen, PATIENCE)
        column = terminal.text.splitlines()[1].index("Parameters") + 2
        terminal.send(f"\x1b[<0;{column};2M\x1b[<0;{column};2m")
        terminal.wait_for("difference ─")
        behind = server.behind()
        assert len(behind) >= 4, "the connection, the window and both engines"
        os.kill(terminal.pid, signal.SIGKILL)
        wait(lambda: are_gone(behind))


def test_an_engine_behind_ssh_with_a_banner_and_a_talking_shell_works(server: Server, home: Path) -> None:
    (home / ".bashrc").write_text(f"echo '{NOISE}, said by the shell'\n")
    (home / "far.txt").write_text("The lamp of a lighthouse.\nA lens.\n")
    engine = shlex.join(server.running(sys.executable, "-m", "encoder_tui.engine"))
    command = encoder_tui("--engine", engine, "-m", "builtin:bert", "docs", str(home / "far.txt"), "--lines", "--json")
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert [json.loads(line)["characters"] for line in done.stdout.splitlines()] == [25, 7], done.stderr
    wait(lambda: server.behind() == [])


async def test_a_connection_that_is_cut_is_told_and_leaves_nothing_on_the_far_side(
    server: Server, tmp_path: Path
) -> None:
    command = shlex.join(server.running(*shlex.split(fake_engine.command("tasks", ""))))
    async with clients(tmp_path) as start:
        client = start(command=command)
        for cut_here in (True, False):
            far = int(await client.act("pid"))
            assert far in server.behind()
            work = await client.begin("sleep")
            near = client.pid
            assert near is not None
            (connection,) = [pid for pid in server.behind() if far in living(lambda it, parent, _: parent == pid)]  # noqa: B023
            os.kill(near if cut_here else connection, signal.SIGKILL)
            told = "SIGKILL" if cut_here else "closed by remote host"
            with pytest.raises(EngineError, match=told):
                await work
            await until(lambda: are_gone([far]))  # noqa: B023
        # And the next one is there.
        assert await client.act("echo", "well") == "well"
