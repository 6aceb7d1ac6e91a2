"""What only a fork shows of a history: each probe is tried at its end and undone."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from sim.core.units import QUANTUM, WAD
from tests.support.economic.rules import BAD_PRICE, SETTLE
from tests.support.economic.verbs import ALL, BACKER, PARTICIPANTS, World

EVERYBODY: Final = range(PARTICIPANTS)


class Probe(NamedTuple):
    """One thing to try, with its number."""

    statement: str
    attempt: Callable[[World, Callable[[], None]], str | None]
    """Returns what is wrong; its second argument lets honest people settle what pends."""


def _everybody_leaves(world: World, settle: Callable[[], None]) -> str | None:
    """Close everything, let honest people settle what pends, and take everything out."""
    waits = set()
    for account in EVERYBODY:
        for market in world.open_markets(account):
            result = world.decrease(account, market)
            if result.reason == BAD_PRICE and not world.may(market, SETTLE):
                waits.add(account)
            elif not result.status:
                return f"account {account} cannot close in market {market}: {result.reason}"
    settle()
    settle()
    if not world.withdrawals_open():
        return "withdrawals stay closed after everybody has left and honest people have done their part"
    for account in EVERYBODY:
        for market in range(len(world.prices)):
            if world.freed(account, market) and not world.release(account, account, market).status:
                return f"account {account} cannot collect what is freed in market {market}"
        units = world.collateral(account) // QUANTUM
        if units > 0 and account not in waits:
            result = world.withdraw(account, units)
            if not result.status:
                return f"account {account} cannot take {units} out: {result.reason}"
        if world.others.count and account not in waits and world.collateral(account) >= 0:
            problem = _assets_leave(world, account)
            if problem is not None:
                return problem
    return None


def _assets_leave(world: World, account: int) -> str | None:
    """Take out the assets of an account that owes nothing; with a lien they wait for it."""
    if world.others.lien(account):
        return None
    for asset in range(world.others.count):
        units = world.others.balance(account, asset)
        if units:
            result = world.others.withdraw(account, asset, units)
            if not result.status:
                return f"account {account} cannot take {units} of asset {asset} out: {result.reason}"
    return None


def _funding_is_additive(world: World, _settle: Callable[[], None]) -> str | None:
    """Poke three times in an hour, and once; the index grows alike."""
    pokes, markets, found = 3, range(len(world.prices)), []
    for market in markets:
        world.poke(0, market)
    end = world.now + 600
    for stops in (1, pokes):
        with world.fork():
            for stop in range(stops):
                world.wait((end - world.now) // (stops - stop))
                for market in markets:
                    world.poke(0, market)
            found.append([state.funding_index for state in world.markets()])
    once, often = found
    for market, (one, many) in enumerate(zip(once, often, strict=True)):
        if abs(one - many) > pokes + 1:
            return f"market {market}: {one} in one, {many} in {pokes} steps"
    return None


def _ratios_rise_with_size(world: World, _settle: Callable[[], None]) -> str | None:
    """Ask each formula about sizes: the ratio never falls, maintenance stays below initial."""
    notionals = [10**exponent * WAD for exponent in range(0, 10, 2)]
    for market in range(len(world.prices)):
        rows = world.ratios(market, notionals)
        for (initial, maintenance), (larger, larger_maintenance) in pairwise(rows):
            if larger < initial or larger_maintenance < maintenance:
                return f"market {market}: ratios fall with size, {rows}"
        if any(not 0 < maintenance < initial <= WAD for initial, maintenance in rows):
            return f"market {market}: ratios {rows}"
    return None


def _round_trip(world: World, _settle: Callable[[], None]) -> str | None:
    """Stake, ask to leave at once, and leave: nothing is gained."""
    start, units = world.wallet(BACKER), 100_000 * 10**6
    held = world.held_next(BACKER, "fund")
    if not world.enter(BACKER, "fund", units).status:
        return None
    world.ask(BACKER, "fund", world.shares(BACKER, "fund") - held)
    world.wait(world.queue_seconds("fund"))
    world.leave(BACKER, "fund", world.redeemable(BACKER, "fund"))
    gained = world.wallet(BACKER) - start
    return f"{gained} units gained by going into the fund and out" if gained > 0 else None


def _victim_keeps_its_stake(world: World, _settle: Callable[[], None]) -> str | None:
    """Let an outsider stake: what it gets is worth what it paid, whoever was there before."""
    units, held = 1_000 * 10**6, world.held_next(BACKER, "fund")
    if not world.enter(BACKER, "fund", units).status:
        return None
    worth = world.worth("fund", world.shares(BACKER, "fund") - held)
    assets, liens = world.assets("fund"), world.liens()
    worth += worth * liens // assets  # it has paid for its part of what they bring
    worth += (assets + liens) // (world.share_supply("fund") + 10**6)  # nobody gets a part of a share
    return f"{units} units bought a stake worth {worth}" if worth * 1_000 < units * 999 else None


def _governor_is_bound(world: World, _settle: Callable[[], None]) -> str | None:
    """Let governance try what it may not."""
    return world.governance_problem()


def _split_positions(world: World, _settle: Callable[[], None]) -> str | None:
    """Ask for ten tenths: they need no more than the whole, and no less than its size at the least ratio."""
    parts, whole = 10, 10**7 * WAD
    for market in range(len(world.prices)):
        least, part, one = (row[0] for row in world.ratios(market, [0, whole // parts, whole]))
        if not least <= part <= one:
            return f"market {market}: ratios {least} at nothing, {part} of a tenth, {one} of the whole"
    return None


def _previews_round_down(world: World, _settle: Callable[[], None]) -> str | None:
    """Go through the fund's previews there and back: nobody gains a unit by rounding."""
    for units in (1, 7, 999_999, 123_456_789_012):
        shares = world.preview("fund", "Deposit", units)
        if world.preview("fund", "Redeem", shares) > units:
            return f"{units} units buy {shares} shares worth more"
        if world.preview("fund", "Mint", shares + 1) < units:
            return f"{shares + 1} shares cost less than the {units} units that bought fewer"
        if world.preview("fund", "Redeem", world.preview("fund", "Withdraw", units)) < units:
            return f"{units} units burn fewer shares than they are worth"
    return None


