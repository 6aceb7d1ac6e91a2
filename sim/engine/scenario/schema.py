"""The frozen scenario: what is simulated, with every number bounded and every default sourced.

Loading a file, with line numbers and overrides, is in :mod:`sim.engine.scenario.load`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, Strict, ValidationError
from pydantic_core import PydanticCustomError

from sim.core.documents.messages import describe
from sim.core.documents.sections import IDENTIFIER, Document, Problem, Section, number, text, walk_sections
from sim.core.errors import InputError
from sim.engine.scenario.agents import (
    MAX_PARTICIPANTS,
    ArbitrageursSection,
    DeleveragerSection,
    KeepersSection,
    LiquidatorsSection,
    LiquidityProvidersSection,
    TraderSection,
    WhaleSection,
)
from sim.engine.scenario.chain import ChainSection
from sim.engine.scenario.market import MAX_MARKETS, BootstrapPrice, MarketSection, ReplayPrice
from sim.engine.scenario.protocol import ProtocolSection
from sim.engine.scenario.risk import BUILT_IN_MODELS
from sim.engine.scenario.shocks import ExpectSection, FlowSection, Shock

SCHEMA_VERSION = 1
MAX_ACCOUNT_BLOCKS = 2_000_000_000
"""Participants times blocks a scenario may ask for: days of computing, so more is a slip of the pen."""


def _utc(moment: datetime) -> datetime:
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() != 0:
        raise PydanticCustomError("not_utc", "must be UTC, for example 2020-03-12T00:00:00Z")
    if not 2015 <= moment.year < 2100 or moment.microsecond:
        raise PydanticCustomError("start_range", "must be a whole second from 2015 to 2099")
    return moment


# A TOML list is a Python list; strictness is lifted for the container alone, its entries stay strict.
Markets = Annotated[tuple[MarketSection, ...], Strict(strict=False), Field(max_length=MAX_MARKETS)]
Cohorts = Annotated[tuple[TraderSection, ...], Strict(strict=False), Field(max_length=32)]
Whales = Annotated[tuple[WhaleSection, ...], Strict(strict=False), Field(max_length=32)]
Shocks = Annotated[tuple[Shock, ...], Strict(strict=False), Field(max_length=256)]


class Scenario(Document):
    """One frozen scenario; every variant is a new object."""

    schema_version: Literal[1] = Field(description="Version of this format.")
    name: str = text(
        "scenario", "Short name; the file's own unless stated.", max_length=40, pattern=IDENTIFIER
    )
    title: str = text(..., "Title of reports.", max_length=120)
    question: str = text(..., "The question the run answers.")
    description: str = text("", "What is simulated, and where its numbers come from.", max_length=4_000)
    seed: int = number(1, 0, 2**63 - 1, "1", "Seed of every random stream.", source="any number does")
    blocks: int = number(..., 1, 1_000_000, "blocks", "Blocks simulated.", source="stated by the scenario")
    seconds_per_block: int = number(
        12, 1, 3_600, "s", "Time between two simulated blocks.", source="Ethereum slot time"
    )
    start_time: Annotated[datetime, AfterValidator(_utc)] = Field(
        datetime(2024, 1, 1, tzinfo=UTC), description="Time of the first block, UTC."
    )
    chain: ChainSection = ChainSection()
    markets: Markets = Field(min_length=1, description="Markets, in id order.")
    protocol: ProtocolSection = ProtocolSection()
    traders: Cohorts = Field((), description="Cohorts of traders.")
    whales: Whales = Field((), description="Large accounts.")
    liquidators: LiquidatorsSection = LiquidatorsSection()
    keepers: KeepersSection = KeepersSection()
    arbitrageurs: ArbitrageursSection = ArbitrageursSection()
    liquidity_providers: LiquidityProvidersSection = LiquidityProvidersSection()
    deleverager: DeleveragerSection = DeleveragerSection()
    flow: FlowSection = FlowSection()
    shocks: Shocks = Field((), description="Scripted shocks.")
    expect: ExpectSection = ExpectSection()

    _files: dict[str, Path] = PrivateAttr(default_factory=dict)

    @property
    def start_timestamp(self) -> int:
        """Unix time of the first block."""
        return int(self.start_time.timestamp())

    @property
    def participants(self) -> int:
        """Traders and whales together."""
        return sum(cohort.count for cohort in self.traders) + len(self.whales)

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
        copy = self.model_copy()
        copy._files = dict(files)  # noqa: SLF001  (own class)
        return copy

    def file_references(self) -> Iterator[tuple[str, str]]:
        """Yield ``(reference, path as written)`` of every file the scenario names."""
        if self.protocol.is_custom_model:
            yield "protocol.risk_model", self.protocol.risk_model
        for index, market in enumerate(self.markets):
            if isinstance(market.price, ReplayPrice | BootstrapPrice):
                yield f"markets.{index}.price.file", market.price.file

    def risk_parameters(self, market: int) -> dict[str, int | float]:
        """Return the risk-model parameters of one market, defaults and per-market values filled in.

        Keys ending in ``_seconds`` are whole numbers; everything else is a decimal that goes on chain as WAD.
        """
        given = {**self.protocol.risk_model_parameters, **self.markets[market].risk_model_parameters}
        if not self.protocol.is_custom_model:
            model = BUILT_IN_MODELS[self.protocol.risk_model]
            return dict(model.model_validate(_whole_seconds(given)).model_dump())
        return _whole_seconds(given)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between sections."""
        if self.participants * self.blocks > MAX_ACCOUNT_BLOCKS:
            yield ("blocks",), f"accounts x blocks must be at most {MAX_ACCOUNT_BLOCKS:.0e}"
        if self.participants > MAX_PARTICIPANTS:
            yield ("traders",), f"at most {MAX_PARTICIPANTS} accounts, was {self.participants}"
        yield from self._market_problems()
        yield from self._name_problems()
        yield from self._risk_problems()
        if self.keepers.count < self.protocol.oracle.valid_sources:
            yield (
                ("keepers", "count"),
                (
                    f"must be at least protocol.oracle.valid_sources {self.protocol.oracle.valid_sources},"
                    f" was {self.keepers.count}"
                ),
            )

    def canonical(self) -> dict[str, Any]:
        """Return plain JSON data that :meth:`from_canonical` turns back into an equal scenario."""
        return self.model_dump(mode="json", exclude_none=True)

    @classmethod
    def from_canonical(cls, data: Mapping[str, Any], files: Mapping[str, Path] | None = None) -> Self:
        """Return the scenario of canonical data, as stored in a run folder.

        Raises
        ------
        InputError
            If the data is not a valid scenario.
        """
        try:
            scenario = cls.model_validate_json(json.dumps(data))
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
            raise InputError(lines) from None
        return scenario.with_files(files or {})

    def _market_problems(self) -> Iterator[Problem]:
        groups: tuple[tuple[str, tuple[Section, ...]], ...] = (
            ("traders", self.traders), ("whales", self.whales), ("shocks", self.shocks),
        )  # fmt: skip
        for table, sections in groups:
            for index, section in enumerate(sections):
                market = getattr(section, "market", 0)
                if market >= len(self.markets):
                    yield (
                        (table, index, "market"),
                        f"there is no market {market}, the last is {len(self.markets) - 1}",
                    )

    def _name_problems(self) -> Iterator[Problem]:
        for table, names in (
            ("markets", [market.name for market in self.markets]),
            ("traders", [cohort.name for cohort in self.traders]),
            ("whales", [whale.name for whale in self.whales]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    yield (
                        (table, index, "name"),
                        f"{name!r} is already the name of {table}.{names.index(name)}",
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
                if name.endswith("_seconds") and value != int(value):
                    yield (*path, name), f"must be a whole number of seconds, was {value:g}"
            model = BUILT_IN_MODELS.get(self.protocol.risk_model)
            if model is not None:
                yield from _model_problems(model, _whole_seconds(table), path)


def _whole_seconds(table: Mapping[str, float]) -> dict[str, int | float]:
    return {name: int(value) if name.endswith("_seconds") else value for name, value in table.items()}


def _model_problems(
    model: type[Section], table: Mapping[str, float], path: tuple[str | int, ...]
) -> Iterator[Problem]:
    try:
        parameters = model.model_validate(table)
    except ValidationError as error:
        for item in error.errors():
            yield (*path, *item["loc"]), describe(item, model)
        return
    for below, message in parameters.problems():
        yield (*path, *below), message


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, units and sources of defaults included."""
    schema = Scenario.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Seawall scenario",
        "$defs": {
            **schema.get("$defs", {}),
            **{model.__name__: model.model_json_schema() for model in BUILT_IN_MODELS.values()},
        },
    }


def assumptions(scenario: Scenario) -> list[dict[str, Any]]:
    """Return every number of the scenario with its unit and where it comes from, in schema order.

    Entries have the keys ``parameter`` (dotted path), ``value``, ``unit`` and ``source``. A value that
    differs from the default has the source ``"set by the scenario"``. Risk-model parameters are per market.
    """
    listed: list[dict[str, Any]] = []
    for path, section in walk_sections(scenario):
        listed += _sourced(".".join(map(str, path)), section)
    model = BUILT_IN_MODELS.get(scenario.protocol.risk_model)
    for index in range(len(scenario.markets)):
        place, values = f"markets.{index}.risk_model_parameters", scenario.risk_parameters(index)
        if model is not None:
            listed += _sourced(place, model.model_validate(values))
        else:
            listed += [
                {"parameter": f"{place}.{name}", "value": value, "unit": "", "source": "set by the scenario"}
                for name, value in values.items()
            ]
    return listed


def _sourced(place: str, section: Section) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for name, field in type(section).model_fields.items():
        value, extra = getattr(section, name), field.json_schema_extra
        if not isinstance(extra, dict) or "source" not in extra or value is None:
            continue
        entries.append(
            {
                "parameter": f"{place}.{name}".lstrip("."),
                "value": list(value) if isinstance(value, tuple) else value,
                "unit": extra["unit"],
                "source": extra["source"] if value == field.default else "set by the scenario",
            }
        )
    return entries
