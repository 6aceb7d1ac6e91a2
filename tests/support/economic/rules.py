"""The rules of the bench: what must be true of every step of every history, each with its number.

Numbers continue those of `sim.protocol.invariants`, which holds what a whole block shows; here is what shows
only when one sees every action, who did it, and what it did to everybody else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sim.core.units import QUANTUM, WAD, to_wad
from sim.protocol.client import PositionState
from sim.protocol.codes import AccountMode, CollateralReason, OracleStatus, PositionCause
from sim.protocol.events import ProtocolEvent
from sim.protocol.state import MarketState
from sim.reference.estimator_math import MAX_VARIANCE, MIN_VARIANCE, limited
from tests.support.economic.estimates import Chosen
from tests.support.economic.seen import Seen, Step
from tests.support.economic.together import required_together
from tests.support.economic.verbs import PARTICIPANTS, VAULTS

EVERYBODY: Final = range(PARTICIPANTS)
IN_A_WITHDRAWAL: Final = 2
"""Kind of a margin check."""
GAS_OF_A_LIQUIDATION: Final = 5_000_000
GAS_OF_A_CALL: Final = 15_000_000
"""Half a block of 30 million."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its number."""

    id: str
    statement: str
    check: Callable[[Step], str | None]
    """What is wrong, None if nothing is."""


RULES: Final[dict[str, Rule]] = {}


def rule(
    identifier: str, statement: str
) -> Callable[[Callable[[Step], str | None]], Callable[[Step], str | None]]:
    """Enter a check under its number."""

    def enter(check: Callable[[Step], str | None]) -> Callable[[Step], str | None]:
        assert identifier not in RULES, identifier
        RULES[identifier] = Rule(identifier, statement, check)
        return check

    return enter


OPEN, WITHDRAW, LIQUIDATE, SETTLE = 0, 1, 2, 3
BAD_PRICE: Final = "trading: would owe at a bad price"

# A: who gets what

_WHOSE: Final = dict.fromkeys(
    (
        "deposit",
        "liquidate",
        "socialize",
        "cover",
        "release",
        "deposit_asset",
        "sell_collateral",
        "refresh_secured",
        "repay_lien",
    ),
    (0,),
)
_ANYBODYS: Final = ("sweep", "resolve", "wait", "deleverage")
_WITHDRAWALS: Final = ("withdraw", "withdraw_units", "withdraw_asset", "withdraw_asset_units")
_INCREASES: Final = ("increase", "increase_most", "mirror")
_REPORTS: Final = ("price", "report", "wait", "price_asset", "report_asset")


def _may_change(step: Step) -> set[int]:
    if step.verb in _ANYBODYS:
        return {
            account
            for event in step.events
            for account in (event.actor, event.other)
            if event.name in ("Liquidated", "AutoDeleveraged", "BadDebtCovered", "LossSocialized")
        }
    named = {int(step.action.arguments[place]) for place in _WHOSE.get(step.verb, ())}
    return named if step.verb in _WHOSE else {step.action.actor}


@rule("A5", "an action changes nobody's collateral or position but its own account's")
def _frame(step: Step) -> str | None:
    allowed = _may_change(step)
    for account in EVERYBODY:
        if account in allowed:
            continue
        if step.before.accounts[account].collateral != step.after.accounts[account].collateral:
            return f"{step.verb} of {step.action.actor} changed the collateral of {account}"
        for market, row in enumerate(step.before.positions):
            if row[account][:2] != step.after.positions[market][account][:2]:
                return f"{step.verb} of {step.action.actor} changed the position of {account}"
    return None


@rule("A6", "tokens in and out are exactly what accounts are credited and debited")
def _paid_is_booked(step: Step) -> str | None:
    if step.verb not in ("deposit", "withdraw", "withdraw_units", "increase", "increase_most", "decrease"):
        return None
    actor = step.action.actor
    account = int(step.action.arguments[0]) if step.verb == "deposit" else actor
    paid = step.after.wallets[actor] - step.before.wallets[actor]
    if step.verb in ("increase", "increase_most", "decrease"):
        return f"{step.verb} moved {paid} units out of the protocol" if paid else None
    booked = step.after.accounts[account].collateral - step.before.accounts[account].collateral
    if booked != -paid * QUANTUM:
        return f"{step.verb}: {paid} units for {booked} booked"
    return None