def _connected_once(world: World, _settle: Callable[[], None]) -> str | None:
    """Let the owner connect what is connected."""
    key = world.connected_again()
    return None if key is None else f"{key} was connected again"


@lru_cache(maxsize=4)
def _without_lock(contracts: Path) -> tuple[str, ...]:
    return tuple(
        path.name
        for path in sorted(contracts.rglob("*.vy"))
        if "# pragma nonreentrancy on" not in path.read_text("utf-8")
    )


def _locked(world: World, _settle: Callable[[], None]) -> str | None:
    """Read the sources."""
    names = _without_lock(world.contracts)
    return f"{', '.join(names)} can be entered again" if names else None


def _paused(world: World, _settle: Callable[[], None]) -> str | None:
    """Let the guardian pause: nobody adds risk, everybody may deposit and reduce."""
    if not world.pause().status:
        return "the guardian cannot pause"
    for account in EVERYBODY:
        markets = world.open_markets(account)
        reason = world.would_increase(account, 0, WAD)
        if reason is None or "paused" not in reason:
            return f"account {account} increases while paused: {reason}"
        for market in markets:
            reason = world.would_decrease(account, market, ALL)
            if reason is not None and (reason != BAD_PRICE or world.may(market, SETTLE)):
                return f"account {account} cannot close while paused: {reason}"
    deposited = world.deposit(BACKER, 0, 1)
    return None if deposited.status else f"nobody can deposit while paused: {deposited.reason}"


PROBES: Final[dict[str, Probe]] = {
    "A4": Probe("funding is the same whether it is brought up to date once or often", _funding_is_additive),
    "B5m": Probe("ratios rise with size, maintenance stays below initial", _ratios_rise_with_size),
    "B6": Probe("ten accounts need no less than the least ratio, and no more than one", _split_positions),
    "E1r": Probe("going into the fund and out of it at once gains nothing", _round_trip),
    "E2": Probe(
        "a stake is worth what was paid for it but for a share, whoever was there before",
        _victim_keeps_its_stake,
    ),
    "F1": Probe("what a vault's previews round goes to the vault", _previews_round_down),
    "G2": Probe(
        "governance goes nowhere out of bounds, not too far at once, and not before its time",
        _governor_is_bound,
    ),
    "G4": Probe("while paused nobody adds risk, everybody deposits and reduces", _paused),
    "G5": Probe("what is connected stays connected", _connected_once),
    "H1": Probe("every contract has the lock", _locked),
    "I1": Probe(
        "everybody can leave with everything, once honest people have done their part", _everybody_leaves
    ),
}
