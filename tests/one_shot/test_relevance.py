"""The Bayesian updates against closed forms, against linear algebra, and on planted weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from searchers.one_shot.relevance import (
    THRESHOLD,
    Relevance,
    entropy,
    fixed_point,
    posterior,
    update,
)

positive = st.floats(1e-3, 1e3)


def one(w: float, curvature: float, gamma: float) -> tuple[float, float, float]:
    found = update(np.array([w]), np.array([curvature]), np.array([gamma]))
    return found.C.item(), found.omega.item(), found.s.item()


def test_the_threshold_is_where_entropy_is_zero() -> None:
    assert pytest.approx(0.05854983, abs=1e-8) == THRESHOLD
    assert entropy(np.array([THRESHOLD, 1.0, 0.0])).tolist() == pytest.approx(
        [0.0, 0.5 * np.log(2 * np.pi * np.e), -np.inf], abs=1e-15
    )


def test_updates_by_hand() -> None:
    assert one(0.5, 4, 1) == pytest.approx((0.2, 0.894427, 0.559017), abs=1e-6)
    assert one(1, 1, 1) == pytest.approx((0.5, 0.707107, 1.414214), abs=1e-6)
    assert one(0.1, 10, 0.5) == pytest.approx((0.083333, 1.290994, 0.077460), abs=1e-6)
    assert fixed_point(np.array(0.5), np.array(4.0)) == pytest.approx(0.404508, abs=1e-6)


@given(st.floats(-10, 10), positive, positive)
def test_closed_forms_are_the_printed_ones(w: float, curvature: float, gamma: float) -> None:
    C, omega, s = one(w, curvature, gamma)
    assert pytest.approx(1 / (1 / gamma + curvature)) == C
    assert omega == pytest.approx(np.sqrt(curvature / (1 + gamma * curvature)))
    assert s == pytest.approx(abs(w) * np.sqrt(gamma + 1 / curvature))
    if curvature * gamma > 1e-3:  # Elsewhere the printed difference cancels.
        assert omega == pytest.approx(np.sqrt(gamma - C) / gamma, rel=1e-9)


@settings(max_examples=30)
@given(st.floats(1e-3, 10), positive)
def test_the_fixed_point_is_where_updates_lead(w: float, curvature: float) -> None:
    settled = fixed_point(np.array([w]), np.array([curvature]))
    again = update(np.array([w]), np.array([curvature]), settled)
    assert again.s == pytest.approx(settled)
    state = Relevance.start(1).gamma
    for _ in range(100):
        state = update(np.array([w]), np.array([curvature]), state).s
    assert state == pytest.approx(settled, rel=1e-2)


@pytest.mark.parametrize(("curvature", "least"), [(0.01, 0.0058), (1, 0.0414), (100, 0.0583)])
def test_the_first_update_prunes_small_weights_by_curvature(
    curvature: float, least: float
) -> None:
    bound = THRESHOLD / np.sqrt(1 + 1 / curvature)
    assert bound == pytest.approx(least, abs=5e-5)
    assert one(bound * 0.999, curvature, 1)[2] < THRESHOLD < one(bound * 1.001, curvature, 1)[2]


def test_extremes_stay_numbers() -> None:
    w = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    h = np.array([1.0, 0.0, 0.0, 1e300, 1.0])
    gamma = np.array([1.0, np.inf, 1.0, 1e300, 0.0])
    found = update(w, h, gamma)
    assert all(np.isfinite(values).all() for values in (found.C, found.omega, found.s))
    assert found.s[0] == found.s[1] == 0  # A weight of zero has no variance.
    assert found.s[2] == pytest.approx(1e6)  # Insensitive to it: kept, however small.
    assert found.C[4] == 0 and found.s[4] == 1


def test_negative_curvature() -> None:
    w, h, gamma = np.ones(1), np.full(1, -0.5), np.ones(1)
    assert update(w, h, gamma).s == update(w, np.full(1, 1e-12), gamma).s
    absolute = update(w, h, gamma, negative="absolute")
    assert absolute.s == update(w, np.full(1, 0.5), gamma).s
    of_alpha = update(w, h, gamma, negative="absolute-alpha")
    C = 1 / (1 / 1.0 - 0.5)
    assert of_alpha.C.item() == pytest.approx(C)
    assert of_alpha.alpha.item() == pytest.approx(abs(1 / 1.0 - C / 1.0**2))


@given(st.integers(1, 5), st.integers(0, 1000))
def test_groups_share_a_variance(members: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, h = rng.normal(size=(members, 4, 3)), rng.exponential(size=(members, 4, 3))
    gamma = rng.exponential(size=(4, 3)) + 1e-2
    group = update(w, h, gamma, axis=0)
    variances = 1 / (1 / gamma + h)
    np.testing.assert_allclose(group.C, variances)
    assert group.omega == pytest.approx(np.sqrt((1 / gamma - variances / gamma**2).sum(axis=0)))
    assert group.s == pytest.approx(np.linalg.norm(w, axis=0) / group.omega)
    if members == 1:
        single = update(w[0], h[0], gamma)
        assert group.omega == pytest.approx(single.omega) and group.s == pytest.approx(single.s)


def test_groups_of_a_kernel() -> None:
    w, h = np.random.default_rng(0).random((2, 8, 4, 3, 3))
    filters = update(w, h, np.ones(8), axis=(1, 2, 3))
    assert filters.s.shape == filters.omega.shape == (8,) and filters.C.shape == w.shape
    shapes = update(w, h, np.ones((4, 3, 3)), axis=0)
    assert shapes.s.shape == (4, 3, 3)


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="one of floor, absolute"):
        update(np.ones(1), np.ones(1), np.ones(1), negative="clip")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="floor above 0"):
        update(np.ones(1), np.ones(1), np.ones(1), floor=0)
    with pytest.raises(UserError, match="weights"):
        update(np.ones(2), np.ones(3), np.ones(2))


# --- the full matrix ------------------------------------------------------------------------


def regression(seed: int, n: int = 30, features: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    phi = rng.normal(size=(n, features))
    weights = np.zeros(features)
    weights[:3] = [2.0, -1.0, 0.5]
    return phi, phi @ weights + 0.1 * rng.normal(size=n)


@settings(max_examples=30)
@given(st.integers(0, 1000))
def test_posterior_is_that_of_linear_algebra(seed: int) -> None:
    phi, y = regression(seed)
    noise, gamma = 0.3, np.random.default_rng(seed).exponential(size=12)
    hessian, gradient = phi.T @ phi / noise, phi.T @ y / noise
    found = posterior(hessian, gradient, gamma)
    C = np.linalg.inv(np.diag(1 / gamma) + hessian)
    np.testing.assert_allclose(found.C, C, rtol=1e-6, atol=1e-10)
    assert found.mean == pytest.approx(C @ gradient, rel=1e-6, abs=1e-8)
    expected = 1 / gamma - np.diag(C) / gamma**2
    assert found.alpha == pytest.approx(expected, rel=1e-5, abs=1e-5 / gamma.min())
    covariance = noise * np.eye(len(y)) + phi * gamma @ phi.T
    evidence = np.linalg.slogdet(covariance)[1] + y @ np.linalg.solve(covariance, y)
    constant = len(y) * np.log(noise) + y @ y / noise
    assert found.objective + constant == pytest.approx(evidence, rel=1e-8, abs=1e-7)
    off = gamma.copy()
    off[0] = 0.0
    assert posterior(hessian, gradient, off).mean[0] == 0


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_evidence_never_falls_and_planted_weights_are_found(seed: int) -> None:
    phi, y = regression(seed)
    hessian, gradient = phi.T @ phi / 0.01, phi.T @ y / 0.01
    gamma, before = np.ones(12), np.inf
    for _ in range(200):
        now = posterior(hessian, gradient, gamma)
        assert now.objective <= before + 1e-8
        gamma, before = np.abs(now.mean) / np.sqrt(now.alpha), now.objective
    kept = np.flatnonzero(entropy(gamma) > 0)
    assert set(kept) == {0, 1, 2}


@given(st.integers(0, 1000))
def test_orthogonal_columns_need_no_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    phi = np.linalg.qr(rng.normal(size=(20, 6)))[0] * rng.exponential(size=6)
    hessian, gradient = phi.T @ phi, phi.T @ rng.normal(size=20)
    gamma = rng.exponential(size=6) + 1e-3
    full = posterior(hessian, gradient, gamma)
    single = update(full.mean, np.diag(hessian), gamma)
    np.testing.assert_allclose(single.C, np.diag(full.C))
    assert single.alpha == pytest.approx(full.alpha, rel=1e-6)
