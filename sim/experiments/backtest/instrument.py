"""The contracts as an instrument: a price goes in at each step, the margin they ask for comes out.

Everything that decides a margin is deployed as in a run - oracle, risk model, clearing core, pool, lens -
and nobody trades: what is left is the model, the oracle's estimators and the maintenance ramp. No twin of a
formula takes part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.agents.oracle_keeper import KEEPERS
from sim.chain.chain import Chain, default_engine, on_an_engine
from sim.chain.transaction import Transaction
from sim.core.arrays import FloatArray, IntArray
from sim.core.digest import Digest
from sim.core.errors import InputError, RunError
from sim.core.units import WAD, to_wad, to_wad_list
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.parameters import protocol_parameters
from sim.protocol.address_book import AddressBook
from sim.protocol.client import ProtocolClient, curve_rows, market_rows
from sim.protocol.deployment import deploy_protocol
from sim.protocol.formulas import FormulaReader
from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.state import MarketState

_REPORTER = "reporter"
_MARKET = 0  # the only market of the instrument
_WORD = 32
_PROGRESS_STEPS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """When the reporter reports."""

    deviation_threshold: float = 0.0
    """Move since the last report that makes it report; 0 reports at every step."""
    heartbeat_seconds: int = 0
    """Longest silence."""
    confidence_ratio: float = 0.0
    """Reported half-width over price in quiet times."""
    confidence_volatility: float = 0.0
    """Half-width added per unit of daily volatility, as the scenario's keepers do."""

    @classmethod
    def every_step(cls, scenario: Scenario) -> Feed:
        """Return a reporter with the keepers' confidence that misses no step."""
        keepers = scenario.section(KEEPERS)
        return cls(
            confidence_ratio=keepers.confidence_ratio, confidence_volatility=keepers.confidence_volatility
        )

    @classmethod
    def of_keepers(cls, scenario: Scenario) -> Feed:
        """Return a reporter that reports on the scenario's deviation threshold or heartbeat."""
        keepers = scenario.section(KEEPERS)
        return replace(
            cls.every_step(scenario),
            deviation_threshold=keepers.deviation_threshold,
            heartbeat_seconds=keepers.heartbeat_seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A step at which the margin formula had no good answer: what a series holds of it is a bound."""

    time: int
    """Seconds since 1970."""
    notional: float
    """Of the position asked about, quote."""
    fault: str
    """What the formula did instead."""
    detail: str
    """Why it reverted, or what it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSeries:
    """What the contracts asked for at each step; the integers are theirs, WAD."""

    times: IntArray
    """Seconds since 1970, int64[n]."""
    prices: FloatArray
    """Price of the outside market, quote, float64[n]; the margin belongs to this step's information."""
    initial: IntArray
    """Initial ratio of the position, WAD, int64[n]."""
    maintenance: IntArray
    """Maintenance ratio of the position, WAD, int64[n]: the model's target."""
    in_force: IntArray
    """Maintenance ratio of the market's ramp, WAD, int64[n]: what a position held throughout must hold,
    at zero notional."""
    variance_fast: tuple[int, ...]
    """Annualised, WAD."""
    variance_slow: tuple[int, ...]
    """Annualised, WAD."""
    reports: int
    """Reports sent."""
    by_size: tuple[tuple[float, int], ...] = ()
    """(notional, maintenance ratio in WAD) at the last step, of the sizes that were asked for."""

    def __len__(self) -> int:
        """Return the number of steps."""
        return int(self.times.size)

    def digest(self) -> str:
        """Return SHA-256 over every time, price and integer of the series."""
        digest = Digest("seawall backtest series 1")
        rows = zip(
            self.times.tolist(),
            self.prices.tolist(),
            self.initial.tolist(),
            self.maintenance.tolist(),
            self.in_force.tolist(),
            self.variance_fast,
            self.variance_slow,
            strict=True,
        )
        for time, price, *integers in rows:
            digest.update(f"{time},{price.hex()},{','.join(map(str, integers))}".encode("ascii"))
        return digest.hexdigest()


class Instrument:
    """One market of a scenario with its oracle, deployed on a fresh chain for each series.

    Parameters
    ----------
    scenario
        Gives every parameter of the contracts.
    market
        Which of its markets.
    notional
        Of the constant position, quote; only its size terms see it.
    engine
        EVM; None picks the fastest.
    """

    def __init__(
        self, scenario: Scenario, market: int, *, notional: float, engine: str | None = None
    ) -> None:
        if not 0 <= market < len(scenario.markets):
            raise InputError(
                f"--market {market}: the scenario has {len(scenario.markets)} markets, numbered from 0"
            )
        if not 0.0 <= notional <= 1e15:
            raise InputError(f"--notional {notional:g}: must be from 0 to 1e15")
        self.scenario = scenario
        self.market = market
        self.notional = notional
        self._chosen = engine
        self._engine = engine or default_engine()
        self.contracts: dict[str, bytes] = {}
        """Runtime bytecode of every contract of the last series, by name."""
        self.unanswered: list[Unanswered] = []
        """Steps of all series so far at which the margin formula had no good answer, in order."""

    @property
    def engine(self) -> str:
        """EVM it runs on."""
        return self._engine

    def series(
        self,
        times: IntArray,
        prices: FloatArray,
        feed: Feed,
        *,
        initial_variance: float | None = None,
        sizes: Sequence[float] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> MarginSeries:
        """Deploy, feed a price path and return the margin at each of its steps.

        Parameters
        ----------
        times
            Seconds since 1970, strictly increasing, int64[n], n >= 2.
        prices
            Quote, float64[n].
        feed
            When the reporter reports.
        initial_variance
            Annualised variance both estimators start from; None for the scenario's own.
        sizes
            Notionals whose margin is read as well, at the last step; at most 16.
        progress
            Called with steps done and in all.

        Raises
        ------
        InputError
            A price the oracle refuses, or parameters the contracts refuse.
        """
        if times.size < 2:
            raise InputError("the price path has fewer than two steps")
        parameters = self._parameters(float(prices[0]), initial_variance)

        def fed(engine: str) -> MarginSeries:
            chain = Chain.create(engine, int(times[0]) - 2)
            try:
                return self._fed(chain, parameters, times, prices, feed, sizes, progress)
            finally:
                chain.close()
                self._engine = engine

        return on_an_engine(self._chosen, fed)

    def _parameters(self, price: float, initial_variance: float | None) -> ProtocolParameters:
        """Return the scenario's parameters with this market alone and one source instead of several."""
        starts = [price] * len(self.scenario.markets)
        parameters = protocol_parameters(self.scenario, starts)
        market = parameters.markets[self.market]
        if market.estimator["implied_weight"]:
            raise InputError(
                f"markets.{self.market}.estimator.implied_weight: nobody reports what options imply of a"
                " price path; set it to 0 for a backtest"
            )
        if initial_variance is not None:
            market = replace(
                market, initial_variance_fast=initial_variance, initial_variance_slow=initial_variance
            )
        return replace(
            parameters,
            markets=[market],
            oracle={**parameters.oracle, "valid_sources": 1, "minimum_sources": 1},
        )

    def _fed(
        self,
        chain: Chain,
        parameters: ProtocolParameters,
        times: IntArray,
        prices: FloatArray,
        feed: Feed,
        sizes: Sequence[float],
        progress: Callable[[int, int], None] | None,
    ) -> MarginSeries:
        book = AddressBook([(_REPORTER, 1)])
        scenario = self.scenario
        chain.start_block(1, int(times[0]) - 1)
        deployment = deploy_protocol(
            chain,
            parameters,
            book,
            [[0]],
            scenario.protocol.risk_model,
            scenario.file("protocol.risk_model") if scenario.protocol.is_custom_model else None,
        )
        chain.end_block()
        self.contracts = {
            artifact.name: artifact.runtime_bytecode for artifact in deployment.artifacts.values()
        }
        # Calldata is packed once; only the three words of a report that change are put in each time.
        addresses, abis = deployment.addresses, deployment.abis
        oracle, lens = addresses["price_oracle"], addresses["lens"]
        head = abis["price_oracle"]["report"].encode(_MARKET, 0, 0, 0)[: 4 + _WORD]
        poke = Transaction(
            sender=book.addresses[0],
            to=addresses["market_registry"],
            data=abis["market_registry"]["poke"].encode(_MARKET),
        )
        update = Transaction(
            sender=book.addresses[0],
            to=addresses["volatility_oracle"],
            data=abis["volatility_oracle"]["update"].encode(_MARKET),
        )
        steps = [update, poke] if parameters.markets[0].has_estimator else [poke]
        read_states = abis["lens"]["market_states"].encode()
        read_rows, read_ratios = market_rows(abis["lens"]).rows, curve_rows(abis["lens"]).rows
        read_curve = abis["lens"]["margin_curve"].encode(_MARKET, [to_wad(self.notional)])
        reader = FormulaReader(ProtocolClient(chain, deployment, book))
        widest = scenario.protocol.oracle.max_source_confidence_ratio
        daily = 1.0 / (365.0 * WAD)

        n = times.size
        initial, maintenance, in_force = (np.empty(n, dtype=np.int64) for _ in range(3))
        fast: list[int] = []
        slow: list[int] = []
        reported, reported_at, reports = 0.0, 0, 0
        variance = max(parameters.markets[0].initial_variance_fast, 0.0) * WAD
        rows = zip(times.tolist(), prices.tolist(), to_wad_list(prices), strict=True)
        for step, (time, price, exact) in enumerate(rows):
            chain.start_block(step + 2, time)
            moved = abs(price - reported) >= feed.deviation_threshold * reported
            if moved or time - reported_at >= feed.heartbeat_seconds:
                width = feed.confidence_ratio + feed.confidence_volatility * math.sqrt(variance * daily)
                confidence = exact * int(min(width, widest) * WAD) // WAD
                words = (exact, confidence, time)
                data = head + b"".join(word.to_bytes(_WORD, "big") for word in words)
                receipt = chain.execute(Transaction(sender=book.addresses[0], to=oracle, data=data))
                if not receipt.status:
                    raise InputError(
                        f"the oracle refuses price {price:g} at {time} s: {receipt.revert_reason}"
                    )
                reported, reported_at, reports = price, time, reports + 1
            for call in steps:
                receipt = chain.execute(call)
                if not receipt.status:
                    raise RunError(f"the contracts stopped at {time} s: {receipt.revert_reason}")
            state = MarketState(*read_rows(chain.call(lens, read_states))[_MARKET])
            ratios = read_ratios(chain.call(lens, read_curve))[0]
            if ratios[0] == WAD:
                self._ask_again(reader, time, self.notional)
            chain.end_block()
            initial[step], maintenance[step] = ratios
            in_force[step] = state.ramped_maintenance_ratio
            fast.append(state.variance_fast)
            slow.append(state.variance_slow)
            variance = float(max(state.variance_fast, state.variance_slow))
            if progress is not None and (step % _PROGRESS_STEPS == 0 or step + 1 == n):
                progress(step + 1, n)
        curve = abis["lens"]["margin_curve"].encode(_MARKET, [to_wad(size) for size in sizes])
        at_sizes = read_ratios(chain.call(lens, curve)) if sizes else []
        for size, row in zip(sizes, at_sizes, strict=True):
            if row[0] == WAD:
                self._ask_again(reader, int(times[-1]), size)
        return MarginSeries(
            times=times,
            prices=prices,
            initial=initial,
            maintenance=maintenance,
            in_force=in_force,
            variance_fast=tuple(fast),
            variance_slow=tuple(slow),
            reports=reports,
            by_size=tuple((size, row[1]) for size, row in zip(sizes, at_sizes, strict=True)),
        )

    def _ask_again(self, reader: FormulaReader, time: int, notional: float) -> None:
        """Note that the formula has no good answer, unless it is the whole notional that it asks for."""
        snapshot = reader.snapshot(_MARKET)
        formula = reader.formula(_MARKET, snapshot)
        size = to_wad(notional)
        fault = reader.ratios_fault(formula, snapshot.inputs(size, 1, size))
        if fault is None:  # the market without a position then
            fault = reader.ratios_fault(formula, snapshot.inputs())
        if fault is not None:
            self.unanswered.append(
                Unanswered(time=time, notional=notional, fault=fault.kind, detail=fault.detail)
            )


def as_ratio(wad: IntArray | Sequence[int]) -> FloatArray:
    """Return WAD integers as float64 fractions."""
    return np.asarray([value / WAD for value in np.asarray(wad, dtype=object).tolist()], dtype=np.float64)
