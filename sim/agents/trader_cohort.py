"""A cohort of traders: thousands of accounts as numpy columns and one decision a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.agents.base import (
    DAY_SECONDS,
    ActorIndex,
    FeePolicy,
    Outcome,
    bounded,
    limit_price,
    require,
    token_amounts,
)
from sim.agents.population import Population, PopulationConfig, build_population
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.portable_math import exp, log, logistic
from sim.core.rng import Streams
from sim.core.units import GWEI, TOKEN_UNIT, WAD, YEAR_SECONDS, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, Fees
from sim.protocol.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpBehavior:
    """How traders answer margin pressure.

    A human notices and acts at the rate ``L(x) / mean_delay_seconds`` with L the logistic function and

        x = intercept + distance_weight / z - gas_weight * ln(base fee / reference fee)

    where z is the distance to liquidation ``(equity - maintenance) / notional`` in standard
    deviations of one hour. Form: quant notes 6 (logistic hazard in distance, volatility and gas).
    No calibrated coefficients exist in print, so all weights are assumptions.
    """

    trigger_ratio: float = 1.25
    """Equity over maintenance requirement below which there is pressure: the margin call level."""
    target_ratio: float = 1.8
    """Equity over maintenance requirement that a top-up restores. Assumption."""
    mean_delay_seconds: int = 600
    """Mean reaction time of a human under extreme pressure: the cure window of ten minutes."""
    intercept: float = -1.0
    """Assumption: with ``distance_weight`` 2, half the full rate at two hourly deviations."""
    distance_weight: float = 2.0
    """Assumption."""
    gas_weight: float = 1.0
    """Assumption: ten times the gas price divides the odds of acting by ten."""
    reference_fee_gwei: float = 20.0
    """Base fee at which gas is no deterrent. Assumption: an ordinary day of 2020-2024."""
    min_amount: float = 10.0
    """Quote; smaller top-ups are not worth a transaction. Assumption."""
    reduces_without_wallet: bool = True
    """Whether a trader whose wallet is empty closes part of the position instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderCohortConfig:
    """One cohort of traders of one market."""

    population: PopulationConfig
    name: str = "traders"
    market: int = 0
    latency_blocks: int = 0
    """Age of the state they see. Assumption: wallets show the latest block."""
    top_up: TopUpBehavior = field(default_factory=TopUpBehavior)
    fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=500.0, priority_fee_gwei=2.0))
    """Bids of humans; a static policy prices them out of a gas spike."""
    automated_fees: FeePolicy = field(default_factory=lambda: FeePolicy(max_fee_gwei=200.0))
    """Bids of automation. Default: 200 gwei, as on Black Thursday (DeFi Saver)."""
    trades_per_day: float = 0.0
    """Discretionary trades of each account a day; 0 holds positions. Assumption: off."""
    reduce_share: float = 0.5
    """Share of those trades that reduce the position. Assumption: no net direction."""
    slippage: float = 0.01
    """Worst accepted fill of a discretionary increase, relative to the index. Assumption: 1 %."""
    patience_blocks: int = 25
    """Blocks a trader waits for an unsettled transaction before acting again. Assumption: 5 min."""

    def __post_init__(self) -> None:
        """Refuse contradictory behaviour."""
        top_up = self.top_up
        require(
            [
                bounded("top-up target_ratio", top_up.target_ratio, top_up.trigger_ratio),
                bounded("trades_per_day", self.trades_per_day, 0.0),
                bounded("reduce_share", self.reduce_share, 0.0, 1.0),
            ]
        )

    def describe(self) -> str:
        """Return one sentence for users."""
        people = self.population
        return (
            f"{people.count:,} traders, {people.long_share:.0%} of them long, with {people.size.describe()} "
            f"and {people.leverage.describe()}; {people.attentive_share:.0%} defend their margin below "
            f"{self.top_up.trigger_ratio:g} times maintenance, restoring {self.top_up.target_ratio:g} times, "
            f"and pay {self.fees.describe()}."
        )


