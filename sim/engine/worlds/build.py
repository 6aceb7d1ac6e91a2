"""Builds the world of a run: chain, contracts, participants, outside markets, fee market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from sim.agents.arbitrageur import Arbitrageurs
from sim.agents.deleverager import Deleverager
from sim.agents.liquidator import LiquidatorConfig, Liquidators, spread_latencies
from sim.agents.liquidity_provider import LiquidityProviders
from sim.agents.oracle_keeper import OracleKeepers
from sim.agents.population import Population
from sim.agents.trader_cohort import TraderCohort
from sim.agents.whale import Whale, whale_notional
from sim.chain.chain import Chain
from sim.chain.fees import FeeMarket, NativeLedger
from sim.chain.gas import GasProfile
from sim.chain.mempool import Mempool
from sim.core.portable_math import ordered_sum
from sim.core.rng import Streams
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds import configs
from sim.engine.worlds.cast import Cast, members
from sim.engine.worlds.flows import FlowRouter
from sim.engine.worlds.foundation import Foundation, foundation_key
from sim.engine.worlds.population import Opening, Populator
from sim.engine.worlds.price_processes import price_process
from sim.engine.worlds.world import World
from sim.market.external import ExternalMarket
from sim.market.impact import ImpactModel
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock, PricePath
from sim.market.shocks import ShockSchedule
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient
from sim.protocol.deployment import deploy_protocol
from sim.protocol.mirror import AccountMirror

SETUP_BLOCKS = 3
"""Blocks before block 0 in which the protocol is deployed, funded and populated."""

ETHER = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What a run adds to its scenario."""

    engine: str
    forced_flow: bool
    histories: Mapping[int, PriceHistory]
    """Recorded prices by market."""
    replayed: frozenset[int]
    """Markets whose price file came from the command line: their scripted price shocks do not apply."""
    custom_model: Path | None
    contracts: Path | None
    """Folder of contracts instead of the shipped ones."""
    path: PathChoice | None = None
    """Path of the scenario; None for the plain run."""


