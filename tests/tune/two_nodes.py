"""A Ray cluster of two nodes on this machine that share nothing but the network.

Each node has its own home, cache, working directory and directory for Ray; the token of the
cluster is in both homes, as after copying it. The nodes live in a process of their own
(``python -m tests.tune.two_nodes FOLDER``), so that a test's process keeps its environment, and
end with it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

NODES = ("head", "second")
ROOT = Path(__file__).resolve().parents[2]


class TwoNodes:
    """The tests' handle on the cluster.

    Args:
        folder: An empty directory with a short path: the names of Ray's sockets may have about
            a hundred characters.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in NODES:
            (folder / name).mkdir()
        self._run("head", "ray", "get-auth-token", "--generate")
        (self.folder / "second" / ".ray").mkdir()
        token = (self.folder / "head" / ".ray" / "auth_token").read_bytes()
        (self.folder / "second" / ".ray" / "auth_token").write_bytes(token)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.tune.two_nodes", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT,
            stderr=(folder / "cluster.log").open("w"), env=node_environment(self.folder, "head"),
        )  # fmt: skip
        started = self._answer()
        self.address: str = started["address"]
        self.dashboard: str = started["dashboard"]
        self.raylets: dict[str, int] = {"head": started["raylet"]}
        self.ids: dict[str, str] = {"head": started["id"]}
        self.add_second()

    def __enter__(self) -> TwoNodes:
        return self

    def __exit__(self, *reason: object) -> None:
        self._process.communicate(timeout=60)

    def home(self, name: str) -> Path:
        """A node's directory: its home and where its processes start."""
        return self.folder / name

    def cached(self, name: str) -> list[str]:
        """The tables in a node's cache, by file name."""
        return sorted(path.name for path in (self.home(name) / ".cache").rglob("*.table"))

    def start(
        self, *words: object, node: str = "head", **environment: str
    ) -> subprocess.Popen[str]:
        """Start a command on a node."""
        return subprocess.Popen(
            list(map(str, words)), cwd=self.home(node), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=node_environment(self.folder, node) | environment,
        )  # fmt: skip

    def add_second(self, **environment: str) -> None:
        """Let the second node join (again)."""
        self._ask(environment)
        added = self._answer()
        self.raylets["second"], self.ids["second"] = added["raylet"], added["id"]

    def kill_second(self) -> None:
        """``kill -9`` of the second node's raylet; its workers die with it."""
        os.kill(self.raylets["second"], signal.SIGKILL)

    def workers(self, name: str, title: str) -> list[int]:
        """The processes of a node that carry out actors or tasks of this name."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = path.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1]
                command = path.joinpath("cmdline").read_text()
            except OSError:  # It has ended.
                continue
            if int(parent) == self.raylets[name] and command.startswith(f"ray::{title}"):
                found.append(int(path.name))
        return found

    def _run(self, name: str, *words: str) -> None:
        subprocess.run(
            words, cwd=self.home(name), env=node_environment(self.folder, name),
            check=True, timeout=60, capture_output=True,
        )  # fmt: skip

    def _ask(self, environment: dict[str, str]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(environment) + "\n")

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (self.folder / "cluster.log").read_text()
        answer: dict[str, Any] = json.loads(line)
        return answer


def node_environment(folder: Path, name: str) -> dict[str, str]:
    """The environment of the processes of a node, or of another machine with a directory there."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    tools = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | own(folder, name) | {
        "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT), "PATH": tools, "COLUMNS": "96",
    }  # fmt: skip


def own(folder: Path, name: str) -> dict[str, str]:
    """What no two nodes share."""
    home = folder / name
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PWD": str(home),
        "RAY_TMPDIR": str(home),
    }


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody uses."""
    servers = [socket.create_server(("", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def main(folder: Path) -> None:
    """Start the head, then a second node for every line of the input; end with the input."""
    from ray.cluster_utils import Cluster

    # Whatever Ray prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    cluster = Cluster()

    def add(name: str, environment: dict[str, str], **more: Any) -> None:
        os.chdir(folder / name)
        node = cluster.add_node(
            num_cpus=1,
            temp_dir=str(folder / name / "ray"),
            env_vars=own(folder, name) | environment,
            **more,
        )
        (raylet,) = node.all_processes["raylet"]
        document = {"raylet": raylet.process.pid, "id": node.node_id}
        document |= {"address": cluster.address, "dashboard": f"http://{cluster.webui_url}"}
        answers.write(json.dumps(document) + "\n")

    dashboard, agent = free_ports(2)
    ports = {"dashboard_port": dashboard, "dashboard_agent_listen_port": agent}
    add("head", {}, include_dashboard=True, **ports)
    for line in sys.stdin:
        add("second", json.loads(line))
    cluster.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
