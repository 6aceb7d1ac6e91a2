"""Builds the world of a run: chain, contracts, participants, outside markets, fee market."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.agents.kind import AgentKind, Group, Opening, Start
from sim.agents.liquidator import LIQUIDATORS
from sim.agents.population import Population
from sim.chain.chain import Chain
from sim.chain.fees import FeeMarket, NativeLedger
from sim.chain.gas import GasProfile
from sim.chain.mempool import Mempool
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT
from sim.engine.market_draws import asset_paths, market_draws
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds import configs
from sim.engine.worlds.enacting import WAIT_SECONDS, Enactment, Rules
from sim.engine.worlds.feedback import WHOLE, Feedback
from sim.engine.worlds.flows import FlowRouter
from sim.engine.worlds.foundation import Foundation, foundation_key
from sim.engine.worlds.population import Populator, Reporters
from sim.engine.worlds.world import World
from sim.market.effects import ShockSchedule
from sim.market.external import ExternalMarket
from sim.market.impact import ImpactModel
from sim.market.impact_laws.linear import LinearImpact
from sim.market.joint_draws import drawn_paths
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock, PricePath
from sim.market.shock import gas_surges, market_schedule
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient
from sim.protocol.counted_assets import counted_assets
from sim.protocol.deployed import Deployment
from sim.protocol.deployment import MAX_REPORTERS, deploy_protocol
from sim.protocol.frozen_margins import freeze, thaw
from sim.protocol.haircut_screen import HaircutScreen
from sim.protocol.mirror import AccountMirror
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.portfolio_screen import PortfolioScreen
from sim.reference.portfolio_math import PAIRS

ETHER = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What a run adds to its scenario."""

    engine: str
    histories: Mapping[int, PriceHistory]
    """Recorded prices by market."""
    replayed: frozenset[int]
    """Markets whose price file came from the command line: their scripted price shocks do not apply."""
    custom_model: Path | None
    contracts: Path | None
    """Folder of contracts instead of the shipped ones."""
    path: PathChoice | None = None
    """Path of the scenario; None for the plain run."""
    feedback: Feedback = WHOLE


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
        self._asset_paths = [
            path.held(scenario.settlement_blocks, self._clock)
            for path in asset_paths(scenario, self._clock, self._streams)
        ]
        self._refuse_prices_no_oracle_takes()
        self._setting = configs.setting(scenario, self._prices, self._start, replayed=options.replayed)
        self._groups = self._numbered()

    def _refuse_prices_no_oracle_takes(self) -> None:
        oracle = self._scenario.protocol.oracle
        problems = [
            f"markets.{market}: the price at the start, {price:g}, must be between {oracle.min_price:g} and "
            f"{oracle.max_price:g}, protocol.oracle's min_price and max_price"
            for market, price in enumerate(self._prices)
            if not oracle.min_price < price < oracle.max_price
        ]
        if problems:
            raise InputError(problems)

    def price_paths(self, streams: Streams) -> list[PricePath]:
        """Return the fundamental path of every market from the draws of a run; it ends held still."""
        more = self._scenario.settlement_blocks
        options = self._options
        draws = market_draws(
            self._scenario, self._clock, streams, options.histories, replayed=options.replayed
        )
        paths = drawn_paths(self._scenario.correlation, draws)
        return [path.held(more, self._clock) for path in paths]

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
            margin_feedback=options.feedback.margin,
        )

    def found(self) -> Foundation:
        """Deploy, fund and populate: everything before block 0, and nothing that a path draws."""
        scenario, options = self._scenario, self._options
        seconds = scenario.seconds_per_block
        change = self._change()
        began = self._start - 2 * seconds if change is None else self._start - WAIT_SECONDS
        chain = Chain.create(options.engine, began - seconds - 1)
        populations: dict[str, Population] = {}
        for kind, section in self._sections():
            populations.update(kind.draw(section, self._population))
        for population in populations.values():
            _freeze(population)
        book = self._book()
        openings = self._openings(self._start_of(book, populations, {}))
        reporters: list[list[int]] = [[] for _ in scenario.markets]
        asset_reporters: list[list[int]] = [[] for _ in scenario.collaterals]
        for group in self._groups:
            if group.reports is not None:
                reporters[group.reports] += book.members(group.name)
            if group.reports_asset is not None:
                asset_reporters[group.reports_asset] += book.members(group.name)
        for market, members in zip(scenario.markets, reporters, strict=True):
            if len(members) > MAX_REPORTERS:
                raise InputError(
                    f"{len(members)} reporters of market {market.name}, and the oracle takes "
                    f"{MAX_REPORTERS}: lower keepers.count, or that of other tables of reporters"
                )
        at_entries = [opening for opening in openings if opening.entry_price is not None]
        waits = change is not None and bool(at_entries)
        chain.start_block(1, began)
        first = self._rules if change is None else change.before
        deployment = deploy_protocol(
            chain,
            first.parameters if change is None else change.deployed,
            book,
            reporters,
            first.risk_model,
            first.custom_model,
            options.contracts,
            asset_reporters=asset_reporters,
            clusters=[book.members(group.name) for group in self._groups if group.linked],
            can_freeze_margins=waits or not options.feedback.margin,
            bounds_nothing=change is not None,
            implied_reporters=self._implied_reporters(book),
        )
        listed = deployment
        if change is not None:
            deployment = change.queue(
                chain, deployment, can_freeze_margins=waits or not options.feedback.margin
            )
        client = ProtocolClient(chain, deployment, book)
        mirror = AccountMirror(len(book), len(scenario.markets), len(scenario.collaterals))
        mirror.screen = _screen(self._setting.protocol)
        mirror.haircuts = HaircutScreen(self._setting.protocol.assets) if scenario.collaterals else None
        fee_rate = STRUCTS["fees"]["trade_fee_rate"].word(first.parameters.fees["trade_fee_rate"])
        populator = Populator(client, mirror, fee_rate=fee_rate, assets=self._setting.protocol.assets)
        shares: dict[str, tuple[int, ...]] = {}
        if change is not None:
            self._wait(change, chain, populator, book, reports=not at_entries)
        if at_entries:
            self._report_assets(populator, book, chain.timestamp)  # what is brought must count already
            shares = self._fill_vaults(populator, book)
            if change is None:
                populator.open_at_entries(at_entries, self._reporters(book), self._prices, chain.timestamp)
            else:
                self._open_after_wait(change, chain, listed, populator, book, at_entries)
        chain.end_block()
        chain.start_block(chain.block_number + 1, self._start - seconds)
        self._report(populator, book, self._prices, self._setting.first_report_at)
        if not at_entries:
            shares = self._fill_vaults(populator, book)
        for group in self._groups:
            populator.fill_asset_wallets(group, book.members(group.name))
        chain.end_block()
        chain.start_block(chain.block_number + 1, self._start)
        populator.open([opening for opening in openings if opening.entry_price is None])
        if change is not None:
            change.execute(chain, deployment)
        if not options.feedback.margin:
            self.freeze_margins(chain, deployment)
        chain.end_block()
        return Foundation(
            chain=chain,
            client=client,
            book=book,
            mirror=mirror,
            populations=populations,
            openings=tuple(openings),
            shares=shares,
            token_supply=populator.token_supply,
            raised_openings=populator.raised,
            largest_entry_error=populator.largest_entry_error,
            added_units=populator.added,
        )

    def _open_after_wait(
        self,
        change: Enactment,
        chain: Chain,
        deployment: Deployment,
        populator: Populator,
        book: AddressBook,
        openings: list[Opening],
    ) -> None:
        """Open positions at their entry prices in the block of the first reports, long after the listing.

        There the oracle folds a moved index into the variances that it tells. So margin is judged on the
        market as it is before the first move, and on itself again when the price of block 0 is reported.
        """
        reporters = self._reporters(book, everybody=True)
        age = min(one.seconds for one in reporters.values())
        if change.calm_seconds:  # all have reported since then
            age = min(age, change.calm_seconds - 1)
        reporters = {
            market: replace(one, seconds=age - 1) for market, one in reporters.items()
        }  # and one first
        populator.agree(range(len(self._prices)), reporters, self._prices, chain.timestamp - age)
        freeze(chain, deployment)
        populator.open_at_entries(openings, reporters, self._prices, chain.timestamp)
        # A market without such positions is told the price here as well.
        silent = set(range(len(self._prices))).difference(opening.market for opening in openings)
        populator.agree(sorted(silent), reporters, self._prices, chain.timestamp)
        thaw(chain, deployment)

    @property
    def _rules(self) -> Rules:
        """What the scenario says is in force from block 0 on."""
        return Rules(
            parameters=self._setting.protocol,
            risk_model=self._scenario.protocol.risk_model,
            custom_model=self._options.custom_model,
        )

    def _change(self) -> Enactment | None:
        """Return what comes into force in block 0; None if it always was."""
        if not self._scenario.enactment.in_block_0:
            return None
        options = self._options
        return Enactment(self._scenario, self._rules, options.contracts)

    def _wait(
        self, change: Enactment, chain: Chain, populator: Populator, book: AddressBook, *, reports: bool
    ) -> None:
        """Move the clock on to two blocks before block 0, and leave that block open.

        The oracle is told what it needs to estimate there what the scenario says: before it, and unless
        ``reports`` is false since others will, in it.
        """
        chain.end_block()
        listed = self._start - 2 * self._scenario.seconds_per_block
        if change.calm_seconds:
            calm = listed - change.calm_seconds
            chain.start_block(chain.block_number + 1, calm)
            self._report(populator, book, [start.price for start in change.starts], calm)
            chain.end_block()
        chain.start_block(chain.block_number + 1, listed)
        if reports:
            self._report(populator, book, self._prices, listed)

    def _report(
        self, populator: Populator, book: AddressBook, prices: Sequence[float], published_at: int
    ) -> None:
        for group in self._groups:
            if group.reports is not None:
                populator.report(group, book.members(group.name), prices[group.reports], published_at)
        self._report_assets(populator, book, published_at)

    def _report_assets(self, populator: Populator, book: AddressBook, published_at: int) -> None:
        for group in self._groups:
            if group.reports_asset is not None:
                price = self._setting.asset_prices[group.reports_asset]
                populator.report(group, book.members(group.name), price, published_at)

    def _fill_vaults(self, populator: Populator, book: AddressBook) -> dict[str, tuple[int, ...]]:
        """Let every group that has a vault fill it; return the shares of its members."""
        return {
            group.name: populator.fill_vault(group, book.members(group.name))
            for group in self._groups
            if group.vault is not None
        }

    def _reporters(self, book: AddressBook, *, everybody: bool = False) -> dict[int, Reporters]:
        """Return who states the prices at which positions are opened, by market.

        Parameters
        ----------
        everybody
            All reporters, as all have stated something already; else as many as make a price valid.
        """
        oracle, reporter = self._setting.protocol.oracle, self._setting.protocol.reporter
        found: dict[int, Reporters] = {}
        for market in range(len(self._scenario.markets)):
            groups = [group for group in self._groups if group.reports == market]
            actors = [actor for group in groups for actor in book.members(group.name)]
            found[market] = Reporters(
                actors=tuple(actors if everybody else actors[: int(oracle["valid_sources"])]),
                confidence_ratio=max((group.first_confidence_ratio for group in groups), default=0.0),
                seconds=int(reporter["heartbeat_seconds"] + oracle["heartbeat_grace_seconds"]),
            )
        return found

    def freeze_margins(self, chain: Chain, deployment: Deployment) -> None:
        """Hold the inputs of every margin formula as they are, last of all before block 0."""
        freeze(chain, deployment)

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
        start = self._start_of(book, foundation.populations, foundation.shares)
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
            groups=self._groups,
            agents=tuple(
                agent for kind, section in self._sections() for agent in kind.agents(section, start)
            ),
            hedged=frozenset(
                actor for group in self._groups if group.hedges_outside for actor in book.members(group.name)
            ),
            paid_by_fund=frozenset(
                actor
                for group in self._groups
                if group.gas_paid_by_fund
                for actor in book.members(group.name)
            ),
            external=tuple(self._external(market) for market in range(len(scenario.markets))),
            assets=tuple(self._asset_market(asset) for asset in range(len(scenario.collaterals))),
            feedback=replace(options.feedback, price=options.feedback.price and scenario.flow.forced_flow),
            routers=tuple(
                FlowRouter(
                    scenario.flow,
                    unwind_half_life_seconds=scenario.section(LIQUIDATORS).unwind_half_life_seconds,
                )
                for _ in scenario.markets
            ),
            fee_market=FeeMarket(configs.fee_parameters(scenario), self._streams),
            mempool=Mempool(configs.mempool_parameters(scenario), self._streams, order=options.feedback.ties),
            ledger=ledger,
            streams=self._streams,
            gas_surges=gas_surges(scenario.shocks, scenario.seconds_per_block, replayed=options.replayed),
            gas_profile=profile,
            gas=profile.mapping(),
            gas_limit=scenario.chain.block_gas_limit,
            native_price=scenario.chain.native_price,
            start_timestamp=self._start,
            seconds_per_block=scenario.seconds_per_block,
            first_block_number=chain.block_number,
            token_supply=foundation.token_supply,
            frozen_curves=client.curves(),
            openings=foundation.openings,
            native_start=native_start,
            balances=[native_start] * len(book),
            entry_leverage=self._entry_leverage(mirror, client),
            accounts=sum(group.count for group in self._groups if group.holds_positions),
            raised_openings=foundation.raised_openings,
            largest_entry_error=foundation.largest_entry_error,
            added_at_set_up=foundation.added_units / TOKEN_UNIT,
        )

    def _start_timestamp(self) -> int:
        """Return the time of block 0: that of the command line's first price, else the scenario's."""
        starts = [self._options.histories[market].start_time for market in sorted(self._options.replayed)]
        return max(starts) if starts else self._scenario.start_timestamp

    def _shocks(self, market: int) -> ShockSchedule:
        scenario = self._scenario
        return market_schedule(
            scenario.shocks, market, scenario.seconds_per_block, replayed=self._options.replayed
        )

    def _external(self, market: int) -> ExternalMarket:
        scenario = self._scenario
        impact = ImpactModel(scenario.markets[market].impact, seconds_per_block=scenario.seconds_per_block)
        return ExternalMarket(self._paths[market], impact, shocks=self._shocks(market))

    def _asset_market(self, asset: int) -> ExternalMarket:
        """Return the outside market of an asset, which no flow of ours reaches: its law never acts."""
        impact = ImpactModel(LinearImpact(), seconds_per_block=self._scenario.seconds_per_block)
        return ExternalMarket(self._asset_paths[asset], impact)

    def _sections(self) -> Iterator[tuple[AgentKind[Any], Any]]:
        """Yield every agent's table with its kind, in the order in which they decide."""
        for kind in self._scenario.kinds:
            for section in self._scenario.sections(kind):
                yield kind, kind.placed(section, self._setting.market_names)

    def _numbered(self) -> tuple[Group, ...]:
        """Return every group in the order of its participants' numbers: holders of positions first."""
        groups: list[Group] = []
        taken: set[str] = set()
        for kind, section in self._sections():
            for group in kind.groups(section, self._setting):
                if group.name in taken:
                    raise InputError(f"agent {kind.name!r}: a group {group.name!r} exists; rename it")
                taken.add(group.name)
                groups.append(group)
        return tuple(sorted(groups, key=lambda group: not group.holds_positions))

    def _implied_reporters(self, book: AddressBook) -> list[int | None]:
        """Return who reports each market's implied variance."""
        found: list[int | None] = [None] * len(self._scenario.markets)
        for group in self._groups:
            if group.reports_implied is not None:
                found[group.reports_implied] = book.members(group.name)[0]
        return found

    def _book(self) -> AddressBook:
        return AddressBook([(group.name, group.count) for group in self._groups])

    def _start_of(
        self,
        book: AddressBook,
        populations: Mapping[str, Population],
        shares: Mapping[str, tuple[int, ...]],
    ) -> Start:
        members = {group.name: np.array(book.members(group.name), dtype=np.int64) for group in self._groups}
        return Start(setting=self._setting, members=members, populations=populations, shares=shares)

    def _openings(self, start: Start) -> list[Opening]:
        """Return the start of everybody who holds a position or may come to."""
        return [opening for kind, section in self._sections() for opening in kind.openings(section, start)]

    @staticmethod
    def _entry_leverage(
        mirror: AccountMirror, client: ProtocolClient
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        counted = counted_assets(client, mirror, client.assets())
        valuation = mirror.value(client.markets(), client.curves())
        collateral = mirror.collateral.copy() if counted is None else mirror.collateral + counted
        collateral = np.maximum(collateral, 1e-9)
        return np.where(valuation.notional > 0.0, valuation.notional / collateral, 0.0)


def _screen(parameters: ProtocolParameters) -> PortfolioScreen | None:
    """Return what accounts in portfolio mode are screened with, if there is a portfolio model."""
    if parameters.portfolio is None:
        return None
    premiums = [float(market.pricing_terms["max_premium"]) for market in parameters.markets]
    return PortfolioScreen(parameters.portfolio, parameters.correlations or [0.0] * PAIRS, premiums)


def _freeze(population: Population) -> None:
    """Refuse changes of what paths share."""
    for field in fields(population):
        column = getattr(population, field.name)
        if isinstance(column, np.ndarray):
            column.flags.writeable = False
