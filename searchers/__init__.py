"""Search strategies, one readable file each, found by name."""

from __future__ import annotations

from harness.registry import Registry

registry = Registry(
    "searcher",
    {
        "random_search": "searchers.random_search:RandomSearch",
        "regularized_evolution": "searchers.evolution:RegularizedEvolution",
        "classic_evolution": "searchers.evolution:ClassicEvolution",
        "era_evolution": "searchers.era:EraEvolution",
        "local_search": "searchers.local_search:LocalSearch",
        "reinforce": "searchers.reinforce:Reinforce",
    },
)

__all__ = ["registry"]
