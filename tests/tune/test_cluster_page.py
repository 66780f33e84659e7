"""The commands of docs/running-on-a-cluster.md, word for word, on a cluster of two nodes.

Blocks marked ``cluster`` are run in order: ``head$``, ``node$`` and ``laptop$`` are three shells,
each with its own home and directory, which holds a copy of `examples/`. Changed are only ports,
the head's address and what keeps two nodes on one machine apart. What the page shows below a
command must be what it prints: ``...`` stands for anything, times and Ray's identifiers differ.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.experiment import Experiment
from tests.tune.helpers import digests
from tests.tune.two_nodes import ROOT, free_ports, node_environment

PAGE = ROOT / "docs" / "running-on-a-cluster.md"
BLOCK = re.compile(r"^```console no-run cluster\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^(head|node|laptop)\$ ", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[\d+m")
VARYING = re.compile(r"(?<=\bin )[\d.,]+(?= s\b)|raysubmit_\w+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Shell:
    """A machine's shell, which keeps what is exported in it."""

    def __init__(self, folder: Path, name: str) -> None:
        (folder / name).mkdir()
        shutil.copytree(ROOT / "examples", folder / name / "examples")
        own = node_environment(folder, name)
        del own["RAY_AUTH_MODE"]  # the page says it
        # Whatever it starts is in its process group, Ray's daemons too.
        self.process = subprocess.Popen(
            ["bash"], cwd=folder / name, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1, start_new_session=True,
        )  # fmt: skip

    def run(self, command: str) -> tuple[int, str]:
        """Status and output of a command."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{command}\nstatus=$?; echo; echo '<done>' $status\n")
        said = ""
        for line in self.process.stdout:
            if line.startswith("<done>"):
                return int(line.split()[1]), said.rstrip() + "\n"
            said += line
        raise AssertionError(f"the shell ended: {said}")

    def end(self) -> None:
        """Kill the shell and everything that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def machines() -> Iterator[tuple[Path, dict[str, Shell]]]:
    # A short path, for Ray's sockets.
    folder = Path(tempfile.mkdtemp(prefix="nh-", dir="/tmp"))
    shells = {name: Shell(folder, name) for name in ("head", "node", "laptop")}
    try:
        yield folder, shells
    finally:
        for shell in reversed(shells.values()):
            shell.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_the_commands_of_the_page(machines: tuple[Path, dict[str, Shell]], tmp_path: Path) -> None:
    folder, shells = machines
    port, dashboard, agent, client = free_ports(4)
    small = "--num-cpus 1 --object-store-memory 150000000 --temp-dir ~/ray"
    ports = f"--port {port} --dashboard-port {dashboard} --ray-client-server-port {client}"
    ports += f" --dashboard-agent-listen-port {agent}"
    changes = {
        "--port 6379": f"{ports} {small}",
        "--address HEAD:6379": f"--address 127.0.0.1:{port} {small}",
        ":8265": f":{dashboard}",
        "/data/": f"{folder}/head/data/",
    }
    for block in BLOCK.findall(PAGE.read_text()):
        for name, text in zip(*[iter(PROMPT.split(block)[1:])] * 2, strict=True):
            command, _, expected = text.partition("\n")
            if command == "export RAY_AUTH_MODE=token" and name != "head":
                # As `scp` does it.
                home = folder / name / ".ray"
                home.mkdir()
                shutil.copy(folder / "head" / ".ray" / "auth_token", home)
            for ours, here in changes.items():
                command = command.replace(ours, here)
            status, said = shells[name].run(command)
            sys.stdout.write(f"{name}$ {command}\n{said}")
            assert status == 0, f"{name}$ {command}\n{said}"
            compare(expected, said.replace(f"{folder}/head", ""))

    head = folder / "head"
    example = ROOT / "examples" / "cluster" / "sweep.yaml"
    expected = digests(Experiment.from_yaml(example).run(tmp_path / "sweep", inline=True))
    assert digests(head / "results") == digests(head / "data" / "results") == expected
    shells["head"].run("python examples/cluster/sweep.py --out inline --inline")
    assert digests(head / "options") == digests(head / "inline")


def compare(shown: str, said: str) -> None:
    """What the page shows of a command's output with what it printed; if nothing, no matter."""
    expected, printed = (VARYING.sub("*", COLOUR.sub("", text)) for text in (shown, said))
    if shown.strip() and not doctest.OutputChecker().check_output(expected, printed, FLAGS):
        pytest.fail(f"--- the page\n{shown}\n--- printed\n{said}")
