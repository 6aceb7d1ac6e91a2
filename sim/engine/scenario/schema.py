"""The frozen scenario: what is simulated, with every number bounded and every default sourced.

Loading a file, with line numbers and overrides, is in :mod:`sim.engine.scenario.load`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr, Strict, ValidationError
from pydantic_core import PydanticCustomError

from sim.agents.brought_assets import BroughtSection
from sim.agents.kind import AgentKind
from sim.agents.liquidator import LIQUIDATORS
from sim.agents.oracle_keeper import KEEPERS
from sim.agents.several_markets import SeveralMarketsSection
from sim.core.documents.messages import describe, nearest
from sim.core.documents.sections import (
    IDENTIFIER,
    Document,
    Problem,
    Section,
    choice,
    number,
    text,
    walk_sections,
)
from sim.core.documents.variants import OneOf
from sim.core.errors import InputError
from sim.engine.scenario.chain import ChainSection
from sim.engine.scenario.collateral import MAX_ASSETS, CollateralSection
from sim.engine.scenario.enactment import EnactmentSection
from sim.engine.scenario.expect import ExpectSection
from sim.engine.scenario.flow import FlowSection
from sim.engine.scenario.market import MAX_MARKETS, MarketSection
from sim.engine.scenario.meant import Meant, is_out_throughout, unless_meant
from sim.engine.scenario.premium import FLOORS, Agreeing, premium_problem
from sim.engine.scenario.protocol import ProtocolSection
from sim.engine.scenario.risk import BUILT_IN_MODELS, not_whole, whole_numbers
from sim.market.correlation import CorrelationSection
from sim.market.effects import AgentOutage
from sim.market.shock import SHOCKS, Shock
from sim.protocol.parameters.table import STRUCTS, Parameter, models

SCHEMA_VERSION = 1
MAX_PARTICIPANTS = 200_000
"""Accounts of one scenario that start with a position; beyond it memory, not the schema, is the limit."""

FIRST_YEAR, END_YEAR = 2015, 2100
"""Years in which a run may start: from Ethereum's first on."""

MAX_ACCOUNT_BLOCKS = 2_000_000_000
"""Participants times blocks a scenario may ask for: days of computing, so more is a slip of the pen."""


S = TypeVar("S", bound=Section)


