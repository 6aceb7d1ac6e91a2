"""Chance that a geometric Brownian motion, looked at n times, is ever at or below a barrier."""

import math

import numpy as np
from scipy import stats

SHIFT = 0.5826  # -zeta(1/2) / sqrt(2 pi): Broadie, Glasserman, Kou, Mathematical Finance 7 (1997)


def continuous_barrier(barrier: float, volatility: float, years: float) -> float:
    """quant 8.2 with S = 1 and no drift of the price."""
    b, nu, s = math.log(barrier), -0.5 * volatility**2, volatility * math.sqrt(years)
    mirror = math.exp(2 * nu * b / volatility**2) * stats.norm.cdf((b + nu * years) / s)
    return float(stats.norm.cdf((b - nu * years) / s) + mirror)


def shifted_barrier(barrier: float, volatility: float, years: float, steps: int) -> float:
    """quant 8.3: the barrier moved away by what a discrete look overshoots."""
    moved = barrier * math.exp(-SHIFT * volatility * math.sqrt(years / steps))
    return continuous_barrier(moved, volatility, years)


def discrete_barrier(
    barrier: float, volatility: float, years: float, steps: int, *, nodes: int = 12
) -> float:
    """The exact chance, by convolving the chance of being hit backwards in time.

    h_0 = 0 and h_{k+1}(x) = P(x + Z <= b) + integral over y > b of h_k(y) phi(y - x - nu dt), on panels of
    Gauss-Legendre nodes two step deviations wide; h, not 1 - h, so that small chances keep their digits.
    """
    b, s = math.log(barrier), volatility * math.sqrt(years / steps)
    drift = -0.5 * volatility**2 * years / steps
    width = -b + 9.0 * volatility * math.sqrt(years)
    panels = math.ceil(width / (2.0 * s))
    places, weights = np.polynomial.legendre.leggauss(nodes)
    edges = b + width * np.arange(panels + 1) / panels
    half = 0.5 * width / panels
    y = (edges[:-1, np.newaxis] + half * (places + 1.0)).ravel()
    w = np.tile(half * weights, panels)
    kernel = stats.norm.pdf((y[np.newaxis, :] - y[:, np.newaxis] - drift) / s) / s * w
    below = stats.norm.cdf((b - y - drift) / s)
    hit = np.zeros_like(y)
    for _ in range(steps - 1):
        hit = below + kernel @ hit
    start = stats.norm.pdf((y - drift) / s) / s * w
    return float(stats.norm.cdf((b - drift) / s) + start @ hit)
