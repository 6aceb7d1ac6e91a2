"""Scripted shocks, and the routes of forced flow."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from sim.core.documents.sections import Problem, Section, number, text


class _Timed(Section):
    description: str = text("", "What the shock stands for.")
    at_block: int | None = number(
        None, 0, 10_000_000, "block", "First block, or use at_minute.", source="stated"
    )
    at_minute: float | None = number(None, 0.0, 1e7, "min", "First minute, or use at_block.", source="stated")

    def problems(self) -> Iterator[Problem]:
        """Yield a shock without a start, or with two."""
        if (self.at_block is None) == (self.at_minute is None):
            yield (), "needs exactly one of at_block and at_minute"

    def start_block(self, seconds_per_block: int) -> int:
        """Return the first block the shock acts in."""
        if self.at_block is not None:
            return self.at_block
        assert self.at_minute is not None  # noqa: S101  (narrowing: problems() refused the rest)
        return int(self.at_minute * 60 // seconds_per_block)


class _Lasting(_Timed):
    duration_minutes: float = number(..., 0.0, 1e7, "min", "How long it lasts.", source="stated", above=True)

    def duration_blocks(self, seconds_per_block: int) -> int:
        """Return how many blocks the shock acts in, at least one."""
        return max(1, round(self.duration_minutes * 60 / seconds_per_block))


class PriceJump(_Timed):
    """The external price of one market changes at once."""

    kind: Literal["price_jump"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(
        ..., -0.99, 10.0, "1", "Relative move, -0.12 is 12 % down.", source="stated", above=True
    )


class PriceDrift(_Lasting):
    """The external price of one market drifts by a given relative move over a time."""

    kind: Literal["price_drift"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(
        ..., -0.99, 10.0, "1", "Relative move in total, -0.12 is 12 % down.", source="stated", above=True
    )


class VolatilityShock(_Lasting):
    """The volatility of one market's price is multiplied."""

    kind: Literal["volatility"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(..., 0.0, 100.0, "1", "Multiple of volatility.", source="stated")


class GasDemand(_Lasting):
    """Everybody else wants more block space, and pays more for it."""

    kind: Literal["gas_demand"]
    size: float = number(..., 0.0, 1_000.0, "1", "Multiple of background demand.", source="stated")
    fee_size: float = number(
        1.0, 0.0, 1_000.0, "1", "Multiple of background willingness to pay.", source="none unless stated"
    )


class KeeperOutage(_Lasting):
    """A share of the oracle reporters is silent."""

    kind: Literal["keeper_outage"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(1.0, 0.0, 1.0, "1", "Share of reporters.", source="all of them", above=True)


class LiquidatorOutage(_Lasting):
    """A share of the liquidators is silent."""

    kind: Literal["liquidator_outage"]
    size: float = number(1.0, 0.0, 1.0, "1", "Share of liquidators.", source="all of them", above=True)


class DepthShock(_Lasting):
    """The depth of one market's external book is multiplied."""

    kind: Literal["depth"]
    market: int = number(0, 0, 7, "id", "Market.", source="the first")
    size: float = number(..., 0.0, 100.0, "1", "Multiple of depth.", source="stated", above=True)


Shock = Annotated[
    PriceJump | PriceDrift | VolatilityShock | GasDemand | KeeperOutage | LiquidatorOutage | DepthShock,
    Field(discriminator="kind"),
]


class FlowSection(Section):
    """Where forced flow goes; every route has a switch and a share."""

    forced_flow: bool = Field(default=True, description="Whether any of it reaches the external market.")
    hedge_share: float = number(
        0.5,
        0.0,
        1.0,
        "1",
        "Share of the pool's skew it hedges outside.",
        source="assumption: HLP-like pools hedge in part",
    )
    hedge_half_life_seconds: int = number(
        60, 0, 604_800, "s", "Half-life with which the hedge follows the skew.", source="assumption"
    )
    liquidator_share: float = number(
        0.0, 0.0, 1.0, "1", "Share of what is liquidated that liquidators sell outside.",
        source="a close against the pool leaves them nothing to sell",
    )  # fmt: skip
    arbitrage_share: float = number(
        1.0,
        0.0,
        1.0,
        "1",
        "Share of arbitrage trades whose other leg is done outside.",
        source="both legs, by definition",
    )
