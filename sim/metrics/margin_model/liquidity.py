"""Liquidity-adjusted value at risk: what closing a position costs on top of what it may lose meanwhile.

Exogenous: half the spread, stressed (Bangia, Diebold, Schuermann, Stroughair 1999). Endogenous: the
position's own impact against the risk of selling slowly (Almgren and Chriss 2000), quant 3.2 formula (3.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy import special

NOTIONALS: Final = (1e4, 1e5, 1e6, 1e7, 1e8)
"""Sizes shown, quote."""

SPREAD_FACTOR: Final = 3.0
"""k of the stressed spread: between the 2.0 and 4.5 of Bangia et al. (quant 3.2 has the form from memory;
the value is an assumption)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityRow:
    """One size of position."""

    notional: float
    horizon_seconds: float
    """tau*, the time over which selling is cheapest."""
    endogenous: float
    """L* over the notional: expected impact and z deviations of risk at that horizon."""
    in_one_go: float
    """Impact of closing within one period of risk, with its risk, over the notional."""
    exogenous: float
    """Value at risk over one period of risk plus half the stressed spread, over the notional."""
    margin: float
    """Maintenance ratio the contracts ask of this size."""


def optimal_horizon(impact: float, quantity: float, z: float, volatility: float) -> float:
    """Return tau* = (2 sqrt(3) eta X / (z sigma))**(2/3), quant (3.1).

    Parameters
    ----------
    impact
        eta: relative price concession per unit of quantity per unit of time.
    quantity
        X.
    z
        Standard deviations.
    volatility
        Per square root of the unit of time.
    """
    _check(impact, quantity, z, volatility)
    return float((2.0 * math.sqrt(3.0) * impact * quantity / (z * volatility)) ** (2.0 / 3.0))


def liquidation_cost(impact: float, quantity: float, z: float, volatility: float, horizon: float) -> float:
    """Return L(tau) = eta X**2 / tau + z sigma X sqrt(tau / 3), in the unit of quantity."""
    _check(impact, quantity, z, volatility)
    return impact * quantity * quantity / horizon + z * volatility * quantity * math.sqrt(horizon / 3.0)


def least_cost(impact: float, quantity: float, z: float, volatility: float) -> float:
    """Return L* = 3 eta X**2 / tau*, which grows as X**(4/3)."""
    return 3.0 * impact * quantity * quantity / optimal_horizon(impact, quantity, z, volatility)


def bangia_value_at_risk(at_risk: float, mean_spread: float, spread_deviation: float, factor: float) -> float:
    """Return VaR + (mu + k sigma) / 2 of the relative spread, over the notional."""
    return at_risk + 0.5 * (mean_spread + factor * spread_deviation)


def evaluate_liquidity(
    margins: Sequence[tuple[float, float]],
    *,
    impact: float,
    volatility: float,
    period_seconds: int,
    target: float,
    mean_spread: float,
    spread_deviation: float,
) -> tuple[LiquidityRow, ...]:
    """Compare the margin of several sizes with what closing them costs.

    Parameters
    ----------
    margins
        (notional, maintenance ratio) of each size.
    impact
        eta, relative price per quote per second.
    volatility
        Per square root of a second.
    period_seconds
        Margin period of risk.
    target
        Breach probability: z is its normal quantile.
    mean_spread, spread_deviation
        Relative.
    """
    z = -float(special.ndtri(target))
    at_risk = z * volatility * math.sqrt(period_seconds)
    return tuple(
        LiquidityRow(
            notional=notional,
            horizon_seconds=optimal_horizon(impact, notional, z, volatility),
            endogenous=least_cost(impact, notional, z, volatility) / notional,
            in_one_go=liquidation_cost(impact, notional, z, volatility, float(period_seconds)) / notional,
            exogenous=bangia_value_at_risk(at_risk, mean_spread, spread_deviation, SPREAD_FACTOR),
            margin=ratio,
        )
        for notional, ratio in margins
    )


def _check(*values: float) -> None:
    if not all(value > 0.0 and math.isfinite(value) for value in values):
        raise ValueError(f"impact, quantity, z and volatility must be positive, were {values}")
