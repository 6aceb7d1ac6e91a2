"""Plays a history: who does what, what became of it, and what the coalition could take home then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from sim.core.units import QUANTUM, WAD
from sim.protocol.events import ProtocolEvent
from tests.support.economic import verbs
from tests.support.economic.asset_verbs import (
    ASSET_VERBS,
    NOTHING,
    is_worth_freeing,
    largest,
    settle_secured,
    take_home,
    worth_of,
)
from tests.support.economic.checks import Checks
from tests.support.economic.draws import SECONDS_A_BLOCK, Draw
from tests.support.economic.history import WHOLE, Action, History
from tests.support.economic.verbs import KEEPER, Result, World

HOUR: Final = 3_600
LONG: Final = 10**9
"""Seconds that nobody waits."""
REPORT_EVERY_SECONDS: Final = 600
"""Honest reporters repeat their price at least so often, well within the heartbeat of an hour."""
MOST_STEPS_OF_A_WAIT: Final = 2_000
"""Whoever has to wait longer has waited for nothing."""
ROUNDING_UNITS: Final = 100
"""A profit up to this many token units, 0.0001 quote, is rounding: every action rounds by one or two."""
ROUNDINGS_OF_A_DEPOSIT: Final = 2
"""Token units: one as its shares are bought, one as they are priced."""
MOST_CLOSES_OF_A_SWEEP: Final = 6
"""Closes of one account in one market; a close of a part may leave another one due."""
MOST_NAMINGS: Final = 4
"""Times that winners of one market are named for one deficit."""
CHECKPOINT: Final = Action("checkpoint", KEEPER)
"""Values the coalition; it is part of a history because a second passes."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the coalition would have, had it closed everything out after an action."""

    after: int
    """Number of actions played before."""
    profit: int
    """Token units above what it began with; at moving prices without what its positions won at the index."""


