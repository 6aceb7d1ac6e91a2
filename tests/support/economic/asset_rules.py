"""Rules of the bench about collateral in other tokens, asked in worlds that have some."""

from __future__ import annotations

from typing import Final

from sim.core.units import QUANTUM
from tests.support.economic.rules import Rule
from tests.support.economic.seen import Step
from tests.support.economic.verbs import PARTICIPANTS

EVERYBODY: Final = range(PARTICIPANTS)


def _tokens_are_booked(step: Step) -> str | None:
    others, mirror = step.world.others, step.world.mirror
    for asset in range(others.count):
        booked, held = others.booked(asset), others.held(asset)
        balances = [others.balance(account, asset) for account in EVERYBODY]
        if not booked == sum(balances) == held:
            return f"asset {asset}: {booked} booked, accounts have {sum(balances)}, {held} are held"
        known = mirror.exact_assets[asset]
        if balances != [known.get(account, 0) for account in EVERYBODY]:
            return f"asset {asset}: accounts have {balances}, events say {known}"
    return None


def _secured_adds_up(step: Step) -> str | None:
    others = step.world.others
    secured = {account: others.secured(account) for account in EVERYBODY}
    if step.after.secured != sum(secured.values()):
        return f"{step.after.secured} in total, accounts {secured}"
    for account, amount in secured.items():
        if amount and amount > max(-step.after.accounts[account].collateral, 0):
            owed = -step.after.accounts[account].collateral
            return f"account {account} is secured for {amount}, owes {owed}"
    return None


def _liens_were_paid(step: Step) -> str | None:
    others = step.world.others
    liens = {account: others.lien(account) for account in EVERYBODY}
    if sum(liens.values()) > step.after.totals.bad_debt:
        return f"liens {liens}, others have borne {step.after.totals.bad_debt}"
    for account, lien in liens.items():
        if lien and not any(others.balance(account, asset) for asset in range(others.count)):
            return f"a lien of {lien} lies on account {account}, which has nothing"
    return None


def _sales_are_fair(step: Step) -> str | None:
    if step.verb != "sell_collateral" or not step.done:
        return None
    account = int(step.action.arguments[0])
    before, after = step.before.accounts[account].equity, step.after.accounts[account].equity
    if after + QUANTUM < before:
        return f"account {account} had {before}, has {after} after a forced sale"
    return None


ASSET_RULES: Final[dict[str, Rule]] = {
    "A8": Rule(
        "A8",
        "what is booked of an asset = the sum of accounts, by events too = the tokens that are held",
        _tokens_are_booked,
    ),
    "A9": Rule(
        "A9",
        "what is secured = the sum of accounts, and of none more than it owes",
        _secured_adds_up,
    ),
    "C13": Rule(
        "C13",
        "liens lie on assets, and are no more together than what others have borne",
        _liens_were_paid,
    ),
    "C14": Rule("C14", "a forced sale of collateral lowers nobody's equity", _sales_are_fair),
}
