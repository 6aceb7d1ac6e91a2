"""Traders: cohorts of thousands of accounts as numpy columns and one decision a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import Field, PrivateAttr

from sim.agents.account_mode import AccountMode, mode_choice, mode_words
from sim.agents.base import DAY_SECONDS, ActorIndex, Outcome, limit_price, token_amounts
from sim.agents.book_accounts import openings_of, population_of
from sim.agents.book_file import Book, load_book
from sim.agents.brought_assets import BroughtSection, brought_by
from sim.agents.fees import FeePolicy
from sim.agents.kind import AGENTS, AgentKind, Group, Opening, Setting, Start
from sim.agents.population import (
    Leverage,
    LognormalLeverage,
    ParetoSize,
    Population,
    Size,
    build_population,
)
from sim.agents.several_markets import SeveralOfManySection
from sim.core.arrays import BoolArray, FloatArray, IntArray
from sim.core.documents.sections import IDENTIFIER, Problem, Section, choice, number, table, text
from sim.core.errors import InputError
from sim.core.portable_math import exp, log, logistic
from sim.core.rng import Streams
from sim.core.units import GWEI, TOKEN_UNIT, WAD, YEAR_SECONDS, to_wad_list
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, ActionBatch, Fees
from sim.protocol.state import State

MAX_PARTICIPANTS = 200_000
"""Accounts of one cohort; beyond it memory, not the schema, is the limit."""


class TopUpSection(Section):
    """Who adds collateral under margin pressure, how much, and how hard gas is a deterrent.

    A human notices and acts at the rate ``L(x) / mean_delay_seconds`` with L the logistic function and

        x = intercept + distance_weight / z - gas_weight * ln(base fee / reference fee)

    where z is the distance to liquidation ``(equity - maintenance) / notional`` in standard
    deviations of one hour. Form: quant notes 6 (logistic hazard in distance, volatility and gas).
    No calibrated coefficients exist in print, so all weights are assumptions.
    """

    attentive_share: float = number(
        0.5,
        0.0,
        1.0,
        "1",
        "Share of the cohort that ever tops up.",
        source="assumption: BlockAnalitica splits in thirds",
    )
    automated_share: float = number(
        0.1, 0.0, 1.0, "1", "Share of the attentive that react in the next block and follow the base fee.",
        source="assumption: DeFi Saver automation protected a minority in March 2020",
    )  # fmt: skip
    trigger_ratio: float = number(
        1.25,
        1.0,
        100.0,
        "1",
        "Equity to maintenance requirement at which pressure starts.",
        source="9.6: call at 1.25 MM",
    )
    target_ratio: float = number(
        1.8, 1.0, 100.0, "1", "Ratio a top-up restores, if the wallet allows.", source="assumption"
    )
    mean_delay_seconds: int = number(
        600, 1, 604_800, "s", "Mean reaction time of a human.", source="9.6: cure window of ten minutes"
    )
    wallet_ratio: float = number(
        0.5,
        0.0,
        100.0,
        "1",
        "Quote held outside the protocol, as a multiple of collateral.",
        source="assumption",
    )

    wallet_deviation: float = number(
        0.0, 0.0, 5.0, "log", "Deviation of the log of that multiple.", source="assumption: all alike"
    )
    intercept: float = number(
        -1.0, -20.0, 20.0, "log odds", "What a human's attention starts from.",
        source="assumption: with distance_weight 2, half the full rate at two hourly deviations",
    )  # fmt: skip
    distance_weight: float = number(
        2.0, 0.0, 100.0, "log odds", "Rise of attention with the inverse distance to liquidation.",
        source="assumption",
    )  # fmt: skip
    distance_floor: float = number(
        0.1, 1e-3, 100.0, "hourly deviations", "Distance below which pressure rises no further.",
        source="assumption: panic has a limit",
    )  # fmt: skip
    gas_weight: float = number(
        1.0, 0.0, 100.0, "log odds", "Fall of attention with the log of the base fee.",
        source="assumption: ten times the gas price divides the odds of acting by ten",
    )  # fmt: skip
    reference_fee_gwei: float = number(
        20.0, 1e-9, 1e6, "gwei", "Base fee at which gas is no deterrent.",
        source="assumption: an ordinary day of 2020-2024",
    )  # fmt: skip
    min_amount: float = number(
        10.0, 0.0, 1e12, "quote", "Least top-up worth a transaction.", source="assumption"
    )
    reduces_without_wallet: bool = choice(
        default=True,
        description="Whether a trader whose wallet is empty closes part of the position instead.",
        source="assumption",
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield a target below the trigger."""
        if self.target_ratio < self.trigger_ratio:
            yield (
                ("target_ratio",),
                f"must be at least trigger_ratio {self.trigger_ratio:g}, was {self.target_ratio:g}",
            )


