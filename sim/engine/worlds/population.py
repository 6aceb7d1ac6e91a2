"""Brings the protocol to life before the first block: vaults, price, wallets, accounts.

Everything here is a transaction that must succeed; a position that the initial margin check of the
risk model under test would refuse is opened with just enough collateral instead, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.agents.kind import Group, Opening
from sim.chain.transaction import Transaction
from sim.core.errors import InputError, RunError
from sim.core.units import QUANTUM, TOKEN_UNIT, WAD, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.client import ProtocolClient
from sim.protocol.deployed import OWNER
from sim.protocol.deployment import UNLIMITED_ALLOWANCE
from sim.protocol.mirror import AccountMirror

FREE = Fees(0, 0)
ADMISSION_ATTEMPTS = 100
"""The first top-up covers what the risk model asks for, so a few more are enough; a position still refused
then cannot be opened at all."""

REFUSED = "trading: margin too low"
"""Revert reason of the initial check."""


class Populator:
    """Sends the set-up transactions of a run and lets the mirror see their events."""

    def __init__(self, client: ProtocolClient, mirror: AccountMirror) -> None:
        self._client = client
        self._mirror = mirror
        self._supply = 0
        self.raised = 0
        """Accounts that deposited more than their leverage asked for, to be admitted."""

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
        """Let every reporter of a group state the first price of its market."""
        if group.reports is None or not reporters:
            return
        exact, ratio = to_wad_list(np.array([price, group.first_confidence_ratio]))
        confidence = exact * ratio // WAD
        self.send(actions.report("setup", list(reporters), group.reports, exact, confidence, timestamp, FREE))

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
        funded = [opening for opening in openings if opening.collateral > 0.0 or opening.wallet > 0.0]
        actors = [opening.actor for opening in funded]
        deposits = [self._units(opening.collateral) for opening in funded]
        wallets = [self._units(opening.wallet) for opening in funded]
        self.mint_each(actors, [deposit + wallet for deposit, wallet in zip(deposits, wallets, strict=True)])
        self.approve(actors, ("margin_engine",))
        paid = [(actor, deposit) for actor, deposit in zip(actors, deposits, strict=True) if deposit > 0]
        if paid:
            depositors = [actor for actor, _ in paid]
            self.send(
                actions.deposit("setup", depositors, depositors, [deposit for _, deposit in paid], FREE)
            )
        for opening in openings:
            size = to_wad_list(np.array([opening.size]))[0]
            if size:
                self._open_position(opening, size)

    def _open_position(self, opening: Opening, size: int) -> None:
        """Open one position, adding collateral until the initial check lets it through."""
        actor = opening.actor
        increase = actions.increase_position("setup", actor, opening.market, size, actions.NO_LIMIT, FREE)
        step = max(self._units(opening.collateral * opening.admission_step), 1)
        for attempt in range(ADMISSION_ATTEMPTS):
            reason = self._try(increase)
            if reason is None:
                self.raised += attempt > 0
                return
            if reason != REFUSED:
                raise self._refused(opening, reason)
            missing = self._missing(opening, size) if attempt == 0 else 0
            added = max(missing // step, 1) * step
            self.mint_each([actor], [added])
            self.send(actions.deposit("setup", actor, actor, added, FREE))
        raise self._refused(opening, f"{REFUSED}, after {ADMISSION_ATTEMPTS} top-ups of its collateral")

    def _refused(self, opening: Opening, reason: str) -> InputError:
        side = "long" if opening.size > 0.0 else "short"
        return InputError(
            f"{self._name(opening.actor)}: cannot open its position before block 0, {side}"
            f" {abs(opening.size):,.6g} of market {opening.market} with {opening.collateral:,.6g} of"
            f" collateral: the contracts refuse it: {reason}; change size or leverage of such accounts, or"
            " the parameter of the protocol that stands against them"
        )

    def _name(self, actor: int) -> str:
        """Return group and place of a participant, as ``seawall account`` takes them."""
        book = self._client.book
        group = book.group_of(actor)
        return f"{group}:{actor - book.members(group).start}"

    def _missing(self, opening: Opening, size: int) -> int:
        """Return the token units that lack for the model's initial requirement, fees and fill apart."""
        market = self._client.markets()[opening.market]
        notional = abs(size) * max(market.index_price, market.risk_price) // WAD
        ratio = self._client.initial_ratio(opening.market, notional)
        collateral = self._mirror.exact_collateral[opening.actor]
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


def equal_parts(total: int, count: int) -> list[int]:
    """Return ``total`` in equal parts; the first takes the remainder."""
    part, rest = divmod(total, count)
    return [part + (rest if row == 0 else 0) for row in range(count)]