class WorldBuilder:
    """Builds one world; every part is made once, in the order the contracts need."""

    def __init__(self, scenario: Scenario, options: BuildOptions) -> None:
        self._scenario = scenario
        self._options = options
        chosen = options.path
        seed = scenario.seed
        self._streams = Streams(seed) if chosen is None else chosen.streams(seed)
        self._population = Streams(seed) if chosen is None else chosen.population_streams(seed)
        self._start = self._start_timestamp()
        self._clock = BlockClock(
            start_time=self._start, seconds_per_block=scenario.seconds_per_block, blocks=scenario.blocks
        )
        self._paths = self.price_paths(self._streams)
        self._prices = [float(path.prices[0]) for path in self._paths]

    def price_paths(self, streams: Streams) -> list[PricePath]:
        """Return the fundamental path of every market from the draws of a run."""
        return [self._path(market, streams) for market in range(len(self._scenario.markets))]

    def build(self) -> World:
        """Deploy, populate and assemble."""
        foundation = self.found()
        return self.branch(foundation, foundation.mirror)

    def foundation_key(self) -> str:
        """Return the key of the foundation that :meth:`found` would make."""
        options = self._options
        return foundation_key(
            self._scenario,
            engine=options.engine,
            population_seed=self._population.seed,
            start_timestamp=self._start,
            prices=self._prices,
            custom_model=options.custom_model,
            contracts=options.contracts,
        )

    def found(self) -> Foundation:
        """Deploy, fund and populate: everything before block 0, and nothing that a path draws."""
        scenario, options = self._scenario, self._options
        chain = Chain.create(options.engine, self._start - SETUP_BLOCKS * scenario.seconds_per_block - 1)
        populations = tuple(
            TraderCohort.build(configs.cohort_config(section), self._population)
            for section in scenario.traders
        )
        for population in populations:
            _freeze(population)
        book = self._book()
        cast = self._cast(book, populations)
        openings = self._openings(book, cast)
        reporters = [members(book, f"keepers:{market}").tolist() for market in range(len(scenario.markets))]
        seconds = scenario.seconds_per_block
        chain.start_block(1, self._start - 2 * seconds)
        deployment = deploy_protocol(
            chain,
            configs.protocol_parameters(scenario, self._prices),
            book,
            reporters,
            scenario.protocol.risk_model,
            options.custom_model,
            options.contracts,
        )
        client = ProtocolClient(chain, deployment, book)
        mirror = AccountMirror(len(book), len(scenario.markets))
        populator = Populator(client, mirror)
        chain.end_block()
        chain.start_block(2, self._start - seconds)
        populator.report(reporters, self._prices, self._start - seconds)
        for providers, key in zip(cast.providers, ("liquidity_pool", "insurance_fund"), strict=True):
            populator.fill_vault(providers, members(book, providers.name).tolist(), key)
        chain.end_block()
        chain.start_block(SETUP_BLOCKS, self._start)
        populator.open(openings)
        chain.end_block()
        return Foundation(
            chain=chain,
            client=client,
            book=book,
            mirror=mirror,
            populations=populations,
            openings=tuple(openings),
            shares={providers.name: providers.shares for providers in cast.providers},
            token_supply=populator.token_supply,
            raised_openings=populator.raised,
        )

    def branch(self, foundation: Foundation, mirror: AccountMirror) -> World:
        """Return the world of one path on a foundation, whose chain stands at block 0.

        Parameters
        ----------
        foundation
            From :meth:`found` of a builder with the same key.
        mirror
            The foundation's mirror, or a copy; the path changes it.
        """
        scenario, options = self._scenario, self._options
        chain, client, book = foundation.chain, foundation.client, foundation.book
        cast = self._cast(book, foundation.populations)
        for providers in cast.providers:
            providers.set_shares(foundation.shares[providers.name])
        for market, group in enumerate(cast.keepers):
            group.record_genesis(self._prices[market], self._start - scenario.seconds_per_block)
        profile = GasProfile.load()
        chain.gas_profile = profile
        native_start = int(scenario.chain.native_balance * ETHER)
        ledger = NativeLedger()
        for address in book.addresses:
            ledger.credit(address, native_start)
        return World(
            chain=chain,
            client=client,
            book=book,
            mirror=mirror,
            agents=cast.agents,
            arbitrageurs=frozenset(
                actor
                for group in cast.arbitrageurs
                for actor in members(book, f"arbitrageurs:{group.config.market}").tolist()
            ),
            external=tuple(self._external(market) for market in range(len(scenario.markets))),
            routers=tuple(
                FlowRouter(configs.flow_config(scenario, forced_flow=options.forced_flow))
                for _ in scenario.markets
            ),
            fee_market=FeeMarket(configs.fee_parameters(scenario), self._streams),
            mempool=Mempool(configs.mempool_parameters(scenario), self._streams),
            ledger=ledger,
            streams=self._streams,
            # A surge answers a scripted fall, and a file from the command line replaces both.
            gas_windows=() if options.replayed else tuple(configs.gas_windows(scenario)),
            gas=profile.mapping(),
            gas_limit=scenario.chain.block_gas_limit,
            native_price=scenario.chain.native_price,
            start_timestamp=self._start,
            seconds_per_block=scenario.seconds_per_block,
            first_block_number=SETUP_BLOCKS,
            token_supply=foundation.token_supply,
            frozen_curves=client.curves(),
            openings=foundation.openings,
            native_start=native_start,
            balances=[native_start] * len(book),
            entry_leverage=self._entry_leverage(mirror, client),
            accounts=self._accounts(book),
            raised_openings=foundation.raised_openings,
        )

    def _start_timestamp(self) -> int:
        """Return the time of block 0: that of the command line's first price, else the scenario's."""
        starts = [self._options.histories[market].start_time for market in sorted(self._options.replayed)]
        return max(starts) if starts else self._scenario.start_timestamp

    def _path(self, market: int, streams: Streams) -> PricePath:
        described = self._scenario.markets[market]
        process = price_process(
            described, self._options.histories.get(market), replayed=market in self._options.replayed
        )
        return process.path(
            self._clock,
            initial_price=described.initial_price,
            streams=streams,
            name=f"price:{described.name}",
            shocks=self._shocks(market),
        )

    def _shocks(self, market: int) -> ShockSchedule:
        return configs.shock_schedule(self._scenario, market, replayed=market in self._options.replayed)

    def _external(self, market: int) -> ExternalMarket:
        scenario = self._scenario
        parameters = configs.impact_parameters(scenario.markets[market])
        impact = ImpactModel(parameters, seconds_per_block=scenario.seconds_per_block)
        return ExternalMarket(self._paths[market], impact, shocks=self._shocks(market))

    def _liquidators(self) -> list[LiquidatorConfig]:
        scenario = self._scenario
        return spread_latencies(
            configs.liquidator_config(scenario),
            scenario.liquidators.latency_blocks_max,
            scenario.liquidators.static_fee_share,
            configs.static_liquidator_fees(scenario),
        )

    def _book(self) -> AddressBook:
        """Number the participants: accounts with positions first, then everybody else."""
        scenario = self._scenario
        groups = [(f"traders:{section.name}", section.count) for section in scenario.traders]
        groups += [(f"whale:{section.name}", 1) for section in scenario.whales]
        groups += [
            (f"arbitrageurs:{market}", scenario.arbitrageurs.count) for market in range(len(scenario.markets))
        ]
        groups += [(f"liquidators:{config.name}", config.count) for config in self._liquidators()]
        groups += [(f"keepers:{market}", scenario.keepers.count) for market in range(len(scenario.markets))]
        groups += [
            ("liquidity_providers", scenario.liquidity_providers.count),
            ("fund_backers", scenario.liquidity_providers.count),
            ("deleverager", 1),
        ]
        return AddressBook(groups)

    def _accounts(self, book: AddressBook) -> int:
        """Return how many participants may hold positions: those numbered first."""
        return book.groups[f"arbitrageurs:{len(self._scenario.markets) - 1}"].stop

    def _cast(self, book: AddressBook, populations: Sequence[Population]) -> Cast:
        """Make every participant, as it is before it has seen anything."""
        scenario = self._scenario
        markets = range(len(scenario.markets))
        cohorts = tuple(
            TraderCohort(config, population, members(book, f"traders:{config.name}"))
            for config, population in zip(
                map(configs.cohort_config, scenario.traders), populations, strict=True
            )
        )
        whales = []
        for section in scenario.whales:
            others = self._side_notional(populations, section.market, section.side)
            notional = whale_notional(others, section.open_interest_share)
            config = configs.whale_config(scenario, section, notional)
            whales.append(Whale(config, book.groups[f"whale:{section.name}"].start))
        pool, fund = configs.provider_configs(scenario)
        return Cast(
            cohorts=cohorts,
            whales=tuple(whales),
            arbitrageurs=tuple(
                Arbitrageurs(
                    configs.arbitrageur_config(scenario, market, self._prices[market]),
                    members(book, f"arbitrageurs:{market}"),
                )
                for market in markets
            ),
            liquidators=tuple(
                Liquidators(config, members(book, f"liquidators:{config.name}"))
                for config in self._liquidators()
            ),
            keepers=tuple(
                OracleKeepers(configs.keeper_config(scenario, market), members(book, f"keepers:{market}"))
                for market in markets
            ),
            providers=(
                LiquidityProviders(pool, members(book, pool.name)),
                LiquidityProviders(fund, members(book, fund.name)),
            ),
            deleveragers=(
                (Deleverager(configs.deleverager_config(scenario), book.groups["deleverager"].start),)
                if scenario.deleverager.active
                else ()
            ),
        )

    def _openings(self, book: AddressBook, cast: Cast) -> list[Opening]:
        """Return the start of everybody who holds a position or may come to."""
        openings: list[Opening] = []
        for cohort in cast.cohorts:
            actors = members(book, f"traders:{cohort.name}").tolist()
            openings += self._cohort_openings(cohort.population, actors, cohort.config.market)
        for whale in cast.whales:
            market = whale.config.market
            openings.append(
                Opening(
                    actor=whale.actor,
                    market=market,
                    size=whale.size_sign * whale.config.notional / self._prices[market],
                    collateral=whale.collateral,
                    wallet=0.0,
                )
            )
        for group in cast.arbitrageurs:
            openings += [
                Opening(
                    actor=actor,
                    market=group.config.market,
                    size=0.0,
                    collateral=group.initial_collateral,
                    wallet=group.initial_wallet,
                )
                for actor in members(book, f"arbitrageurs:{group.config.market}").tolist()
            ]
        return openings

    def _cohort_openings(self, population: Population, actors: Sequence[int], market: int) -> list[Opening]:
        sizes = population.sizes(self._prices[market]).tolist()
        columns = zip(actors, sizes, population.collateral.tolist(), population.wallet.tolist(), strict=True)
        return [
            Opening(actor=actor, market=market, size=size, collateral=collateral, wallet=wallet)
            for actor, size, collateral, wallet in columns
        ]

    def _side_notional(self, populations: Sequence[Population], market: int, side: str) -> float:
        sign = 1.0 if side == "long" else -1.0
        return sum(
            ordered_sum(population.notional[population.side == sign])
            for section, population in zip(self._scenario.traders, populations, strict=True)
            if section.market == market
        )

    @staticmethod
    def _entry_leverage(
        mirror: AccountMirror, client: ProtocolClient
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        valuation = mirror.value(client.markets(), client.curves())
        collateral = np.maximum(mirror.collateral, 1e-9)
        return np.where(valuation.notional > 0.0, valuation.notional / collateral, 0.0)


def _freeze(population: Population) -> None:
    """Refuse changes of what paths share."""
    for field in fields(population):
        getattr(population, field.name).flags.writeable = False
