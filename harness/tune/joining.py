"""Joining a Ray cluster that runs already: what goes wrong there, in one line with the mend."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import UserError

SECONDS_TO_ANSWER = 5
"""How long a cluster's port may take to answer."""

_TOKEN = (
    "set RAY_AUTH_MODE=token, and give the head node's token in ~/.ray/auth_token,"
    " RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN"
)


def join(address: str, **settings: Any) -> None:
    """Connect this process to a cluster, with Ray's other settings.

    Args:
        address: ``HOST:PORT`` of the cluster, or ``auto`` for the one that runs on this machine.
        settings: Further arguments of `ray.init`.

    Raises:
        UserError: If no cluster answers, or it does not take this process in.
    """
    import ray

    check_address(address)
    try:
        with _quiet():
            ray.init(address=address, **settings)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise UserError(mend(address, error)) from None


def check_address(address: str) -> None:
    """Refuse an address where nothing answers: Ray itself would try for two minutes.

    Raises:
        UserError: If it is no address of a cluster, or nothing answers there.
    """
    place, named_by = _place(address)
    if not place:
        return
    if "://" in place:
        raise UserError(
            f"{named_by}: give HOST:PORT and run the command on a node of the cluster, or send it"
            " there with `ray job submit`"
        )
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdecimal():
        raise UserError(f"{named_by}: give the cluster's HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"no Ray cluster answers at {place} ({named_by}): {reason}; start one with"
            " `ray start --head`, or give another --address"
        ) from None


def _place(address: str) -> tuple[str, str]:
    """Where Ray will look ("" if only Ray knows), and what says so."""
    if address != "auto":
        return address, f"--address {address}"
    from_environment = os.environ.get("RAY_ADDRESS", "")
    if from_environment not in ("", "auto"):
        return from_environment, f"RAY_ADDRESS={from_environment}"
    # `ray start` leaves its cluster's address here; `ray stop` removes it.
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    file = Path(folder) / "ray" / "ray_current_cluster"
    try:
        return file.read_text().strip(), str(file)
    except OSError:
        return "", ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's native code from writing to the error stream, where it reports each attempt."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def mend(address: str, error: BaseException) -> str:
    """One line about a cluster that did not take this process in.

    Args:
        address: As given.
        error: What Ray raised.
    """
    said = _whole(error)
    if "authentication token" in said.lower():
        return f"the Ray cluster at {address} asks for its token, or for another: {_TOKEN}"
    if "Version mismatch" in said:
        versions = " ".join(said.partition("Version mismatch:")[2].split())
        return (
            f"the Ray cluster at {address} runs other versions ({versions}): install the same"
            " Ray and Python here and on all nodes"
        )
    if "Could not find any running Ray instance" in said:
        return (
            "no Ray cluster runs on this machine: start one with `ray start --head`, or give"
            " --address HOST:PORT"
        )
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return (
        f"cannot join the Ray cluster at {address}: {first} (the command must run on a node of"
        " the cluster; `ray status` shows them)"
    )


def _whole(error: BaseException | None) -> str:
    """An error's text with those of its causes."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)