@rule("A7", "tokens sent straight to a contract change no equity, no requirement and no share's worth")
def _donations_are_nobodys(step: Step) -> str | None:
    if step.verb != "donate":
        return None
    if step.before.accounts != step.after.accounts:
        return "a donation changed an account"
    if (step.before.assets, step.before.supply) != (step.after.assets, step.after.supply):
        return f"a donation changed {step.before.assets} to {step.after.assets}"
    return None


# B, margin


@rule("B2", "nobody else's equity falls by what an account does, but by liquidation and deleveraging")
def _consent(step: Step) -> str | None:
    if step.verb in _REPORTS or step.verb in _ANYBODYS or step.before.now != step.after.now:
        return None
    allowed = _may_change(step) | {step.action.actor}
    for account in EVERYBODY:
        if (
            account not in allowed
            and step.after.accounts[account].equity < step.before.accounts[account].equity
        ):
            return f"{step.verb} of {step.action.actor} took from {account}"
    return None


@rule("B3", "whoever has a position can close it, whatever the price's status, but into debt at a bad price")
def _rescue(step: Step) -> str | None:
    for account in EVERYBODY:
        for market in step.after.open_markets(account):
            reason = step.world.would_decrease(account, market, 2**256 - 1)
            if reason == BAD_PRICE and not step.world.may(market, SETTLE):
                continue
            if reason is not None:
                return f"account {account} cannot close in market {market}: {reason}"
    return None