class TraderSection(Section):
    """A cohort of traders who hold positions, defend them under margin pressure, and now and then trade."""

    name: str = text(..., "Name of the cohort.", max_length=40, pattern=IDENTIFIER)
    count: int = number(
        0, 0, MAX_PARTICIPANTS, "accounts", "Accounts, unless a book says who there is.",
        source="stated by the scenario",
    )  # fmt: skip
    book: str | None = text(
        None,
        "CSV or Parquet file of accounts inside the scenario's folder: account, market, size, entry_price, "
        "collateral. Who holds what is then not drawn.",
        max_length=1_024,
    )
    market: int = number(0, 0, 7, "id", "Market they trade.", source="the first")
    collateral: BroughtSection | None = Field(
        None,
        description="Part of their collateral in one of `collaterals`; none: all in the quote coin.",
    )
    several: SeveralOfManySection | None = Field(
        None, description="Markets that members hold positions in together; none: all hold `market` alone."
    )
    mode: AccountMode = mode_choice()
    long_share: float = number(
        0.6, 0.0, 1.0, "1", "Share of accounts that are long.", source="quant notes 6: 60/40 to 84/16"
    )
    leverage: Leverage = choice(
        LognormalLeverage(distribution="lognormal"),
        "Notional over collateral at entry.",
        source="assumption: BitMEX's was right-skewed and bounded",
    )
    size: Size = choice(
        ParetoSize(distribution="pareto"),
        "Notional at entry, in all markets.",
        source="quant notes 5.4: Pareto tails",
    )
    entry_deviation: float = number(
        0.0, 0.0, 0.3, "log", "Deviation of the log of the prices at which positions were opened, over that "
        "of block 0.",
        source="assumption: all at the price of block 0; a day of 65 % annual volatility has 0.034",
    )  # fmt: skip
    size_discount: float = number(
        0.0, 0.0, 10.0, "1", "Exponent with which leverage falls in relative size.",
        source="assumption: independent; BitMEX said that large positions use small leverage",
    )  # fmt: skip
    top_up: TopUpSection = TopUpSection()
    fees: FeePolicy = FeePolicy()
    automated_fees: FeePolicy = table(
        FeePolicy(max_fee_gwei=200.0, priority_fee_gwei=1.0),
        "Bids of those whose reaction is automated.",
        sources={
            "max_fee_gwei": "DeFi Saver's limit on 12 March 2020, 200 gwei",
            "priority_fee_gwei": "assumption: the usual suggestion in quiet times",
        },
    )
    latency_blocks: int = number(
        0, 0, 1_000, "blocks", "Age of the state they see.", source="assumption: wallets show the latest"
    )
    patience_blocks: int = number(
        25, 0, 10_000, "blocks", "How long they wait for an unsettled transaction.",
        source="assumption: five minutes",
    )  # fmt: skip
    trades_per_day: float = number(
        0.0, 0.0, 10_000.0, "per account and day", "Rate of further reductions and increases.",
        source="off by default: positions are held, so that a liquidation is not mistaken for a trade",
    )  # fmt: skip
    reduce_share: float = number(
        0.5, 0.0, 1.0, "1", "Share of those trades that reduce.", source="assumption: no net direction"
    )
    whole_share: float = number(
        0.5, 0.0, 0.99, "1", "Share of those reductions that close the position; others close a part.",
        source="assumption",
    )  # fmt: skip
    slippage: float = number(
        0.01, 0.0, 1.0, "1", "Worst fill accepted of an increase, relative to the index.", source="assumption"
    )
    min_increase: float = number(
        0.01, 0.0, 1.0, "1", "Least increase worth a transaction, relative to the notional at entry.",
        source="assumption",
    )  # fmt: skip
    admission_step: float = number(
        0.05, 1e-4, 10.0, "1",
        "Collateral added at a time until the initial check admits the position, relative to that drawn.",
        source="assumption: fine enough that nobody starts far above the requirement",
    )  # fmt: skip

    _read: Book | None = PrivateAttr(None)

    def problems(self) -> Iterator[Problem]:
        """Yield what does not go with a book, or the lack of both book and count."""
        if self.several is not None and self.mode == "isolated":
            yield ("mode",), "several says that they hold several markets, isolated accounts hold one"
        if self.book is None:
            if "count" not in self.model_fields_set:
                yield (), "needs count, the number of accounts, or book, a file of them"
            if self.several is not None and self.market:
                yield ("market",), "several says which markets they trade: leave market out, or several"
            return
        if self.collateral is not None:
            yield ("collateral",), "the book says what they have: leave collateral out, or the book"
        if self.several is not None:
            yield ("several",), "the book says who holds what: leave several out, or the book"
        for key in ("count", "entry_deviation"):
            if getattr(self, key):
                yield (key,), f"the book says it: leave {key} out, or the book"

    @property
    def accounts(self) -> int:
        """Accounts of the cohort; none of a book that has not been read."""
        return self.count if self._read is None else len(self._read.accounts)

    @property
    def positions(self) -> Book:
        """The book of its file.

        Raises
        ------
        InputError
            It has not been read: the scenario was not loaded from a file.
        """
        if self._read is None:
            raise InputError(
                f"traders {self.name}: the scenario was not loaded from a file, so it has no book"
            )
        return self._read

    @property
    def traded(self) -> tuple[int, ...]:
        """Markets they trade, ascending."""
        if self.book is not None:
            return tuple(sorted(set(self.positions.market)))
        return (self.market,) if self.several is None else tuple(sorted(self.several.ids))

    def with_book(self, book: Book) -> TraderSection:
        """Return the same section with what its file holds."""
        copy = self.model_copy()
        copy._read = book  # noqa: SLF001  (own class)
        return copy


