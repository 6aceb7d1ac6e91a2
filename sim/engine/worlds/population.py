"""Brings the protocol to life before the first block: vaults, price, wallets, accounts.

Everything here is a transaction that must succeed; a position that the initial margin check of the
risk model under test would refuse is opened with just enough collateral instead, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.agents.account_mode import MODES
from sim.agents.kind import Group, Opening
from sim.chain.transaction import Transaction
from sim.core.errors import InputError, RunError
from sim.core.units import QUANTUM, TOKEN_UNIT, WAD, to_wad, to_wad_list
from sim.engine.worlds.entries import LARGEST_ENTRY_ERROR, plan_entries
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.client import ProtocolClient
from sim.protocol.codes import Refusal
from sim.protocol.deployed import OWNER
from sim.protocol.deployment import UNLIMITED_ALLOWANCE
from sim.protocol.mirror import AccountMirror
from sim.protocol.parameters.values import AssetParameters
from sim.reference import margin_math
from sim.reference.pool_math import fill_price

FREE = Fees(0, 0)
ADMISSION_ATTEMPTS = 100
"""The first top-up covers what the risk model asks for, so a few more are enough; a position still refused
then cannot be opened at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporters:
    """Who moves the index of a market before block 0."""

    actors: tuple[int, ...]
    """As many as make a price valid."""
    confidence_ratio: float
    """Half-width of their reports, over price."""
    seconds: int
    """How old a report may be: as often each of them may report in one block."""


