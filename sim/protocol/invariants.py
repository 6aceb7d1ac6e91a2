"""Numbered invariants, one implementation each, checked after every simulated block.

``docs/invariants.md`` lists the ids; ``tests/mutants`` breaks the contracts once for each id and
expects exactly that id to report. All figures are exact integers (WAD unless stated).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim.core.errors import InvariantViolation
from sim.core.units import QUANTUM
from sim.protocol.codes import MarginCheck
from sim.protocol.events import ProtocolEvent
from sim.protocol.mirror import AccountMirror
from sim.protocol.state import AssetState, MarketState, ProtocolState


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFacts:
    """What one block left behind: everything an invariant may look at."""

    block: int
    before: ProtocolState
    after: ProtocolState
    markets: Sequence[MarketState]
    mirror: AccountMirror
    events: Sequence[ProtocolEvent]
    token_supply: int
    """Token units minted."""
    wallet_token_units: int
    """Token units held by participants outside the protocol."""
    skew_by_origin: Sequence[int]
    """[market] what the ledger of origins adds up to, signed base units."""
    assets: Sequence[AssetState] = ()
    """Of the collateral registry, whose spot pools hold quote too."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule with its id and a check that returns what is wrong, or None."""

    id: str
    statement: str
    check: Callable[[BlockFacts], str | None]


def _engine_solvent(facts: BlockFacts) -> str | None:
    state = facts.after
    claims = state.total_collateral + state.accrued_fees
    if state.ledger_token_balance != claims:
        return f"ledger holds {state.ledger_token_balance}, accounts and fees claim {claims}"
    return None


def _vaults_solvent(facts: BlockFacts) -> str | None:
    state = facts.after
    if state.pool_token_balance < state.pool_reserves:
        return f"pool holds {state.pool_token_balance}, books {state.pool_reserves}"
    if state.fund_token_balance < state.fund_reserves:
        return f"fund holds {state.fund_token_balance}, books {state.fund_reserves}"
    return None


def _tokens_conserved(facts: BlockFacts) -> str | None:
    state = facts.after
    booked = state.total_collateral + state.accrued_fees + state.pool_reserves + state.fund_reserves
    in_spot_pools = sum(asset.pool_quote for asset in facts.assets)
    total = booked + (facts.wallet_token_units + in_spot_pools) * QUANTUM
    supply = facts.token_supply * QUANTUM
    if total != supply:
        return f"accounts + pool + fund + fees + wallets + spot pools = {total}, supply = {supply}"
    return None


def _collateral_booked(facts: BlockFacts) -> str | None:
    state, mirror = facts.after, facts.mirror
    if state.total_collateral != mirror.total_collateral:
        return f"total_collateral is {state.total_collateral}, accounts add up to {mirror.total_collateral}"
    if state.total_debt != mirror.total_debt:
        return f"total_debt is {state.total_debt}, accounts add up to {mirror.total_debt}"
    return None


def _positions_zero_sum(facts: BlockFacts) -> str | None:
    for index, market in enumerate(facts.markets):
        net = facts.mirror.long_open_interest[index] - facts.mirror.short_open_interest[index]
        if market.pool_position + net != 0:
            return f"market {index}: pool holds {market.pool_position}, accounts hold {net}"
    return None


def _open_interest_is_sum(facts: BlockFacts) -> str | None:
    for index, market in enumerate(facts.markets):
        longs, shorts = facts.mirror.long_open_interest[index], facts.mirror.short_open_interest[index]
        if (market.long_open_interest, market.short_open_interest) != (longs, shorts):
            return (
                f"market {index}: open interest {market.long_open_interest}/{market.short_open_interest}, "
                f"sizes add up to {longs}/{shorts}"
            )
    return None


def _skew_has_origins(facts: BlockFacts) -> str | None:
    for index, (market, booked) in enumerate(zip(facts.markets, facts.skew_by_origin, strict=True)):
        net = market.long_open_interest - market.short_open_interest
        if booked != net:
            return f"market {index}: net open interest {net}, its origins add up to {booked}"
    return None


def _entry_is_sum(facts: BlockFacts) -> str | None:
    for index, market in enumerate(facts.markets):
        total = facts.mirror.net_entry_notional[index]
        if market.net_entry_notional != total:
            return (
                f"market {index}: net entry notional {market.net_entry_notional}, positions add up to {total}"
            )
    return None


def _bad_debt_allocated(facts: BlockFacts) -> str | None:
    state = facts.after
    allocated = state.fund_draws + state.haircuts + state.socialized_loss
    if state.bad_debt != allocated:
        return f"bad debt {state.bad_debt}, fund + deleveraging + socialised = {allocated}"
    return None


def _pending_is_negative_equity(facts: BlockFacts) -> str | None:
    mirror = facts.mirror
    owed = sum(debt for actor, debt in mirror.debtors.items() if not mirror.open_positions[actor])
    if facts.after.pending_deficit != owed:
        return f"pending deficit {facts.after.pending_deficit}, position-less accounts owe {owed}"
    return None


def _losses_never_shrink(facts: BlockFacts) -> str | None:
    for name in ("bad_debt", "fund_draws", "haircuts", "socialized_loss", "tips", "liquidations"):
        before, after = getattr(facts.before, name), getattr(facts.after, name)
        if after < before:
            return f"{name} fell from {before} to {after}"
    return None


