"""What a liquidation pays, as a liquidator estimates it from public parameters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import numpy as np

from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.units import from_wad
from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationTerms:
    """Public parameters of the liquidation engine, by the contracts' names.

    Estimates only: the contract computes the exact amounts (``contracts/lib/liquidation_math.vy``), and a
    wrong guess costs the liquidator gas, as in life. ``f`` is the fee rate, ``E`` equity, ``M`` the
    maintenance requirement, ``N`` notional, ``sigma`` volatility:

        s = clamp((M - E) / M, 0, 1)
        f = min(fee_max, fee_base * (1 + a * max(sigma / sigma_ref - 1, 0)^2) * (1 + b * s^2), cap * M / N)
        x = ((1 + buffer) * M - E) / ((1 + buffer) * M / N - f), N if larger or undefined
        fee = min(f * x, fee_equity_share * max(E, 0))
        bounty = max(beta * fee, min(min_bounty, fee))

    x is at least a share of the position. Bounds by market and second are left out: they change what one call
    closes, and the rest is paid by the next. Of an account with several positions N and M are sums, and x no
    more than one call closes of them (`what_closes`).
    """

    fee_base: float
    fee_volatility_coefficient: float
    """a."""
    fee_shortfall_coefficient: float
    """b."""
    volatility_reference: float
    """sigma_ref, annualised."""
    fee_max: float
    fee_maintenance_share: float
    """cap: the fee as a share of the maintenance ratio."""
    fee_equity_share: float
    """The fee as a share of positive equity."""
    bounty_share_base: float
    """beta, the liquidator's share of the fee, at the reference volatility and with an adequate fund."""
    bounty_volatility_coefficient: float
    bounty_adequacy_coefficient: float
    bounty_share_min: float
    bounty_share_max: float
    min_bounty: float
    """Quote; topped up by the insurance fund out of its part of the fee."""
    buffer: float
    """Margin restored above maintenance."""
    min_close_share: float
    """Least share of a position that a call closes."""
    min_position_notional: float
    """Quote; a smaller remainder is closed too."""
    target_reserves: float
    """Quote; level at which the insurance fund counts as adequate."""

    @classmethod
    def of(cls, protocol: ProtocolParameters) -> Self:
        """Return the terms of a protocol."""
        public = {**protocol.registry, **protocol.liquidation, **protocol.fund}
        return cls(**{field.name: float(public[field.name]) for field in fields(cls)})

    def fee_rate(
        self, equity: FloatArray, maintenance: FloatArray, notional: FloatArray, volatility: FloatArray
    ) -> FloatArray:
        """Return the fee as a share of the closed notional, by account."""
        shortfall = np.minimum(np.maximum((maintenance - equity) / maintenance, 0.0), 1.0)
        excess = np.maximum(volatility / self.volatility_reference - 1.0, 0.0)
        rate = self.fee_base * (1.0 + self.fee_volatility_coefficient * (excess * excess))
        rate = rate * (1.0 + self.fee_shortfall_coefficient * (shortfall * shortfall))
        cap = np.minimum(self.fee_maintenance_share * maintenance / notional, self.fee_max)
        return np.minimum(rate, cap)

    def closed_notional(
        self, equity: FloatArray, maintenance: FloatArray, notional: FloatArray, fee_rate: FloatArray
    ) -> FloatArray:
        """Return how much one liquidation closes, by account, in quote."""
        target = 1.0 + self.buffer
        relief = target * maintenance / notional - fee_rate
        part = (target * maintenance - equity) / np.maximum(relief, 1e-12)
        part = np.maximum(part, np.maximum(self.min_close_share * notional, self.min_position_notional))
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
        most: FloatArray | float = np.inf,
    ) -> tuple[FloatArray, FloatArray]:
        """Return ``(bounty, closed notional)`` by account, in quote.

        Parameters
        ----------
        most
            Notional that one call closes at most.
        """
        rate = self.fee_rate(equity, maintenance, notional, volatility)
        closed = np.minimum(self.closed_notional(equity, maintenance, notional, rate), most)
        fee = np.minimum(rate * closed, self.fee_equity_share * np.maximum(equity, 0.0))
        reserves = max(fund_reserves, 0.0)
        adequacy = 1.0 if reserves >= self.target_reserves else reserves / self.target_reserves
        excess = volatility / self.volatility_reference - 1.0
        share = self.bounty_share_base + self.bounty_volatility_coefficient * excess
        share = share - self.bounty_adequacy_coefficient * (1.0 - adequacy)
        share = np.minimum(np.maximum(share, self.bounty_share_min), self.bounty_share_max)
        return np.maximum(share * fee, np.minimum(fee, self.min_bounty)), closed


class Closes(NamedTuple):
    """What one liquidation closes of each account, as columns."""

    markets: IntArray
    """The largest position on the side of the net exposure."""
    may_close: BoolArray
    """Whether there is one whose price is good enough."""
    hedges: IntArray
    """The largest position on the other side; of an account without one any."""
    alone: FloatArray
    """Notional that closes without a hedge; without bound of an account with one position."""
    most: FloatArray
    """Notional that closes in all, hedge included; without bound of an account with one position."""

    def of(self, rows: IntArray) -> Closes:
        """Return the same of some of the accounts."""
        return Closes(
            self.markets[rows], self.may_close[rows], self.hedges[rows], self.alone[rows], self.most[rows]
        )


def what_closes(state: State, accounts: IntArray, max_status: int) -> Closes:
    """Return what a liquidation of each account closes.

    The protocol chooses it (``LiquidationPlan`` of ``ILiquidationEngine.vyi``): the riskiest position on the
    side of the account's net exposure, alone until the net is zero, then together with as much of the
    riskiest one on the other side. The largest stands for the riskiest here, whose score only the contract
    knows. A call names a market that its sender expects, in which the account must have a position.

    Parameters
    ----------
    max_status
        Worst status of an index that the contracts liquidate at.
    """
    prices = np.array([from_wad(market.risk_price) for market in state.markets])
    good = np.array([market.status <= max_status for market in state.markets])
    sizes = state.sizes[:, accounts]
    exposure = np.abs(sizes) * (prices * good)[:, None]
    net = np.zeros(len(accounts))
    for signed in sizes * prices[:, None]:
        net += signed
    rows = np.arange(len(accounts))
    toward = np.where(sizes * net >= 0.0, exposure, 0.0)  # whichever, where the net is zero
    markets: IntArray = np.argmax(toward, axis=0)  # the first of equals
    first = toward[markets, rows]
    against = np.where(sizes * sizes[markets, rows] < 0.0, exposure, 0.0)
    hedges: IntArray = np.argmax(against, axis=0)
    free = np.minimum(first, np.abs(net))
    both = np.minimum(first - free, against[hedges, rows])
    single = np.count_nonzero(sizes, axis=0) == 1
    return Closes(
        markets,
        first > 0.0,
        hedges,
        np.where(single, np.inf, free),
        np.where(single, np.inf, free + 2.0 * both),
    )
