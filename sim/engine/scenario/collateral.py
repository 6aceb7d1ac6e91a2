"""Collateral sections of a scenario: assets besides the quote coin, their price, where they are sold."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from sim.core.documents.sections import Problem, number, text
from sim.core.documents.variants import OneOf
from sim.core.units import to_wad
from sim.engine.scenario.composed import StructSection, composed_of
from sim.market.price_process import PRICE_PROCESSES, PriceProcess
from sim.protocol.parameters.collateral import ASSET

MAX_ASSETS = 4
"""Other assets that the contracts take (``MAX_ASSETS`` on chain)."""

_FILL_FEES = 2
"""A forced sale fills at most so many fees of the pool below its price (`collateral_assets.vy`)."""


@composed_of(ASSET)
class CollateralSection(StructSection):
    """One asset besides the quote coin that accounts may have as collateral."""

    name: str = text(..., "Short name, for example USDX.", max_length=12, pattern=r"^[A-Z0-9]{1,12}$")
    decimals: int = number(
        18, 6, 18, "digits", "Decimals of the token.", source="most ERC-20 tokens have 18, USDC has 6"
    )
    initial_price: float = number(
        ..., 1e-6, 1e12, "quote", "Price of a whole token at the start.", source="stated by the scenario"
    )
    price: Annotated[PriceProcess, OneOf(PRICE_PROCESSES, "kind")] = Field(
        description="How its price moves outside; a bridge loses a peg. Nothing that is sold here moves it."
    )
    initial_volatility: float = number(
        0.65, 0.0, 10.0, "per year", "Volatility at the start, as its oracle estimates it.",
        source="as protocol.oracle: quant notes 5.4, calm ETH (assumption)",
    )  # fmt: skip
    pool_depth: float = number(
        1_000_000.0, 1.0, 1e12, "quote",
        "Quote in the spot pool where it is sold by force, with as much of the asset at its first price.",
        source="assumption: as `depth`, the depth of a thin market",
    )  # fmt: skip
    pool_fee_rate: float = number(
        0.003, 0.0, 0.1, "1", "Share of what goes into the spot pool that buys nothing.",
        source="Uniswap v2, 0.3 %", above=True,
    )  # fmt: skip

    def problems(self) -> Iterator[Problem]:
        """Yield what the contracts refuse, and a price process that does not fit."""
        yield from super().problems()
        for below, message in self.price.start_problems(self.initial_price):
            yield ("price", *below), message
        if self.price.price_file is not None:
            yield (
                ("price",),
                "only a market repeats a file: use another process, a bridge for what has happened",
            )
        if to_wad(self.sale_band) < _FILL_FEES * to_wad(self.pool_fee_rate):
            least = f"{_FILL_FEES} times pool_fee_rate {self.pool_fee_rate:g}"
            yield ("sale_band",), f"must be at least {least}, or no sale fills, was {self.sale_band:g}"