@rule("B4", "after a withdrawal, equity with gains at their weight and cap covers the initial requirement")
def _gains_are_capped(step: Step) -> str | None:
    if step.verb not in _WITHDRAWALS or not step.done:
        return None
    actor, seen = step.action.actor, step.after
    markets = seen.open_markets(actor)
    if not markets:
        return None
    gains = losses = required = 0
    signed: dict[int, int] = {}
    for market in markets:
        state, position = seen.markets[market], seen.positions[market][actor]
        prices = (state.risk_price, state.index_price, state.ema_price)
        price = min(prices) if position.size > 0 else max(prices)
        pnl = seen.gain(actor, market, price)
        pnl -= position.size * (state.funding_index - position.funding_index) // WAD
        gains += max(pnl, 0)
        losses += min(pnl, 0)
        notional = abs(position.size) * price // WAD
        signed[market] = notional if position.size > 0 else -notional
        required += notional * step.world.ratios(market, [notional])[0][0] // WAD
    if step.world.mode(actor) == AccountMode.PORTFOLIO:
        required = required_together(step, signed)
    word = step.world.draw.word
    credited = min(gains * to_wad(word("upnl_weight")) // WAD, to_wad(word("upnl_cap")))
    equity = seen.accounts[actor].collateral + credited + losses
    if step.world.others.count:
        equity += step.world.others.counted(actor, IN_A_WITHDRAWAL)
    if equity + 4 * len(markets) < required:
        return f"equity {equity} under {required} after a withdrawal"
    return None


@rule("B7", "while a deficit beyond the fund pends no collateral leaves, and pool shares get what is there")
def _closed_while_pending(step: Step) -> str | None:
    seen = step.before
    pending = seen.totals.pending_deficit
    if seen.withdrawals_open != (pending - min(seen.secured, pending) <= seen.totals.fund_reserves):
        return f"open is {seen.withdrawals_open} with {seen.totals.pending_deficit} pending"
    if seen.withdrawals_open or not step.done:
        return None
    if step.verb in _WITHDRAWALS:
        return f"{step.verb} of {step.action.actor} went through"
    if step.verb in ("leave", "take") and step.action.arguments[0] == "pool":
        burned = seen.supply["pool"] - step.after.supply["pool"]
        got = step.after.wallets[step.action.actor] - seen.wallets[step.action.actor]
        if got > seen.totals.pool_reserves // QUANTUM * burned // seen.supply["pool"] + 1:
            return f"{got} units left for {burned} shares of {seen.supply['pool']}"
    return None


@rule("B8", "an isolated account has a position in one market at most, and keeps its mode while it has one")
def _isolated(step: Step) -> str | None:
    if step.verb == "mode" and step.done and step.before.open_markets(step.action.actor):
        return f"{step.action.actor} changed its mode with a position"
    for account in EVERYBODY:
        markets = step.after.open_markets(account)
        if len(markets) > 1 and step.world.mode(account) == AccountMode.ISOLATED:
            return f"isolated account {account} has positions in {markets}"
    return None


# C, liquidation and losses


@rule("C1b", "at a good price exactly the accounts under maintenance can be liquidated")
def _eligible(step: Step) -> str | None:
    seen = step.after
    for account in EVERYBODY:
        for market in seen.open_markets(account):
            reason = step.world.would_liquidate(PARTICIPANTS - 1, account, market)
            gap = seen.margin_gap(account)
            if reason is None and gap >= 0:
                return f"account {account} can be liquidated {gap} above"
            # Bounds on speed and price may hold a liquidation back; that the account is healthy may not.
            if reason == "liquidation: healthy" and gap < 0:
                return f"account {account}, {-gap} under, counts as healthy"
    return None


@rule("C2", "opening, depositing and withdrawing leave no healthy account under maintenance")
def _stays_healthy(step: Step) -> str | None:
    if not step.done or step.verb not in (
        "deposit",
        "withdraw",
        "withdraw_units",
        "deposit_asset",
        "withdraw_asset",
        "withdraw_asset_units",
        "increase",
        "increase_most",
        "mirror",
    ):
        return None
    actor = step.action.actor
    if step.before.margin_gap(actor) >= 0 > step.after.margin_gap(actor):
        return f"{step.verb} left {actor} {-step.after.margin_gap(actor)} under maintenance"
    return None


@rule(
    "C3",
    "a liquidation closes something, no more than there is, and leaves nothing or more than dust, but where"
    " bounds let through, or a hedge has, less than two of the smallest positions",
)
def _partial(step: Step) -> str | None:
    if step.verb not in ("liquidate", "sweep"):
        return None
    least = to_wad(step.world.draw.word("min_position_notional"))
    for event in step.named("Liquidated"):
        account, market = event.actor, event.values["market"]
        old = step.before.positions[market][account].size
        new = step.after.positions[market][account].size
        if not (0 <= new < old or old < new <= 0):
            return f"account {account} went from {old} to {new}"
        held, left = (abs(size) * step.after.markets[market].risk_price // WAD for size in (old, new))
        most = _let_through(step, event)
        if any(row[account].size * old < 0 for row in step.after.positions):  # a hedge that was cut
            most = min(most, held)
        if new and left < least < most // 2:
            return f"account {account} is left with {new}, less than the smallest position"
    return None


def _let_through(step: Step, event: ProtocolEvent) -> int:
    """Return the most that bounds let close at once of a market, if no fee makes it less (WAD quote).

    Depth is at the index; what closes is counted at the risk price, which may lag.
    """
    words, values = step.world.draw.word, event.values
    state = step.before.markets[values["market"]]
    backstop = to_wad(words("backstop_ratio")) * values["maintenance_requirement"] // WAD
    if values["equity"] < backstop:
        held = abs(step.before.positions[values["market"]][event.actor].size) * state.risk_price // WAD
        return max(_moved(state, to_wad(words("backstop_close_impact"))), held // 4)
    most = _moved(state, to_wad(words("max_close_impact")))
    share = to_wad(words("throttle_share_per_hour"))
    return min(most, state.depth * share // WAD) if share else most


def _moved(state: MarketState, limit: int) -> int:
    """Return the notional at the risk price that moves a market's mark by a share of the index (WAD)."""
    return 100 * state.depth * limit // state.index_price * state.risk_price // WAD


@rule(
    "C3h",
    "a liquidation makes neither the notional of an account nor, but in portfolio mode, its net exposure"
    " grow, and but for what the close costs leaves it no smaller share of what it must hold",
)
def _no_riskier(step: Step) -> str | None:
    if step.verb != "liquidate" or not step.done:
        return None
    cost: dict[int, int] = {}
    for event in step.named("Liquidated"):
        values = event.values
        slippage = values["size_closed"] * (values["risk_price"] - values["fill_price"]) // WAD
        cost[event.actor] = cost.get(event.actor, 0) + slippage + values["fee"]
    for event in step.named("GainUnpaid"):  # a fill better than the risk price that nobody could pay
        cost[event.actor] = cost.get(event.actor, 0) + event.values["haircut"]
    for account, paid in cost.items():
        (gross, net), (gross_left, net_left) = (
            _exposure(positions, step.after, account)
            for positions in (step.before.positions, step.after.positions)
        )
        is_netted = step.world.mode(account) != AccountMode.PORTFOLIO  # there the net is of scans
        if gross_left >= gross or (is_netted and net_left > net + QUANTUM):
            return f"account {account} had {gross}, net {net}, has {gross_left}, net {net_left}"
        old, new = step.before.accounts[account], step.after.accounts[account]
        equity = new.equity + paid + QUANTUM
        if (
            old.equity > 0
            and new.maintenance_requirement
            and equity * old.maintenance_requirement < old.equity * new.maintenance_requirement
        ):
            return (
                f"account {account} held {old.equity} of {old.maintenance_requirement},"
                f" holds {equity} of {new.maintenance_requirement}"
            )
    return None


def _exposure(positions: list[list[PositionState]], seen: Seen, account: int) -> tuple[int, int]:
    """Return the sum of an account's notionals and the magnitude of its net one, at risk prices."""
    signed = [
        row[account].size * market.risk_price // WAD
        for row, market in zip(positions, seen.markets, strict=True)
    ]
    return sum(abs(notional) for notional in signed), abs(sum(signed))


@rule("C4c", "a liquidation's fee is at most the account's equity, its tip at most the least bounty")
def _fee_has_cover(step: Step) -> str | None:
    least = to_wad(step.world.draw.word("min_bounty"))
    for event in step.named("Liquidated"):
        values = event.values
        if values["fee"] > max(values["equity"], 0):
            return f"fee {values['fee']} of equity {values['equity']}"
        if values["tip"] > least:
            return f"tip {values['tip']} above {least}"
    return None


@rule("C8r", "every account that owes without a position has a record of its deficit")
def _recorded(step: Step) -> str | None:
    for account in EVERYBODY:
        owes = step.after.accounts[account].collateral < 0 and not step.after.open_markets(account)
        if owes and account not in step.after.deficits:
            return f"account {account} owes {-step.after.accounts[account].collateral} without a record"
    return None


@rule(
    "C8s",
    "after a sweep nobody is under water with a position, but where on the side of its net exposure no price"
    " is good enough or as much has been closed as one second lets through",
)
def _swept(step: Step) -> str | None:
    if step.verb != "sweep":
        return None
    for account in EVERYBODY:
        markets = step.after.open_markets(account)
        if step.after.accounts[account].equity >= 0 or not _is_closable(step, account):
            continue
        reasons = {step.world.would_liquidate(PARTICIPANTS - 1, account, market) for market in markets}
        if reasons != {"liquidation: throttled"}:
            return f"account {account} has {step.after.accounts[account].equity} and positions: {reasons}"
    return None


def _is_closable(step: Step, account: int) -> bool:
    """Return whether a price is good enough on the side that a forced close begins with."""
    markets = step.after.markets
    signed = [
        row[account].size * market.risk_price
        for row, market in zip(step.after.positions, markets, strict=True)
    ]
    return any(
        notional * sum(signed) >= 0 and step.world.may(market, LIQUIDATE)
        for market, notional in enumerate(signed)
        if notional
    )


@rule("C9w", "winners and the pool bear a loss only when the fund has nothing left")
def _in_order(step: Step) -> str | None:
    if step.verb not in ("deleverage", "socialize"):
        return None
    borne = [event for event in step.events if event.name == "LossSocialized" and event.values["amount"]]
    borne += [event for event in step.events if event.name == "AutoDeleveraged" and event.values["haircut"]]
    if borne and step.after.totals.fund_reserves >= QUANTUM:
        return f"{borne[0].name} while the fund holds {step.after.totals.fund_reserves}"
    return None


@rule("C10", "deleveraging closes winners at the index, takes no more than they won and no more than is owed")
def _fair_to_winners(step: Step) -> str | None:
    owed = {account: -step.before.accounts[account].collateral for account in step.before.deficits}
    for event in step.events:
        values = event.values
        if event.name == "PositionChanged" and values["cause"] == PositionCause.DELEVERAGE:
            if values["fill_price"] != step.after.markets[values["market"]].index_price:
                return f"account {event.actor} was closed at {values['fill_price']}"
            taken = -_changed(step, event, CollateralReason.HAIRCUT)
            # A held gain that another winner's payment has freed is collected, and taken from there.
            collected = _changed(step, event, CollateralReason.GAIN_COLLECTED)
            if taken > max(values["realized_pnl"], 0) + collected:
                return f"account {event.actor} won {values['realized_pnl']}, {taken} was taken"
        elif event.name == "AutoDeleveraged" and event.actor in owed:
            owed[event.actor] -= values["haircut"]
            if owed[event.actor] < 0:
                return f"more was taken than account {event.actor} owes"
    return None


def _changed(step: Step, of: ProtocolEvent, reason: CollateralReason) -> int:
    """Return what the call of an event has changed of its account's collateral for a reason."""
    return sum(
        other.values["delta"]
        for other in step.events
        if (other.name, other.actor, other.position) == ("CollateralChanged", of.actor, of.position)
        and other.values["reason"] == reason
    )


@rule("C10e", "no forced close takes more than equity: a solvent winner stays solvent")
def _winner_stays_solvent(step: Step) -> str | None:
    if step.verb != "deleverage":
        return None
    for event in step.named("AutoDeleveraged"):
        before, after = step.before.accounts[event.other], step.after.accounts[event.other]
        if before.equity >= 0 > after.equity + QUANTUM and not _limited(step.after):
            return f"winner {event.other} had {before.equity}, has {after.equity}"
    return None


def _limited(seen: Seen) -> bool:
    """Whether the risk price, at which equity is stated, is still on its way to the index."""
    return any(market.risk_price != market.index_price for market in seen.markets)


@rule("C12", "no call needs half a block of gas, no liquidation five million")
def _gas(step: Step) -> str | None:
    limit = GAS_OF_A_LIQUIDATION if step.verb == "liquidate" else GAS_OF_A_CALL
    most = max((call.gas for call in step.calls), default=0)
    return f"{step.verb} took {most}" if most > limit else None


# D, prices


@rule("D1", "the risk price moves no faster than the limiter lets it, and no price leaves its bounds")
def _limiter(step: Step) -> str | None:
    word = step.world.draw.word
    for number, (old, new) in enumerate(zip(step.before.markets, step.after.markets, strict=True)):
        if not to_wad(word("min_price")) < new.index_price < to_wad(word("max_price")):
            return f"market {number}: index {new.index_price}"
        if new.risk_price == old.risk_price:
            continue
        variance = max(old.variance_fast, old.variance_slow, new.variance_fast, new.variance_slow) / WAD
        horizon = word("limiter_horizon_seconds")
        band = max(
            word("limiter_minimum"),
            word("limiter_coefficient") * math.sqrt(variance * horizon / 31_536_000),
        )
        band *= math.sqrt(max(step.after.now - old.updated_at, horizon) / horizon)
        if abs(math.log(new.risk_price / old.risk_price)) > 2 * band + 1e-9:
            return f"market {number}: risk price {old.risk_price} to {new.risk_price}, band {band}"
    return None


@rule("D2", "no round is of the future, and rounds count upwards")
def _rounds(step: Step) -> str | None:
    for number, (old, new) in enumerate(zip(step.before.markets, step.after.markets, strict=True)):
        if new.updated_at > step.after.now:
            return f"market {number} is of {new.updated_at}, it is {step.after.now}"
        if new.round_id < old.round_id or (new.round_id == old.round_id and new.updated_at != old.updated_at):
            return f"market {number}: round {old.round_id}, then {new.round_id} of {new.updated_at}"
    return None


@rule("D3", "risk is added and collateral taken out at valid prices only, liquidations at prices good enough")
def _good_enough(step: Step) -> str | None:
    if not step.done:
        return None
    worst = OracleStatus.VALID
    if step.verb in _INCREASES:
        place = 1 if step.verb == "mirror" else 0
        markets = {*step.before.open_markets(step.action.actor), int(step.action.arguments[place])}
    elif step.verb in _WITHDRAWALS:
        markets = set(step.before.open_markets(step.action.actor))
    elif step.verb == "liquidate":
        markets, worst = (
            {event.values["market"] for event in step.named("Liquidated")},
            OracleStatus.INSUFFICIENT,
        )
    else:
        return None
    for market in markets:
        if step.before.markets[market].status > worst:
            return f"{step.verb} at status {step.before.markets[market].status} of market {market}"
    return None


@rule("D4", "between reports every action meets one index, and it is what the honest majority says")
def _one_price(step: Step) -> str | None:
    for number, (old, new) in enumerate(zip(step.before.markets, step.after.markets, strict=True)):
        if step.verb not in _REPORTS and old.index_price != new.index_price:
            return f"{step.verb} moved the index of market {number}"
    if step.verb == "price" and len(step.calls) > 1 and all(call.status for call in step.calls):
        market = int(step.action.arguments[0])
        said, index = step.world.prices[market], step.after.markets[market].index_price
        if said != index:
            return f"market {market}: the honest say {said}, the index is {index}"
    return None


@rule("D6", "only reporters report")
def _reporters_only(step: Step) -> str | None:
    allowed = {"report": step.world.reporters, "imply": [step.world.implied_reporter]}
    if step.done and step.action.actor not in allowed.get(step.verb, [step.action.actor]):
        return f"{step.action.actor} reported"
    return None


@rule("D7", "an estimated correlation falls no faster than it may, and lies between -1 and 1")
def _correlations_fall_slowly(step: Step) -> str | None:
    word = step.world.draw.words.get
    fall = to_wad(word("correlation.fall_per_hour", 0.0))
    for pair, after in step.after.correlations.items():
        before = step.before.correlations[pair]
        least = before.level - fall * (after.sampled_at - before.sampled_at) // 3_600
        if step.after.now > before.valid_until:  # the first, or forgotten: everybody has read one
            least = WAD
        if after.valid_until != before.valid_until and not max(least, -WAD) <= after.level <= WAD:
            return f"of {pair}: {before.level} at {before.sampled_at}, {after.level} at {after.sampled_at}"
    return None


@rule("D8", "a chosen variance moves no faster than it may, and multiplies margin by what its zones allow")
def _variances_move_slowly(step: Step) -> str | None:
    for market, after in step.after.chosen.items():
        before, words = step.before.chosen[market], step.world.draw.markets[market]
        least, most = moved_least_and_most(before, after.updated_at, words["estimator"])
        if not least <= after.variance <= most:
            return f"market {market}: {before} became {after}"
        if not WAD <= after.multiplier <= max(to_wad(words["performance"]["red_multiplier"]), WAD):
            return f"market {market}: {after}"
    return None


def moved_least_and_most(before: Chosen, at: int, words: Mapping[str, float]) -> tuple[int, int]:
    """Return between what a chosen variance may be at a time, by the limits of its market."""
    rates = [to_wad(words[name]) for name in ("rise_per_hour", "fall_per_hour")]
    least, most = (
        limited(before.variance, target, at - before.updated_at, *rates)
        for target in (MIN_VARIANCE, MAX_VARIANCE)
    )
    return least, most


# E: vault shares


@rule("E1", "a vault gives and takes what it said it would")
def _previews(step: Step) -> str | None:
    if not step.done or step.verb not in ("enter", "mint"):
        return None
    vault, actor = str(step.action.arguments[0]), step.action.actor
    units = step.before.wallets[actor] - step.after.wallets[actor]
    said = step.previews
    if "shares" in said:
        shares = step.world.shares(actor, vault) - said["held"]
        if shares != said["shares"]:
            return f"{vault} said {said['shares']} shares, gave {shares}"
    if "units" in said and units != said["units"]:
        return f"{vault} said {said['units']} units, took {units}"
    return None


@rule("E3", "a share of the fund falls only by what the fund pays out")
def _fund_share(step: Step) -> str | None:
    before, after = step.before, step.after
    if (before.totals.fund_draws, before.totals.tips) != (after.totals.fund_draws, after.totals.tips):
        return None
    if after.stake_worth + 1 < before.stake_worth:
        return f"{step.verb}: what was worth {before.stake_worth} is worth {after.stake_worth}"
    return None


@rule("E4", "nothing buys no share, and no share is bought for nothing")
def _no_free_shares(step: Step) -> str | None:
    if step.verb not in ("enter", "mint") or not step.done:
        return None
    vault, actor = str(step.action.arguments[0]), step.action.actor
    if "held" not in step.previews:  # it waits; asking for nothing more lets the wait begin anew
        return None
    paid = step.before.wallets[actor] - step.after.wallets[actor]
    if paid <= 0:
        return f"{vault} took {paid} units"
    if step.world.shares(actor, vault) <= step.previews["held"]:
        return f"{paid} units bought no share of {vault}"
    return None


@rule("E5", "what a vault owns, and what liens may bring back to it, always buys some of its shares")
def _rate_is_positive(step: Step) -> str | None:
    liens = step.world.liens() if step.world.others.count else 0
    for vault in VAULTS:
        assets = step.after.assets[vault] + liens
        if assets and not step.world.preview(vault, "Deposit", assets):
            return f"{vault}: {assets} units buy nothing"
    return None


@rule("E6", "stake leaves at what is left of the fund after the deficits that pend")
def _no_dodging(step: Step) -> str | None:
    if step.verb not in ("leave", "take") or not step.done or step.action.arguments[0] != "fund":
        return None
    left = max(step.before.assets["fund"] - step.before.totals.pending_deficit // QUANTUM, 0)
    burned = step.before.supply["fund"] - step.after.supply["fund"]
    got = step.after.wallets[step.action.actor] - step.before.wallets[step.action.actor]
    if burned and got > left * burned // step.before.supply["fund"] + 1:
        return f"{got} units left for {burned} shares with {step.before.totals.pending_deficit} pending"
    return None


# F: arithmetic, G: control


@rule(
    "F3",
    "what is opened or left by a reduction is at least the smallest position, at a price good enough for it",
)
def _no_dust(step: Step) -> str | None:
    if not step.done or step.verb not in ("increase", "increase_most", "decrease"):
        return None
    actor, market = step.action.actor, int(step.action.arguments[0])
    if not step.world.may(market, SETTLE):  # settled at the worst of two prices, at which it is no dust
        return None
    size = step.after.positions[market][actor].size
    least = to_wad(step.world.draw.word("min_position_notional"))
    notional = abs(size) * step.after.markets[market].index_price // WAD
    return f"{size} is worth {notional}, less than {least}" if size and notional + 1 < least else None


@rule("F5", "a refusal says why: nothing overflows and nothing halts")
def _says_why(step: Step) -> str | None:
    for call in step.calls:
        if not call.status and ":" not in (call.reason or ""):
            return f"{step.verb}: {call.reason}"
    return None


@rule("G1", "what is others' alone is refused")
def _refused(step: Step) -> str | None:
    if step.verb in ("forbidden", "forbidden_asset", "take_of") and step.done:
        return f"{step.verb} {step.action.arguments} of {step.action.actor} went through"
    return None
