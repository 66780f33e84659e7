"""Sparse Bayesian regression of values on decisions, with BayesNAS' updates. Our extension.

M. Yang, "Efficient Neural Network Architecture Search" (TU Delft, 2019), prunes the operations of
a supernet by the variances of a Gaussian prior, which curvature re-estimates. Here the same
updates say which decisions of evaluated architectures matter: in a linear regression the
curvature is known exactly. It is not the thesis' method, which never evaluates a network.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np

from harness.errors import UserError
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace
from harness.spaces.tss import EDGES, OPERATIONS
from searchers.checks import at_least, one_of
from searchers.one_shot.dag import SparseDAG, combined
from searchers.one_shot.relevance import Posterior, own_variance, posterior
from searchers.random_search import sample_unseen

DECIMALS = 9
"""Scores that agree in these are equal: the last digits differ between machines."""

_CELL = SparseDAG.complete(4, OPERATIONS[1:])
_NORMAL = NormalDist()


class BayesNasTabular(Searcher):
    """Thompson sampling from a sparse Bayesian linear regression: our extension, not the thesis'.

    The regression's features are the options of all decisions, one-hot: in `tss` the operations
    of the edges. Before each proposal the prior variances are estimated anew from all results,
    weights are drawn from the posterior, and of the candidates that were not proposed before the
    best by these weights is proposed; of equals the first. Candidates are the neighbours of the
    best architectures so far, and random ones. The search ends when the space is exhausted.

    A failed evaluation counts as the worst result: under "rank" as tied for it, under "value" as
    the least value heard so far.

    Args:
        space: Where to search; must be of fixed length.
        seed: The search's seed.
        initial_samples: Results that must be there before there is a model. Until then
            architectures are random.
        target: What is regressed. "rank": the values' ranks as quantiles of a normal
            distribution, which a few very bad architectures do not rule; "value": the values,
            standardised.
        dependency: "none", or "predecessors": the variances of an edge's operations are combined
            with those of the edges to its source, eq. (3-5); in `tss` alone.
        updates: Re-estimations of the prior variances, which begin at 1 each time. With 0 they
            stay there: ridge regression.
        parents: Best architectures whose neighbours are candidates.
        samples: Random candidates.

    Raises:
        UserError: If an option is out of range or does not fit the space.
    """

    libraries = ("numpy",)
    slowness = 150

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        initial_samples: int = 10,
        target: Literal["rank", "value"] = "rank",
        dependency: Literal["none", "predecessors"] = "none",
        updates: int = 10,
        parents: int = 5,
        samples: int = 50,
    ) -> None:
        super().__init__(space, seed)
        if space.sizes is None:
            raise UserError(
                f"bayesnas_tabular: the space '{space.name}' has no fixed decisions; use"
                " regularized_evolution"
            )
        at_least(self, 2, initial_samples=initial_samples)
        at_least(self, 1, parents=parents)
        at_least(self, 0, updates=updates, samples=samples)
        one_of(self, ("rank", "value"), target=target)
        one_of(self, ("none", "predecessors"), dependency=dependency)
        if dependency != "none" and space.name != "tss":
            raise UserError(
                f"bayesnas_tabular: dependency={dependency} needs the edges of a cell, which only"
                f" the space 'tss' has here, not '{space.name}'"
            )
        self.initial_samples = initial_samples
        self.target = normal_scores if target == "rank" else standardised
        self.couple = along_the_cell if dependency == "predecessors" else _apart
        self.updates = updates
        self.parents = parents
        self.samples = samples
        self.columns = Columns(space.sizes)
        self.told: list[Observation] = []
        self.proposed: dict[Architecture, None] = {}
        self.around: dict[Architecture, list[Architecture]] = {}
        self.modelled = 0

    def ask(self) -> Proposal | None:
        architecture = None
        if len(self.told) < self.initial_samples:
            architecture = sample_unseen(self.space, self.initial, self.proposed)
        elif candidates := self._candidates():
            architecture = self._best(candidates)
        else:
            architecture = sample_unseen(self.space, self.rng, self.proposed)
        if architecture is None:
            return None
        self.proposed[architecture] = None
        return Proposal(architecture)

    def tell(self, observation: Observation) -> None:
        self.told.append(observation)

    def _candidates(self) -> list[Architecture]:
        best = sorted(self.told, key=lambda o: (-o.value, o.number))[: self.parents]
        near = (child for o in best for child in self._neighbours(o.architecture))
        drawn = (self.space.sample(self.rng) for _ in range(self.samples))
        return [a for a in dict.fromkeys((*near, *drawn)) if a not in self.proposed]

    def _neighbours(self, architecture: Architecture) -> list[Architecture]:
        if architecture not in self.around:
            self.around[architecture] = self.space.neighbours(architecture)
        return self.around[architecture]

    def _best(self, candidates: Sequence[Architecture]) -> Architecture:
        features = self.columns.one_hot([o.architecture for o in self.told])
        values = np.array([o.value for o in self.told])
        belief = regression(features, self.target(values), self.updates, self.couple)
        weights = belief.mean + belief.root @ normals(self.rng, len(belief.mean))
        scores = np.round(weights[self.columns.of(candidates)].sum(axis=1), DECIMALS)
        self.modelled += 1
        return candidates[int(scores.argmax())]

    def statistics(self) -> dict[str, int]:
        """Stands in the trace's header."""
        return {"modelled": self.modelled}


