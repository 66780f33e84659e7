"""A strategy against each other one, checked against scipy and statsmodels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import brunnermunzel, wilcoxon
from statsmodels.stats.multitest import multipletests

from harness.experiment import Experiment
from reports.comparison import ALPHA, SIGNED_RANK, UNDECIDED, UNPAIRED
from reports.endings import read_endings
from reports.head_to_head import head_to_head

BASIC, CROSSED = "era_evolution", "era_evolution:form=crossover"
OTHERS = ("local_search", "reinforce", BASIC)


@pytest.fixture(scope="module")
def ran(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rivals")
    searchers = ["random_search", *OTHERS, CROSSED]
    grid = Experiment([f"{table}#one", f"{table}#two"], searchers, 25, {"evaluations": 60})
    return grid.run(out, inline=True)


def finals(ran: Path, label: str, benchmark: str) -> np.ndarray:
    """Reported results by seed."""
    _, endings = read_endings(ran)
    (found,) = (e for (who, (name, _)), e in endings.items() if (who, name) == (label, benchmark))
    assert found.seeds.tolist() == list(range(25))
    return found.values["report"]


def test_against_scipy(ran: Path) -> None:
    both = head_to_head(ran, CROSSED)
    assert [found.benchmark for found in both] == ["synthetic#one", "synthetic#two"]
    comparisons = []
    for found in both:
        assert found.unit == "%" and [rival for rival, _ in found.rivals] == list(OTHERS)
        for rival, comparison in found.rivals:
            ours, theirs = (finals(ran, who, found.benchmark) for who in (CROSSED, rival))
            assert comparison.n == 25
            assert comparison.difference.mean == pytest.approx((ours - theirs).mean())
            assert comparison.correlation == pytest.approx(np.corrcoef(ours, theirs)[0, 1])
            p = {
                SIGNED_RANK: wilcoxon(ours, theirs, zero_method="pratt").pvalue,
                UNPAIRED: brunnermunzel(ours, theirs).pvalue,
            }[comparison.test]
            assert comparison.p == pytest.approx(p)
            comparisons.append(comparison)
    adjusted = multipletests([c.p for c in comparisons], method="holm")[1]
    assert [c.p_holm for c in comparisons] == pytest.approx(adjusted.tolist())
    for comparison, p in zip(comparisons, adjusted, strict=True):
        mean = comparison.difference.mean
        assert mean is not None
        if comparison.verdict == UNDECIDED:
            continue
        assert p < ALPHA and comparison.verdict == ("better" if mean > 0 else "worse")


def test_verdicts_are_mutual(ran: Path) -> None:
    """What one strategy is against another, the other is not against it."""
    for label in OTHERS:
        for one, other in zip(head_to_head(ran, CROSSED), head_to_head(ran, label), strict=True):
            there, back = dict(one.rivals)[label], dict(other.rivals)[CROSSED]
            assert there.difference.mean == pytest.approx(-back.difference.mean)  # type: ignore[operator]
            assert there.p == pytest.approx(back.p)


def test_a_clear_winner_is_shown(table: Path, tmp_path: Path) -> None:
    """Ten times the tournament is better than the walk of random parents."""
    walk = "regularized_evolution:population_size=10,tournament_size=1"
    picky = "regularized_evolution:population_size=10,tournament_size=10"
    grid = Experiment([f"{table}#one"], [walk, picky], 20, {"evaluations": 100})
    grid.run(tmp_path, inline=True)
    verdicts = [head_to_head(tmp_path, label)[0].rivals[0][1].verdict for label in (picky, walk)]
    assert verdicts == ["better", "worse"]


def test_seeds_in_common(ran: Path, table: Path, tmp_path: Path) -> None:
    Experiment([f"{table}#one"], ["local_search"], 9, {"evaluations": 9}).run(
        tmp_path, inline=True
    )
    Experiment([f"{table}#one"], ["reinforce"], [3, 5, 20], {"evaluations": 9}).run(
        tmp_path, inline=True
    )
    (found,) = head_to_head(tmp_path, "reinforce")
    assert [(rival, comparison.n) for rival, comparison in found.rivals] == [("local_search", 2)]
    assert head_to_head(tmp_path, "absent") == ()
