"""Do groups of searches differ? Tests on pairwise distances and on results.

Pairwise distances are not independent: every search is in many pairs. So the p values that count
permute the labels of whole searches, and the distances stay as they are:

* the pseudo-F of PERMANOVA (Anderson, "A new method for non-parametric multivariate analysis of
  variance", Austral Ecology 26, 2001);
* the Kruskal-Wallis statistic over the sets of distances within and between groups, whose
  chi-squared p value, as Kyriakides (2022, section 8.3) reports it, stands beside.

Searches under one seed share their initial design. Where every seed has every label, labels are
permuted within seeds only. A small p says that the groups differ in what they find or in how much
they scatter: the pseudo-F sees both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial, inf

import numpy as np

from reports.studies.diversity.result import LabelTest

PERMUTATIONS = 9_999
_BATCH = 500
_SEED = 20_010_801
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Labelled:
    """Searches with distances between them.

    Attributes:
        distance: float64 [n, n], symmetric, with a zero diagonal.
        label: int64 [n], group of each search, 0 to groups - 1.
        block: int64 [n], the seed (or whatever else labels are permuted within).
    """

    distance: np.ndarray
    label: np.ndarray
    block: np.ndarray

    @property
    def blocked(self) -> bool:
        """Whether every block has every label equally often."""
        labels, blocks = int(self.label.max()) + 1, np.unique(self.block, return_inverse=True)[1]
        counts = np.bincount(blocks * labels + self.label, minlength=(blocks.max() + 1) * labels)
        return bool(np.ptp(counts) == 0)

    def only(self, *labels: int) -> Labelled:
        """The searches of some groups, which are numbered anew."""
        kept = np.flatnonzero(np.isin(self.label, labels))
        number = np.unique(self.label[kept], return_inverse=True)[1]
        return Labelled(self.distance[np.ix_(kept, kept)], number, self.block[kept])


def label_test(data: Labelled, permutations: int = PERMUTATIONS) -> LabelTest:
    """Both statistics with their p values."""
    n, groups = len(data.label), int(data.label.max()) + 1
    size = np.bincount(data.label)
    upper = np.triu_indices(n, 1)
    ranks = np.zeros_like(data.distance)
    ranks[upper] = _ranked(data.distance[upper])
    ranks += ranks.T
    squares = data.distance**2
    ties = _tie_correction(data.distance[upper])
    total = squares[upper].sum() / n

    def statistics(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        member = (label[:, :, None] == np.arange(groups)).astype(np.float64)
        within = np.einsum("bng,bng->bg", member, squares @ member) / 2.0
        of_ranks = np.einsum("bng,bnh->bgh", member, ranks @ member)
        return (within / size).sum(axis=1), _kruskal(of_ranks, size, len(upper[0]), ties)

    observed_within, observed_kruskal = (s[0] for s in statistics(data.label[None]))
    blocked = data.blocked
    rng = np.random.default_rng([_SEED, n, groups])
    as_far = as_large = 0
    for start in range(0, permutations, _BATCH):
        drawn = _permuted(data, blocked, min(_BATCH, permutations - start), rng)
        within, kruskal = statistics(drawn)
        # The pseudo-F falls as the distances within groups grow.
        as_far += int((within <= observed_within * (1.0 + _SLACK)).sum())
        as_large += int((kruskal >= observed_kruskal - _SLACK).sum())
    pseudo_f = None
    if observed_within > 0 and n > groups:
        pseudo_f = ((total - observed_within) / (groups - 1)) / (observed_within / (n - groups))
    known = total > 0 and np.isfinite(observed_kruskal)
    return LabelTest(
        pseudo_f=None if pseudo_f is None else float(pseudo_f),
        p=(1 + as_far) / (1 + permutations) if total > 0 else None,
        kruskal=float(observed_kruskal) if known else None,
        kruskal_naive=_chi_squared(observed_kruskal, size) if known else None,
        kruskal_p=(1 + as_large) / (1 + permutations) if known else None,
        permutations=permutations,
        blocked=blocked,
        least=_least(data, blocked, permutations),
    )


def ks_test(a: np.ndarray, b: np.ndarray) -> tuple[float | None, float | None]:
    """Two-sample Kolmogorov-Smirnov statistic and p value of results [n] and [m], NaNs left out.

    The p value takes the searches for independent, and ties make it too large.
    """
    from scipy.stats import ks_2samp

    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not (a.size and b.size):
        return None, None
    found = ks_2samp(a, b)
    return float(found.statistic), float(found.pvalue)


def benjamini_hochberg(ps: Sequence[float | None]) -> list[float | None]:
    """p values adjusted for their false discovery rate; None stays None."""
    from statsmodels.stats.multitest import multipletests

    tested = [p for p in ps if p is not None]
    if not tested:
        return list(ps)
    adjusted = iter(multipletests(tested, method="fdr_bh")[1].tolist())
    return [None if p is None else next(adjusted) for p in ps]


def _ranked(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values))


def _tie_correction(values: np.ndarray) -> float:
    count = np.unique(values, return_counts=True)[1].astype(np.float64)
    n = len(values)
    return float(1.0 - (count**3 - count).sum() / (n**3 - n)) if n > 1 else 0.0


def _kruskal(of_ranks: np.ndarray, size: np.ndarray, pairs: int, ties: float) -> np.ndarray:
    """The statistic of sums of ranks [permutations, groups, groups] over ordered pairs."""
    count = np.multiply.outer(size, size).astype(np.float64)
    np.fill_diagonal(count, size * (size - 1) / 2.0)
    # Pairs within a group are in its sum twice, pairs between two groups in both of theirs.
    first, second = np.triu_indices(len(size))
    total = of_ranks[:, first, second] / np.where(first == second, 2.0, 1.0)
    count = count[first, second]
    kept = count > 0
    spread = (total[:, kept] ** 2 / count[kept]).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (12.0 / (pairs * (pairs + 1.0)) * spread - 3.0 * (pairs + 1.0)) / ties
    return np.asarray(found)


def _chi_squared(statistic: float, size: np.ndarray) -> float:
    from scipy.stats import chi2

    groups = len(size)
    sets = groups * (groups - 1) // 2 + int((size > 1).sum())
    return float(chi2.sf(statistic, sets - 1))


def _permuted(data: Labelled, blocked: bool, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Labels permuted within blocks, or freely, int64 [draws, n]."""
    block = np.unique(data.block, return_inverse=True)[1] if blocked else np.zeros_like(data.label)
    keys = block + rng.random((draws, len(block)))
    permuted = np.empty((draws, len(block)), dtype=np.int64)
    permuted[:, np.argsort(block, kind="stable")] = data.label[np.argsort(keys, axis=1)]
    return permuted


def _least(data: Labelled, blocked: bool, permutations: int) -> float:
    """The least p value: what draws allow, and no less than two of all labellings are alike."""
    size = np.bincount(data.label)
    if blocked:
        blocks = len(np.unique(data.block))
        each = size // blocks
        ways = _log_ways(each) * blocks
    else:
        ways = _log_ways(size)
    # Groups of one size may be renamed without changing a statistic.
    same = np.unique(size, return_counts=True)[1]
    renamed = float(np.log(np.prod([float(factorial(int(k))) for k in same])))
    share = float(np.exp(max(renamed - ways, -inf)))
    return max(min(share, 1.0), 1.0 / (1 + permutations))


def _log_ways(size: np.ndarray) -> float:
    """Log of the number of ways to give out labels."""
    from scipy.special import gammaln

    return float(gammaln(size.sum() + 1) - gammaln(size + 1).sum())