class TraderCohort:
    """Traders who hold a position, defend it under margin pressure, and now and then trade.

    Parameters
    ----------
    section
        Behaviour.
    population
        Accounts in the order of ``actors``.
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
        self, section: TraderSection, population: Population, actors: Sequence[int] | IntArray
    ) -> None:
        self.section = section
        self.name = section.name
        self.latency_blocks = section.latency_blocks
        self.population = population
        self.priced_out = 0
        self.topped_up: FloatArray = np.zeros(len(population))
        self._index = ActorIndex(actors)
        same = np.full(len(population), section.market, dtype=np.int64)
        self._markets: IntArray = same if population.markets is None else population.markets
        self._traded = section.traded
        self._silent_until: IntArray = np.zeros(len(population), dtype=np.int64)
        self._awaited: IntArray = np.zeros(len(population), dtype=np.int64)  # calls of the last decision

    def describe(self) -> str:
        """Return one sentence for users."""
        section, top_up = self.section, self.section.top_up
        return (
            f"{_words(section)}; {top_up.attentive_share:.0%} "
            f"defend their margin below {top_up.trigger_ratio:g} times maintenance, restoring "
            f"{top_up.target_ratio:g} times, and pay {section.fees.describe()}."
        )

    def decide(self, state: State, draws: Streams) -> list[ActionBatch]:
        """Return top-ups, reductions under pressure and discretionary trades."""
        columns = self._index.columns
        equity = state.equity[columns]
        maintenance = state.maintenance_requirement[columns]
        pressed = (equity < self.section.top_up.trigger_ratio * maintenance) & self.population.attentive
        pressed &= (maintenance > 0.0) & (self._silent_until <= state.block)
        batches: list[ActionBatch] = []
        rows = np.flatnonzero(pressed)
        if len(rows):
            batches += self._defend(state, draws, rows, equity, maintenance)
        if self.section.trades_per_day > 0.0 and len(self._index):
            batches += self._trade(state, draws, equity)
        return batches

    def observe(self, outcome: Outcome) -> None:
        """Free the accounts whose transactions are settled, and count what was deposited."""
        for result in outcome.results:
            row = self._index.local(result.actor)
            if row < 0:
                continue
            self._awaited[row] -= 1
            if self._awaited[row] <= 0:  # of several calls, a market each, all are settled
                self._silent_until[row] = 0
            if result.kind.endswith(".deposit") and result.status == "success":
                self.topped_up[row] += result.args[1] / TOKEN_UNIT

    # --- margin pressure ---

    def _defend(
        self, state: State, draws: Streams, rows: IntArray, equity: FloatArray, maintenance: FloatArray
    ) -> list[ActionBatch]:
        top_up = self.section.top_up
        chance = self._chance(state, rows, equity, maintenance)
        uniform = self._uniform(draws, "top_up", state.block)[rows]
        rows = rows[uniform < chance]
        rows = rows[self._can_pay(state, rows)]
        if not len(rows):
            return []
        self._awaited[rows] = 0
        need = top_up.target_ratio * maintenance[rows] - equity[rows]
        wallet = state.wallet[self._index.columns][rows]
        amount = np.minimum(need, wallet)
        pays = amount >= top_up.min_amount
        batches: list[ActionBatch] = []
        if bool(np.any(pays)):
            accounts = self._index.actors[rows[pays]]
            fees = self._fees(state, rows[pays])
            batches.append(actions.deposit(self.name, accounts, accounts, token_amounts(amount[pays]), fees))
            self._awaited[rows[pays]] += 1
        # Closing the share 1 - E / (target * MM) leaves equity at the target of what remains.
        share = 1.0 - equity[rows] / (top_up.target_ratio * maintenance[rows])
        reduces = ~pays & (equity[rows] > 0.0) & (share > 0.0) & top_up.reduces_without_wallet
        for market in self._traded:  # the same share of every position
            size = np.abs(state.sizes[market][self._index.columns][rows])
            chosen = reduces & (size > 0.0)
            if bool(np.any(chosen)):
                sizes = to_wad_list(size[chosen] * share[chosen])
                batches.append(self._decrease(state, market, rows[chosen], sizes))
        self._wait(state, rows[pays | reduces])
        return batches

    def _chance(
        self, state: State, rows: IntArray, equity: FloatArray, maintenance: FloatArray
    ) -> FloatArray:
        """Return the probability that each of ``rows`` acts in this block."""
        top_up = self.section.top_up
        variance = np.array([market.variance_fast / WAD for market in state.markets])
        hourly = np.sqrt(np.maximum(variance, 1e-6) * 3_600.0 / YEAR_SECONDS)
        notional = np.maximum(state.notional[self._index.columns][rows], 1e-9)
        move = notional * hourly[self._markets[rows]]
        if len(self._traded) > 1:
            move = self._move(state, rows, hourly, move)
        distance = (equity[rows] - maintenance[rows]) / move
        gas = log(max(state.base_fee_wei / GWEI, 1e-9) / top_up.reference_fee_gwei)
        pressure = top_up.distance_weight / np.maximum(distance, top_up.distance_floor)
        rate = logistic(top_up.intercept + pressure - top_up.gas_weight * gas) / top_up.mean_delay_seconds
        chance = 1.0 - exp(-rate * float(state.seconds_per_block))
        return np.where(self.population.automated[rows], 1.0, chance)

    def _move(self, state: State, rows: IntArray, hourly: FloatArray, of_one: FloatArray) -> FloatArray:
        """Return what one standard deviation of an hour moves each account by, quote.

        Moves of several positions are added up, whatever their sides: who is pressed counts on no hedge
        (assumption).
        """
        sizes = np.abs(state.sizes[:, self._index.actors[rows]])
        prices = np.array([market.risk_price / WAD for market in state.markets])
        moves = np.zeros(len(rows))
        for market in self._traded:
            moves += sizes[market] * prices[market] * hourly[market]
        return np.where(np.count_nonzero(sizes, axis=0) > 1, np.maximum(moves, 1e-9), of_one)

    # --- discretionary trades ---

    def _trade(self, state: State, draws: Streams, equity: FloatArray) -> list[ActionBatch]:
        chance = self.section.trades_per_day * state.seconds_per_block / DAY_SECONDS
        hit = (self._uniform(draws, "trade", state.block) < chance) & (self._silent_until <= state.block)
        rows = np.flatnonzero(hit)
        rows = rows[self._can_pay(state, rows)]
        if not len(rows):
            return []
        reduces = self._uniform(draws, "trade_side", state.block)[rows] < self.section.reduce_share
        share = self._uniform(draws, "trade_share", state.block)[rows]
        self._awaited[rows] = 0
        batches: list[ActionBatch] = []
        for market in self._traded:  # of several positions the same share of each
            held = np.abs(state.sizes[market][self._index.columns][rows])
            closing = rows[reduces & (held > 0.0)]
            if len(closing):
                parts = self._parts(held, share, reduces)
                batches.append(self._decrease(state, market, closing, parts))
                self._wait(state, closing)
            opening = ~reduces & (self.population.share_in(market)[rows] != 0.0)
            if bool(np.any(opening)):
                batches += self._increase(state, market, rows[opening], share[opening], equity)
        return batches

    def _parts(self, held: FloatArray, share: FloatArray, reduces: BoolArray) -> list[int]:
        """Return the magnitudes to close; the highest of ``share`` close everything."""
        chosen = reduces & (held > 0.0)
        partly = 1.0 - self.section.whole_share
        sizes = to_wad_list(held[chosen] * (share[chosen] / partly))
        whole = (share[chosen] >= partly).tolist()
        return [CLOSE_ALL if everything else size for everything, size in zip(whole, sizes, strict=True)]

    def _increase(
        self, state: State, traded: int, rows: IntArray, share: FloatArray, equity: FloatArray
    ) -> list[ActionBatch]:
        """Add to the positions of a market, in proportion to what each account started with in all.

        No account gets beyond the leverage it started with, of all its positions.
        """
        people = self.population
        market = state.markets[traded]
        notional = state.notional[self._index.columns][rows]
        room = np.maximum(equity[rows], 0.0) * people.leverage[rows] - notional
        added = np.minimum(share * people.notional[rows], room)
        worth = added >= self.section.min_increase * people.notional[rows]
        rows, added = rows[worth], added[worth]
        if not len(rows) or market.index_price == 0:
            return []
        part = people.share_in(traded)[rows]
        side = np.sign(state.sizes[traded][self._index.columns][rows])
        side = np.where(side == 0.0, np.sign(part), side)
        deltas = to_wad_list(side * added * np.abs(part) / (market.index_price / WAD))
        limits = [
            limit_price(market.index_price, is_buy=delta > 0, slippage=self.section.slippage)
            for delta in deltas
        ]
        self._wait(state, rows)
        self._awaited[rows] += 1
        fees = self._fees(state, rows)
        actors = self._index.actors[rows]
        return [actions.increase_position(self.name, actors, traded, deltas, limits, fees)]

    # --- helpers ---

    def _decrease(self, state: State, market: int, rows: IntArray, sizes: list[int]) -> ActionBatch:
        self._awaited[rows] += 1
        fees = self._fees(state, rows)
        actors = self._index.actors[rows]
        return actions.decrease_position(self.name, actors, market, sizes, NO_LIMIT, fees)

    def _uniform(self, draws: Streams, purpose: str, block: int) -> FloatArray:
        """Return one number an account, so that who else acts never shifts anybody's."""
        return draws.draw(f"agent:trader_cohort:{self.name}:{purpose}", block).uniform(len(self._index))

    def _can_pay(self, state: State, rows: IntArray) -> BoolArray:
        """Return who can bid above the base fee, counting the others as priced out."""
        human = self.section.fees.can_pay(state.base_fee_wei)
        bot = self.section.automated_fees.can_pay(state.base_fee_wei)
        able = np.where(self.population.automated[rows], bot, human)
        self.priced_out += int(np.count_nonzero(~able))
        return able

    def _fees(self, state: State, rows: IntArray) -> Fees:
        human = self.section.fees.bid(state.base_fee_wei)
        bot = self.section.automated_fees.bid(state.base_fee_wei)
        chosen = [bot if automated else human for automated in self.population.automated[rows].tolist()]
        return Fees([bid[0] for bid in chosen], [bid[1] for bid in chosen])

    def _wait(self, state: State, rows: IntArray) -> None:
        self._silent_until[rows] = state.block + self.latency_blocks + self.section.patience_blocks


