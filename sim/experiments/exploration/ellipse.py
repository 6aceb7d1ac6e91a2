"""Joint confidence region of two numbers estimated from the same paths."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from sim.core.arrays import FloatArray
from sim.metrics.statistics.intervals import check_confidence

_FLAT = 1e-9
"""Share of the scale of an axis below which the region has no extent along it: rounding, not sampling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ellipse:
    """Points (x, y) with (z - center)' covariance^-1 (z - center) <= radius_squared."""

    center: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]
    """Of the two estimates, not of single paths."""
    radius_squared: float
    confidence: float
    n: int
    """Independent groups of paths it rests on."""

    def contains(self, x: float, y: float) -> bool:
        """Return whether a point lies in the region; one without extent holds its center alone."""
        deviation = np.array([x, y]) - self.center
        scales = np.sqrt(np.diag(self.covariance))
        fixed = scales == 0.0
        if np.any(np.abs(deviation[fixed]) > _FLAT * np.abs(np.asarray(self.center)[fixed])):
            return False
        scale = np.where(fixed, 1.0, scales)
        values, axes = np.linalg.eigh(np.asarray(self.covariance) / np.outer(scale, scale))
        along = axes.T @ np.where(fixed, 0.0, deviation / scale)
        distance = 0.0
        for value, step in zip(values, along, strict=True):
            if value > _FLAT:
                distance += float(step * step / value)
            elif abs(step) > math.sqrt(_FLAT):
                return False
        return distance <= self.radius_squared

    def outline(self, corners: int = 72) -> FloatArray:
        """Return the boundary, float64[corners + 1, 2], closed; without rows if the region has no bound."""
        if not math.isfinite(self.radius_squared):
            return np.empty((0, 2))
        values, axes = np.linalg.eigh(np.asarray(self.covariance))
        angle = np.linspace(0.0, 2.0 * math.pi, corners + 1)
        circle = np.stack([np.cos(angle), np.sin(angle)])
        radii = np.sqrt(np.maximum(values, 0.0) * self.radius_squared)
        line: FloatArray = (axes @ (radii[:, None] * circle)).T + self.center
        return line


def joint_ellipse(estimate: FloatArray, draws: FloatArray, clusters: int, *, confidence: float) -> Ellipse:
    """Return the joint region of two estimates from their bootstrap.

    Parameters
    ----------
    estimate
        float64[2].
    draws
        float64[replicate, 2], both numbers from the same resamples.
    clusters
        Independent groups of paths, n.
    confidence
        Joint: of both numbers at once.

    Notes
    -----
    The covariance of the draws times n / (n - 1) estimates that of the estimates; the radius is Hotelling's
    2 (n - 1) / (n - 2) F(2, n - 2), exact for means of normal values and 5.99 for large n at 95 %
    (Johnson and Wichern, Applied Multivariate Statistical Analysis, 5.4). For a tail statistic it is
    approximate, and too small where the tail rests on a few paths. Below three groups nothing bounds the
    region: the radius is infinite.
    """
    check_confidence(confidence)
    spread = np.cov(draws.T) * clusters / max(clusters - 1, 1)
    constant = np.ptp(draws, axis=0) == 0.0
    spread[constant, :] = spread[:, constant] = 0.0
    radius = math.inf
    if clusters > 2:
        quantile = float(special.fdtri(2.0, clusters - 2.0, confidence))
        radius = 2.0 * (clusters - 1) / (clusters - 2) * quantile
    return Ellipse(
        center=(float(estimate[0]), float(estimate[1])),
        covariance=(
            (float(spread[0, 0]), float(spread[0, 1])),
            (float(spread[1, 0]), float(spread[1, 1])),
        ),
        radius_squared=radius,
        confidence=confidence,
        n=clusters,
    )