@dataclass(slots=True)
class Outcome:
    """What a history led to."""

    tries: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    """(verb, intent, success) -> how often."""
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(verb, reason of a refusal) -> how often."""
    checkpoints: list[Checkpoint] = field(default_factory=list)
    broken: list[tuple[str, int, str]] = field(default_factory=list)
    """Invariant, number of actions played, what is wrong."""
    checked: Counter[str] = field(default_factory=Counter)
    """Invariant -> how often it was looked at."""
    bound: Counter[str] = field(default_factory=Counter)
    """Clamp, cap, floor or fee -> after how many actions it bound."""
    reached: Counter[str] = field(default_factory=Counter)
    """Deficits, fund payouts, deleveraging and so on -> how often."""
    succeeded: int = 0
    played: int = 0

    @property
    def best(self) -> Checkpoint:
        """The checkpoint with the largest profit."""
        return max(self.checkpoints, key=lambda point: point.profit, default=Checkpoint(0, -(10**18)))


REACHED: Final = {
    "DeficitRecorded": "deficits",
    "AutoDeleveraged": "deleveraging",
    "LossSocialized": "socialisation",
    "Liquidated": "liquidations",
    "GainUnpaid": "gains unpaid",
}


class Player:
    """A world, and the coalition in it."""

    def __init__(
        self, history: History, contracts: Path | None = None, *, checks: bool | None = None
    ) -> None:
        self.history = history
        self.world = World(history.draw, contracts)
        self.members = range(history.draw.members)
        self.outcome = Outcome()
        self.at = 0
        """Actions of the history so far, checkpoints among them."""
        self.start = self._tokens()
        self.index_gain = 0
        """What the coalition's positions, its share of the pool's included, won at the index (WAD)."""
        self.last_report = self.world.now
        self.events: list[ProtocolEvent] = []
        """Of the action that is being played, which may be many calls."""
        wanted = history.moving if checks is None else checks
        self.checks = (
            Checks(self.world, self.outcome.broken, self.outcome.checked, self.outcome.bound)
            if wanted
            else None
        )

    def _tokens(self) -> int:
        quote = sum(self.world.wallet(member) for member in self.members)
        return quote + worth_of(self, self.members)

    # Playing

    def play(self, action: Action) -> bool:
        """Play one action; return whether it was done."""
        self.at += 1
        if action == CHECKPOINT:
            self.checkpoint()
            return True
        checks = self.checks
        if checks is not None:
            checks.before(action)
        self.events.clear()
        result = VERBS[action.verb].play(self, action.actor, *action.arguments)
        outcome = self.outcome
        outcome.played += 1
        outcome.succeeded += result.status
        outcome.tries[action.verb, action.intent, result.status] += 1
        if not result.status:
            outcome.reasons[action.verb, result.reason or ""] += 1
        for event in self.events:
            known = REACHED.get(event.name)
            if known is not None:
                outcome.reached[known] += 1
            elif event.name == "BadDebtCovered" and event.values["amount"]:
                outcome.reached["fund payouts"] += 1
        if checks is not None:
            checks.after(action, result, self.events, self.at)
        return result.status

    def run(self) -> Outcome:
        """Play the whole history and take the last checkpoint."""
        for action in self.history.actions:
            self.play(action)
        if self.history.actions[-1:] != (CHECKPOINT,):
            self.checkpoint()
        if self.checks is not None:
            self.checks.at_the_end(self.at, self.settle)
        return self.outcome

    def close(self) -> None:
        """Release the engine's memory."""
        self.world.close()

    # Wealth

    def checkpoint(self) -> None:
        """Value the coalition by really closing everything out, and undo that."""
        best = -(10**30)
        for vaults_first in (False, True):
            with self.world.fork():
                gain, reported = self.index_gain, self.last_report
                self.close_out(vaults_first=vaults_first)
                best = max(best, self._tokens() - self.start - self._fair_gain())
                self.index_gain, self.last_report = gain, reported
        self.outcome.checkpoints.append(Checkpoint(self.at, best))

    def _fair_gain(self) -> int:
        """Return what positions won at the index and what accounts lost beyond their collateral."""
        if not self.history.moving:
            return 0
        totals = self.world.totals()
        lost = totals.bad_debt + totals.pending_deficit
        for member, state in zip(self.members, self.world.states(self.members), strict=True):
            if self.world.open_markets(member):  # nobody could close it, at a bad price
                lost += max(-state.equity, 0)
        return (self.index_gain + lost) // QUANTUM

    def close_out(self, *, vaults_first: bool) -> None:
        """Close every position and take everything out, in one of two orders."""
        world = self.world
        members: Sequence[int] = self.members[::-1] if vaults_first else self.members
        for _ in range(3 if world.others.count else 2):  # what a debt held may be freed by its assets
            if vaults_first:
                self._leave_vaults(members)
            for member in members:
                for market in world.open_markets(member):
                    world.decrease(member, market)
            if not world.withdrawals_open():
                self.settle()
            for member in members:
                self.release(member, member)
                self._withdraw_most(member, WHOLE)
            self._leave_vaults(members)
            if world.others.count:
                take_home(self, members)
                # Nobody but an honest keeper asks for what is still secured, and gains are held until then.
                if any(world.deficit(member) for member in members):
                    self.settle()
            if not self._is_anything_left(members):
                break
            self.wait(HOUR)

    def _is_anything_left(self, members: Sequence[int]) -> bool:
        """Return whether members have something that can be taken out yet."""
        world = self.world
        if any(world.collateral(member) > 0 for member in members) or self._claims(members):
            return True
        return bool(world.others.count) and any(is_worth_freeing(self, member) for member in members)

    def _claims(self, members: Sequence[int]) -> bool:
        """Return whether members have gains that are held, or freed and not collected."""
        if not self.world.held_gains():
            return False
        parts = [
            self.world.held(member, market, side)
            for member in members
            for market in range(len(self.world.prices))
            for side in verbs.SIDES
        ]
        return any(part.amount or part.freed for part in parts)

    def _leave_vaults(self, members: Sequence[int]) -> None:
        """Take out of the vaults whatever may leave; what has to wait waits first."""
        world = self.world
        self._come_in(members)
        for vault in verbs.VAULTS:
            inside = [member for member in members if world.shares(member, vault)]
            for member in inside:
                world.ask(member, vault, world.shares(member, vault))
            inside = [member for member in members if world.waiting(member, vault)]
            if inside:
                self.wait(world.queue_seconds(vault))
            for member in inside:
                most = world.redeemable(member, vault)
                if most:
                    world.leave(member, vault, most)

    def _come_in(self, members: Sequence[int]) -> None:
        """Take the shares of deposits that waited, or that must wait a little longer."""
        world = self.world
        if any(world.waiting_entry(member) for member in members):
            self.wait(world.queue_seconds("pool"))
            for member in members:
                if not world.come_in(member, member).status:
                    self.come_back(member)

    def settle(self) -> None:
        """Let honest people do what every deficit needs: the fund, winners in order, then the pool."""
        world = self.world
        if world.others.count:
            settle_secured(self)
        self.resolve()
        if any(world.deficit(account) for account in range(verbs.PARTICIPANTS)):
            self.wait(int(self.history.draw.word("adl_window_seconds")) + 1)
            for account in range(verbs.PARTICIPANTS):
                if world.deficit(account) is not None:
                    self.note(world.socialize(KEEPER, account))

    def resolve(self) -> bool:
        """Let the keeper cover and deleverage whatever pends; return whether it did something.

        Winners are named again while they pay: funding that a winner owes comes out of what a close realises,
        so that it pays less than it has the first time.
        """
        world, done = self.world, False
        for account in range(verbs.PARTICIPANTS):
            if world.deficit(account) is None:
                continue
            done |= self.note(world.cover(KEEPER, account)).status
            for market in range(len(world.prices)):  # each has its share of a deficit
                done |= self._name_winners(account, market)
        return done

    def _name_winners(self, account: int, market: int) -> bool:
        """Name winners of a market until they have paid its share of a deficit; return whether any did."""
        for time in range(MOST_NAMINGS):
            winners = self.world.ranked_winners(account, market)[: verbs.WINNERS_A_CALL]
            if not winners or not self.note(self.world.deleverage(KEEPER, account, market, winners)).status:
                return time > 0
        return True

    def note(self, result: Result) -> Result:
        """Keep what a call led to."""
        self.events.extend(result.events)
        if self.checks is not None:
            self.checks.call(result)
        return result

    # Verbs: each returns what became of it; shares are basis points of what is there

    def deposit(self, actor: int, account: int, units: int) -> Result:
        """Add token units to an account."""
        return self.note(self.world.deposit(actor, account, units))

    def withdraw(self, actor: int, share: int) -> Result:
        """Take out a share of what may be taken out."""
        return self._withdraw_most(actor, share)

    def withdraw_units(self, actor: int, units: int) -> Result:
        """Take token units out."""
        return self.note(self.world.withdraw(actor, units))

    def _withdraw_most(self, actor: int, share: int) -> Result:
        world = self.world
        held = world.collateral(actor) // QUANTUM
        if held <= 0:
            return NOTHING
        most = held
        if world.open_markets(actor):
            most = largest(held, lambda units: world.would_withdraw(actor, units) is None)
        units = most * share // WHOLE
        return self.note(world.withdraw(actor, units)) if units else NOTHING

    def increase(self, actor: int, market: int, size: int) -> Result:
        """Open or add to a position, WAD base."""
        return self.note(self.world.increase(actor, market, size))

    def increase_most(self, actor: int, market: int, share: int) -> Result:
        """Add a share of the most that is accepted; a negative share sells."""
        world, side = self.world, 1 if share > 0 else -1
        backing = max(world.collateral(actor), WAD)
        if world.others.count:
            backing += world.others.counted(actor, verbs.INITIAL)
        bound = 400 * backing * WAD // world.index(market)
        most = largest(bound, lambda size: world.would_increase(actor, market, side * size) is None)
        size = most * abs(share) // WHOLE
        return self.note(world.increase(actor, market, side * size)) if size else NOTHING

    def decrease(self, actor: int, market: int, share: int) -> Result:
        """Close a share of a position."""
        size = abs(self.world.position(actor, market).size) * share // WHOLE
        return self.note(self.world.decrease(actor, market, verbs.ALL if share >= WHOLE else size))

    def mirror_of(self, actor: int, other: int, market: int, share: int) -> Result:
        """Take the other side of an account's position, a share of its size."""
        size = -self.world.position(other, market).size * share // WHOLE
        return self.note(self.world.increase(actor, market, size))

    def mode(self, actor: int, mode: int) -> Result:
        """Change an account's mode."""
        return self.note(self.world.set_mode(actor, mode))

    def liquidate(self, actor: int, account: int, market: int) -> Result:
        """Liquidate an account in a market."""
        return self.note(self.world.liquidate(actor, account, market))

    def sweep(self, actor: int) -> Result:
        """Liquidate whoever can be liquidated, wherever."""
        world, done = self.world, False
        for account in range(verbs.PARTICIPANTS):
            for _ in range(MOST_CLOSES_OF_A_SWEEP):
                closed = False
                for market in world.open_markets(account):
                    if world.would_liquidate(actor, account, market) is None:
                        closed |= self.note(world.liquidate(actor, account, market)).status
                done |= closed
                if not closed:
                    break
        return NOTHING._replace(status=done)

    def deleverage(self, actor: int, bankrupt: int, market: int, *winners: int) -> Result:
        """Close named winners against a deficit."""
        return self.note(self.world.deleverage(actor, bankrupt, market, winners))

    def resolve_deficits(self, _actor: int) -> Result:
        """Let the keeper cover and deleverage whatever pends."""
        return NOTHING._replace(status=self.resolve())

    def socialize(self, actor: int, account: int) -> Result:
        """Write a deficit off."""
        return self.note(self.world.socialize(actor, account))

    def cover(self, actor: int, account: int) -> Result:
        """Let the fund pay a deficit."""
        return self.note(self.world.cover(actor, account))

    def release(self, actor: int, account: int) -> Result:
        """Collect what is freed of an account's held gains, in all markets."""
        result = NOTHING
        if not self.world.held_gains():
            return result
        for market in range(len(self.world.prices)):
            if self.world.freed(account, market):
                result = self.note(self.world.release(actor, account, market))
        return result

    def enter(self, actor: int, vault: str, units: int) -> Result:
        """Deposit token units into a vault."""
        world = self.world
        if world.must_queue_in(vault):
            return self.note(world.ask_in(actor, units))
        return self.note(world.enter(actor, vault, units))

    def mint(self, actor: int, vault: str, shares: int) -> Result:
        """Buy a number of shares."""
        return self.note(self.world.mint(actor, vault, shares))

    def leave(self, actor: int, vault: str, share: int) -> Result:
        """Redeem a share of what may be redeemed."""
        shares = self.world.redeemable(actor, vault) * share // WHOLE
        return self.note(self.world.leave(actor, vault, shares)) if shares else NOTHING

    def ask(self, actor: int, vault: str, share: int) -> Result:
        """Ask to leave with a share of what one has."""
        shares = self.world.shares(actor, vault) * share // WHOLE
        return self.note(self.world.ask(actor, vault, shares))

    def cancel(self, actor: int, vault: str) -> Result:
        """Take back what one has asked for."""
        return self.note(self.world.cancel(actor, vault))

    def come_in(self, actor: int, owner: int) -> Result:
        """Give an owner the shares of a deposit that has waited."""
        return self.note(self.world.come_in(actor, owner))

    def come_back(self, actor: int) -> Result:
        """Take a deposit back whose shares cannot be had."""
        return self.note(self.world.come_back(actor, self._least_back(actor)))

    def would_come_back(self, actor: int) -> str | None:
        """Return why `come_back` would be refused."""
        return self.world.would_come_back(actor, self._least_back(actor))

    def _least_back(self, actor: int) -> int:
        """Return the least that somebody takes a deposit back for, token units.

        An outsider who sees no price move knows of nothing that its deposit could have lost but roundings.
        """
        if actor in self.members or self.history.moving:
            return 0
        return max(self.world.waiting_entry(actor) - ROUNDINGS_OF_A_DEPOSIT, 0)

    def take(self, actor: int, vault: str, units: int) -> Result:
        """Withdraw token units from a vault."""
        return self.note(self.world.take(actor, vault, units))

    def take_of(self, actor: int, vault: str, owner: int) -> Result:
        """Try to redeem another's share."""
        return self.note(self.world.leave_for_another(actor, vault, owner))

    def donate(self, actor: int, to: str, units: int) -> Result:
        """Send tokens straight to a contract."""
        return self.note(self.world.donate(actor, to, units))

    def poke(self, actor: int, market: int) -> Result:
        """Bring funding and ramp up to now."""
        return self.note(self.world.poke(actor, market))

    def sample(self, actor: int, first: int, second: int) -> Result:
        """Let two markets be sampled."""
        return self.note(self.world.update_pair(actor, first, second))

    def estimate(self, actor: int, market: int) -> Result:
        """Have a market choose its variance."""
        return self.note(self.world.update(actor, market))

    def imply(self, actor: int, market: int, volatility: int) -> Result:
        """Report an implied volatility, basis points a year."""
        return self.note(self.world.report_implied(actor, market, volatility))

    def report(self, actor: int, market: int, change: int, confidence: int) -> Result:
        """Report a price that is off by basis points, with a confidence of basis points."""
        price = max(self.world.prices[market] * (WHOLE + change) // WHOLE, 1)
        reported = self._around(
            [market], lambda: [self.world.report(actor, market, price, price * confidence // WHOLE)]
        )
        return reported[0]

    def price(self, _actor: int, market: int, change: int) -> Result:
        """Let the price change by basis points, and honest reporters say so in the next block."""
        self.world.wait(SECONDS_A_BLOCK)
        self.world.prices[market] = max(self.world.prices[market] * (WHOLE + change) // WHOLE, 10**15)
        reported = self._around([market], lambda: self.world.honest_report(market))
        return reported[0]

    def wait(self, seconds: int) -> Result:
        """Let time pass; honest reporters repeat their price.

        At constant prices all positions are the coalition's, and somebody watches them as often as funding
        needs: a member, who is faster than anybody else, so that bounties and tips stay in the coalition.
        """
        world = self.world
        end = world.now + seconds
        for _ in range(MOST_STEPS_OF_A_WAIT):
            step = end - world.now
            if not self.history.moving:
                step = min(step, self._watch_seconds())
            world.wait(max(step, 1))
            if world.now - self.last_report >= REPORT_EVERY_SECONDS:
                self.last_report = world.now
                self._around(range(len(world.prices)), self._everything_reported)
            if not self.history.moving:
                self.sweep(self.members[-1])
            if world.now >= end:
                break
        return NOTHING._replace(status=True)

    def _everything_reported(self) -> list[Result]:
        markets = range(len(self.world.prices))
        reported = [result for market in markets for result in self.world.honest_report(market)]
        for asset in range(self.world.others.count):
            reported += self.world.others.honest_report(asset)
        return reported

    def pass_time(self, _actor: int, seconds: int) -> Result:
        """Let time pass."""
        return self.wait(seconds)

    def silence(self, _actor: int, seconds: int) -> Result:
        """Let time pass in which nobody reports."""
        self.world.wait(seconds)
        return NOTHING._replace(status=True)

    def _watch_seconds(self) -> int:
        """Return until when nobody can come under maintenance: by funding, or by a ratio that ramps up.

        While somebody is under it, a block: bounds on forced closes let through as much in each.
        """
        markets = self.world.markets()
        rates = [
            (abs(state.funding_rate), state.maintenance_ratio, state.ramped_maintenance_ratio)
            for state in markets
        ]
        least = min(
            (HOUR * min(margin, ramped) // (4 * rate) for rate, margin, ramped in rates if rate),
            default=LONG,
        )
        for member, state in zip(self.members, self.world.states(self.members), strict=True):
            loss = sum(
                abs(self.world.position(member, market).size)
                * markets[market].index_price
                // WAD
                * rates[market][0]
                for market in self.world.open_markets(member)
            )
            if loss:
                gap = max(state.equity - state.maintenance_requirement, 0)
                least = min(least, gap * HOUR * WAD // loss)
        return max(least, SECONDS_A_BLOCK)

    def _around(self, markets: Sequence[int], reporting: Callable[[], list[Result]]) -> list[Result]:
        """Report, and book what the coalition's positions win by it at the index."""
        world = self.world
        before = [world.index(market) for market in markets]
        results = [self.note(result) for result in reporting()]
        shares = None
        for market, price in zip(markets, before, strict=True):
            move = world.index(market) - price
            if move:
                if shares is None:
                    held = sum(world.shares(member, "pool") for member in self.members)
                    shares = (held, max(world.share_supply("pool"), 1))
                sizes = sum(world.position(member, market).size for member in self.members)
                sizes += world.pool_position(market) * shares[0] // shares[1]
                self.index_gain += sizes * move // WAD
        return results

    def forbidden(self, actor: int) -> Result:
        """Call what is others' alone."""
        results = [self.note(result) for result in self.world.forbidden(actor)]
        return next((result for result in results if result.status), results[0])


class Verb(NamedTuple):
    """How an action is played, and what its arguments are."""

    play: Callable[..., Result]
    arguments: tuple[str, ...] = ()
    """``account``, ``market``, ``vault``, ``units``, ``share`` and so on; the last kind repeats."""


VERBS: Final[dict[str, Verb]] = {
    CHECKPOINT.verb: Verb(Player.play),
    "deposit": Verb(Player.deposit, ("account", "units")),
    "withdraw": Verb(Player.withdraw, ("share",)),
    "withdraw_units": Verb(Player.withdraw_units, ("units",)),
    "increase": Verb(Player.increase, ("market", "size")),
    "increase_most": Verb(Player.increase_most, ("market", "share")),
    "mirror": Verb(Player.mirror_of, ("account", "market", "share")),
    "decrease": Verb(Player.decrease, ("market", "share")),
    "mode": Verb(Player.mode, ("mode",)),
    "liquidate": Verb(Player.liquidate, ("account", "market")),
    "sweep": Verb(Player.sweep),
    "deleverage": Verb(Player.deleverage, ("account", "market", "account")),
    "resolve": Verb(Player.resolve_deficits),
    "socialize": Verb(Player.socialize, ("account",)),
    "cover": Verb(Player.cover, ("account",)),
    "release": Verb(Player.release, ("account",)),
    "enter": Verb(Player.enter, ("vault", "units")),
    "mint": Verb(Player.mint, ("vault", "shares")),
    "leave": Verb(Player.leave, ("vault", "share")),
    "ask": Verb(Player.ask, ("vault", "share")),
    "cancel": Verb(Player.cancel, ("vault",)),
    "come_in": Verb(Player.come_in, ("account",)),
    "come_back": Verb(Player.come_back),
    "take": Verb(Player.take, ("vault", "units")),
    "take_of": Verb(Player.take_of, ("vault", "account")),
    "donate": Verb(Player.donate, ("to", "units")),
    "poke": Verb(Player.poke, ("market",)),
    "sample": Verb(Player.sample, ("first", "second")),
    "estimate": Verb(Player.estimate, ("market",)),
    "imply": Verb(Player.imply, ("market", "volatility")),
    "report": Verb(Player.report, ("market", "change", "confidence")),
    "price": Verb(Player.price, ("market", "change")),
    "wait": Verb(Player.pass_time, ("seconds",)),
    "silence": Verb(Player.silence, ("seconds",)),
    "forbidden": Verb(Player.forbidden),
    **{name: Verb(*verb) for name, verb in ASSET_VERBS.items()},
}
"""What an action's verb names."""


def kinds_of(action: Action) -> list[str]:
    """Return the kind of each argument of an action."""
    kinds = VERBS[action.verb].arguments
    return [kinds[min(place, len(kinds) - 1)] for place in range(len(action.arguments))]


def fitted(action: Action, draw: Draw) -> Action:
    """Return an action of another world with people and markets of this one."""

    def person(number: int) -> int:
        return number if number >= verbs.MOST_MEMBERS else number % draw.members

    arguments: list[int | str] = []
    for kind, value in zip(kinds_of(action), action.arguments, strict=True):
        if kind == "account":
            arguments.append(person(int(value)))
        elif kind == "market":
            arguments.append(int(value) % len(draw.markets))
        elif kind == "asset":
            arguments.append(int(value) % max(len(draw.assets), 1))
        else:
            arguments.append(value)
    return action._replace(actor=person(action.actor), arguments=tuple(arguments))
