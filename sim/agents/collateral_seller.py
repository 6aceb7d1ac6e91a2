"""Seller: the protocol's own, who calls the forced sale of other assets of accounts that owe quote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.agents.base import Outcome
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.core.documents.sections import Section, choice, number, table
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, Fees
from sim.protocol.parameters.values import AssetParameters
from sim.protocol.state import AssetDebt, State


class CollateralSellerSection(Section):
    """A seller run by the protocol, who calls the sale of debtors' other assets; only with `collaterals`."""

    enabled: bool = choice(
        default=True,
        description="Whether there is one; without it others pay once the time for sales is over.",
        source="assumption: at 30 gwei a call costs 20 USDC, which 0.5 % of 4,000 pay: the protocol runs one",
    )
    latency_blocks: int = number(
        1, 0, 10_000, "blocks", "Age of the state it sees.", source="assumption: as the deleverager"
    )
    fees: FeePolicy = table(
        FeePolicy(max_fee_gwei=2_000.0),
        "Bids.",
        sources={"max_fee_gwei": "assumption: as the deleverager, by whom others wait to be paid"},
    )


class CollateralSeller:
    """Calls the forced sale for every account that owes quote, or on whose assets a lien lies.

    It sends no more calls than what may be sold at one time leaves something for, largest debt first.
    With a position the contract sells only for a debt of the asset's smallest sale. One call sells no more
    than one time allows; the rest is called for again in the next block. After a refusal, which a silent
    oracle or a pool off the price may cause, it leaves the account alone for a block, and twice as long after
    each further one.
    """

    def __init__(
        self, section: CollateralSellerSection, actor: int, assets: Sequence[AssetParameters]
    ) -> None:
        self.section = section
        self.name = "seller"
        self.latency_blocks = section.latency_blocks
        self.actor = actor
        self._min_sale = min(float(asset.terms["min_sale"]) for asset in assets)
        # Of the reserve of each one's pool: the most that one time may take.
        self._shares = [asset.pool_fee_rate * (1.0 - float(asset.terms["sale_band"])) for asset in assets]
        self._waiting: set[int] = set()
        self._not_before: dict[int, int] = {}  # account -> block
        self._refusals: dict[int, int] = {}

    def describe(self) -> str:
        """Return one sentence for users."""
        return (
            "A seller run by the protocol, who calls the sale of other assets of accounts that owe quote, "
            "for the fee that each sale pays."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return the sales that are due, largest debt first."""
        due = [one for one in state.asset_debts if self._is_due(state, one)]
        if not due:
            return []
        due.sort(key=lambda one: (-(one.debt + one.lien), one.account))
        left = sum(share * asset.pool_quote for share, asset in zip(self._shares, state.assets, strict=True))
        left -= sum(_owed(one) for one in state.asset_debts if one.account in self._waiting)
        accounts: list[int] = []
        for one in due:
            if left <= 0.0:
                break  # the others in the next block: all accounts together are sold so much for at one time
            accounts.append(one.account)
            left -= _owed(one)
        if not accounts:
            return []
        self._waiting.update(accounts)
        fees = Fees(*self.section.fees.bid(state.base_fee_wei))
        return [actions.sell_collateral(self.name, [self.actor] * len(accounts), accounts, fees)]

    def observe(self, outcome: Outcome) -> None:
        """Free the accounts whose sale is settled."""
        for result in outcome.results:
            account = result.args[0]
            self._waiting.discard(account)
            # The states it has not seen yet do not know the outcome: it would ask for the same again.
            self._not_before[account] = outcome.block + 1 + self.latency_blocks
            if result.status == "reverted":
                refusals = self._refusals.get(account, 0)
                self._not_before[account] += 2**refusals
                self._refusals[account] = refusals + 1
            elif result.status == "success":
                self._refusals.pop(account, None)

    def _is_due(self, state: State, one: AssetDebt) -> bool:
        if one.account in self._waiting or state.block + self.latency_blocks < self._not_before.get(
            one.account, 0
        ):
            return False
        return not one.has_position or one.debt + one.lien >= self._min_sale


def _owed(one: AssetDebt) -> float:
    """Return what is to be raised for an account, quote token units."""
    return (one.debt + one.lien) * TOKEN_UNIT


class _Seller(AgentKind[CollateralSellerSection]):
    name = "seller"
    order = 65
    section = CollateralSellerSection

    def groups(self, section: CollateralSellerSection, setting: Setting) -> Iterable[Group]:
        del section
        if setting.asset_names:
            yield Group(name="seller", count=1, label="seller of collateral")

    def agents(self, section: CollateralSellerSection, start: Start) -> Iterable[CollateralSeller]:
        assets = start.setting.protocol.assets
        if assets and section.enabled:
            yield CollateralSeller(section, int(start.members["seller"][0]), assets)


SELLER = _Seller()
AGENTS.add(SELLER)
