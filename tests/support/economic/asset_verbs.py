"""What people do with other collateral, and how it is taken home at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sim.core.units import QUANTUM
from tests.support.economic.draws import SECONDS_A_BLOCK
from tests.support.economic.history import WHOLE
from tests.support.economic.verbs import KEEPER, PARTICIPANTS, Result

if TYPE_CHECKING:
    from tests.support.economic.play import Player

NOTHING: Final = Result(status=False, reason="nothing to do", events=[], gas=0, output=b"")
DUST: Final = 1
"""Units of a share of nothing."""
HONEST_SALES: Final = 6
"""Sales of one account, a block apart, that an honest seller makes before others are asked."""
BISECTIONS: Final = 24


def deposit_asset(player: Player, actor: int, account: int, asset: int, share: int) -> Result:
    """Add a share of what is in a wallet to an account; of no share, one unit."""
    others = player.world.others
    if not others.count:
        return NOTHING
    units = others.wallet(actor, asset) * share // WHOLE if share else DUST
    return player.note(others.deposit(actor, account, asset, units))


def withdraw_asset(player: Player, actor: int, asset: int, share: int) -> Result:
    """Take out a share of what may be taken out."""
    others = player.world.others
    held = others.balance(actor, asset) if others.count else 0
    most = largest(held, lambda units: others.would_withdraw(actor, asset, units) is None)
    units = most * share // WHOLE
    return player.note(others.withdraw(actor, asset, units)) if units else NOTHING


def withdraw_asset_units(player: Player, actor: int, asset: int, units: int) -> Result:
    """Take units out."""
    if not player.world.others.count:
        return NOTHING
    return player.note(player.world.others.withdraw(actor, asset, units))


def swap(player: Player, actor: int, asset: int, share: int) -> Result:
    """Sell as much as a share of a pool's reserve, as far as a wallet goes; a negative share buys."""
    others = player.world.others
    if not others.count:
        return NOTHING
    reserves = others.reserves(asset)
    if share > 0:
        units = min(reserves.asset * share // WHOLE, others.wallet(actor, asset))
    else:
        units = min(reserves.quote * -share // WHOLE, player.world.wallet(actor))
    return player.note(others.swap(actor, asset, units, is_sale=share > 0)) if units else NOTHING


def arbitrage(player: Player, actor: int, asset: int) -> Result:
    """Bring a pool to the honest price, as far as that gains and a wallet goes."""
    others = player.world.others
    if not others.count:
        return NOTHING
    is_sale, wanted = others.to_fair(asset)
    units = min(wanted, others.wallet(actor, asset) if is_sale else player.world.wallet(actor))
    return player.note(others.swap(actor, asset, units, is_sale=is_sale)) if units else NOTHING


def sell_collateral(player: Player, actor: int, account: int) -> Result:
    """Let an account's assets pay what it owes."""
    if not player.world.others.count:
        return NOTHING
    return player.note(player.world.others.sell(actor, account))


def refresh_secured(player: Player, actor: int, account: int) -> Result:
    """Look again at what an account's assets are to cover."""
    if not player.world.others.count:
        return NOTHING
    return player.note(player.world.others.refresh(actor, account))


def repay_lien(player: Player, actor: int, account: int, share: int) -> Result:
    """Pay back a share of what others have paid for an account."""
    lien = player.world.others.lien(account) if player.world.others.count else 0
    units = -(-lien // QUANTUM) * share // WHOLE
    return player.note(player.world.others.repay_lien(actor, account, units)) if units else NOTHING


def report_asset(player: Player, actor: int, asset: int, change: int, confidence: int) -> Result:
    """Report an asset's price that is off by basis points, with a confidence of basis points."""
    others = player.world.others
    if not others.count:
        return NOTHING
    price = max(others.prices[asset] * (WHOLE + change) // WHOLE, 1)
    return player.note(others.report(actor, asset, price, price * confidence // WHOLE))


def price_asset(player: Player, _actor: int, asset: int, change: int) -> Result:
    """Let an asset's price change by basis points, and honest reporters say so in the next block.

    What the coalition has of it wins or loses by it what no action has earned.
    """
    others = player.world.others
    if not others.count:
        return NOTHING
    player.world.wait(SECONDS_A_BLOCK)
    units = sum(others.wallet(member, asset) + others.balance(member, asset) for member in player.members)
    before = others.worth(asset, units)
    others.prices[asset] = max(others.prices[asset] * (WHOLE + change) // WHOLE, 10**15)
    player.index_gain += others.worth(asset, units) - before
    results = [player.note(result) for result in others.honest_report(asset)]
    return results[0]


def forbidden_asset(player: Player, actor: int, asset: int) -> Result:
    """Call what is others' alone."""
    if not player.world.others.count:
        return NOTHING
    results = [player.note(result) for result in player.world.others.forbidden(actor, asset)]
    return next((result for result in results if result.status), results[0])


ASSET_VERBS: Final[dict[str, tuple[Callable[..., Result], tuple[str, ...]]]] = {
    "deposit_asset": (deposit_asset, ("account", "asset", "share")),
    "withdraw_asset": (withdraw_asset, ("asset", "share")),
    "withdraw_asset_units": (withdraw_asset_units, ("asset_or_none", "units")),
    "swap": (swap, ("asset", "share")),
    "arbitrage": (arbitrage, ("asset",)),
    "sell_collateral": (sell_collateral, ("account",)),
    "refresh_secured": (refresh_secured, ("account",)),
    "repay_lien": (repay_lien, ("account", "share")),
    "report_asset": (report_asset, ("asset", "change", "confidence")),
    "price_asset": (price_asset, ("asset", "change")),
    "forbidden_asset": (forbidden_asset, ("asset",)),
}
"""Verb -> how it is played and what its arguments are, as in ``play``."""


# Taking home


def worth_of(player: Player, members: Sequence[int]) -> int:
    """Return what is in wallets of assets at the honest price, quote token units, rounded down once."""
    others = player.world.others
    total = 0
    for asset in range(others.count):
        total += others.worth(asset, sum(others.wallet(member, asset) for member in members))
    return total // QUANTUM


def take_home(player: Player, members: Sequence[int]) -> None:
    """Free the assets of members whose debt and lien are less than those are worth, take them out, and bring
    every pool back to the honest price: whoever has moved one takes that home too.
    """
    others = player.world.others
    for member in members:
        if is_worth_freeing(player, member):
            _pay_for(player, member, members)
            for asset in range(others.count):
                withdraw_asset(player, member, asset, WHOLE)
    for asset in range(others.count):
        for member in members:
            arbitrage(player, member, asset)


def is_worth_freeing(player: Player, member: int) -> bool:
    """Return whether an account has assets that are worth more than it owes and lies on them."""
    others = player.world.others
    held = sum(others.worth(asset, others.balance(member, asset)) for asset in range(others.count))
    return held > _owed(player, member)


def _owed(player: Player, member: int) -> int:
    return max(-player.world.collateral(member), 0) + player.world.others.lien(member)


def _pay_for(player: Player, member: int, members: Sequence[int]) -> None:
    """Repay what an account owes and its lien out of members' wallets, the fullest first."""
    world = player.world
    for payer in sorted(members, key=lambda payer: -world.wallet(payer)):
        debt = -(-max(-world.collateral(member), 0) // QUANTUM)
        if debt:
            world.deposit(payer, member, min(debt, world.wallet(payer)))
        lien = min(-(-world.others.lien(member) // QUANTUM), world.wallet(payer))
        if lien:
            world.others.repay_lien(payer, member, lien)


def settle_secured(player: Player) -> None:
    """Let an honest keeper sell what debtors without a position have, some blocks long; what it does not get
    rid of stops to stand in the way of others once its window is over.
    """
    world = player.world
    for account in range(PARTICIPANTS):
        for sales in range(HONEST_SALES):
            if world.collateral(account) >= 0 or world.open_markets(account):
                break
            if sales:
                world.wait(SECONDS_A_BLOCK)
            if not player.note(world.others.sell(KEEPER, account)).status:
                break
    if world.others.total_secured():
        player.wait(max(int(asset["terms"]["sale_window_seconds"]) for asset in world.draw.assets) + 1)
        for account in range(PARTICIPANTS):
            if world.others.secured(account):
                player.note(world.others.refresh(KEEPER, account))


def largest(bound: int, accepted: Callable[[int], bool]) -> int:
    """Return about the largest number up to a bound that is accepted, 0 if none is found."""
    if bound <= 0 or accepted(bound):
        return max(bound, 0)
    low, high = 0, bound
    for _ in range(BISECTIONS):
        middle = (low + high) // 2
        if middle == low:
            break
        if accepted(middle):
            low = middle
        else:
            high = middle
    return low
