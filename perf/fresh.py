"""Calls of functions in interpreters of their own.

What one measurement imports or leaves in memory must not weigh on the next one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

ROOT = Path(__file__).resolve().parents[1]


def fresh(function: str, **arguments: Any) -> Any:
    """Call a function in a fresh interpreter.

    Args:
        function: "module:name".
        arguments: Plain values, as JSON knows them.

    Returns:
        What it returned, after a way through JSON.

    Raises:
        HarnessError: If it raised; with the last line of what it said.
    """
    command = [sys.executable, "-m", "perf.fresh", function]
    output = checked_run(command, cwd=ROOT, stdin=json.dumps(arguments))
    return json.loads(output.splitlines()[-1])


def checked_run(command: list[str], *, cwd: Path, stdin: str = "") -> str:
    """Run a command to its end.

    Returns:
        Its standard output.

    Raises:
        HarnessError: If it fails; with the last line of its standard error.
    """
    done = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise HarnessError(f"{' '.join(command[1:4])} failed ({done.returncode}): {said[-1]}")
    return done.stdout


def _main() -> None:
    module, _, name = sys.argv[1].partition(":")
    # Peers print; the last line of standard output is ours.
    with redirect_stdout(sys.stderr):
        result = getattr(import_module(module), name)(**json.load(sys.stdin))
    print(json.dumps(result))


if __name__ == "__main__":
    _main()
