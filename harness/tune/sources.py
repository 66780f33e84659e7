"""Do all workers run the driver's code?

The four packages have plain names, so that a user's ``reports.py`` in the directory where a Ray
worker starts can shadow one. Before any trial, a task on every node compares the packages' source
hashes with the driver's. The functions here are sent to the workers by value and use the standard
library alone: a shadowed `harness` could not be imported to check itself. Workers that start
later, on a node that joined meanwhile, compare themselves (`refuse_other_code`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import UserError

PACKAGES = ("harness", "searchers", "surrogates", "reports")

Fingerprint = dict[str, tuple[str, str]]
"""Package -> where it is imported from and the SHA-256 of its Python sources."""


def fingerprint(packages: tuple[str, ...]) -> Fingerprint:
    """Where each package would be imported from and the SHA-256 of its Python sources."""
    found: Fingerprint = {}
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            found[name] = ("nowhere", "")
            continue
        origin = Path(spec.origin)
        root = origin.parent
        files = sorted(root.rglob("*.py")) if spec.submodule_search_locations else [origin]
        content = hashlib.sha256()
        for path in files:
            content.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
        found[name] = (spec.origin, content.hexdigest())
    return found


def mismatch(here: Fingerprint, there: Fingerprint, node: str) -> str:
    """One line that names the first package whose code differs on a node; "" if none does."""
    for name, (place, content) in there.items():
        if place == "nowhere":
            return f"node {node} has no package '{name}': install nas-harness there"
        if content != here[name][1] and place == here[name][0]:
            return (
                f"the package '{name}' ({place}) changed while the experiment started: repeat it"
            )
        if content != here[name][1]:
            return (
                f"on node {node}, the package '{name}' is imported from {place}, which is not the"
                f" driver's code ({here[name][0]}): rename that file, start elsewhere, or install"
                " the same version of nas-harness on all nodes"
            )
    return ""


def check_workers() -> Fingerprint:
    """Compare the four packages on every node of the cluster with the driver's.

    Returns:
        The driver's, for `refuse_other_code`.

    Raises:
        UserError: If a worker would import other code; one line names the file.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    module = sys.modules[__name__]
    pickling: Any = ray.cloudpickle
    cluster: Any = ray
    here = fingerprint(PACKAGES)
    pickling.register_pickle_by_value(module)
    try:
        task = ray.remote(num_cpus=0)(_fresh_fingerprint)
        nodes = [node for node in cluster.nodes() if node["Alive"]]
        answers = [
            task.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=True)
            ).remote(PACKAGES)
            for node in nodes
        ]
        for node, there in zip(nodes, ray.get(answers), strict=True):
            problem = mismatch(here, there, node["NodeManagerHostname"])
            if problem:
                raise UserError(problem)
    finally:
        pickling.unregister_pickle_by_value(module)
    return here


def _fresh_fingerprint(packages: tuple[str, ...]) -> Fingerprint:
    return fingerprint(packages)


_own_fingerprint = cache(fingerprint)


def refuse_other_code(drivers: Fingerprint) -> None:
    """In a worker: stop if it runs other code than the driver.

    Raises:
        UserError: If it does; one line names node and file.
    """
    problem = mismatch(drivers, _own_fingerprint(PACKAGES), os.uname().nodename)
    if problem:
        raise UserError(problem)
