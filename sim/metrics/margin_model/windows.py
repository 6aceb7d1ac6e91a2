"""Non-overlapping windows of a margin series and the losses of a constant position in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sim.core.arrays import FloatArray, IntArray

Side = Literal["long", "short"]
SIDES: Final[tuple[Side, ...]] = ("long", "short")

Verdict = Literal["not rejected", "rejected", "too few windows"]
LEVEL: Final = 0.05
"""Level of every test; convention."""

LEAST_EXPECTED: Final = 2.5
"""Expected events from which a test that does not reject says something: 250 days at 1 % have as many, the
smallest sample of the Basel rule (quant 3.1). A rejection is exact for any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Losses over one margin period of risk, one after another without overlap."""

    starts: IntArray
    """Step at which each window starts and its margin is read, int64[w]."""
    length: int
    """Steps."""
    margin: FloatArray
    """Ratio held at the start, float64[w]."""
    long_loss: FloatArray
    """Loss of a long over the notional at the start, float64[w]."""

    def loss(self, side: Side) -> FloatArray:
        """Return the losses of a side; what a long loses a short gains."""
        return self.long_loss if side == "long" else -self.long_loss

    def __len__(self) -> int:
        """Return the number of windows."""
        return int(self.starts.size)


def split_windows(prices: FloatArray, margin: FloatArray, length: int, *, first: int = 0) -> Windows:
    """Cut a series into windows that do not overlap.

    Parameters
    ----------
    prices, margin
        float64[n] at even steps; the margin at a step may use prices up to it, never later ones.
    length
        Steps in a window.
    first
        Step the first window starts at.

    Raises
    ------
    ValueError
        Series of different length, prices not above 0, or a length below 1.
    """
    if prices.shape != margin.shape or prices.ndim != 1:
        raise ValueError(
            f"prices and margin must be series of one length, were {prices.shape}, {margin.shape}"
        )
    if length < 1 or first < 0:
        raise ValueError(f"need length >= 1 and first >= 0, was {length}, {first}")
    if bool(np.any(prices <= 0.0)):
        raise ValueError("prices must be positive")
    starts = np.arange(first, prices.size - length, length, dtype=np.int64)
    return Windows(
        starts=starts,
        length=length,
        margin=margin[starts],
        long_loss=1.0 - prices[starts + length] / prices[starts],
    )


def verdict(p_value: float, expected_events: float) -> Verdict:
    """Return a test's verdict in words.

    Parameters
    ----------
    p_value
        Valid for this sample size.
    expected_events
        Events the sample should have shown under the hypothesis.
    """
    if p_value < LEVEL:
        return "rejected"
    return "not rejected" if expected_events >= LEAST_EXPECTED else "too few windows"
