"""Do all workers run the driver's code?

The four packages have plain names, so that a user's ``reports.py`` in the directory where a Ray
worker starts can shadow one. Before any trial, a task on every node compares the packages' source
hashes with the driver's. The functions here are sent to the workers by value and use the standard
library alone: a shadowed `harness` could not be imported to check itself.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from harness.errors import UserError

PACKAGES = ("harness", "searchers", "surrogates", "reports")


def fingerprint(packages: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Where each package would be imported from and the SHA-256 of its Python sources."""
    found = {}
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


def mismatch(
    here: dict[str, tuple[str, str]], there: dict[str, tuple[str, str]], node: str
) -> str:
    """One line that names the first package whose code differs on a node; "" if none does."""
    for name, (place, content) in there.items():
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


def check_workers() -> None:
    """Compare the four packages on every node of the cluster with the driver's.

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


def _fresh_fingerprint(packages: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    return fingerprint(packages)