def _utc(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() != 0:
        raise PydanticCustomError("not_utc", "must be UTC, for example 2020-03-12T00:00:00Z")
    if not FIRST_YEAR <= moment.year < END_YEAR or moment.microsecond:
        raise PydanticCustomError(
            "start_range", f"must be a whole second from {FIRST_YEAR} to {END_YEAR - 1}"
        )
    return moment


# A TOML list is a Python list; strictness is lifted for the container alone, its entries stay strict.
Markets = Annotated[tuple[MarketSection, ...], Strict(strict=False), Field(max_length=MAX_MARKETS)]
Collaterals = Annotated[tuple[CollateralSection, ...], Strict(strict=False), Field(max_length=MAX_ASSETS)]
AnyShock = Annotated[Shock, OneOf(SHOCKS, "kind")]
Shocks = Annotated[tuple[AnyShock, ...], Strict(strict=False), Field(max_length=256)]


class Scenario(Document):
    """One frozen scenario; every variant is a new object.

    These are the sections every scenario has. The class of scenario files, with a table for each kind of
    agent, is composed from them and the registries: :func:`sim.engine.scenario.compose.scenario_class`.
    """

    schema_version: Literal[1] = Field(description="Version of this format.")
    name: str = text(
        "scenario", "Short name; the file's own unless stated.", max_length=40, pattern=IDENTIFIER
    )
    title: str = text(..., "Title of reports.", max_length=120)
    question: str = text(..., "The question the run answers.")
    description: str = text("", "What is simulated, and where its numbers come from.", max_length=4_000)
    seed: int = number(1, 0, 2**63 - 1, "1", "Seed of every random stream.", source="any number does")
    blocks: int = number(..., 1, 1_000_000, "blocks", "Blocks simulated.", source="stated by the scenario")
    settlement_blocks: int = number(
        300, 0, 100_000, "blocks",
        "Most blocks the run goes on after its last, prices outside held still, while anybody is under "
        "water; 0 judges it as it stands.",
        source="assumption: an hour of 12 s, longer than blocks stayed full in March 2020 or January 2021",
    )  # fmt: skip
    shocks_outlive_run: bool = choice(
        default=False,
        description="Whether a shock may still be under way when the run ends, which is refused otherwise.",
        source="what a shock does is not known before it is over",
    )
    seconds_per_block: int = number(
        12, 1, 3_600, "s", "Time between two simulated blocks.", source="Ethereum slot time"
    )
    start_time: Annotated[datetime, AfterValidator(_utc)] = choice(
        datetime(2024, 1, 1, tzinfo=UTC),
        "Time of the first block, UTC. A scenario that repeats a price file and does not say starts with the "
        "file.",
        source="any day does",
    )
    meant: Meant = Field(
        (),
        description="Kinds of worlds in which nothing could happen that are run all the same: no_accounts, "
        "no_liquidators, short_prices, silent_oracle.",
        json_schema_extra={"unit": "", "source": "a slip is likelier than a purpose"},
    )
    chain: ChainSection = ChainSection()
    markets: Markets = Field(min_length=1, description="Markets, in id order.")
    collaterals: Collaterals = Field(
        (), description="Other assets than the quote coin that accounts may have as collateral, in id order."
    )
    correlation: CorrelationSection | None = Field(None, description="What makes markets move together.")
    protocol: ProtocolSection = ProtocolSection()
    enactment: EnactmentSection = EnactmentSection()
    flow: FlowSection = FlowSection()
    shocks: Shocks = Field((), description="Scripted shocks.")
    expect: ExpectSection = ExpectSection()

    kinds: ClassVar[tuple[AgentKind[Any], ...]] = ()
    """Kinds of agents the class has tables of, in order."""

    _files: dict[str, Path] = PrivateAttr(default_factory=dict)

    @property
    def start_timestamp(self) -> int:
        """Unix time of the first block."""
        return int(self.start_time.timestamp())

    def sections(self, kind: AgentKind[S]) -> tuple[S, ...]:
        """Return the tables of a kind of agent, in the order of the file."""
        found = getattr(self, kind.name)
        return found if kind.repeated else (found,)

    def section(self, kind: AgentKind[S]) -> S:
        """Return the one table of a kind of agent that is not repeated."""
        (found,) = self.sections(kind)
        return found

    @property
    def participants(self) -> int:
        """Accounts that start with a position."""
        return sum(kind.accounts(section) for kind in self.kinds for section in self.sections(kind))

    def file(self, reference: str) -> Path:
        """Return the checked path behind a reference such as ``protocol.risk_model``."""
        try:
            return self._files[reference]
        except KeyError:
            raise InputError(
                f"{reference}: the scenario was not loaded from a file, so it cannot name one"
            ) from None

    def with_files(self, files: Mapping[str, Path]) -> Self:
        """Return the same scenario with the given paths behind its file references."""
        copy = self.model_copy(update=self._tables_with_files(files))
        copy._files = dict(files)  # noqa: SLF001  (own class)
        problems = list(copy._size_problems())  # noqa: SLF001
        if problems:
            raise InputError([": ".join((*map(str, path), message)) for path, message in problems])
        return copy

    def _tables_with_files(self, files: Mapping[str, Path]) -> dict[str, Any]:
        """Return the tables that name files and read them, with what those hold."""
        names = [market.name for market in self.markets]
        read: dict[str, Any] = {}
        if self.correlation is not None:
            named = {key: files.get(f"correlation.{key}") for key in self.correlation.files()}
            found = {key: file for key, file in named.items() if file is not None}
            if found and len(found) == len(named):
                read["correlation"] = self.correlation.with_files(found, names)
        for kind in self.kinds:
            tables = []
            for place, section in self._places_of(kind):
                found = {
                    key: files[f"{place}.{key}"] for key in kind.files(section) if f"{place}.{key}" in files
                }
                tables.append(kind.with_files(section, found, names) if found else section)
            if any(one is not other for one, other in zip(tables, self.sections(kind), strict=True)):
                read[kind.name] = tuple(tables) if kind.repeated else tables[0]
        return read

    def _places_of(self, kind: AgentKind[S]) -> Iterator[tuple[str, S]]:
        """Yield the tables of a kind of agent with where they stand: ``traders.0``."""
        for index, section in enumerate(self.sections(kind)):
            yield f"{kind.name}.{index}" if kind.repeated else kind.name, section

    def file_references(self) -> Iterator[tuple[str, str]]:
        """Yield ``(reference, path as written)`` of every file the scenario names."""
        if self.protocol.is_custom_model:
            yield "protocol.risk_model", self.protocol.risk_model
        if self.enactment.is_custom_model:
            yield "enactment.risk_model_before", str(self.enactment.risk_model_before)
        for index, market in enumerate(self.markets):
            if market.price.price_file is not None:
                yield f"markets.{index}.price.file", market.price.price_file
        if self.correlation is not None:
            for key, written in self.correlation.files().items():
                yield f"correlation.{key}", written
        for kind in self.kinds:
            for place, section in self._places_of(kind):
                for key, written in kind.files(section).items():
                    yield f"{place}.{key}", written

    def agent_files(self) -> dict[str, Path]:
        """Return the files that tables of agents name: reference -> file."""
        names = tuple(kind.name for kind in self.kinds)
        references = [reference for reference, _ in self.file_references()]
        return {name: self.file(name) for name in references if name.split(".")[0] in names}

    def risk_parameters(self, market: int) -> dict[str, int | float]:
        """Return the risk-model parameters of one market, defaults and per-market values filled in.

        Which of them are whole numbers follows from their names (`sim.protocol.parameters.words`).
        """
        given = {**self.protocol.risk_model_parameters, **self.markets[market].risk_model_parameters}
        if not self.protocol.is_custom_model:
            model = BUILT_IN_MODELS[self.protocol.risk_model]
            return dict(model.model_validate(whole_numbers(given)).model_dump())
        return whole_numbers(given)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between sections."""
        yield from self._size_problems()
        yield from self._market_problems()
        yield from self._outage_problems()
        yield from self._idle_problems()
        yield from self._unfinished_shocks()
        yield from self._name_problems()
        yield from self._risk_problems()
        yield from self._portfolio_problems()
        yield from self._collateral_problems()
        if self.correlation is not None:
            for below, message in self.correlation.problems_among(self.markets):
                yield ("correlation", *below), message
        keepers, needed = self.section(KEEPERS).count, self.protocol.oracle.valid_sources
        if keepers < needed:
            yield (
                (KEEPERS.name, "count"),
                f"must be at least protocol.oracle.valid_sources {needed}, was {keepers}",
            )
        first = self.section(KEEPERS).first_confidence_ratio
        widest = self.protocol.oracle.max_source_confidence_ratio
        if first > widest:
            yield (
                (KEEPERS.name, "first_confidence_ratio"),
                f"must be at most protocol.oracle.max_source_confidence_ratio {widest:g}, was {first:g}",
            )

    def canonical(self) -> dict[str, Any]:
        """Return plain JSON data that ``compose.scenario_of`` turns back into an equal scenario."""
        return self.model_dump(mode="json", exclude_none=True)

    def _size_problems(self) -> Iterator[Problem]:
        """Yield what is too large, as far as the accounts are known: those of a file once it is read."""
        if self.participants * self.blocks > MAX_ACCOUNT_BLOCKS:
            yield ("blocks",), f"accounts x blocks must be at most {MAX_ACCOUNT_BLOCKS:.0e}"
        if self.participants > MAX_PARTICIPANTS:
            yield (), f"at most {MAX_PARTICIPANTS} accounts start with a position, was {self.participants}"

    def _market_problems(self) -> Iterator[Problem]:
        for path, section in walk_sections(self):
            market = getattr(section, "market", None)
            if isinstance(market, int) and market >= len(self.markets):
                yield (*path, "market"), f"there is no market {market}, the last is {len(self.markets) - 1}"
            if isinstance(section, SeveralMarketsSection):
                for below, message in section.unknown([market.name for market in self.markets]):
                    yield (*path, *below), message

    def _collateral_problems(self) -> Iterator[Problem]:
        """Yield names of assets that there are none of, and prices that no oracle takes."""
        names = [collateral.name for collateral in self.collaterals]
        for path, section in walk_sections(self):
            if isinstance(section, BroughtSection) and section.asset not in names:
                known = f", the assets are {', '.join(names)}" if names else ": there is none in collaterals"
                yield (*path, "asset"), f"no asset {section.asset!r}{known}"
        oracle = self.protocol.oracle
        for index, collateral in enumerate(self.collaterals):
            if not oracle.min_price < collateral.initial_price < oracle.max_price:
                bounds = f"min_price {oracle.min_price:g} and max_price {oracle.max_price:g}"
                message = f"must be between protocol.oracle's {bounds}, was {collateral.initial_price:g}"
                yield ("collaterals", index, "initial_price"), message

    def _outage_problems(self) -> Iterator[Problem]:
        """Yield outages of agents that do not exist or never fail."""
        known = [kind.name for kind in self.kinds if kind.can_fail]
        for index, shock in enumerate(self.shocks):
            if any(shock.problems()):
                continue  # it has no start yet, so it has no effects
            for effect in shock.effects(self.seconds_per_block):
                if isinstance(effect, AgentOutage) and effect.agents not in known:
                    yield (
                        ("shocks", index),
                        (f"no agents named {effect.agents!r} can fail, {', '.join(known)} can"),
                    )

    def _idle_problems(self) -> Iterator[Problem]:
        """Yield what makes it a world in which nothing could happen, unless the scenario means it."""
        someone = self.participants or any(
            kind.files(section) for kind in self.kinds for section in self.sections(kind)
        )
        if not someone and "no_accounts" not in self.meant:
            problem = "no account starts with a position, so nobody can be liquidated; give it traders"
            yield (), unless_meant(problem, "no_accounts")
        if someone and "no_liquidators" not in self.meant:
            for path, problem in self._without_liquidators():
                yield path, unless_meant(f"nobody can liquidate: {problem}", "no_liquidators")
        if "silent_oracle" not in self.meant:
            for market, section in enumerate(self.markets):
                if is_out_throughout(self._outages_of(KEEPERS.name, market), self.blocks):
                    problem = (
                        f"every keeper of market {market} ({section.name}) is silent from the first block to "
                        "the last, so no price reaches its oracle; shorten the outage"
                    )
                    yield ("shocks",), unless_meant(problem, "silent_oracle")

    def _without_liquidators(self) -> Iterator[Problem]:
        liquidators = self.section(LIQUIDATORS)
        if not liquidators.count:
            yield (LIQUIDATORS.name, "count"), "there is none; raise it"
        elif not liquidators.capital:
            yield (LIQUIDATORS.name, "capital"), "none of them has any; raise it"
        elif not self.chain.native_balance:
            yield ("chain", "native_balance"), "none of them can pay for gas; raise it"
        elif all(
            is_out_throughout(self._outages_of(LIQUIDATORS.name, market), self.blocks)
            for market in range(len(self.markets))
        ):
            yield ("shocks",), "all are silent from the first block to the last; shorten the outage"

    def _outages_of(self, agents: str, market: int) -> list[AgentOutage]:
        """Return the scripted outages of a kind of agents in a market."""
        return [
            effect
            for shock in self.shocks
            if not any(shock.problems())
            for effect in shock.effects(self.seconds_per_block)
            if isinstance(effect, AgentOutage) and effect.agents == agents and effect.market in (None, market)
        ]

    def _unfinished_shocks(self) -> Iterator[Problem]:
        """Yield shocks that the end of the run cuts off; one that begins later does nothing, and is none."""
        for index, shock in enumerate(self.shocks):
            if self.shocks_outlive_run or any(shock.problems()):
                continue
            effects = shock.effects(self.seconds_per_block)
            begun = [effect for effect in effects if effect.first_block <= self.blocks]
            last = max((effect.first_block + effect.duration_blocks - 1 for effect in begun), default=0)
            if last > self.blocks:
                yield (
                    ("shocks", index),
                    (
                        f"is under way until block {last} and the run ends at block {self.blocks}: give "
                        f"blocks = {last} or more, end it earlier, or say shocks_outlive_run = true if meant"
                    ),
                )

    def _name_problems(self) -> Iterator[Problem]:
        tables = [
            ("markets", [market.name for market in self.markets]),
            ("collaterals", [collateral.name for collateral in self.collaterals]),
        ]
        tables += [
            (kind.name, [section.name for section in self.sections(kind)])
            for kind in self.kinds
            if kind.repeated
        ]
        for table, names in tables:
            for index, name in enumerate(names):
                if name in names[:index]:
                    yield (
                        (table, index, "name"),
                        f"{name!r} is already the name of {table}.{names.index(name)}",
                    )

    def _portfolio_problems(self) -> Iterator[Problem]:
        """Yield what portfolio margin lacks beside the markets, and accounts in a mode there is not."""
        portfolio = self.protocol.portfolio
        if portfolio is not None:
            premiums = [market.pool.max_premium for market in self.markets]
            names = [market.name for market in self.markets]
            fee_rate = self.protocol.margin.trade_fee_rate
            for below, message in portfolio.problems_among(names, premiums, fee_rate):
                yield ("protocol", "portfolio", *below), message
            return
        for kind in self.kinds:
            for index, section in enumerate(self.sections(kind)):
                if getattr(section, "mode", "") == "portfolio":
                    place = (kind.name, index) if kind.repeated else (kind.name,)
                    yield (
                        (*place, "mode"),
                        "needs the table [protocol.portfolio]: without it there is no portfolio model",
                    )

    def _risk_problems(self) -> Iterator[Problem]:
        tables: list[tuple[tuple[str | int, ...], dict[str, float]]] = [
            (("protocol", "risk_model_parameters"), self.protocol.risk_model_parameters)
        ]
        shared = self.protocol.risk_model_parameters
        for index, market in enumerate(self.markets):
            if market.risk_model_parameters:
                tables.append(
                    (("markets", index, "risk_model_parameters"), {**shared, **market.risk_model_parameters})
                )
        for path, table in tables:
            for name, value in table.items():
                problem = not_whole(name, value)
                if problem is not None:
                    yield (*path, name), problem
            model = BUILT_IN_MODELS.get(self.protocol.risk_model)
            if model is not None:
                yield from _model_problems(self.protocol.risk_model, model, whole_numbers(table), path)
        yield from self._premium_problems()

    def _premium_problems(self) -> Iterator[Problem]:
        """Yield caps on premiums that maintenance ratios cannot carry, where the ratios are known."""
        kind = self.protocol.risk_model
        struct = models().get(kind)
        if struct is None:
            return
        margin = self.protocol.margin
        fee_rate = _written(("protocol", "margin"), margin, STRUCTS["fees"]["trade_fee_rate"])
        row = struct[FLOORS[kind]]
        for index, market in enumerate(self.markets):
            try:
                values = self.risk_parameters(index)
            except ValidationError:
                continue  # said already
            words = {name: struct[name].word(value) for name, value in values.items()}
            table: tuple[str | int, ...] = ("protocol",)
            if row.name in market.risk_model_parameters:
                table = ("markets", index)
            given = {**self.protocol.risk_model_parameters, **market.risk_model_parameters}
            floor = Agreeing(
                path=(*table, "risk_model_parameters", row.name),
                word=words[row.name],
                default=row.word(row.default),
                is_given=row.name in given,
            )
            cap = _written(("markets", index, "pool"), market.pool, STRUCTS["pricing_terms"]["max_premium"])
            problem = premium_problem(kind, words, floor, cap, fee_rate)
            if problem is not None:
                yield problem


def _written(table: tuple[str | int, ...], section: Section, row: Parameter) -> Agreeing:
    return Agreeing(
        path=(*table, row.name),
        word=row.word(getattr(section, row.name)),
        default=row.word(row.default),
        is_given=row.name in section.model_fields_set,
    )


def _model_problems(
    name: str, model: type[Section], table: Mapping[str, float], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    try:
        parameters = model.model_validate(table)
    except ValidationError as error:
        for item in error.errors():
            message = describe(item, model)
            if item["type"] == "extra_forbidden":
                known = nearest(str(item["loc"][-1]), tuple(model.model_fields))
                message = f"the {name} model has no such parameter{known}"
            yield (*path, *item["loc"]), message
        return
    for below, message in parameters.problems():
        yield (*path, *below), message
