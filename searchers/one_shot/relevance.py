"""Automatic relevance determination: prior variances of weights, re-estimated from curvature.

Every weight w has the prior N(0, gamma). With a loss that is quadratic around its minimum with
curvature H (Laplace), minus twice the log evidence is, up to constants, the minimum over w of

    2 E + w^2 / gamma + ln(1 + gamma H).

The logarithm is concave in gamma; its tangent has the slope alpha = H / (1 + gamma H). What it
bounds is least at gamma = |w| / omega with omega = sqrt(alpha), and there it is the penalty
2 omega |w|. So each update lowers the objective: train with the penalty, take H, and re-weight
(M. Yang, "Efficient Neural Network Architecture Search", TU Delft, 2019, equations (4-1) to
(4-5) and (A-2) to (A-5)).

Curvature and penalty are in the same units: with a loss of E + lambda * penalty, the curvature to
give is H / lambda. The printed (4-2) takes H itself; callers name their choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import e, pi
from typing import Literal, get_args

import numpy as np

from harness.errors import UserError

THRESHOLD = 1 / (2 * pi * e)
"""The variance, 0.0585, at which a Gaussian's entropy is 0; at or below it weights are pruned."""

CURVATURE_FLOOR = 1e-12
"""The least curvature that an update reckons with."""

Negative = Literal["floor", "absolute", "absolute-alpha"]
"""What an update makes of negative curvature, which a trained network may well have."""


@dataclass(frozen=True)
class Relevance:
    """What the next iteration is trained with.

    Attributes:
        gamma: Prior variances, one for each weight or group.
        omega: Weights of the penalty, of gamma's shape.
    """

    gamma: np.ndarray
    omega: np.ndarray

    @classmethod
    def start(cls, shape: int | tuple[int, ...]) -> Relevance:
        """All of them 1, as Algorithm 1 begins."""
        return cls(np.ones(shape), np.ones(shape))


@dataclass(frozen=True)
class Update:
    """What one update found.

    Attributes:
        C: Posterior variances, of the weights' shape, (4-2).
        alpha: Slopes 1/gamma - C/gamma^2 of the same shape, (A-4).
        omega: The next weights of the penalty, one for each weight or group, (4-3).
        s: Each one's own next variance, of omega's shape, (4-4); `combined` makes gamma of it.
    """

    C: np.ndarray
    alpha: np.ndarray
    omega: np.ndarray
    s: np.ndarray


def update(
    w: np.ndarray,
    curvature: np.ndarray,
    gamma_before: np.ndarray,
    *,
    axis: int | tuple[int, ...] | None = None,
    negative: Negative = "floor",
    floor: float = CURVATURE_FLOOR,
) -> Update:
    """One re-weighting, (4-2) to (4-4), in forms that are stable for every gamma and H.

    C = 1 / (1/gamma + H), alpha = 1 / (gamma + 1/H), omega = sqrt(alpha), s = |w| / omega.

    In groups (stacked cells that share a topology, or a filter's weights) gamma is the group's,
    omega = sqrt(sum of alpha) and s = norm(w) / omega over the group. The thesis prints the sum
    over the group outside of the norm, which would undo it; the authors' code does as here.

    Args:
        w: Weights.
        curvature: The loss's second derivative with respect to each of them.
        gamma_before: Prior variances of the iteration that ends, from 0 to infinity. Of w's
            shape, or, with groups, of w's shape without the axes of the group.
        axis: The axes of w that run over the members of a group; None: every weight is its own.
        negative: "floor": curvature below `floor` is taken as `floor`; "absolute": its absolute
            value is taken (and floored); "absolute-alpha": alpha's absolute value is, as in the
            authors' code, and C may be negative.
        floor: Above 0.

    Raises:
        UserError: If `negative` or `floor` is none of these, or the shapes do not fit.
    """
    if negative not in get_args(Negative) or not floor > 0:
        raise UserError(
            f"negative curvature: one of {', '.join(get_args(Negative))}, with a floor above 0;"
            f" got '{negative}' and {floor}"
        )
    w, h, gamma = (np.asarray(a, dtype=np.float64) for a in (w, curvature, gamma_before))
    if axis is not None:
        gamma = np.expand_dims(gamma, axis)
    if h.shape != w.shape or np.broadcast_shapes(gamma.shape, w.shape) != w.shape:
        raise UserError(f"update: weights {w.shape}, curvature {h.shape}, gamma {gamma.shape}")
    if negative == "absolute":
        h = np.abs(h)
    if negative != "absolute-alpha":
        h = np.maximum(h, floor)
    with np.errstate(divide="ignore"):
        C = 1 / (1 / gamma + h)
        alpha = np.abs(1 / (gamma + 1 / h))
    if axis is None:
        size, total = np.abs(w), alpha
    else:
        size, total = np.sqrt(np.square(w).sum(axis=axis)), alpha.sum(axis=axis)
    omega = np.sqrt(total)
    return Update(C, alpha, omega, own_variance(size, omega))


def own_variance(size: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """s = size / omega, (4-4): 0 where the weight is 0, whatever its penalty."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size == 0, 0.0, size / omega)


def fixed_point(w: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Where gamma settles if weight and curvature (above 0) stay as they are."""
    size = np.abs(w)
    return np.asarray(size * (size + np.sqrt(size**2 + 4 / np.asarray(curvature))) / 2)


def entropy(gamma: np.ndarray) -> np.ndarray:
    """ln(2 pi e gamma) / 2, the entropy of a Gaussian in nats; -inf for a variance of 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.asarray(gamma) / THRESHOLD) / 2)


# --- the full matrix, where it is known -----------------------------------------------------


@dataclass(frozen=True)
class Posterior:
    """A Gaussian over all weights together.

    Attributes:
        mean: [weights].
        C: Covariance, [weights, weights].
        root: A matrix with root root' = C: mean + root z with standard normal z is a draw.
        alpha: Slopes [weights] of the log determinant, the diagonal of H - H C H.
        objective: Minus twice the log evidence, but for terms without gamma.
    """

    mean: np.ndarray
    C: np.ndarray
    root: np.ndarray
    alpha: np.ndarray
    objective: float


def posterior(hessian: np.ndarray, gradient: np.ndarray, gamma: np.ndarray) -> Posterior:
    """The posterior under the priors N(0, gamma), for a loss w'Hw/2 - g'w.

    A linear regression of y on Phi with Gaussian noise has exactly this loss, with
    H = Phi'Phi / noise and g = Phi'y / noise.

    Args:
        hessian: H, positive semidefinite, [weights, weights].
        gradient: g, [weights].
        gamma: Prior variances of at least 0, finite, [weights].
    """
    root = np.sqrt(gamma)
    # I + sqrt(gamma) H sqrt(gamma) is well conditioned below and defined for gamma = 0.
    lower = np.linalg.cholesky(np.eye(len(root)) + root[:, None] * hessian * root)
    half = np.linalg.solve(lower, np.diag(root))
    C = half.T @ half
    mean = C @ gradient
    alpha = np.diag(hessian) - np.einsum("ij,jk,ki->i", hessian, C, hessian)
    objective = 2 * np.log(np.diag(lower)).sum() - gradient @ mean
    return Posterior(mean, C, half.T, np.maximum(alpha, 0.0), float(objective))