class TraderCohort:
    """Traders who hold a position, defend it under margin pressure, and now and then trade.

    Parameters
    ----------
    config
        Behaviour.
    population
        Accounts, from :meth:`build`, in the order of ``actors``.
    actors
        Their participant indices, ascending.

    Attributes
    ----------
    priced_out : int
        Decisions to act that were dropped because the base fee exceeded the trader's maximum.
    topped_up : float64 [accounts]
        Quote whose deposit was included, by account.
    """

    def __init__(
        self, config: TraderCohortConfig, population: Population, actors: Sequence[int] | IntArray
    ) -> None:
        self.config = config
        self.name = config.name
        self.latency_blocks = config.latency_blocks
        self.population = population
        self.priced_out = 0
        self.topped_up: FloatArray = np.zeros(len(population))
        self._index = ActorIndex(actors)
        require([(len(population) == len(self._index), "a cohort needs one participant for each account")])
        self._silent_until: IntArray = np.zeros(len(population), dtype=np.int64)

    @staticmethod
    def build(config: TraderCohortConfig, draws: Streams) -> Population:
        """Draw the accounts of the cohort (streams ``agent:trader_cohort:<name>:<trait>``)."""
        return build_population(config.population, draws, f"agent:trader_cohort:{config.name}")

    def describe(self) -> str:
        """Return one sentence for users."""
        return self.config.describe()

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return top-ups, reductions under pressure and discretionary trades."""
        columns = self._index.columns
        equity = state.equity[columns]
        maintenance = state.maintenance_requirement[columns]
        pressed = (equity < self.config.top_up.trigger_ratio * maintenance) & self.population.attentive
        pressed &= (maintenance > 0.0) & (self._silent_until <= state.block)
        batches: list[ActionBatch] = []
        rows = np.flatnonzero(pressed)
        if len(rows):
            batches += self._defend(state, draws, rows, equity, maintenance)
        if self.config.trades_per_day > 0.0 and len(self._index):
            batches += self._trade(state, draws, equity)
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Free the accounts whose transactions are settled, and count what was deposited."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0:
                continue
            self._silent_until[row] = 0
            if result.kind.endswith(".deposit") and result.status == "success":
                self.topped_up[row] += result.args[1] / TOKEN_UNIT

    # --- margin pressure ---

    def _defend(
        self, state: State, draws: Streams, rows: IntArray, equity: FloatArray, maintenance: FloatArray
    ) -> list[ActionBatch]:
        top_up = self.config.top_up
        chance = self._chance(state, rows, equity, maintenance)
        uniform = self._uniform(draws, "top_up", state.block)[rows]
        rows = rows[uniform < chance]
        rows = rows[self._can_pay(state, rows)]
        if not len(rows):
            return []
        need = top_up.target_ratio * maintenance[rows] - equity[rows]
        wallet = state.wallet[self._index.columns][rows]
        amount = np.minimum(need, wallet)
        pays = amount >= top_up.min_amount
        batches: list[ActionBatch] = []
        if bool(np.any(pays)):
            accounts = self._index.actors[rows[pays]]
            fees = self._fees(state, rows[pays])
            batches.append(actions.deposit(self.name, accounts, accounts, token_amounts(amount[pays]), fees))
        # Closing the share 1 - E / (target * MM) leaves equity at the target of what remains.
        share = 1.0 - equity[rows] / (top_up.target_ratio * maintenance[rows])
        reduces = ~pays & (equity[rows] > 0.0) & (share > 0.0) & top_up.reduces_without_wallet
        if bool(np.any(reduces)):
            size = np.abs(state.sizes[self.config.market][self._index.columns][rows[reduces]])
            sizes = to_wad_list(size * share[reduces])
            batches.append(self._decrease(state, rows[reduces], sizes))
        self._wait(state, rows[pays | reduces])
        return batches

    def _chance(
        self, state: State, rows: IntArray, equity: FloatArray, maintenance: FloatArray
    ) -> FloatArray:
        """Return the probability that each of ``rows`` acts in this block."""
        top_up = self.config.top_up
        variance = state.markets[self.config.market].variance_fast / WAD
        hourly = np.sqrt(max(variance, 1e-6) * 3_600.0 / YEAR_SECONDS)
        notional = np.maximum(state.notional[self._index.columns][rows], 1e-9)
        distance = (equity[rows] - maintenance[rows]) / (notional * hourly)
        gas = log(max(state.base_fee_wei / GWEI, 1e-9) / top_up.reference_fee_gwei)
        pressure = top_up.distance_weight / np.maximum(distance, 0.1)
        rate = logistic(top_up.intercept + pressure - top_up.gas_weight * gas) / top_up.mean_delay_seconds
        chance = 1.0 - exp(-rate * float(state.seconds_per_block))
        return np.where(self.population.automated[rows], 1.0, chance)

    # --- discretionary trades ---

    def _trade(self, state: State, draws: Streams, equity: FloatArray) -> list[ActionBatch]:
        chance = self.config.trades_per_day * state.seconds_per_block / DAY_SECONDS
        hit = (self._uniform(draws, "trade", state.block) < chance) & (self._silent_until <= state.block)
        rows = np.flatnonzero(hit)
        rows = rows[self._can_pay(state, rows)]
        if not len(rows):
            return []
        reduces = self._uniform(draws, "trade_side", state.block)[rows] < self.config.reduce_share
        share = self._uniform(draws, "trade_share", state.block)[rows]
        held = np.abs(state.sizes[self.config.market][self._index.columns][rows])
        batches: list[ActionBatch] = []
        closing = rows[reduces & (held > 0.0)]
        if len(closing):
            batches.append(self._decrease(state, closing, self._parts(held, share, reduces)))
            self._wait(state, closing)
        opening = ~reduces
        if bool(np.any(opening)):
            batches += self._increase(state, rows[opening], share[opening], equity)
        return batches

    def _parts(self, held: FloatArray, share: FloatArray, reduces: BoolArray) -> list[int]:
        """Return the magnitudes to close; the upper half of ``share`` closes everything."""
        chosen = reduces & (held > 0.0)
        sizes = to_wad_list(held[chosen] * (2.0 * share[chosen]))
        whole = (share[chosen] >= 0.5).tolist()
        return [CLOSE_ALL if everything else size for everything, size in zip(whole, sizes, strict=True)]

    def _increase(
        self, state: State, rows: IntArray, share: FloatArray, equity: FloatArray
    ) -> list[ActionBatch]:
        """Add to positions, never beyond the leverage each account started with."""
        people = self.population
        market = state.markets[self.config.market]
        notional = state.notional[self._index.columns][rows]
        room = np.maximum(equity[rows], 0.0) * people.leverage[rows] - notional
        added = np.minimum(share * people.notional[rows], room)
        worth = added >= 0.01 * people.notional[rows]
        rows, added = rows[worth], added[worth]
        if not len(rows) or market.index_price == 0:
            return []
        side = np.sign(state.sizes[self.config.market][self._index.columns][rows])
        side = np.where(side == 0.0, people.side[rows], side)
        deltas = to_wad_list(side * added / (market.index_price / WAD))
        limits = [
            limit_price(market.index_price, is_buy=delta > 0, slippage=self.config.slippage)
            for delta in deltas
        ]
        self._wait(state, rows)
        fees = self._fees(state, rows)
        actors = self._index.actors[rows]
        return [actions.increase_position(self.name, actors, self.config.market, deltas, limits, fees)]

    # --- helpers ---

    def _decrease(self, state: State, rows: IntArray, sizes: list[int]) -> ActionBatch:
        fees = self._fees(state, rows)
        actors = self._index.actors[rows]
        return actions.decrease_position(self.name, actors, self.config.market, sizes, NO_LIMIT, fees)

    def _uniform(self, draws: Streams, purpose: str, block: int) -> FloatArray:
        """Return one number an account, so that who else acts never shifts anybody's."""
        return draws.draw(f"agent:trader_cohort:{self.name}:{purpose}", block).uniform(len(self._index))

    def _can_pay(self, state: State, rows: IntArray) -> BoolArray:
        """Return who can bid above the base fee, counting the others as priced out."""
        human = self.config.fees.can_pay(state.base_fee_wei)
        bot = self.config.automated_fees.can_pay(state.base_fee_wei)
        able = np.where(self.population.automated[rows], bot, human)
        self.priced_out += int(np.count_nonzero(~able))
        return able

    def _fees(self, state: State, rows: IntArray) -> Fees:
        human = self.config.fees.bid(state.base_fee_wei)
        bot = self.config.automated_fees.bid(state.base_fee_wei)
        chosen = [bot if automated else human for automated in self.population.automated[rows].tolist()]
        return Fees([bid[0] for bid in chosen], [bid[1] for bid in chosen])

    def _wait(self, state: State, rows: IntArray) -> None:
        self._silent_until[rows] = state.block + self.latency_blocks + self.config.patience_blocks
