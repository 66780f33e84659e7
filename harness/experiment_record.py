"""What may be added to an experiment's directory by a later run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import UserError


def joined(old: dict[str, Any], new: dict[str, Any], out: Path) -> dict[str, Any]:
    """Two runs of one experiment as one: searchers, benchmarks and seeds may be added.

    Benchmarks are told apart by name and protocol, searchers by label.

    Raises:
        UserError: If the two differ in more than that.
    """
    for name in ("budget", "workers"):
        if old[name] != new[name]:
            raise UserError(
                f"{out} holds an experiment with {name} {old[name]}, not {new[name]}: choose"
                " another --out"
            )
    for benchmark in new["benchmarks"]:
        for name in ("checksum", "protocol_hash"):
            before = {b[name] for b in old["benchmarks"] if b["name"] == benchmark["name"]}
            if before and benchmark[name] not in before:
                raise UserError(
                    f"{out} holds {benchmark['name']} with another {name.replace('_', ' ')}:"
                    " choose another --out"
                )
    searchers = {searcher["searcher"]: searcher for searcher in new["searchers"]}
    for searcher in old["searchers"]:
        label = searcher["searcher"]
        if searchers.get(label, searcher) != searcher:
            raise UserError(
                f"{out} holds a searcher '{label}' with other options: choose another label or"
                " --out"
            )
    result = dict(new)
    asked = {(b["name"], b["protocol_hash"]) for b in new["benchmarks"]}
    result["benchmarks"] = new["benchmarks"] + [
        b for b in old["benchmarks"] if (b["name"], b["protocol_hash"]) not in asked
    ]
    for name in ("searchers", "cells"):
        result[name] = new[name] + [x for x in old[name] if x not in new[name]]
    result["seeds"] = sorted({*old["seeds"], *new["seeds"]})
    return result
