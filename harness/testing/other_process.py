"""Calling a function in another process, under another hash seed, for the conformance suites.

Another ``PYTHONHASHSEED`` changes the order of sets, which must not change any result.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_another_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns in a fresh process.

    Args:
        function: A function of a module that can be imported from here.
        *arguments: Its arguments; they are pickled.

    Returns:
        Its result, which passes through JSON.

    Raises:
        AssertionError: If it fails there.
    """
    child = subprocess.run(
        [sys.executable, "-m", "harness.testing.other_process"],
        input=pickle.dumps((function, arguments)),
        env={
            **os.environ,
            "PYTHONHASHSEED": "20200713",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), *sys.path])),
        },
        capture_output=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr.decode()
    # What the tested code may have printed comes first.
    return json.loads(child.stdout.splitlines()[-1])


if __name__ == "__main__":
    called, given = pickle.load(sys.stdin.buffer)
    print("\n" + json.dumps(called(*given)))
