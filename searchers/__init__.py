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
        "successive_halving": "searchers.hyperband:SuccessiveHalving",
        "hyperband": "searchers.hyperband:Hyperband",
        "asha": "searchers.asha:Asha",
        "median_stopping": "searchers.median_stopping:MedianStopping",
        "bohb": "searchers.bohb:Bohb",
        "bayesnas_tabular": "searchers.bayesnas_tabular:BayesNasTabular",
        "reinforce": "searchers.reinforce:Reinforce",
        "double_dqn": "searchers.double_dqn:DoubleDqn",
        "nord_evolution": "searchers.nord_evolution:NordEvolution",
        "tune:optuna": "harness.tune.foreign.libraries:Optuna",
        "tune:hyperopt": "harness.tune.foreign.libraries:HyperOpt",
    },
    paths={
        # Any other Ray Tune searcher: tune:my_module:MySearcher.
        "tune": "harness.tune.foreign.by_path:searcher_at",
        # One of a file: file:my_searcher.py:MySearcher@3f2a91c0.
        "file": "harness.searcher_file:searcher_in",
    },
)

__all__ = ["registry"]
