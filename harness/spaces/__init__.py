"""Search spaces, found by name."""

from __future__ import annotations

from functools import cache

from harness.registry import Registry
from harness.spaces.base import Architecture, CategoricalSpace, Graph, SearchSpace

registry = Registry(
    "space",
    {
        "tss": "harness.spaces.tss:TopologySpace",
        "sss": "harness.spaces.sss:SizeSpace",
        "nasbench101": "harness.spaces.nasbench101:NasBench101Space",
    },
)


@cache
def get_space(name: str) -> SearchSpace:
    """The space of that name; one object a process, because spaces hold caches.

    Raises:
        UserError: If there is no such space.
    """
    space: SearchSpace = registry.load(name)()
    return space


__all__ = ["Architecture", "CategoricalSpace", "Graph", "SearchSpace", "get_space", "registry"]
