"""Builds the world of a run: chain, contracts, participants, outside markets, fee market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.agents.arbitrageur import Arbitrageurs
from sim.agents.base import Agent
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
from sim.engine import configs
from sim.engine.flows import FlowRouter
from sim.engine.population import Opening, Populator
from sim.engine.price_processes import price_process
from sim.engine.scenario import Scenario
from sim.engine.world import World
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


class WorldBuilder:
    """Builds one world; every part is made once, in the order the contracts need."""

    def __init__(self, scenario: Scenario, options: BuildOptions) -> None:
        self._scenario = scenario
        self._options = options
        self._streams = Streams(scenario.seed)
        self._start = self._start_timestamp()
        self._clock = BlockClock(
            start_time=self._start, seconds_per_block=scenario.seconds_per_block, blocks=scenario.blocks
        )
        self._paths = [self._path(market) for market in range(len(scenario.markets))]
        self._prices = [float(path.prices[0]) for path in self._paths]

    def build(self) -> World:
        """Deploy, populate and assemble."""
        scenario, options = self._scenario, self._options
        chain = Chain.create(options.engine, self._start - SETUP_BLOCKS * scenario.seconds_per_block - 1)
        cohorts = [configs.cohort_config(section) for section in scenario.traders]
        populations = [TraderCohort.build(config, self._streams) for config in cohorts]
        liquidators = spread_latencies(
            configs.liquidator_config(scenario),
            scenario.liquidators.latency_blocks_max,
            scenario.liquidators.static_fee_share,
            configs.static_liquidator_fees(scenario),
        )
        book = self._book(liquidators)
        agents: list[Agent] = []
        openings: list[Opening] = []

        def members(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            group = book.groups[name]
            return np.arange(group.start, group.stop, dtype=np.int64)

        for config, population in zip(cohorts, populations, strict=True):
            actors = members(f"traders:{config.name}")
            agents.append(TraderCohort(config, population, actors))
            openings.extend(self._cohort_openings(population, actors.tolist(), config.market))
        for section in scenario.whales:
            notional = whale_notional(
                self._side_notional(populations, section.market, section.side), section.open_interest_share
            )
            whale = Whale(
                configs.whale_config(scenario, section, notional), book.groups[f"whale:{section.name}"].start
            )
            agents.append(whale)
            size = whale.size_sign * notional / self._prices[section.market]
            openings.append(
                Opening(
                    actor=whale.actor,
                    market=section.market,
                    size=size,
                    collateral=whale.collateral,
                    wallet=0.0,
                )
            )
        arbitrageurs = self._arbitrageurs(book, openings)
        agents.extend(arbitrageurs)
        agents.extend(Liquidators(config, members(f"liquidators:{config.name}")) for config in liquidators)
        keepers = [
            OracleKeepers(configs.keeper_config(scenario, market), members(f"keepers:{market}"))
            for market in range(len(scenario.markets))
        ]
        agents.extend(keepers)
        pool, fund = (
            LiquidityProviders(config, members(config.name)) for config in configs.provider_configs(scenario)
        )
        agents.extend((pool, fund))
        if scenario.deleverager.active:
            agents.append(Deleverager(configs.deleverager_config(scenario), book.groups["deleverager"].start))

        reporters = [members(f"keepers:{market}").tolist() for market in range(len(scenario.markets))]
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
        for providers, key in ((pool, "liquidity_pool"), (fund, "insurance_fund")):
            populator.fill_vault(providers, members(providers.name).tolist(), key)
        chain.end_block()
        chain.start_block(SETUP_BLOCKS, self._start)
        populator.open(openings)
        chain.end_block()
        for market, group in enumerate(keepers):
            group.record_genesis(self._prices[market], self._start - seconds)

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
            agents=tuple(agents),
            arbitrageurs=frozenset(
                actor
                for group in arbitrageurs
                for actor in members(f"arbitrageurs:{group.config.market}").tolist()
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
            seconds_per_block=seconds,
            first_block_number=SETUP_BLOCKS,
            token_supply=populator.token_supply,
            frozen_curves=client.curves(),
            openings=tuple(openings),
            native_start=native_start,
            balances=[native_start] * len(book),
            entry_leverage=self._entry_leverage(mirror, client),
            accounts=self._accounts(book),
            raised_openings=populator.raised,
        )

    def _start_timestamp(self) -> int:
        """Return the time of block 0: that of the command line's first price, else the scenario's."""
        starts = [self._options.histories[market].start_time for market in sorted(self._options.replayed)]
        return max(starts) if starts else self._scenario.start_timestamp

    def _path(self, market: int) -> PricePath:
        described = self._scenario.markets[market]
        process = price_process(
            described, self._options.histories.get(market), replayed=market in self._options.replayed
        )
        return process.path(
            self._clock,
            initial_price=described.initial_price,
            streams=self._streams,
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

    def _book(self, liquidators: Sequence[LiquidatorConfig]) -> AddressBook:
        """Number the participants: accounts with positions first, then everybody else."""
        scenario = self._scenario
        groups = [(f"traders:{section.name}", section.count) for section in scenario.traders]
        groups += [(f"whale:{section.name}", 1) for section in scenario.whales]
        groups += [
            (f"arbitrageurs:{market}", scenario.arbitrageurs.count) for market in range(len(scenario.markets))
        ]
        groups += [(f"liquidators:{config.name}", config.count) for config in liquidators]
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

    def _arbitrageurs(self, book: AddressBook, openings: list[Opening]) -> list[Arbitrageurs]:
        groups: list[Arbitrageurs] = []
        for market in range(len(self._scenario.markets)):
            config = configs.arbitrageur_config(self._scenario, market, self._prices[market])
            group = book.groups[f"arbitrageurs:{market}"]
            agent = Arbitrageurs(config, range(group.start, group.stop))
            groups.append(agent)
            openings.extend(
                Opening(
                    actor=actor,
                    market=market,
                    size=0.0,
                    collateral=agent.initial_collateral,
                    wallet=agent.initial_wallet,
                )
                for actor in range(group.start, group.stop)
            )
        return groups

    @staticmethod
    def _entry_leverage(
        mirror: AccountMirror, client: ProtocolClient
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        valuation = mirror.value(client.markets(), client.curves())
        collateral = np.maximum(mirror.collateral, 1e-9)
        return np.where(valuation.notional > 0.0, valuation.notional / collateral, 0.0)
