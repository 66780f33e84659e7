"""Noise fields, their calibration, and the measures of what a search has found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import kendalltau, kstest

from harness.benchmarks.rastrigin import HIGH, POINTS, noisy_rastrigin, rastrigin
from harness.errors import UserError
from harness.streams import uniform
from reports.studies.noise.calibration import (
    TOLERANCE,
    calibrated,
    expected_tau,
    measured_tau,
)
from reports.studies.noise.fields import CELLS, Noise, cells_of, centres, standard, uniforms
from reports.studies.noise.landscape import RANGE, range_gap, top_fraction

CELL = np.arange(100_000, dtype=np.int64)


@given(st.integers(0, 2**64 - 1), st.integers(0, 100**8 - 1))
def test_the_hash_is_that_of_the_streams(field: int, cell: int) -> None:
    found = uniforms(np.uint64(field), np.array([cell], dtype=np.int64))
    assert found[0] == uniform(field, cell, 0)


def test_fractions_are_uniform_and_independent_of_their_neighbours() -> None:
    for field in (0, 1, 2**63):
        fractions = uniforms(np.uint64(field), CELL)
        assert kstest(fractions, "uniform").pvalue > 1e-4
        for lag in (1, CELLS):
            assert abs(np.corrcoef(fractions[lag:], fractions[:-lag])[0, 1]) < 0.015
    # A field's own seed is as good a number as any: neighbouring seeds are not alike.
    rows = uniforms(np.arange(50, dtype=np.uint64)[:, None], CELL[:2_000])
    across = np.corrcoef(rows)
    assert np.abs(across[np.triu_indices(50, 1)]).max() < 0.12
    assert kstest(rows[:, 17], "uniform").pvalue > 1e-4


def test_noise_depends_on_field_and_cell_alone() -> None:
    order = np.random.default_rng(0).permutation(CELL.size)
    fields = np.random.default_rng(1).integers(0, 1 << 64, CELL.size, dtype=np.uint64)
    for noise in (Noise("uniform", 3.0), Noise("gaussian", 3.0)):
        at_once = noise.of(fields, CELL)
        np.testing.assert_array_equal(noise.of(fields[order], CELL[order]), at_once[order])
        np.testing.assert_array_equal(noise.of(fields[:3], CELL[:3]), at_once[:3])


def test_laws() -> None:
    even = standard("uniform", np.uint64(5), CELL)
    assert kstest(even, "uniform", args=(-1.0, 2.0)).pvalue > 1e-4
    assert kstest(standard("gaussian", np.uint64(5), CELL), "norm").pvalue > 1e-4
    assert np.isfinite(standard("gaussian", np.uint64(5), CELL)).all()
    for noise in (Noise("uniform", 4.0), Noise("gaussian", 4.0)):
        assert noise.of(np.uint64(9), CELL).std() == pytest.approx(noise.deviation, rel=0.01)
    np.testing.assert_array_equal(Noise("uniform", 0.0).of(np.uint64(9), CELL), 0.0)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4, 8])
def test_cells_and_their_middles(dimensions: int) -> None:
    cells = np.random.default_rng(2).integers(0, CELLS**dimensions, 5_000)
    middles = centres(cells, dimensions)
    np.testing.assert_array_equal(cells_of(middles), cells)
    inside = middles + 0.049 * np.sign(middles)  # a cell is 0.1024 wide
    np.testing.assert_array_equal(cells_of(inside), cells)
    corners = np.array([[-HIGH] * dimensions, [HIGH] * dimensions])
    np.testing.assert_array_equal(cells_of(corners), [0, CELLS**dimensions - 1])


AMPLITUDES = {
    (2, 0.85): 6.0, (2, 0.75): 10.2, (2, 0.65): 15.0,
    (3, 0.85): 7.3, (3, 0.75): 12.5, (3, 0.65): 18.4,
    (4, 0.85): 8.4, (4, 0.75): 14.3, (4, 0.65): 21.1,
}  # fmt: skip
"""Uniform amplitudes that a bisection on the tau of drawn noise found, by another program."""

RATIOS = {0.95: 0.08, 0.85: 0.245, 0.75: 0.42, 0.65: 0.62}
"""The same for Gaussian noise, in standard deviations of the function; in every dimension."""


@pytest.mark.parametrize(("dimensions", "tau"), AMPLITUDES)
def test_uniform_amplitudes(dimensions: int, tau: float) -> None:
    found = calibrated(dimensions, tau, "uniform")
    assert found.noise.amplitude == pytest.approx(AMPLITUDES[dimensions, tau], rel=0.015)
    assert abs(found.measured - tau) < TOLERANCE


@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_gaussian_amplitudes(dimensions: int) -> None:
    deviation = rastrigin(centres(np.arange(CELLS), 1)).std() * dimensions**0.5
    for tau, ratio in RATIOS.items():
        found = calibrated(dimensions, tau, "gaussian")
        assert found.noise.amplitude / deviation == pytest.approx(ratio, abs=0.006)
        assert abs(found.measured - tau) < TOLERANCE


@pytest.mark.parametrize("law", ["uniform", "gaussian"])
def test_frozen_noise_has_the_tau_itself(law: str) -> None:
    for dimensions in (1, 2, 3):
        found = calibrated(dimensions, 0.7, law, field=11)  # type: ignore[arg-type]
        assert abs(found.measured - 0.7) < TOLERANCE
        if dimensions <= 2:
            cells = np.arange(CELLS**dimensions)
            true = rastrigin(centres(cells, dimensions)).round(9)
            noisy = true + found.noise.of(np.uint64(11), cells)
            assert abs(kendalltau(true, noisy).statistic - 0.7) < TOLERANCE


def test_expected_tau_is_the_mean_of_measured_ones() -> None:
    for noise in (Noise("uniform", 10.0), Noise("gaussian", 5.0)):
        taus = [measured_tau(2, noise, [field]) for field in range(20)]
        error = np.std(taus) / 20**0.5
        assert abs(np.mean(taus) - expected_tau(2, noise)) < 4 * error + 0.001


def test_amplitudes_grow_as_tau_falls() -> None:
    found = [calibrated(3, tau, "uniform").noise.amplitude for tau in (1.0, 0.9, 0.6, 0.3, 0.1)]
    assert found[0] == 0.0
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("dimensions", "tau", "message"),
    [
        (0, 0.5, "0 dimensions: 1 to 8"),
        (9, 0.5, "9 dimensions"),
        (2, 0.0, "tau 0.0"),
        (2, 1.1, "tau 1.1"),
    ],
)
def test_what_cannot_be_calibrated(dimensions: int, tau: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        calibrated(dimensions, tau, "uniform")


def test_the_range() -> None:
    found = minimize_scalar(
        lambda x: -float(rastrigin(np.array([x]))), bounds=(4.3, 4.7), method="bounded"
    )
    assert -found.fun == pytest.approx(RANGE, abs=0.001)
    grid = rastrigin(np.linspace(-HIGH, HIGH, 100_001)[:, None])
    assert grid.max() <= RANGE + 0.001
    assert range_gap(np.array([0.0, RANGE, 3 * RANGE]), 3).tolist() == pytest.approx([0, 1 / 3, 1])


@pytest.mark.parametrize("dimensions", [1, 2])
def test_top_fraction_against_a_fine_grid(dimensions: int) -> None:
    n = 200_000 if dimensions == 1 else 3_000
    axis = rastrigin(((np.arange(n) + 0.5) / n * 2 - 1)[:, None] * HIGH)
    grid = axis if dimensions == 1 else (axis[:, None] + axis).ravel()
    values = np.concatenate([[0.0, 0.05], np.linspace(0.2, 1.05 * grid.max(), 200)])
    share = np.searchsorted(np.sort(grid), values) / grid.size
    np.testing.assert_allclose(top_fraction(values, dimensions), share, atol=1e-4)


@pytest.mark.parametrize("dimensions", [3, 4, 8])
def test_top_fraction_against_random_points(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    drawn = np.sort(rastrigin(rng.uniform(-HIGH, HIGH, (400_000, dimensions))))
    levels = np.array([1e-4, 0.01, 0.2, 0.5, 0.9, 0.9999])
    found = top_fraction(np.quantile(drawn, levels), dimensions)
    assert (np.abs(found - levels) < 4 * np.sqrt(levels * (1 - levels) / drawn.size)).all()
    assert (
        np.diff(top_fraction(np.linspace(0, RANGE * dimensions, 1_000), dimensions)) >= 0
    ).all()


def test_the_lattice_benchmark_is_the_function() -> None:
    benchmark = noisy_rastrigin(3, "uniform", 0.0)
    axis = np.linspace(-HIGH, HIGH, POINTS)
    for cell in [(0, 0, 0), (50, 50, 50), (3, 77, 100), (100, 3, 77)]:
        assert benchmark.report(cell) == pytest.approx(float(rastrigin(axis[list(cell)])))
        assert benchmark.read(cell, None, 5, 0) == benchmark.report(cell)
    assert benchmark.report((3, 77, 100)) == benchmark.report((100, 3, 77))
    assert benchmark.report((50, 50, 50)) == benchmark.optimum == 0.0


def test_noise_of_the_lattice() -> None:
    cells = [(i, j) for i in range(60) for j in range(60)]
    for law, deviation in (("uniform", 7.0 / 3**0.5), ("gaussian", 7.0)):
        redrawn = noisy_rastrigin(2, law, 7.0)
        noise = {
            seed: np.array([redrawn.read(c, None, seed, 0) - redrawn.report(c) for c in cells])
            for seed in (0, 1)
        }
        assert noise[0].std() == pytest.approx(deviation, rel=0.05)
        assert abs(noise[0].mean()) < 4 * deviation / 60
        assert abs(np.corrcoef(noise[0], noise[1])[0, 1]) < 0.06
        frozen = noisy_rastrigin(2, law, 7.0, frozen=True)
        answers = [[frozen.read(c, None, seed, 0) for c in cells[:50]] for seed in (0, 1)]
        assert answers[0] == answers[1]