class Populator:
    """Sends the set-up transactions of a run and lets the mirror see their events."""

    def __init__(
        self,
        client: ProtocolClient,
        mirror: AccountMirror,
        *,
        fee_rate: int = 0,
        assets: Sequence[AssetParameters] = (),
    ) -> None:
        """Send through a client.

        Parameters
        ----------
        fee_rate
            Of a trade (WAD): what opening costs beside the collateral of a book from a file.
        assets
            Of the collateral registry, whose spot pools the deployer has filled.
        """
        self._assets = assets
        self._fee_rate = fee_rate
        self._client = client
        self._mirror = mirror
        self._supply = sum(asset.pool_quote_units for asset in assets if asset.units(asset.pool_depth))
        self._planned: dict[int, float] = {}  # account -> collateral of all its openings, quote
        self._raised: set[int] = set()
        self.largest_entry_error = 0.0
        """Farthest that a position was opened from the price it was to be opened at, relative to that."""
        self.added = 0
        """Token units that they deposited beyond it."""

    @property
    def raised(self) -> int:
        """Accounts that deposited more than their leverage asked for, to be admitted."""
        return len(self._raised)

    @property
    def token_supply(self) -> int:
        """Token units minted."""
        return self._supply

    def send(self, batch: ActionBatch) -> None:
        """Execute a batch; every call must succeed.

        Raises
        ------
        InputError
            The contracts refuse a call: the scenario asks for what its own parameters do not allow.
        """
        reason = self._try(batch)
        if reason is not None:
            who = ", ".join(self._name(actor) for actor in batch.actors.tolist()[:3])
            raise InputError(f"before block 0: {batch.kind} of {who}: the contracts refuse it: {reason}")

    def _try(self, batch: ActionBatch) -> str | None:
        """Execute a batch up to its first revert; return that one's reason."""
        for call in self._client.encode(batch):
            receipt = self._client.chain.execute(
                Transaction(sender=self._client.book.addresses[call.actor], to=call.to, data=call.data)
            )
            if not receipt.status:
                return receipt.revert_reason or "no reason"
            for event in self._client.events(receipt.logs, 0):
                self._mirror.apply(event)
        return None

    def mint_each(self, actors: Sequence[int], amounts: Sequence[int]) -> None:
        """Give each participant its own number of token units."""
        for actor, amount in zip(actors, amounts, strict=True):
            if amount > 0:
                self._owner_call("token", "mint", self._client.book.addresses[actor], amount)
                self._mirror.set_wallet(actor, self._mirror.exact_wallet[actor] + amount)
                self._supply += amount

    def approve(self, actors: Sequence[int], keys: Sequence[str]) -> None:
        """Let contracts take tokens from the participants' wallets."""
        token = self._client.deployment.addresses["token"]
        approve = self._client.deployment.abis["token"]["approve"]
        for key in keys:
            data = approve.encode(self._client.deployment.addresses[key], UNLIMITED_ALLOWANCE)
            for actor in actors:
                self._execute(self._client.book.addresses[actor], token, data, "approve")

    def report(self, group: Group, reporters: Sequence[int], price: float, timestamp: int) -> None:
        """Let every reporter of a group state the first price of its market, or of its asset."""
        if not reporters:
            return
        exact, ratio = to_wad_list(np.array([price, group.first_confidence_ratio]))
        confidence, actors = exact * ratio // WAD, list(reporters)
        if group.reports is not None:
            self.send(actions.report("setup", actors, group.reports, exact, confidence, timestamp, FREE))
        if group.reports_asset is not None:
            asset = group.reports_asset
            self.send(actions.report_collateral("setup", actors, asset, exact, confidence, timestamp, FREE))

    def fill_asset_wallets(self, group: Group, actors: Sequence[int]) -> None:
        """Give a group that trades in a spot pool quote and as much of the asset, which the pool may take."""
        if group.trades_asset is None:
            return
        asset, pool = group.trades_asset, f"spot_pool:{group.trades_asset}"
        self.mint_each(actors, [self._units(group.wallet)] * len(actors))
        self.approve(actors, (pool,))
        self._mint_asset(asset, actors, [self._assets[asset].units(group.wallet)] * len(actors), pool)

    def _mint_asset(self, asset: int, actors: Sequence[int], amounts: Sequence[int], spender: str) -> None:
        """Give participants an asset's tokens, and let a contract take them."""
        token = f"collateral_token:{asset}"
        addresses, abi = self._client.deployment.addresses, self._client.deployment.abis["token"]
        approve = abi["approve"].encode(addresses[spender], UNLIMITED_ALLOWANCE)
        for actor, amount in zip(actors, amounts, strict=True):
            owner = self._client.book.addresses[actor]
            mint = abi["mint"].encode(owner, amount)
            self._execute(OWNER, addresses[token], mint, f"{token}.mint")
            self._execute(owner, addresses[token], approve, "approve")

    def fill_vault(self, group: Group, actors: Sequence[int]) -> tuple[int, ...]:
        """Let a group deposit into its vault, in equal parts, and return the shares each member got."""
        if group.vault is None or not actors:
            return ()
        deposits = equal_parts(self._units(group.deposit), len(actors))
        self.mint_each(actors, deposits)
        paying = [(actor, amount) for actor, amount in zip(actors, deposits, strict=True) if amount > 0]
        self.approve([actor for actor, _ in paying], (group.vault,))
        deposit = actions.pool_deposit if group.vault == "liquidity_pool" else actions.fund_deposit
        for actor, amount in paying:
            self.send(deposit("setup", actor, amount, FREE))
        addresses = self._client.book.addresses
        shares = [self._client.read(group.vault, "balanceOf", addresses[actor]) for actor in actors]
        return tuple(share for share in shares if isinstance(share, int))

    def open(self, openings: Sequence[Opening]) -> None:
        """Deposit collateral and open the positions, in the order given.

        Raises
        ------
        InputError
            The contracts refuse a position whatever collateral stands behind it.
        """
        self._fund(openings)
        for opening in openings:
            size = _size(opening)
            if size:
                self._open_position(opening, size)

    def open_at_entries(
        self,
        openings: Sequence[Opening],
        reporters: Mapping[int, Reporters],
        prices: Sequence[float],
        last: int,
    ) -> None:
        """Deposit collateral and open the positions at their entry prices, in the block that is open.

        Parameters
        ----------
        openings
            Each with an entry price.
        reporters, prices
            By market: who reports, and the price at block 0, which is reported last.
        last
            Time of publication of the last reports, those of the price at block 0.

        Raises
        ------
        InputError
            The contracts refuse a position, or there are more entry prices than reports can state closely.
        """
        self._fund(openings)
        problems: list[str] = []
        for market in sorted({opening.market for opening in openings}):
            there = [opening for opening in openings if opening.market == market and _size(opening)]
            problems += self._open_market(market, there, reporters[market], last)
            self._move_index(market, reporters[market], to_wad(prices[market]), last)
            if problems:
                raise InputError(problems)
        self._check_books(openings)

    def agree(
        self, markets: Sequence[int], reporters: Mapping[int, Reporters], prices: Sequence[float], at: int
    ) -> None:
        """Let the reporters of some markets state the price at block 0, published at a time."""
        for market in markets:
            self._move_index(market, reporters[market], to_wad(prices[market]), at)

    def _open_market(
        self, market: int, openings: Sequence[Opening], reporters: Reporters, last: int
    ) -> list[str]:
        """Open the positions of a market at their entry prices; return what was refused."""
        skew = self._mirror.long_open_interest[market] - self._mirror.short_open_interest[market]
        terms = self._client.read("liquidity_pool", "pricing_terms", market)
        plan = plan_entries(
            [opening.entry_price or 0 for opening in openings],
            [_size(opening) for opening in openings],
            skew=skew,
            scale=terms[0],
            max_premium=terms[1],
            most_steps=min(reporters.seconds, last - 1),
        )
        problems: list[str] = []
        order = iter(plan.order)
        for number, (index, count) in enumerate(plan.steps):
            group = [openings[next(order)] for _ in range(count)]
            try:
                self._move_index(market, reporters, index, last - len(plan.steps) + number)
            except InputError as error:
                problems += [_of_row(opening, "entry_price", error.problems[0]) for opening in group]
                continue
            for opening in group:
                try:
                    missed = self._open_at(opening, index, terms, reporters.seconds)
                except InputError as error:
                    problems += error.problems
                else:
                    if not problems:  # a refused one leaves another skew than planned
                        problems += missed
            if len(problems) >= _MOST_PROBLEMS:
                return [*problems[:_MOST_PROBLEMS], "further positions were not tried"]
        return problems

    def _open_at(self, opening: Opening, index: int, terms: tuple[int, int], seconds: int) -> list[str]:
        """Open one position at the index that has just been reported, its fee paid beside its collateral.

        Returns
        -------
        list
            That its entry price was missed, if it was by more than is allowed.
        """
        actor, market, size = opening.actor, opening.market, _size(opening)
        if opening.exact is not None:
            skew = self._mirror.long_open_interest[market] - self._mirror.short_open_interest[market]
            fill = fill_price(index, skew, size, *terms)
            fee = margin_math.fee(margin_math.notional(size, fill), self._fee_rate) // QUANTUM
            self._deposit(actor, fee)
        self._open_position(opening, size)
        entry = self._mirror.exact_entry[market][actor] / self._mirror.exact_size[market][actor] * WAD
        error = abs(entry / (opening.entry_price or 1) - 1.0)
        self.largest_entry_error = max(self.largest_entry_error, error)
        if error <= LARGEST_ENTRY_ERROR:
            return []
        return [
            _of_row(
                opening,
                "entry_price",
                f"would be missed by {error:.2%}: reporters can state {seconds:,} prices, one for each "
                "second of protocol.oracle's heartbeat_seconds and heartbeat_grace_seconds, and there "
                "are more; raise one of them, or round the prices of the file",
            )
        ]

    def _move_index(self, market: int, reporters: Reporters, price: int, published_at: int) -> None:
        """Let the reporters of a market agree on a price (WAD)."""
        confidence = price * to_wad(reporters.confidence_ratio) // WAD
        actors = list(reporters.actors)
        self.send(actions.report("setup", actors, market, price, confidence, published_at, FREE))

    def _check_books(self, openings: Sequence[Opening]) -> None:
        """Hold what accounts of a file have on chain against the file, to the last unit."""
        collateral: dict[int, int] = {}
        for opening in openings:
            if opening.exact is None:
                continue
            collateral[opening.actor] = collateral.get(opening.actor, 0) + opening.exact.collateral
            held = self._mirror.exact_size[opening.market][opening.actor]
            if held != opening.exact.size:
                raise RunError(f"set-up failed: {opening.exact.place}: size is {held} on chain")
        for actor, units in collateral.items():
            held = self._mirror.exact_collateral[actor]
            if held != units * QUANTUM:
                raise RunError(
                    f"set-up failed: {self._name(actor)}: collateral is {held} on chain, not {units}"
                )

    def _fund(self, openings: Sequence[Opening]) -> None:
        """Fill wallets, and deposit the collateral."""
        for opening in openings:
            brought = opening.collateral + sum(worth for _, worth in opening.assets)
            self._planned[opening.actor] = self._planned.get(opening.actor, 0.0) + brought
        funded = [opening for opening in openings if opening.collateral > 0.0 or opening.wallet > 0.0]
        actors = [opening.actor for opening in funded]
        deposits = [
            self._units(opening.collateral) if opening.exact is None else opening.exact.collateral
            for opening in funded
        ]
        wallets = [self._units(opening.wallet) for opening in funded]
        self.mint_each(actors, [deposit + wallet for deposit, wallet in zip(deposits, wallets, strict=True)])
        self.approve(actors, ("ledger",))
        self._set_modes(openings)
        paid = [(actor, deposit) for actor, deposit in zip(actors, deposits, strict=True) if deposit > 0]
        for opening in openings:
            for asset, worth in opening.assets:
                units = self._assets[asset].units(worth)
                if units:
                    self._mint_asset(asset, [opening.actor], [units], "collateral_registry")
                    actor = opening.actor
                    self.send(actions.deposit_collateral("setup", actor, actor, asset, units, FREE))
        if paid:
            depositors = [actor for actor, _ in paid]
            self.send(
                actions.deposit("setup", depositors, depositors, [deposit for _, deposit in paid], FREE)
            )

    def _set_modes(self, openings: Sequence[Opening]) -> None:
        """Put accounts into the modes of their openings, before they hold anything."""
        modes = {opening.actor: opening.mode for opening in openings if opening.mode != MODES[0]}
        if modes:
            numbers = [MODES.index(mode) for mode in modes.values()]
            self.send(actions.set_mode("setup", list(modes), numbers, FREE))

    def _open_position(self, opening: Opening, size: int) -> None:
        """Open one position, adding collateral until the initial check lets it through."""
        actor = opening.actor
        increase = actions.increase_position("setup", actor, opening.market, size, actions.NO_LIMIT, FREE)
        step = max(self._units(self._planned[actor] * opening.admission_step), 1)
        for attempt in range(ADMISSION_ATTEMPTS):
            reason = self._try(increase)
            if reason is None:
                if attempt > 0:
                    self._raised.add(actor)
                return
            if reason not in _LACK or opening.exact is not None:
                raise self._refused(opening, reason)
            # What lacks of a requirement that hedges lower is not known: it is found step by step.
            alone = opening.mode != "portfolio"
            missing = self._missing(opening, size) if alone and attempt == 0 else 0
            added = max(missing // step, 1) * step
            self._deposit(actor, added)
            self.added += added
        raise self._refused(
            opening, f"{Refusal.MARGIN_TOO_LOW}, after {ADMISSION_ATTEMPTS} top-ups of its collateral"
        )

    def _deposit(self, actor: int, units: int) -> None:
        """Give a participant token units and let it deposit them."""
        if units > 0:
            self.mint_each([actor], [units])
            self.send(actions.deposit("setup", actor, actor, units, FREE))

    def _refused(self, opening: Opening, reason: str) -> InputError:
        if opening.exact is not None:
            column, advice = _OF_A_ROW.get(
                reason, ("size", "change it, or the parameter that stands against it")
            )
            if reason == Refusal.MARGIN_TOO_LOW:
                lack = self._missing(opening, opening.exact.size) / TOKEN_UNIT
                advice = f"about {lack:,.2f} more would do; {advice}"
            return InputError(_of_row(opening, column, f"the contracts refuse it: {reason}; {advice}"))
        side = "long" if opening.size > 0.0 else "short"
        if reason == Refusal.NO_GOOD_ANSWER:
            name = self._client.deployment.artifacts["risk_model"].name
            return InputError(
                f"{self._name(opening.actor)}: cannot open its position before block 0, {side}"
                f" {abs(opening.size):,.6g} of market {opening.market}: the margin formula {name}.vy has no"
                " good answer about it, or asks for all of it; it must answer about a position of any size"
                " (docs/formulas.md)"
            )
        return InputError(
            f"{self._name(opening.actor)}: cannot open its position before block 0, {side}"
            f" {abs(opening.size):,.6g} of market {opening.market} with"
            f" {self._planned[opening.actor]:,.6g} of collateral{self._beside(opening)}: the contracts refuse"
            f" it: {reason}; change size or leverage of such accounts, or the parameter of the protocol that"
            " stands against them"
        )

    def _beside(self, opening: Opening) -> str:
        """Return what else the account holds already, as words."""
        held = [
            f"{sizes[opening.actor] / WAD:,.6g} of market {market}"
            for market, sizes in enumerate(self._mirror.exact_size)
            if sizes[opening.actor] and market != opening.market
        ]
        return f" beside {' and '.join(held)}" if held else ""

    def _name(self, actor: int) -> str:
        """Return group and place of a participant, as ``seawall account`` takes them."""
        book = self._client.book
        group = book.group_of(actor)
        return f"{group}:{actor - book.members(group).start}"

    def _missing(self, opening: Opening, size: int) -> int:
        """Return the token units that lack for the model's initial requirement, fees and fill apart.

        Equity and requirement are those of the whole account: its other positions have gained or lost, and
        ask for margin too.
        """
        market = self._client.markets()[opening.market]
        notional = abs(size) * max(market.index_price, market.risk_price) // WAD
        ratio = self._client.initial_ratio(opening.market, notional)
        (account,) = self._client.account_states([opening.actor])
        collateral = account.equity - account.initial_requirement
        if opening.entry_price is not None:  # what the position has lost from its entry to block 0
            worse = min if size > 0 else max
            moved = worse(market.index_price, market.risk_price) - opening.entry_price
            collateral += min(size * moved // WAD, 0)
        return max(notional * ratio // WAD - collateral, 0) // QUANTUM

    @staticmethod
    def _units(amount: float) -> int:
        return int(amount * TOKEN_UNIT)

    def _owner_call(self, key: str, function: str, *arguments: object) -> None:
        data = self._client.deployment.abis[key][function].encode(*arguments)
        self._execute(OWNER, self._client.deployment.addresses[key], data, f"{key}.{function}")

    def _execute(self, sender: str, to: str, data: bytes, what: str) -> None:
        receipt = self._client.chain.execute(Transaction(sender=sender, to=to, data=data))
        if not receipt.status:
            raise RunError(f"set-up failed: {what}: {receipt.revert_reason}")


_MOST_PROBLEMS = 20

_LACK = (Refusal.MARGIN_TOO_LOW, Refusal.OWES_QUOTE)
"""Reasons of the contracts that more quote collateral does away with."""

_OF_A_ROW: Mapping[str, tuple[str, str]] = {
    Refusal.MARGIN_TOO_LOW: (
        "collateral",
        "give the account more, its position less size, or the risk model a lower initial margin",
    ),
    Refusal.PRICE_NOT_VALID: (
        "entry_price",
        "it is farther from the price of block 0 than protocol.oracle.max_divergence allows",
    ),
    Refusal.POSITION_TOO_SMALL: (
        "size",
        "leave the row out, or lower protocol.margin.min_position_notional",
    ),
    Refusal.NO_GOOD_ANSWER: (
        "size",
        "the margin formula must answer about a position of any size, and ask for less than all of it",
    ),
    Refusal.OPEN_INTEREST_CAP: ("size", "raise the market's pool.open_interest_cap_notional"),
}
"""Reason of the contracts -> column of a book that it is about, and what to do."""


def _of_row(opening: Opening, column: str, message: str) -> str:
    """Return what is wrong with a row of a book, or with a position that was drawn."""
    place = "" if opening.exact is None else f"{opening.exact.place}: "
    return f"{place}{column}: {message}"


def _size(opening: Opening) -> int:
    """Return the signed size of an opening, WAD."""
    return to_wad_list(np.array([opening.size]))[0] if opening.exact is None else opening.exact.size


def equal_parts(total: int, count: int) -> list[int]:
    """Return ``total`` in equal parts; the first takes the remainder."""
    part, rest = divmod(total, count)
    return [part + (rest if row == 0 else 0) for row in range(count)]
