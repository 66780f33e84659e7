"""BOHB: Hyperband whose new candidates come from a density model.

Source: Falkner, Klein and Hutter, "BOHB" (ICML 2018), algorithm 2, with the values of the authors'
implementation (HpBandSter) where the paper leaves them open.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import UserError
from harness.searcher import Observation
from harness.spaces import Architecture, SearchSpace
from harness.streams import below
from searchers.checks import at_least, at_most
from searchers.hyperband import Hyperband

MIN_BANDWIDTH = 1e-3


class Bohb(Hyperband):
    """Draws where good architectures are dense and bad ones are not (l(x) / g(x), as in TPE).

    The model is of the highest rung with enough results. It splits them into the best ones and
    the rest, and estimates a density for each: a product over decisions of Aitchison-Aitken
    kernels. A candidate is the best by l / g of `samples` draws around good ones. Every
    `random_fraction`-th candidate, and all before there is a model, are random.

    Args:
        space: Where to search; must be of fixed length.
        seed: The search's seed.
        fidelities: Epochs on offer, ascending.
        reduction_factor: eta.
        min_epochs: The lowest rung is not below; None: the least fidelity.
        good_fraction: Share of the results that are good.
        min_points: Results that either density needs; None: one more than decisions.
        samples: Draws that a candidate is the best of.
        random_fraction: Share of random candidates.

    Raises:
        UserError: If an option is out of range, or the space is not of fixed length.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        fidelities: Sequence[int],
        *,
        reduction_factor: int = 3,
        min_epochs: int | None = None,
        good_fraction: float = 0.15,
        min_points: int | None = None,
        samples: int = 64,
        random_fraction: float = 1 / 3,
    ) -> None:
        super().__init__(
            space, seed, fidelities, reduction_factor=reduction_factor, min_epochs=min_epochs
        )
        if space.sizes is None:
            raise UserError(
                f"bohb: the space '{space.name}' has no fixed decisions; use hyperband"
            )
        if min_points is None:
            min_points = len(space.sizes) + 1
        at_least(self, 2, min_points=min_points)
        at_least(self, 1, samples=samples)
        at_least(self, 0, good_fraction=good_fraction, random_fraction=random_fraction)
        at_most(self, 1, good_fraction=good_fraction, random_fraction=random_fraction)
        self.sizes = space.sizes
        self.good_fraction = good_fraction
        self.min_points = min_points
        self.samples = samples
        self.random_fraction = random_fraction
        self.results: dict[int, list[Observation]] = {level: [] for level in self.rungs}
        self.modelled = 0

    def draw(self) -> Architecture:
        model = self.model()
        if model is None or self.rng.random() < self.random_fraction:
            return super().draw()
        good, bad = model
        drawn = np.array([self._around(good) for _ in range(self.samples)])
        # Rounded, so that another machine's last digit does not choose another one.
        ratio = np.round(np.log(good.at(drawn)) - np.log(bad.at(drawn)), 9)
        architecture = tuple(drawn[int(np.argmax(ratio))].tolist())
        if architecture not in self.space:
            return super().draw()
        self.modelled += 1
        return architecture

    def _around(self, good: Density) -> list[int]:
        """A draw near one of the good results: decisions change with their bandwidth."""
        point: list[int] = good.points[below(self.rng, len(good.points))].tolist()
        for decision, (size, width) in enumerate(zip(self.sizes, good.bandwidths, strict=True)):
            if self.rng.random() < width:
                point[decision] = below(self.rng, size)
        return point

    def tell(self, observation: Observation) -> None:
        super().tell(observation)
        assert observation.fidelity is not None
        self.results[observation.fidelity].append(observation)

    def model(self) -> tuple[Density, Density] | None:
        """Densities of good and of bad results, at the highest rung that has enough of them."""
        for level in reversed(self.rungs):
            results = self.results[level]
            if len(results) >= self.min_points + 2:
                break
        else:
            return None
        results.sort(key=lambda o: (-o.value, o.number))
        points = np.array([o.architecture for o in results])
        n_good = max(self.min_points, int(self.good_fraction * len(points)))
        n_bad = max(self.min_points, int((1 - self.good_fraction) * len(points)))
        return Density(points[:n_good], self.sizes), Density(points[-n_bad:], self.sizes)

    def statistics(self) -> dict[str, int]:
        """Stands in the trace's header."""
        return {**super().statistics(), "modelled": self.modelled}


class Density:
    """A kernel density of categorical points.

    The kernel of a decision with c options is 1 - h at the point's own option and h / (c - 1) at
    the others (Aitchison and Aitken, Biometrika 63, 1976).

    Args:
        points: int [n, decisions].
        sizes: Options of every decision.

    Attributes:
        bandwidths: h of every decision, by the normal reference rule as in HpBandSter.
    """

    def __init__(self, points: np.ndarray, sizes: Sequence[int]) -> None:
        n, d = points.shape
        self.points = points
        options = np.maximum(np.array(sizes), 2)
        widths = 1.06 * points.std(axis=0) * n ** (-1.0 / (4 + d))
        self.bandwidths = np.clip(widths, MIN_BANDWIDTH, (options - 1) / options)
        self._other = self.bandwidths / (options - 1)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Densities [m] at points [m, decisions]."""
        same = points[:, None, :] == self.points[None, :, :]
        kernels = np.where(same, 1.0 - self.bandwidths, self._other)
        densities: np.ndarray = kernels.prod(axis=2).mean(axis=1)
        return densities