def _fund_flows(facts: BlockFacts) -> str | None:
    state, before = facts.after, facts.before
    paid = (state.fund_draws - before.fund_draws) + (state.tips - before.tips)
    received = 0
    for event in facts.events:
        if event.contract == "insurance_fund":
            if event.name == "Contributed":
                received += event.values["amount"]
            elif event.name == "Deposit":
                received += event.values["assets"] * QUANTUM
            elif event.name == "Withdraw":
                paid += event.values["assets"] * QUANTUM
    expected = before.fund_reserves + received - paid
    if state.fund_reserves != expected:
        return f"fund is {state.fund_reserves}, its flows give {expected}"
    return None


def _liquidated_were_unhealthy(facts: BlockFacts) -> str | None:
    for event in facts.events:
        if event.name == "Liquidated":
            equity, requirement = event.values["equity"], event.values["maintenance_requirement"]
            if equity >= requirement:
                return f"account {event.actor} liquidated with equity {equity} >= requirement {requirement}"
    return None


def _penalty_is_split(facts: BlockFacts) -> str | None:
    closes: dict[int, list[ProtocolEvent]] = {}
    for event in facts.events:
        if event.name == "Liquidated":
            closes.setdefault(event.position, []).append(event)
    for position, events in closes.items():
        # What the events of one call say (a hedge closes with its leg) is held against what it moved.
        said = dict.fromkeys(("bounty", "insurance_fee", "tip"), 0)
        for event in events:
            values = event.values
            fee, bounty, insurance_fee = values["fee"], values["bounty"], values["insurance_fee"]
            if fee != bounty + insurance_fee:
                return f"account {event.actor}: fee {fee}, split into {bounty} + {insurance_fee}"
            for name in said:
                said[name] += values[name]
        actor, liquidator = events[0].actor, events[0].other
        if said["tip"] > said["insurance_fee"]:
            return f"account {actor}: tip {said['tip']} above the fund's part {said['insurance_fee']}"
        to_fund = to_liquidator = 0
        for other in facts.events:
            if other.position != position:
                continue
            if other.name == "Contributed":
                to_fund += other.values["amount"]
            elif other.name == "Transfer" and other.contract == "token" and other.other == liquidator:
                to_liquidator += other.values["amount"] * QUANTUM
        # A pool too empty to front the payouts of a bankrupt account keeps them (settlement.vy).
        dropped = said["bounty"] == 0 and to_fund == 0
        if to_fund != said["insurance_fee"] and not dropped:
            return f"account {actor}: fund share {said['insurance_fee']}, the fund received {to_fund}"
        if to_liquidator != said["bounty"] + said["tip"]:
            return (
                f"account {actor}: bounty {said['bounty']} and tip {said['tip']}, "
                f"the liquidator received {to_liquidator}"
            )
    return None


def _initial_margin_held(facts: BlockFacts) -> str | None:
    for event in facts.events:
        if event.name == "MarginChecked" and event.values["kind"] != MarginCheck.MAINTENANCE:
            equity, requirement = event.values["equity"], event.values["requirement"]
            if equity < requirement:
                return (
                    f"account {event.actor}: equity {equity} under requirement {requirement} after its action"
                )
    return None


def _index_is_sane(facts: BlockFacts) -> str | None:
    for index, market in enumerate(facts.markets):
        if min(market.index_price, market.risk_price, market.ema_price) <= 0:
            return f"market {index}: a price is not positive"
        if not 0 < market.ramped_maintenance_ratio <= market.maintenance_ratio < market.initial_ratio:
            return (
                f"market {index}: ratios ramped {market.ramped_maintenance_ratio}, "
                f"maintenance {market.maintenance_ratio}, initial {market.initial_ratio}"
            )
    return None


INVARIANTS: tuple[Invariant, ...] = (
    Invariant("A1", "ledger tokens = positive collateral + fees, to the token unit", _engine_solvent),
    Invariant("A1v", "pool and fund hold at least what they book", _vaults_solvent),
    Invariant(
        "A1t", "accounts + pool + fund + fees + wallets + spot pools = token supply", _tokens_conserved
    ),
    Invariant("A1c", "total collateral and debt = sums over accounts", _collateral_booked),
    Invariant("A2", "all positions, the pool's included, sum to zero", _positions_zero_sum),
    Invariant("A2o", "open interest of a side = sum of its sizes", _open_interest_is_sum),
    Invariant("A2s", "net open interest = sum of skew by origin", _skew_has_origins),
    Invariant("A3", "net entry notional = sum over positions", _entry_is_sum),
    Invariant("B1", "after a risk-adding action equity covers its requirement", _initial_margin_held),
    Invariant("B5", "0 < ramped <= maintenance < initial ratio, prices positive", _index_is_sane),
    Invariant("C1", "only accounts under maintenance are liquidated", _liquidated_were_unhealthy),
    Invariant("C4", "liquidation fee = bounty + fund share, and both received theirs", _penalty_is_split),
    Invariant("C6", "insurance fund changes only by its declared flows", _fund_flows),
    Invariant("C7", "bad debt = fund draws + deleveraging haircuts + socialised loss", _bad_debt_allocated),
    Invariant("C8", "pending deficit = debt of accounts without a position", _pending_is_negative_equity),
    Invariant("C9", "loss counters never fall", _losses_never_shrink),
)


@dataclass(slots=True)
class InvariantChecker:
    """Runs every invariant and counts the checks."""

    checked: int = 0
    violations: list[str] = field(default_factory=list)

    def check(self, facts: BlockFacts) -> None:
        """Check one block.

        Raises
        ------
        InvariantViolation
            At the first rule that does not hold.
        """
        for invariant in INVARIANTS:
            problem = invariant.check(facts)
            self.checked += 1
            if problem is not None:
                self.violations.append(invariant.id)
                raise InvariantViolation(invariant.id, facts.block, f"{invariant.statement}: {problem}")
