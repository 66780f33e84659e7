"""Methods that train a supernet, found by name; see `harness.one_shot`."""

from __future__ import annotations

from harness.registry import Registry

registry = Registry(
    "one-shot method",
    {
        "bayesnas": "searchers.one_shot.bayesnas:BayesNas",
        "darts": "searchers.one_shot.darts:Darts",
        "enas": "searchers.one_shot.enas:Enas",
        "rsws": "searchers.one_shot.rsws:RandomSearchWithSharing",
    },
    group="nas_harness.one_shot_methods",
)

__all__ = ["registry"]
