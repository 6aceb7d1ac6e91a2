"""What a liquidation pays, as a liquidator estimates it from public parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationTerms:
    """Public parameters of the liquidation engine; defaults are those of its adaptive fee.

    Estimates only: the contract computes the exact amounts (``contracts/lib/liquidation_math.vy``), and a
    wrong guess costs the liquidator gas, as in life. ``f`` is the fee rate, ``E`` equity, ``M`` the
    maintenance requirement, ``N`` notional, ``sigma`` volatility:

        s = clamp((M - E) / M, 0, 1)
        f = min(f_max, f0 * (1 + a * max(sigma / sigma_ref - 1, 0)^2) * (1 + b * s^2), cap * M / N)
        x = ((1 + buffer) * M - E) / ((1 + buffer) * M / N - f - trade fee), N if larger or undefined
        bounty = max(beta * min(f * x, 0.95 * max(E, 0)), min_bounty)
    """

    base_fee: float = 0.005
    """f0. Adaptive fee, mechanism notes 9.7."""
    volatility_convexity: float = 0.5
    """a, same source."""
    shortfall_convexity: float = 1.0
    """b, same source."""
    reference_volatility: float = 0.60
    """sigma_ref, annualised, same source."""
    max_fee: float = 0.05
    """f_max, same source."""
    maintenance_fee_cap: float = 0.6
    """Fee cap as a share of the maintenance ratio, same source."""
    equity_fee_cap: float = 0.95
    """Fee cap as a share of positive equity (Drift's rule)."""
    bounty_share: float = 0.5
    """beta0, the liquidator's share of the fee, same source."""
    bounty_volatility_slope: float = 0.1
    """kS, same source."""
    bounty_adequacy_slope: float = 0.2
    """kI, same source."""
    bounty_share_min: float = 0.30
    bounty_share_max: float = 0.80
    min_bounty: float = 10.0
    """Quote; topped up by the insurance fund. Scenario default."""
    buffer: float = 0.15
    """Margin restored above maintenance. Derive."""
    min_position_notional: float = 1_000.0
    """Quote; a smaller remainder is closed too."""
    trade_fee: float = 0.0005
    """Trading fee on notional. dYdX v4 taker."""
    fund_target: float = 500_000.0
    """Quote; level at which the insurance fund counts as adequate."""

    def fee_rate(
        self, equity: FloatArray, maintenance: FloatArray, notional: FloatArray, volatility: FloatArray
    ) -> FloatArray:
        """Return the fee as a share of the closed notional, by account."""
        shortfall = np.minimum(np.maximum((maintenance - equity) / maintenance, 0.0), 1.0)
        excess = np.maximum(volatility / self.reference_volatility - 1.0, 0.0)
        rate = self.base_fee * (1.0 + self.volatility_convexity * (excess * excess))
        rate = rate * (1.0 + self.shortfall_convexity * (shortfall * shortfall))
        cap = np.minimum(self.maintenance_fee_cap * maintenance / notional, self.max_fee)
        return np.minimum(rate, cap)

    def closed_notional(
        self, equity: FloatArray, maintenance: FloatArray, notional: FloatArray, fee_rate: FloatArray
    ) -> FloatArray:
        """Return how much one liquidation closes, by account, in quote."""
        target = 1.0 + self.buffer
        relief = target * maintenance / notional - fee_rate - self.trade_fee
        part = (target * maintenance - equity) / np.maximum(relief, 1e-12)
        whole = (relief <= 0.0) | (equity <= 0.0) | (part >= notional)
        whole |= notional - part < self.min_position_notional
        return np.where(whole, notional, part)

    def bounty(
        self,
        equity: FloatArray,
        maintenance: FloatArray,
        notional: FloatArray,
        volatility: FloatArray,
        fund_reserves: float,
    ) -> tuple[FloatArray, FloatArray]:
        """Return ``(bounty, closed notional)`` by account, in quote."""
        rate = self.fee_rate(equity, maintenance, notional, volatility)
        closed = self.closed_notional(equity, maintenance, notional, rate)
        fee = np.minimum(rate * closed, self.equity_fee_cap * np.maximum(equity, 0.0))
        adequacy = min(1.0, max(fund_reserves, 0.0) / self.fund_target)
        excess = volatility / self.reference_volatility - 1.0
        share = self.bounty_share + self.bounty_volatility_slope * excess
        share = share - self.bounty_adequacy_slope * (1.0 - adequacy)
        share = np.minimum(np.maximum(share, self.bounty_share_min), self.bounty_share_max)
        tip_floor = self.min_bounty if fund_reserves > self.min_bounty else 0.0
        return np.maximum(share * fee, tip_floor), closed