_BOOK = "book"


class _Traders(AgentKind[TraderSection]):
    name = "traders"
    order = 10
    repeated = True
    file_keys = (_BOOK,)
    section = TraderSection

    def accounts(self, section: TraderSection) -> int:
        return section.accounts

    def placed(self, section: TraderSection, markets: Sequence[str]) -> TraderSection:
        if section.several is None:
            return section
        return section.model_copy(update={"several": section.several.placed(markets)})

    def with_files(
        self, section: TraderSection, files: Mapping[str, Path], markets: Sequence[str]
    ) -> TraderSection:
        return section.with_book(load_book(files[_BOOK], markets)) if _BOOK in files else section

    def groups(self, section: TraderSection, setting: Setting) -> Iterable[Group]:
        del setting
        label = f"{section.name.replace('_', ' ')} traders" if section.name != "traders" else "traders"
        count = section.accounts if section.book is None else len(section.positions.accounts)
        yield Group(name=_group(section), count=count, label=label, holds_positions=True)

    def draw(self, section: TraderSection, draws: Streams) -> Mapping[str, Population]:
        if section.book is not None:
            return {
                _group(section): population_of(section.positions, draws, _prefix(section), **_traits(section))
            }
        people = build_population(
            draws,
            _prefix(section),
            market=section.market,
            count=section.count,
            long_share=section.long_share,
            leverage=section.leverage,
            size=section.size,
            size_discount=section.size_discount,
            entry_deviation=section.entry_deviation,
            several=section.several,
            **_traits(section),
        )
        return {_group(section): people}

    def openings(self, section: TraderSection, start: Start) -> Iterable[Opening]:
        people, actors = start.populations[_group(section)], start.members[_group(section)]
        if section.book is not None:
            for opening in openings_of(section.positions, people, actors.tolist()):
                yield replace(opening, mode=section.mode)
            return
        for leg, market in enumerate(people.legs or (section.market,)):
            price, factor = start.setting.prices[market], people.entries(leg)
            entries = [None] * len(people) if factor is None else to_wad_list(price * factor)
            # All that an account has comes with its first position; margin is judged on the whole of it.
            behind = people.collateral if not leg else np.zeros(len(people))
            brought = brought_by(section.collateral, start.setting) if not leg else ()
            in_quote = 1.0 - sum(share for _, share in brought)
            wallet = people.wallet if not leg else np.zeros(len(people))
            sizes = people.sizes(price, leg)
            columns = (actors.tolist(), sizes.tolist(), behind.tolist(), wallet.tolist())
            for actor, size, collateral, kept, entry in zip(*columns, entries, strict=True):
                if leg and not size:
                    continue
                yield Opening(
                    actor=actor,
                    market=market,
                    size=size,
                    collateral=collateral * in_quote,
                    assets=tuple((asset, collateral * share) for asset, share in brought),
                    wallet=kept,
                    admission_step=section.admission_step,
                    entry_price=entry,
                    mode=section.mode,
                )

    def agents(self, section: TraderSection, start: Start) -> Iterable[TraderCohort]:
        yield TraderCohort(section, start.populations[_group(section)], start.members[_group(section)])


