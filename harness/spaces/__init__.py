"""Search spaces, found by name."""

from __future__ import annotations

from functools import cache

from harness.errors import HarnessError
from harness.registry import Registry
from harness.spaces.base import Architecture, CategoricalSpace, Graph, SearchSpace

registry = Registry(
    "space",
    {
        "tss": "harness.spaces.tss:TopologySpace",
        "sss": "harness.spaces.sss:SizeSpace",
        "nasbench101": "harness.spaces.nasbench101:NasBench101Space",
        "macro": "harness.spaces.macro:MacroSpace",
        "macro-blocks": "harness.spaces.macro:MacroBlocksSpace",
        "residual": "harness.spaces.residual:ResidualSpace",
        "residual-text": "harness.spaces.residual:TextResidualSpace",
        "residual-union": "harness.spaces.residual:UnionResidualSpace",
        "resnet": "harness.spaces.resnet:ResNetSpace",
        "pyramid-tree": "harness.spaces.pyramid_tree:PyramidTreeSpace",
        "darts": "harness.spaces.darts:DartsSpace",
    },
)


@cache
def get_space(name: str) -> SearchSpace:
    """The space of that name; one object a process, because spaces hold caches.

    Raises:
        UserError: If there is no such space.
        HarnessError: If a third party's space cannot be made, or is none of that name.
    """
    space = registry.make(name)
    if not isinstance(space, SearchSpace) or space.name != name:
        # Tables and traces name the space as it names itself.
        found = f"a space named '{space.name}'" if isinstance(space, SearchSpace) else repr(space)
        raise HarnessError(
            f"space '{name}' of {registry.origin(name)} makes {found}: it must make a SearchSpace"
            " of its registered name"
        )
    return space


__all__ = ["Architecture", "CategoricalSpace", "Graph", "SearchSpace", "get_space", "registry"]