# --- the regression -------------------------------------------------------------------------

NOISE = 0.3
"""Variance of the noise to begin with, beside targets of variance 1."""
LEAST_NOISE = 1e-3
LEAST_GAMMA = 1e-4
"""A decision without effect so far keeps so much variance, to be noticed later."""


def regression(
    features: np.ndarray,
    y: np.ndarray,
    updates: int,
    couple: Callable[[np.ndarray], np.ndarray],
) -> Posterior:
    """The posterior of a linear regression whose priors and noise are estimated by evidence.

    Every update takes the posterior mean for w in s = |w| / omega, eq. (4-4), with the exact
    curvature; so does the noise what expectation maximisation makes of it.

    Args:
        features: [n, columns].
        y: [n].
        updates: Re-estimations.
        couple: Makes of each column's own variance s [columns] the prior variances gamma.
    """
    centred = features - features.mean(axis=0)
    gram, moment, power = centred.T @ centred, centred.T @ y, y @ y
    gamma, noise = np.ones(features.shape[1]), NOISE
    belief = posterior(gram / noise, moment / noise, gamma)
    for _ in range(updates):
        s = own_variance(np.abs(belief.mean), np.sqrt(belief.alpha))
        gamma = np.maximum(couple(s), LEAST_GAMMA)
        residual = power - 2 * moment @ belief.mean + belief.mean @ gram @ belief.mean
        noise = max(float(residual + (gram * belief.C).sum()) / len(y), LEAST_NOISE)
        belief = posterior(gram / noise, moment / noise, gamma)
    return belief


def along_the_cell(s: np.ndarray) -> np.ndarray:
    """Variances of the cell's features, coupled along its graph; "none" is no operation of it."""
    table = s.reshape(len(EDGES), len(OPERATIONS))
    return np.column_stack([table[:, :1], combined(_CELL, table[:, 1:])]).ravel()


def _apart(s: np.ndarray) -> np.ndarray:
    return s


class Columns:
    """Where the options of all decisions stand in one row of features.

    Args:
        sizes: Options of every decision.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.width = sum(sizes)
        self._starts = np.cumsum([0, *sizes[:-1]])

    def of(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """The columns [n, decisions] that are 1."""
        return np.asarray(np.array(architectures, dtype=np.int64) + self._starts)

    def one_hot(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Features [n, columns]."""
        features = np.zeros((len(architectures), self.width))
        features[np.arange(len(architectures))[:, None], self.of(architectures)] = 1.0
        return features


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Normal quantiles of the mean ranks of values; equal ones, and all failed ones, are tied."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(values)
    return np.array([_NORMAL.inv_cdf(middle) for middle in middles])[place]


def standardised(values: np.ndarray) -> np.ndarray:
    """Values with mean 0 and variance 1, failed ones as the least of the others."""
    heard = values[np.isfinite(values)]
    if len(heard) == 0:
        return np.zeros(len(values))
    filled = np.where(np.isfinite(values), values, heard.min())
    deviation = float(filled.std())
    return np.asarray((filled - filled.mean()) / (deviation if deviation > 0 else 1.0))


def normals(rng: random.Random, n: int) -> np.ndarray:
    """Standard normal draws by the inverse of the distribution function."""
    return np.array([_NORMAL.inv_cdf(max(rng.random(), 2.0**-53)) for _ in range(n)])
