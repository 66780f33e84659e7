"""What `experiment.json` must hold, checked where it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.loop import Budget
from harness.protocol import Protocol
from harness.typed import conforms

_RECORD = {
    "benchmarks": list[dict[str, Any]],
    "searchers": list[dict[str, Any]],
    "cells": list[str],
    "seeds": list[int],
    "budget": dict[str, float | None],
    "workers": int,
    "versions": dict[str, str],
}
_BENCHMARK = {
    "name": str,
    "source": str,
    "checksum": str,
    "dataset": str,
    "protocol": dict[str, Any],
    "protocol_hash": str,
    "leaks": list[str],
    "split": dict[str, str],
    "units": dict[str, str],
}
_SEARCHER = {"searcher": str, "strategy": str, "options": dict[str, Any]}
_ROLES = {"search", "selection", "report"}


def read_document(path: Path) -> dict[str, Any]:
    """An experiment's record.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is damaged; the message says where.
    """
    try:
        document = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check_document(document)
    return document  # type: ignore[no-any-return]


def check_document(document: Any) -> None:
    """Refuse what is no experiment's record.

    Raises:
        ValueError: The message says where.
    """
    _check(document, _RECORD, "it")
    for entry in document["searchers"]:
        _check(entry, _SEARCHER, "a searcher")
    for entry in document["benchmarks"]:
        _check(entry, _BENCHMARK, "a benchmark")
        if not (entry["split"].keys() >= _ROLES and entry["units"].keys() >= _ROLES):
            raise ValueError("a benchmark lacks splits or units")
        if not conforms(entry.get("images_per_epoch"), int | None):
            raise ValueError("a benchmark has a wrong 'images_per_epoch'")
    try:
        Budget(**document["budget"])
        protocols = [Protocol.from_dict(entry["protocol"]) for entry in document["benchmarks"]]
    except (UserError, TypeError) as error:
        raise ValueError(str(error)) from None
    for protocol, entry in zip(protocols, document["benchmarks"], strict=True):
        if protocol.hash != entry["protocol_hash"]:
            raise ValueError(f"protocol '{protocol.name}' is not the one that it was")
    if not conforms(document.get("declared", {}), dict[str, str]):
        raise ValueError("it has a wrong 'declared'")
    if not (document["benchmarks"] and document["searchers"] and document["seeds"]):
        raise ValueError("it lists nothing that was run")


def _check(entry: object, shape: Mapping[str, Any], what: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{what} is no mapping")
    for name, kind in shape.items():
        if name not in entry:
            raise ValueError(f"{what} lacks '{name}'")
        if not conforms(entry[name], kind):
            raise ValueError(f"{what} has a wrong '{name}'")
