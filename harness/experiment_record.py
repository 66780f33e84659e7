"""Which directory can hold an experiment, what its record holds, what a later run may add."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.benchmarks.base import Benchmark
from harness.benchmarks.packed import atomic_write
from harness.errors import HarnessError, UserError
from harness.experiment_document import read_document
from harness.locks import unwritable
from harness.spec import strategy_class


def check_directory(out: Path) -> None:
    """Refuse a directory in which the traces would be lost.

    Raises:
        UserError: If it is a URL, or lies where Ray unpacks a job's files and deletes them.
    """
    url = re.match(r"(\w[\w+.-]+):/+(.*)", str(out))
    if url:
        raise UserError(
            f"--out {url[1]}://{url[2]}: traces are written to a directory; name one, and copy it"
            " there afterwards"
        )
    in_a_job = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ
    if in_a_job and "working_dir_files" in out.resolve().parts:
        raise UserError(
            f"--out {out} lies in the job's working directory, which Ray deletes: give an"
            " absolute path on the head node"
        )


def write_record(out: Path, document: dict[str, Any]) -> None:
    """Write `experiment.json`, joined with what is there.

    Args:
        out: The experiment's directory.
        document: What it is to hold.

    Raises:
        UserError: If the directory holds an experiment with another budget or protocol, or
            cannot be written to.
        HarnessError: If the record that it holds is damaged.
    """
    path = out / "experiment.json"
    # Through JSON, so that it compares with what is read back.
    document = json.loads(json.dumps(document))
    try:
        if path.exists():
            document = joined(read_document(path), document, out)
        with atomic_write(path) as stream:
            stream.write(json.dumps(document, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise unwritable(out, error) from None
    except (ValueError, LookupError, TypeError) as error:
        raise HarnessError(
            f"{path} is damaged ({error!r}): remove it, and run again with all searchers"
        ) from None


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
    for name in ("versions", "declared"):
        if name in old or name in new:
            result[name] = {**old.get(name, {}), **new.get(name, {})}
    return result


def described(benchmark: Benchmark, source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says of a benchmark.

    Args:
        benchmark: Opened.
        source: The name or path by which it was opened.
        options: The fields of its protocol that were replaced.
    """
    protocol = benchmark.protocol
    measures = {
        "search": protocol.search,
        "selection": protocol.selection,
        "report": protocol.report,
    }
    images = benchmark.images_per_epoch
    return {
        "name": benchmark.name,
        "source": source,
        "options": dict(options),
        "checksum": benchmark.checksum,
        "dataset": benchmark.dataset,
        "protocol": protocol.to_dict(),
        "protocol_hash": protocol.hash,
        "leaks": benchmark.leaks,
        "split": {role: benchmark.split_of(m) for role, m in measures.items()},
        "units": {role: benchmark.unit_of(m) for role, m in measures.items()},
        **({} if images is None else {"images_per_epoch": images}),
    }


def versions(searchers: Iterable[str]) -> dict[str, str]:
    """Versions of the distributions on which the results of searchers depend.

    A driver may lack a library that its workers have.
    """
    names = ["nas-harness", "ray", "numpy"]
    for searcher in searchers:
        names += strategy_class(searcher).libraries
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
