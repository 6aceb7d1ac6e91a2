"""What a price process is: one class in one file of `sim.market.price_processes`, or of a plug-in.

The class is the table ``[markets.price]`` of a scenario and the behaviour at once: its fields are the table's
keys, with bounds, unit, default and source, and `drawn` lays the path. Adding it to `PRICE_PROCESSES` is all
that makes it known to scenarios, schemas, sweeps and reports.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from sim.core.arrays import FloatArray
from sim.core.documents.sections import Problem, Section, number, text
from sim.core.documents.variants import literal_of
from sim.core.errors import InputError
from sim.core.registry import Registry
from sim.core.rng import Series, Streams
from sim.market.drivers import NOTHING_SHARED, Shared
from sim.market.effects import NO_SHOCKS, ShockSchedule
from sim.market.price_file import DEFAULT_MAX_GAP_SECONDS
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock, PricePath, diffusion_returns, path_of_returns

PER_YEAR = "per year"
VOLATILITY_SOURCE = "quant notes 5.4: ETH 65 % calm, 150 % stress, 40-350 % plausible (assumption)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDraw:
    """What a process lays a path from."""

    clock: BlockClock
    initial_price: float
    """Price at block 0, in quote; a recording has its own."""
    streams: Streams
    name: str
    """Addresses the random streams, for example ``price:ETH``."""
    shocks: ShockSchedule = NO_SHOCKS
    history: PriceHistory | None = None
    """The file the section names, where it names one."""
    shared: Shared = NOTHING_SHARED
    """What other markets share with it, where they move together."""

    def series(self, what: str) -> Series:
        """Return a stream of the path, addressed by position: its first n draws hold for any length."""
        return self.streams.series(f"{self.name}:{what}")

    def normals(self, n: int) -> FloatArray:
        """Return the standard normals that drive the first n blocks, float64[n].

        Independent of one another; where markets move together, not of those of other markets.
        """
        driver = self.shared.driver
        return self.series("diffusion").normal(0, n) if driver is None else driver.normals(n)

    def diffusion(self, volatility: float, drift: float) -> FloatArray:
        """Return log returns of geometric Brownian motion, volatility shocks included, float64[blocks]."""
        normals = self.normals(self.clock.blocks)
        return diffusion_returns(volatility, drift, normals, clock=self.clock, shocks=self.shocks)

    def from_returns(self, increments: FloatArray) -> PricePath:
        """Return the path with given log returns, float64[blocks], with common jumps and price shocks on top.

        Raises
        ------
        InputError
            A process gave another number of returns than there are blocks.
        """
        if increments.shape != (self.clock.blocks,):
            raise InputError(f"price process: drew {increments.size} returns for {self.clock.blocks} blocks")
        if self.shared.jumps is not None:
            increments = increments + self.shared.jumps(self.clock.blocks)
        return path_of_returns(self.initial_price, increments, self.clock, self.shocks)

    @property
    def recorded(self) -> PriceHistory:
        """The recorded series of a process that names a file."""
        if self.history is None:
            raise AssertionError("a market with a price file always has its history loaded")
        return self.history


class PriceProcess(Section):
    """What the outside market would do if nobody were liquidated."""

    name: ClassVar[str] = ""
    """Literal of ``kind``."""
    order: ClassVar[int] = 100
    """Place in lists."""
    label: ClassVar[str]
    """What reports call it."""
    repeats_file: ClassVar[bool] = False
    """Whether the path is a recorded one, with nothing drawn."""
    has_independent_increments: ClassVar[bool] = False
    """Whether the future of a path depends on its last price alone, so that it may be drawn anew anywhere."""
    is_driven: ClassVar[bool] = False
    """Whether one variable a block drives it, `PathDraw.normals` or the driver's Student variables, so that
    it can move together with other markets."""
    takes_jumps: ClassVar[bool] = False
    """Whether it is made by `PathDraw.from_returns`, which adds the jumps that markets have in common."""
    draws_moments: ClassVar[bool] = False
    """Whether it strings moments of its file together, which markets may have in common."""
    in_no_other_model: ClassVar[str] = ""
    """What a process of the same volatility lacks, in words of the plural, for comparisons of models."""

    kind: str

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Take the name from the literal that chooses this class."""
        if "label" in cls.__dict__:
            cls.name = literal_of(cls, "kind")

    @abstractmethod
    def drawn(self, draw: PathDraw) -> PricePath:
        """Return the path of a draw."""

    @abstractmethod
    def describe(self) -> str:
        """Return it in words, with its numbers."""

    def path(
        self,
        clock: BlockClock,
        *,
        initial_price: float,
        streams: Streams,
        name: str,
        shocks: ShockSchedule = NO_SHOCKS,
        history: PriceHistory | None = None,
    ) -> PricePath:
        """Return the path on a clock; the arguments are the fields of `PathDraw`."""
        return self.drawn(
            PathDraw(
                clock=clock,
                initial_price=initial_price,
                streams=streams,
                name=name,
                shocks=shocks,
                history=history,
            )
        )

    @property
    def price_file(self) -> str | None:
        """Path of the file it needs, as the scenario writes it; None for a process that needs none."""
        return None

    @property
    def longest_gap_seconds(self) -> int:
        """Longest gap allowed in a file it is run on."""
        return DEFAULT_MAX_GAP_SECONDS

    def start_problems(self, initial_price: float) -> Iterator[Problem]:
        """Yield what does not fit the market's initial price."""
        del initial_price
        yield from ()

    def annual_variance(self) -> float | None:
        """Return the variance of a year's log price, jumps included; None if only a file tells."""
        return None

    @classmethod
    def matched(cls, *, volatility: float, drift: float, jump_share: float) -> Self | None:
        """Return this process with a given annual volatility, as comparisons of models need it.

        Parameters
        ----------
        jump_share
            Share of the variance that comes from jumps, where there are any.

        Returns
        -------
        None if it cannot be given a volatility.
        """
        del volatility, drift, jump_share
        return None


class DiffusionProcess(PriceProcess):
    """A process with a volatility and a drift per year."""

    is_driven: ClassVar[bool] = True
    takes_jumps: ClassVar[bool] = True

    volatility: float = number(
        0.65, 0.0, 10.0, PER_YEAR, "Annual volatility, between jumps where there are any.",
        source=VOLATILITY_SOURCE,
    )  # fmt: skip
    drift: float = number(0.0, -50.0, 50.0, PER_YEAR, "Annual drift.", source="assumption: none over a day")

    def annual_variance(self) -> float | None:
        """Return the variance of the diffusion; a process with jumps adds theirs."""
        return self.volatility * self.volatility

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return f"{self.label}, volatility {100 * self.volatility:g} % and drift {100 * self.drift:g} % a year"


class RecordedProcess(PriceProcess):
    """A process made of a recorded series."""

    file: str = text(
        ..., "CSV or Parquet file, plain or gzipped, inside the scenario's folder.", max_length=1_024
    )
    max_gap_seconds: int = number(
        86_400, 1, 31_536_000, "s", "A longer gap in the series is refused.", source="design: one day"
    )

    @property
    def price_file(self) -> str | None:
        """Path of its file, as the scenario writes it."""
        return self.file

    @property
    def longest_gap_seconds(self) -> int:
        """Longest gap allowed in its file."""
        return self.max_gap_seconds

    def describe(self) -> str:
        """Return it in words."""
        return f"{self.label} {self.file}"


PRICE_PROCESSES: Registry[type[PriceProcess]] = Registry("price process", "sim.market.price_processes")
"""Every process a market's price may follow."""
