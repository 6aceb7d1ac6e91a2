"""A mirror of every account, built from events: exact integers beside float columns.

Real liquidators keep one: it finds the accounts near a threshold without asking the chain about
all of them. The float columns screen; only what they find is read exactly, on chain. Every
booked value here comes from an event's "after" field, so the mirror cannot drift; the engine
still reconciles it with ``Lens`` at fixed intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.core.arrays import BoolArray
from sim.core.portable_math import ordered_sum
from sim.core.units import TOKEN_UNIT, WAD
from sim.protocol.codes import AccountMode
from sim.protocol.events import ProtocolEvent
from sim.protocol.haircut_screen import HaircutScreen
from sim.protocol.portfolio_screen import Columns, PortfolioScreen
from sim.protocol.state import AssetState, MarketState

Floats = NDArray[np.float64]

RATIO_GRID_NOTIONALS = tuple(10**exponent * WAD for exponent in range(2, 11))
"""Notionals (WAD quote) at which the risk model is sampled each block: 100 to 10 billion."""

SCREEN_MARGIN = 0.005
"""Accounts with equity under (1 + this) times the estimated requirement are read exactly. Float
error is about 1e-12 and the ratio estimate is an upper bound, so nothing can slip through."""

_SCALE = 1.0 / WAD


@dataclass(frozen=True, slots=True)
class RatioCurve:
    """Margin ratios of one market by notional, as floats; grid[0] is zero notional.

    Where the formula tells them apart there is one curve after the other for each kind of position: a long, a
    short, and those two of an account with positions in other markets too, as large as any is.
    """

    notionals: Floats
    initial: Floats
    maintenance: Floats

    @property
    def kinds(self) -> int:
        """Return how many kinds of position the formula tells apart: 1, 2 or 4."""
        return len(self.maintenance) // len(self.notionals)

    def next_points(self, notional: Floats) -> NDArray[np.int64]:
        """Return the grid point at or above each notional, the last one beyond the grid."""
        # Counted in as many passes as there are points: a binary search mispredicts a branch at each of them.
        points = np.zeros(notional.shape, dtype=np.int8)
        for point in self.notionals[:-1].tolist():
            points += notional > point
        return points.astype(np.int64)

    def places(self, notional: Floats, size: Floats, shared: BoolArray) -> NDArray[np.int64]:
        """Return where the ratios of positions are: an upper bound, they rise with notional.

        Parameters
        ----------
        notional, size
            Of each position.
        shared
            Whether its account has positions in other markets too.
        """
        points = self.next_points(notional)
        if self.kinds > 1:
            points += len(self.notionals) * (size < 0.0)
        if self.kinds > 2:
            points += 2 * len(self.notionals) * shared
        return points


class AccountMirror:
    """Positions and collateral of every participant.

    Attributes
    ----------
    size, entry_notional : float64 [market, actor], base units and quote.
    collateral, wallet : float64 [actor], quote.
    """

    def __init__(self, actors: int, markets: int, assets: int = 0) -> None:
        shape = (markets, actors)
        self.size = np.zeros(shape)
        self.entry_notional = np.zeros(shape)
        self.funding_index = np.zeros(shape)
        self.entry_ratio = np.zeros(shape)
        self.collateral = np.zeros(actors)
        self.wallet = np.zeros(actors)
        self.exact_size = [[0] * actors for _ in range(markets)]
        self.exact_entry = [[0] * actors for _ in range(markets)]
        self.exact_collateral = [0] * actors
        self.exact_wallet = [0] * actors
        self.long_open_interest = [0] * markets
        self.short_open_interest = [0] * markets
        self.net_entry_notional = [0] * markets
        self.total_collateral = 0
        self.total_debt = 0
        self.total_wallet = 0
        self.open_positions = [0] * actors
        self.portfolio = np.zeros(actors, dtype=np.bool_)
        """[actor] whether it is in portfolio mode."""
        self.screen: PortfolioScreen | None = None
        """The portfolio model, if there is one."""
        self.debtors: dict[int, int] = {}
        """Debt (WAD) of each account with negative collateral."""
        self.assets = np.zeros((assets, actors))
        """[asset, actor] token units."""
        self.haircuts: HaircutScreen | None = None
        """What assets count for, if there are any."""
        self.exact_assets: list[dict[int, int]] = [{} for _ in range(assets)]
        """[asset] token units of each account that has some."""
        self.liens: dict[int, int] = {}
        """What others have paid of an account's debt (WAD), where its assets owe it."""
        self.secured: dict[int, int] = {}
        """Part of an account's deficit (WAD) that its assets are to cover yet."""

    def apply(self, event: ProtocolEvent) -> None:
        """Take over the values one event declares."""
        name = event.name
        if name == "PositionChanged":
            self._set_position(event)
            self._set_collateral(event.actor, event.values["collateral"])
        elif name in ("Deposited", "Withdrawn", "CollateralChanged"):
            self._set_collateral(event.actor, event.values["collateral"])
        elif name == "ModeSet":
            self.portfolio[event.actor] = event.values["mode"] == AccountMode.PORTFOLIO
        elif name in ("AssetDeposited", "AssetWithdrawn", "AssetSold"):
            self._set_asset(event.values["asset"], event.actor, event.values["balance"])
        elif name == "CorrelationUpdated" and self.screen is not None:
            values = event.values
            self.screen.learn(values["first"], values["second"], values["level"], values["valid_until"])
        elif name == "LienChanged":
            _set_or_drop(self.liens, event.actor, event.values["lien"])
        elif name == "DeficitSecured":
            _set_or_drop(self.secured, event.actor, event.values["amount"])
        elif name == "Transfer" and event.contract == "token":
            amount = event.values["amount"]
            if event.actor >= 0:
                self._add_wallet(event.actor, -amount)
            if event.other >= 0:
                self._add_wallet(event.other, amount)

    def _set_position(self, event: ProtocolEvent) -> None:
        values, actor, market = event.values, event.actor, event.values["market"]
        size, entry = values["size"], values["entry_notional"]
        before = self.exact_size[market][actor]
        self.long_open_interest[market] += max(size, 0) - max(before, 0)
        self.short_open_interest[market] += max(-size, 0) - max(-before, 0)
        self.net_entry_notional[market] += entry - self.exact_entry[market][actor]
        self.open_positions[actor] += (size != 0) - (before != 0)
        self.exact_size[market][actor] = size
        self.exact_entry[market][actor] = entry
        self.size[market, actor] = size * _SCALE
        self.entry_notional[market, actor] = entry * _SCALE
        self.funding_index[market, actor] = values["funding_index"] * _SCALE
        self.entry_ratio[market, actor] = values["entry_maintenance_ratio"] * _SCALE

    def _set_collateral(self, actor: int, collateral: int) -> None:
        before = self.exact_collateral[actor]
        self.total_collateral += max(collateral, 0) - max(before, 0)
        self.total_debt += max(-collateral, 0) - max(-before, 0)
        self.exact_collateral[actor] = collateral
        self.collateral[actor] = collateral * _SCALE
        if collateral < 0:
            self.debtors[actor] = -collateral
        else:
            self.debtors.pop(actor, None)

    def _set_asset(self, asset: int, actor: int, balance: int) -> None:
        _set_or_drop(self.exact_assets[asset], actor, balance)
        self.assets[asset, actor] = balance

    def asset_holders(self) -> dict[int, int]:
        """Return the accounts with assets, ascending -> which: bit a set, some of asset a."""
        held: dict[int, int] = {}
        for asset, balances in enumerate(self.exact_assets):
            for actor in balances:
                held[actor] = held.get(actor, 0) | 1 << asset
        return dict(sorted(held.items()))

    def owing_holders(self) -> dict[int, int]:
        """Return the accounts whose assets are to pay for them, as `asset_holders` does."""
        if not self.debtors and not self.liens:
            return {}
        return {
            actor: held
            for actor, held in self.asset_holders().items()
            if actor in self.debtors or actor in self.liens
        }

    def screened_assets(self, states: Sequence[AssetState]) -> Floats | None:
        """Return what the assets of each account count for, quote; None if the registry must be asked."""
        if self.haircuts is None or not self.haircuts.knows(states):
            return None
        counted = self.haircuts.values(states, self.assets)
        for actor, lien in self.liens.items():
            counted[actor] -= min(lien * _SCALE, counted[actor])
        return counted

    def _add_wallet(self, actor: int, amount: int) -> None:
        self.set_wallet(actor, self.exact_wallet[actor] + amount)

    def set_wallet(self, actor: int, amount: int) -> None:
        """Set a wallet (token units)."""
        self.total_wallet += amount - self.exact_wallet[actor]
        self.exact_wallet[actor] = amount
        self.wallet[actor] = amount / TOKEN_UNIT

    def largest_notionals(self, markets: Sequence[MarketState]) -> list[float]:
        """Return the largest notional of each market's positions at the risk price, quote."""
        prices = [state.risk_price * _SCALE for state in markets]
        sizes: list[float] = np.abs(self.size).max(axis=1, initial=0.0).tolist()
        return [size * price for size, price in zip(sizes, prices, strict=True)]

    def value(
        self,
        markets: Sequence[MarketState],
        curves: Sequence[RatioCurve],
        counted: Floats | None = None,
        now: int = 0,
    ) -> Valuation:
        """Estimate equity and requirements of everyone at the risk price.

        Parameters
        ----------
        counted
            What assets of the collateral registry count for by account, quote.
        now
            Time, from which older estimates of correlations are forgotten.
        """
        equity = self.collateral.copy() if counted is None else self.collateral + counted
        notional = np.zeros(equity.shape)
        initial = np.zeros(equity.shape)
        maintenance = np.zeros(equity.shape)
        ratios = np.empty(self.size.shape)
        shared = np.count_nonzero(self.size, axis=0) > 1
        for market, state in enumerate(markets):
            size = self.size[market]
            price = state.risk_price * _SCALE
            funding = size * (state.funding_index * _SCALE - self.funding_index[market])
            position_notional = np.abs(size) * price
            equity += size * price - self.entry_notional[market] - funding
            curve = curves[market]
            points = curve.places(position_notional, size, shared)
            target = curve.maintenance[points]
            ramp = (
                state.ramped_maintenance_ratio / state.maintenance_ratio if state.maintenance_ratio else 1.0
            )
            ratio = np.minimum(target, np.maximum(ramp * target, self.entry_ratio[market]))
            ratios[market] = np.where(size != 0.0, ratio, 0.0)
            notional += position_notional
            maintenance += position_notional * ratio
            initial += position_notional * curve.initial[points]
        if self.screen is not None and self.portfolio.any():
            self._judge_together(self.screen, markets, curves, ratios, initial, maintenance, now)
        return Valuation(
            equity=equity,
            notional=notional,
            initial_requirement=initial,
            maintenance_requirement=maintenance,
            maintenance_ratio=ratios,
        )

    def _judge_together(
        self,
        screen: PortfolioScreen,
        markets: Sequence[MarketState],
        curves: Sequence[RatioCurve],
        ratios: Floats,
        initial: Floats,
        maintenance: Floats,
        now: int,
    ) -> None:
        """Replace what accounts in portfolio mode require by what their positions require together."""
        who = np.flatnonzero(self.portfolio & (np.count_nonzero(self.size, axis=0) > 1))
        if not len(who):
            return
        size = self.size[:, who]
        prices = np.array([state.risk_price * _SCALE for state in markets])
        notional = size * prices[:, None]
        unsure = [state.confidence / state.index_price for state in markets]
        # Where the ramp holds a rise back, ratios lie between what it lets through and the estimate.
        ramped = np.array([state.ramped_maintenance_ratio * _SCALE for state in markets])[:, None]
        held = Columns(
            notional=notional,
            ratio=ratios[:, who],
            least_ratio=np.minimum(ratios[:, who], ramped),
        )
        base = [state.maintenance_ratio * _SCALE for state in markets]
        maintenance[who] = screen.requirements(held, base, unsure, now)
        asked = np.zeros(size.shape)
        for market, curve in enumerate(curves):
            points = curve.places(np.abs(notional[market]), size[market], np.ones(len(who), dtype=np.bool_))
            asked[market] = curve.initial[points]
        base = [state.initial_ratio * _SCALE for state in markets]
        least = np.minimum(asked, np.array(base)[:, None])
        together = screen.requirements(
            Columns(notional=notional, ratio=asked, least_ratio=least), base, unsure, now
        )
        initial[who] = np.maximum(together, maintenance[who])


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """Float estimates of every account, quote."""

    equity: Floats
    notional: Floats
    initial_requirement: Floats
    maintenance_requirement: Floats
    maintenance_ratio: Floats
    """[market, actor] ratio in force (upper estimate), zero without a position."""

    def candidates(self) -> NDArray[np.int64]:
        """Return the accounts near or under maintenance, in participant order."""
        threshold = self.maintenance_requirement * (1.0 + SCREEN_MARGIN)
        return np.flatnonzero((self.notional > 0.0) & (self.equity < threshold))

    def negative_equity(self) -> float:
        """Return what accounts with a position owe beyond their collateral, quote: booked by nobody yet."""
        owed: Floats = np.maximum(-self.equity[self.notional > 0.0], 0.0)
        return ordered_sum(owed) if owed.any() else 0.0


def _set_or_drop(amounts: dict[int, int], actor: int, amount: int) -> None:
    if amount:
        amounts[actor] = amount
    else:
        amounts.pop(actor, None)