def _words(section: TraderSection) -> str:
    """Return who there is."""
    if section.book is None:
        spread = (
            f", opened within {section.entry_deviation:.1%} of the price" if section.entry_deviation else ""
        )
        return (
            f"{section.count:,} traders, {section.long_share:.0%} of them long, with "
            f"{section.size.describe()} and {section.leverage.describe()}{spread}{_held_together(section)}"
            f"{mode_words(section.mode)}"
            f"{'' if section.collateral is None else f', {section.collateral.describe()}'}"
        )
    book = section.positions
    longs = sum(size > 0 for size in book.size)
    held = f"the {len(book):,} positions of {book.path.name}, {longs:,} of them long"
    return f"{len(book.accounts):,} traders with {held}{mode_words(section.mode)}"


def _held_together(section: TraderSection) -> str:
    """Return which markets they hold together, if several."""
    if section.several is None:
        return ""
    share = section.several.share
    of_others = "" if share == 1.0 else ", the others one of these markets each"
    return f", {share:.0%} of them in several markets ({section.several.describe()}){of_others}"


def _traits(section: TraderSection) -> dict[str, float]:
    """Return what is drawn of every account, whoever says what it holds."""
    top_up = section.top_up
    return {
        "wallet_ratio": top_up.wallet_ratio,
        "wallet_deviation": top_up.wallet_deviation,
        "attentive_share": top_up.attentive_share,
        "automated_share": top_up.automated_share,
    }


def _prefix(section: TraderSection) -> str:
    """Return what the names of the cohort's streams begin with."""
    return f"agent:trader_cohort:{section.name}"


def _group(section: TraderSection) -> str:
    return f"traders:{section.name}"


TRADERS = _Traders()
AGENTS.add(TRADERS)
