"""Liquidity providers: depositors of the pool (or stakers of the fund) who may run after a loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np

from sim.agents.base import ActorIndex, Outcome
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start, Vault
from sim.core.arrays import IntArray
from sim.core.documents.sections import Section, number
from sim.core.portable_math import exp
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT, from_wad
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.state import State


class LiquidityProvidersSection(Section):
    """Depositors of the pool and stakers of the fund, and when they run."""

    count: int = number(5, 1, 1_000, "accounts", "Providers.", source="assumption")
    run_loss_threshold: float = number(
        0.05,
        0.0,
        1.0,
        "1",
        "Loss of share price below which nobody runs.",
        source="assumption: HLP lost 1-3 % without a run",
    )
    run_rate_per_hour: float = number(
        0.0, 0.0, 100.0, "per hour", "Hazard of leaving once beyond it.",
        source="off by default; HLP lost $166m of $2.43bn in a day after 12 March 2025",
    )  # fmt: skip
    herding: float = number(
        1.0, 0.0, 1_000.0, "1", "Relative rise of that hazard when all other money of the group has left.",
        source="assumption: Diamond-Dybvig",
    )  # fmt: skip
    withdraw_share: float = number(
        0.5, 0.0, 1.0, "1", "Share of what it still holds that a leaving provider asks to take out.",
        source="assumption",
    )  # fmt: skip
    latency_blocks: int = number(0, 0, 1_000, "blocks", "Age of the state they see.", source="assumption")
    fees: FeePolicy = FeePolicy()


class ExitTerms(NamedTuple):
    """How long shares wait before they leave a vault."""

    wait_seconds: int
    window_seconds: int
    """How long they may be redeemed then."""

    @classmethod
    def of(cls, vault: Vault, protocol: ProtocolParameters) -> Self:
        """Return the terms of a protocol."""
        if vault == "liquidity_pool":
            return cls(int(protocol.pool["queue_seconds"]), int(protocol.pool["exit_window_seconds"]))
        return cls(int(protocol.fund["cooldown_seconds"]), int(protocol.fund["exit_window_seconds"]))


class LiquidityProviders:
    """Providers who hold vault shares and watch what they are worth.

    Drawdown is measured on the vault's assets plus what this group already took out, against their
    peak: other groups' withdrawals look like losses, which is what feeds a run. Who runs asks to leave,
    waits, redeems in the first block in which that is possible, and asks anew if it missed the window.

    Parameters
    ----------
    deposit
        Quote they put into the vault before block 0, together.
    shares
        Vault shares it got each of them.
    terms
        How long shares wait before they leave.
    """

    def __init__(
        self,
        section: LiquidityProvidersSection,
        actors: Sequence[int] | IntArray,
        *,
        name: str,
        vault: Vault,
        deposit: float,
        shares: Sequence[int],
        terms: ExitTerms,
    ) -> None:
        self.section = section
        self.name = name
        self.latency_blocks = section.latency_blocks
        self.vault = vault
        self._deposit = deposit
        self._index = ActorIndex(actors)
        self._shares: list[int] = [int(share) for share in shares]
        self._minted = sum(self._shares)
        count = len(self._index)
        self._pending: list[bool] = [False] * count
        self._waiting: list[int] = [0] * count
        self._ready_at: list[int] = [0] * count
        self._not_before: list[int] = [0] * count
        self._terms = terms
        self._clock = (0, 0, 0)
        self._redeemed = 0.0
        self._peak = 0.0
        self._worth_of_share = 0.0

    def describe(self) -> str:
        """Return one sentence for users."""
        section = self.section
        stays = "and stay whatever happens"
        if section.run_rate_per_hour > 0.0:
            stays = (
                f"and, after a loss of {section.run_loss_threshold:.0%}, each leave with a probability of "
                f"{section.run_rate_per_hour:g} an hour"
            )
        place = self.vault.replace("_", " ")
        return f"{len(self._index)} providers who put {self._deposit:,.0f} into the {place} {stays}."

    @property
    def shares(self) -> tuple[int, ...]:
        """Vault shares each still holds and has not asked to take out."""
        return tuple(self._shares)

    @property
    def waiting(self) -> tuple[int, ...]:
        """Vault shares of each that wait in the exit queue."""
        return tuple(self._waiting)

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return what the providers who leave do in this block: ask to, or redeem."""
        self._clock = (state.block, state.timestamp, state.seconds_per_block)
        leaving = self._running(state, draws)
        if not self.section.fees.can_pay(state.base_fee_wei):
            return []
        fees = Fees(*self.section.fees.bid(state.base_fee_wei))
        ready, lapsed = self._ready(state.timestamp)
        request, redeem = (
            (actions.pool_request_exit, actions.pool_redeem)
            if self.vault == "liquidity_pool"
            else (actions.fund_request_exit, actions.fund_redeem)
        )
        asking = sorted({**dict.fromkeys(lapsed, 0), **{row: self._leaving(row) for row in leaving}}.items())
        batches = []
        if asking:
            rows = [row for row, _ in asking]
            batches.append(request(self.name, self._index.actors[rows], [part for _, part in asking], fees))
        if ready:
            amounts = [self._waiting[row] for row in ready]
            batches.append(redeem(self.name, self._index.actors[ready], amounts, fees))
        for row in (*(row for row, _ in asking), *ready):
            self._pending[row] = True
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Strike shares off that wait now or are redeemed."""
        block, timestamp, seconds = self._clock
        now = timestamp + (outcome.block - block) * seconds
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0:
                continue
            self._pending[row] = False
            if result.kind.endswith(".request_exit") and result.status == "success":
                self._shares[row] -= result.args[0]
                self._waiting[row] += result.args[0]
                self._ready_at[row] = self._not_before[row] = now + self._terms.wait_seconds
            elif result.kind.endswith(".redeem") and result.status == "success":
                self._redeemed += result.args[0] * self._worth_of_share
                self._waiting[row] -= result.args[0]
            elif result.kind.endswith(".redeem") and result.status == "reverted":
                # No usable price: the contract lets them go in the second half of the window whatever it is.
                self._not_before[row] = self._ready_at[row] + self._terms.window_seconds // 2

    def _running(self, state: State, draws: Streams) -> list[int]:
        """Return who asks to leave because of a loss."""
        protocol = state.protocol
        assets = from_wad(protocol.pool_assets if self.vault == "liquidity_pool" else protocol.fund_reserves)
        held = sum(self._shares)
        inside = held + sum(self._waiting)
        self._worth_of_share = assets / inside if inside else 0.0
        worth = assets + self._redeemed
        self._peak = max(self._peak, worth)
        if self.section.run_rate_per_hour <= 0.0 or not held or self._peak <= 0.0:
            return []
        if 1.0 - worth / self._peak <= self.section.run_loss_threshold:
            return []
        left = 1.0 - held / self._minted if self._minted else 0.0
        hourly = self.section.run_rate_per_hour * (1.0 + self.section.herding * left)
        chance = 1.0 - exp(-hourly * state.seconds_per_block / 3_600.0)
        draw = draws.draw(f"agent:liquidity_provider:{self.name}:run", state.block)
        hit = np.flatnonzero(draw.uniform(len(self._index)) < chance).tolist()
        return [
            row for row in hit if self._leaving(row) and not self._waiting[row] and not self._pending[row]
        ]

    def _ready(self, now: int) -> tuple[list[int], list[int]]:
        """Return who may redeem now, and whose window has closed."""
        waits = [row for row, shares in enumerate(self._waiting) if shares and not self._pending[row]]
        closes = self._terms.window_seconds
        lapsed = [row for row in waits if now > self._ready_at[row] + closes]
        return [row for row in waits if now >= self._not_before[row] and row not in lapsed], lapsed

    def _leaving(self, row: int) -> int:
        """Return the shares a leaving provider asks to take out; the last crumbs go whole."""
        shares = self._shares[row]
        part = shares * int(self.section.withdraw_share * 1_000_000 + 0.5) // 1_000_000
        return shares if shares < TOKEN_UNIT else part


class _LiquidityProviders(AgentKind[LiquidityProvidersSection]):
    name = "liquidity_providers"
    order = 60
    section = LiquidityProvidersSection

    def groups(self, section: LiquidityProvidersSection, setting: Setting) -> Iterable[Group]:
        for name, vault in _VAULTS.items():
            yield Group(
                name=name,
                count=section.count,
                label=name.replace("_", " "),
                vault=vault,
                deposit=setting.vault_deposits[vault],
            )

    def agents(self, section: LiquidityProvidersSection, start: Start) -> Iterable[LiquidityProviders]:
        for name, vault in _VAULTS.items():
            yield LiquidityProviders(
                section,
                start.members[name],
                name=name,
                vault=vault,
                deposit=start.setting.vault_deposits[vault],
                shares=start.shares[name],
                terms=ExitTerms.of(vault, start.setting.protocol),
            )


_VAULTS: dict[str, Vault] = {"liquidity_providers": "liquidity_pool", "fund_backers": "insurance_fund"}

LIQUIDITY_PROVIDERS = _LiquidityProviders()
AGENTS.add(LIQUIDITY_PROVIDERS)
