"""The Monte-Carlo study: its properties, the published tables, equal costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

from harness.benchmarks.rastrigin import HIGH, rastrigin
from harness.errors import UserError
from reports.studies.noise.economics import EVALUATE_BETTER, OPEN, SEARCH_MORE, equal_costs
from reports.studies.noise.fields import cells_of
from reports.studies.noise.genetic_phases import NAME, genetic_phases, random_points
from reports.studies.noise.landscape import range_gap, top_fraction
from reports.studies.noise.published import (
    AGREES,
    CHANCE,
    DIFFERS,
    TABLE_4_3,
    TABLE_5_4,
    TAUS_4_3,
    TAUS_5_4,
    covers,
    table_4_3,
    table_5_4,
)
from reports.studies.noise.simulation import Settings, simulate, simulated_runs, vision

SMALL = Settings((2, 3), (1.0, 0.85, 0.65), (5, 20, 100), repeats=300)


def test_more_generations_and_less_noise_find_better_points() -> None:
    simulation = simulate(SMALL)
    assert len(simulation.cells) == 2 * 3 * 3
    for metric in ("range_gap", "top_fraction"):
        means = np.array([getattr(c, metric).mean.mean for c in simulation.cells])
        means = means.reshape(2, 3, 3)  # dimensions, generations, taus
        assert (np.diff(means, axis=1) < 0).all()
        assert (np.diff(means, axis=2) > 0).all()


def test_cells_summarise_their_runs() -> None:
    simulation = simulate(SMALL)
    cell = simulation.cell(3, 0.85, 20)
    values = simulated_runs(SMALL, 3, 0.85).found[20]
    for measured, found in (
        (cell.range_gap, range_gap(values, 3)),
        (cell.top_fraction, top_fraction(values, 3)),
    ):
        assert measured.mean.mean == pytest.approx(found.mean())
        assert measured.error == pytest.approx(found.std(ddof=1) / 300**0.5)
        assert (measured.low, measured.high) == tuple(np.quantile(found, [0.025, 0.975]))
        assert measured.mean.low is not None and measured.mean.high is not None
        assert measured.mean.low < found.mean() < measured.mean.high
    assert cell.evaluations == 210
    along = simulation.progressions[4]
    assert (along.dimensions, along.tau) == (3, 0.85)
    assert along.evaluations == (20, 30, 60, 110, 210, 260, 510, 1010)
    assert along.range_gap.mean[4] == pytest.approx(cell.range_gap.mean.mean)


def test_a_cell_depends_on_nothing_but_its_own_settings() -> None:
    alone = simulate(replace(SMALL, dimensions=(3,), taus=(0.65,)))
    assert alone.cells[-1] == simulate(SMALL).cell(3, 0.65, 100)
    other = simulate(replace(SMALL, dimensions=(3,), taus=(0.65,), seed=1))
    assert other.cells[-1] != alone.cells[-1]


def test_runs_share_their_fields_across_taus_and_frozen_ones_share_one() -> None:
    one, other = (vision(SMALL, 2, tau) for tau in (0.85, 0.65))
    np.testing.assert_array_equal(one.fields, other.fields)
    assert len(set(one.fields.tolist())) == 300
    frozen = vision(replace(SMALL, frozen=True), 2, 0.65)
    assert len(set(frozen.fields.tolist())) == 1
    points = np.random.default_rng(0).uniform(-HIGH, HIGH, (200, 2))
    one_run, another = (frozen.evaluate(points, np.full(200, repeat)) for repeat in (0, 7))
    np.testing.assert_array_equal(one_run, another)
    noise = other.evaluate(points, np.zeros(200, int)) - rastrigin(points)
    expected = other.noise.noise.of(other.fields[0], cells_of(points))
    np.testing.assert_allclose(noise, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repeats": 1}, "1 repeats: at least 2"),
        ({"generations": (0, 5)}, "at least 1"),
        ({"taus": ()}, "at least one"),
        ({"dimensions": (12,)}, "12 dimensions"),
        ({"taus": (0.0,)}, "tau 0.0"),
    ],
)
def test_what_cannot_be_simulated(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        simulate(replace(SMALL, **change))  # type: ignore[arg-type]


def test_random_points_against_one_loop_a_run() -> None:
    seen = vision(SMALL, 2, 0.65)
    found = random_points(seen, 40, [30, 250], seed=3)
    rng = np.random.default_rng([3, 2, 1])
    blocks = [rng.uniform(-HIGH, HIGH, (40, n, 2)) for n in (30, 100, 100, 20)]
    drawn = np.concatenate(blocks, axis=1)
    for repeat in range(40):
        values = seen.evaluate(drawn[repeat], np.full(250, repeat))
        for place, budget in enumerate((30, 250)):
            best = drawn[repeat, np.argmin(values[:budget])]
            assert found[place, repeat] == pytest.approx(float(rastrigin(best)))


def test_the_genetic_algorithm_against_random_points() -> None:
    diagram = genetic_phases(SMALL, 3)
    assert (diagram.budgets, diagram.seeds) == ((60, 210, 1010), 100)
    phase = diagram.phase(NAME, "1", 1010)
    ours = range_gap(simulated_runs(SMALL, 3, 1.0).found[100][:100], 3)
    theirs = range_gap(random_points(vision(SMALL, 3, 1.0), 100, [60, 210, 1010], 0)[2], 3)
    assert phase.difference.mean == pytest.approx((ours - theirs).mean())
    assert phase.result.mean == pytest.approx(ours.mean())
    assert phase.random == pytest.approx(theirs.mean())
    assert [level.tau for level in diagram.levels] == pytest.approx([1.0, 0.85, 0.65], abs=0.005)


def test_equal_costs() -> None:
    settings = replace(SMALL, taus=(1.0, 0.85, 0.75), generations=(100,))
    rows = equal_costs(settings, {0.85: 2.5, 0.75: 10.0, 0.4: 3.0})
    assert [(r.dimensions, r.budget, r.tau, r.generations) for r in rows] == [
        (d, b, t, g)
        for d in (2, 3)
        for b, t, g in ((10, 0.85, 25), (10, 0.75, 100), (20, 0.85, 50))
    ]
    p = []
    for row in rows:
        d = row.dimensions
        proxy = range_gap(simulated_runs(settings, d, row.tau).found[row.generations], d)
        truth = range_gap(simulated_runs(settings, d, 1.0).found[row.budget], d)
        assert row.difference.mean == pytest.approx((proxy - truth).mean())
        assert (row.proxy.mean, row.truth.mean) == pytest.approx((proxy.mean(), truth.mean()))
        p.append(wilcoxon(proxy, truth, zero_method="pratt").pvalue)
        assert row.p == pytest.approx(p[-1])
    adjusted = multipletests(p, method="holm")[1]
    for row, value in zip(rows, adjusted, strict=True):
        assert row.p_holm == pytest.approx(value)
        assert row.difference.low is not None and row.difference.high is not None
        if value < 0.05 and row.difference.high < 0:
            assert row.verdict == SEARCH_MORE
        elif value < 0.05 and row.difference.low > 0:
            assert row.verdict == EVALUATE_BETTER
        else:
            assert row.verdict == OPEN
    assert equal_costs(replace(settings, taus=(0.85,))) == ()


def test_published_tables_beside_a_simulation() -> None:
    # The published first row alone is quick to simulate.
    table = {3: {10: TABLE_4_3[3][10]}}
    settings = Settings((3,), TAUS_4_3, (10,), repeats=1_000)
    assert covers(settings, table, TAUS_4_3)
    assert not covers(settings, TABLE_4_3, TAUS_4_3)
    assert not covers(replace(settings, taus=(1.0,)), table, TAUS_4_3)
    for tau, published in zip(TAUS_4_3, table[3][10], strict=True):
        cell = simulate(settings).cell(3, tau, 10)
        assert cell.range_gap.mean.mean == pytest.approx(published, abs=0.01)
        # As shares of the space, as which they are printed, the numbers are far off.
        assert (cell.top_fraction.mean.mean or 1.0) < published / 2


@pytest.mark.slow
def test_table_5_4() -> None:
    table = table_5_4()
    assert len(table.cells) == 36
    free = [cell for cell in table.cells if cell.tau == 1.0]
    assert all(abs(cell.error) <= 0.01 and cell.verdict == AGREES for cell in free)
    assert [cell.published for cell in table.cells if cell.dimensions == 2][:4] == [
        *TABLE_5_4[2][10]
    ]
    assert max(abs(cell.error) for cell in table.cells) < 0.015
    for cell in table.cells:
        within = abs(cell.error) <= cell.tolerance
        assert (cell.verdict == AGREES) == within
        assert (cell.verdict == CHANCE) == (not within and abs(cell.z) <= 2)
    assert covers(table.simulation.settings, TABLE_5_4, TAUS_5_4)


@pytest.mark.slow
def test_table_4_3() -> None:
    """Its genetic algorithm is another one: at 1,000 generations its results differ."""
    table = table_4_3()
    free = {cell.generations: cell for cell in table.cells if cell.tau == 1.0}
    assert {g: cell.verdict for g, cell in free.items()} == {
        10: AGREES,
        100: AGREES,
        1000: DIFFERS,
    }
    assert abs(free[10].error) <= 0.01 and abs(free[100].error) <= 0.01
    assert free[1000].published > 4 * free[1000].ours


@pytest.mark.slow
def test_gaussian_noise_fits_the_published_numbers_worse() -> None:
    settings = Settings((2, 3, 4), TAUS_5_4, repeats=300)
    errors = {}
    for law in ("uniform", "gaussian"):
        table = table_5_4(simulate(replace(settings, law=law)))
        noisy = [cell for cell in table.cells if cell.tau < 1 and cell.generations == 1000]
        errors[law] = np.mean([abs(cell.error) for cell in noisy])
    assert errors["gaussian"] > 2 * errors["uniform"]
