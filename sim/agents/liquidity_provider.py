"""Liquidity providers: depositors of the pool (or stakers of the fund) who may run after a loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sim.agents.base import ActorIndex, FeePolicy, Outcome, bounded, require
from sim.core.arrays import IntArray
from sim.core.portable_math import exp
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT, from_wad
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityProviderConfig:
    """Providers of one vault and when they leave."""

    name: str = "liquidity_providers"
    vault: Literal["pool", "fund"] = "pool"
    """Vault they hold: the liquidity pool or the insurance fund."""
    count: int = 5
    """Accounts. Assumption."""
    deposit: float = 20_000_000.0
    """Quote deposited at the start by all together, in equal parts. Scenario default."""
    run_loss_threshold: float = 0.05
    """Loss of the vault from its peak below which nobody leaves. Assumption; Hyperliquid's vault
    lost 1-3 % several times without a run."""
    run_rate_per_hour: float = 0.0
    """Hazard of each provider once beyond it. Off by default; Hyperliquid's vault lost $166m of
    $2.43bn in the day after 12 March 2025, a hazard of 0.003 an hour."""
    herding: float = 1.0
    """Relative rise of the hazard when all other money has left (Diamond-Dybvig). Assumption."""
    withdraw_share: float = 0.5
    """Share of what it still holds that a leaving provider redeems. Assumption."""
    latency_blocks: int = 0
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=500.0, priority_fee_gwei=2.0))

    def __post_init__(self) -> None:
        """Refuse shares outside their range."""
        require(
            [
                bounded("withdraw_share", self.withdraw_share, 0.0, 1.0),
                bounded("count", self.count, 1),
                bounded("deposit", self.deposit, 0.0),
            ]
        )

    def describe(self) -> str:
        """Return one sentence for users."""
        place = "liquidity pool" if self.vault == "pool" else "insurance fund"
        stays = "and stay whatever happens"
        if self.run_rate_per_hour > 0.0:
            stays = (
                f"and, after a loss of {self.run_loss_threshold:.0%}, each leave with a probability of "
                f"{self.run_rate_per_hour:g} an hour"
            )
        return f"{self.count} providers who put {self.deposit:,.0f} into the {place} {stays}."


class LiquidityProviders:
    """Providers who hold vault shares and watch what they are worth.

    Drawdown is measured on the vault's assets plus what this group already took out, against their
    peak: other groups' withdrawals look like losses, which is what feeds a run.
    """

    def __init__(self, config: LiquidityProviderConfig, actors: Sequence[int] | IntArray) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self._index = ActorIndex(actors)
        require([(config.count == len(self._index), "liquidity providers need one participant each")])
        self._shares: list[int] = [0] * config.count
        self._minted = 0
        self._pending: list[bool] = [False] * config.count
        self._redeemed = 0.0
        self._peak = 0.0
        self._worth_of_share = 0.0

    def describe(self) -> str:
        """Return one sentence for users."""
        return self.config.describe()

    def initial_deposits(self) -> list[int]:
        """Return what each deposits at the start, in token units; the first takes the remainder."""
        total = int(self.config.deposit * TOKEN_UNIT)
        part, rest = divmod(total, self.config.count)
        return [part + (rest if row == 0 else 0) for row in range(self.config.count)]

    def set_shares(self, shares: Sequence[int]) -> None:
        """Tell the providers how many vault shares their deposits got them."""
        self._shares = [int(share) for share in shares]
        require([(len(self._shares) == self.config.count, "liquidity providers need one share count each")])
        self._minted = sum(self._shares)

    @property
    def shares(self) -> tuple[int, ...]:
        """Vault shares each still holds."""
        return tuple(self._shares)

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return redemptions of the providers who leave in this block."""
        protocol = state.protocol
        assets = from_wad(protocol.pool_assets if self.config.vault == "pool" else protocol.fund_reserves)
        held = sum(self._shares)
        self._worth_of_share = assets / held if held else 0.0
        worth = assets + self._redeemed
        self._peak = max(self._peak, worth)
        if self.config.run_rate_per_hour <= 0.0 or not held or self._peak <= 0.0:
            return []
        if 1.0 - worth / self._peak <= self.config.run_loss_threshold:
            return []
        left = 1.0 - held / self._minted if self._minted else 0.0
        hourly = self.config.run_rate_per_hour * (1.0 + self.config.herding * left)
        chance = 1.0 - exp(-hourly * state.seconds_per_block / 3_600.0)
        draw = draws.draw(f"agent:liquidity_provider:{self.name}:run", state.block)
        hit = np.flatnonzero(draw.uniform(self.config.count) < chance).tolist()
        rows = [row for row in hit if self._leaving(row) and not self._pending[row]]
        if not rows or not self.config.fees.can_pay(state.base_fee_wei):
            return []
        for row in rows:
            self._pending[row] = True
        redeem = actions.pool_redeem if self.config.vault == "pool" else actions.fund_redeem
        amounts = [self._leaving(row) for row in rows]
        fees = Fees(*self.config.fees.bid(state.base_fee_wei))
        return [redeem(self.name, self._index.actors[rows], amounts, fees)]

    def observe(self, outcome: Outcome) -> None:
        """Strike redeemed shares off."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0 or not result.kind.endswith(".redeem"):
                continue
            self._pending[row] = False
            if result.status == "success":
                self._redeemed += result.args[0] * self._worth_of_share
                self._shares[row] -= result.args[0]

    def _leaving(self, row: int) -> int:
        """Return the shares a leaving provider redeems; the last crumbs go whole."""
        shares = self._shares[row]
        part = shares * int(self.config.withdraw_share * 1_000_000 + 0.5) // 1_000_000
        return shares if shares < TOKEN_UNIT else part
