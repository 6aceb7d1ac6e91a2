"""Spot arbitrageurs: who carry the outside price of a collateral asset into its spot pool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isqrt

from sim.agents.base import Outcome
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Setting, Start
from sim.core.documents.sections import Section, number, table
from sim.core.rng import Streams
from sim.core.units import QUANTUM, TOKEN_UNIT, WAD, from_wad, to_wad
from sim.protocol import actions
from sim.protocol.actions import ActionBatch, EntryPoint, Fees
from sim.protocol.parameters.values import AssetParameters
from sim.protocol.state import State
from sim.reference.spot_math import amount_out

KIND = EntryPoint.SWAP


class SpotArbitrageursSection(Section):
    """Spot arbitrageurs, one for each of `collaterals`, who trade its pool to the price outside."""

    capital: float = number(
        10_000_000.0, 0.0, 1e12, "quote", "Quote each has at the start, and as much of its asset.",
        source="assumption: several times the pool, so that capital never holds the price back",
    )  # fmt: skip
    latency_blocks: int = number(
        0, 0, 1_000, "blocks", "Age of the state they see.", source="assumption: they watch every block"
    )
    margin: float = number(
        1.0, 0.0, 100.0, "1", "Least gain worth a trade, as a multiple of its gas.",
        source="assumption: competition leaves no more",
    )  # fmt: skip
    fees: FeePolicy = table(
        FeePolicy(max_fee_gwei=2_000.0),
        "Bids.",
        sources={"max_fee_gwei": "assumption: the gain bounds what is paid"},
    )


class SpotArbitrageur:
    """Trades one pool to where the fee leaves no gain, against the outside price of the asset.

    With reserves x of the asset and y of quote, an outside price P and g = 1 - fee, selling pays while
    y/x > P/g and stops at g*y'/x' = P: x' = sqrt(g*x*y/P). Buying pays while y/x < P*g and stops at
    y' = sqrt(g*x*y*P). The product is taken as constant, the fee left in the pool neglected. What it sells
    here it buys outside in the same block, and the reverse, at the price it saw and without moving it.
    """

    def __init__(
        self, section: SpotArbitrageursSection, actor: int, asset: int, terms: AssetParameters
    ) -> None:
        self.section = section
        self.name = f"spot_arbitrageur_{terms.name.lower()}"
        self.latency_blocks = section.latency_blocks
        self.actor = actor
        self.asset = asset
        self._unit = terms.unit
        self._scale = WAD // terms.unit
        self._keep = WAD - to_wad(terms.pool_fee_rate)
        self._fee_rate = to_wad(terms.pool_fee_rate)
        self._asset_units = terms.units(section.capital)
        self._paid_outside = 0.0  # for what it sold here, less what it got for what it bought
        # Of the trade that waits: units that it sells here, and the price outside.
        self._sent: tuple[int, float] = (0, 0.0)
        self._is_waiting = False
        self._not_before = 0

    def describe(self) -> str:
        """Return one sentence for users."""
        return (
            f"A spot arbitrageur on collateral {self.asset} with {self.section.capital:,.0f} and as much of "
            "the asset, who trades its pool to the price outside."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:  # noqa: ARG002  (nothing is left to chance)
        """Return the trade that closes the gap, if it pays."""
        outside = float(state.asset_prices[self.asset])
        pool = state.assets[self.asset]
        if (
            self._is_waiting
            or state.block + self.latency_blocks < self._not_before
            or not pool.pool_asset
            or not pool.pool_quote
        ):
            return []
        # WAD of whole tokens and of quote, so that their ratio is a price.
        base, quote, price = pool.pool_asset * self._scale, pool.pool_quote * QUANTUM, to_wad(outside)
        product = base * quote * self._keep // WAD
        left_base, left_quote = isqrt(product * WAD // price), isqrt(product * price // WAD)
        is_sale = left_base > base
        if is_sale:
            amount = min((left_base - base) // self._scale, self._asset_units)
            out = amount_out(amount, pool.pool_asset, pool.pool_quote, self._fee_rate)
            least = int(amount / self._unit * outside * TOKEN_UNIT)
            gain = (out - least) / TOKEN_UNIT
        else:
            amount = min((left_quote - quote) // QUANTUM, int(state.wallet[self.actor] * TOKEN_UNIT))
            out = amount_out(max(amount, 0), pool.pool_quote, pool.pool_asset, self._fee_rate)
            least = int(amount / TOKEN_UNIT / outside * self._unit)
            gain = (out - least) / self._unit * outside
        gas = from_wad(state.gas[KIND] * state.base_fee_wei) * state.native_price
        if amount <= 0 or out <= 0 or gain <= self.section.margin * gas:
            return []
        self._is_waiting = True
        fees = Fees(*self.section.fees.bid(state.base_fee_wei))
        self._sent = (amount if is_sale else -least, outside)
        # What the amount is worth outside is the least that does not lose.
        return [
            actions.swap(
                self.name, self.actor, self.asset,
                is_sale=is_sale, amount_in=amount, min_amount_out=max(least, 1), fees=fees,
            )
        ]  # fmt: skip

    def observe(self, outcome: Outcome) -> None:
        """Book the other leg of a trade, and trade again."""
        for result in outcome.results:
            self._is_waiting = False
            self._not_before = outcome.block + 1 + self.latency_blocks  # states before do not know of it
            if result.status == "success":
                sold, price = self._sent
                self._asset_units -= sold
                self._paid_outside += sold / self._unit * price

    def outside_values(self, prices: Sequence[float]) -> Mapping[int, float]:
        """Return what its legs outside have brought so far, quote: they were traded at once."""
        del prices  # of markets
        return {self.actor: -self._paid_outside}


class _SpotArbitrageurs(AgentKind[SpotArbitrageursSection]):
    name = "spot_arbitrageurs"
    order = 62
    section = SpotArbitrageursSection

    def groups(self, section: SpotArbitrageursSection, setting: Setting) -> Iterable[Group]:
        for asset, name in enumerate(setting.asset_names):
            yield Group(
                name=_group(asset),
                count=1,
                label=f"{name} spot arbitrageur",
                trades_asset=asset,
                wallet=section.capital,
            )

    def agents(self, section: SpotArbitrageursSection, start: Start) -> Iterable[SpotArbitrageur]:
        for asset, terms in enumerate(start.setting.protocol.assets):
            yield SpotArbitrageur(section, int(start.members[_group(asset)][0]), asset, terms)


def _group(asset: int) -> str:
    return f"spot_arbitrageurs:{asset}"


SPOT_ARBITRAGEURS = _SpotArbitrageurs()
AGENTS.add(SPOT_ARBITRAGEURS)
