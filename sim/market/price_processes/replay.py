"""A recorded price, repeated as it is."""

from typing import ClassVar, Literal, Self

from sim.core import portable_math
from sim.core.documents.sections import choice
from sim.market.bar_path import path_through_bars
from sim.market.price_history import PriceHistory
from sim.market.price_paths import PricePath
from sim.market.price_process import PRICE_PROCESSES, PathDraw, PriceProcess, RecordedProcess


@PRICE_PROCESSES.add
class Replay(RecordedProcess):
    """A recorded series on the block clock, from the file's own first price; inside bars, drawn."""

    order: ClassVar[int] = 60
    label: ClassVar[str] = "recorded prices of"
    repeats_file: ClassVar[bool] = True

    kind: Literal["replay"]
    inside_bars: Literal["drawn", "straight"] = choice(
        "drawn",
        "How the price gets from open over high and low to close: a random path as rough as the bar's range "
        "implies, or a straight walk, the calmest there is.",
        source="Parkinson 1980 for how rough; which extreme comes first, and when, is an assumption",
    )

    @classmethod
    def of(cls, history: PriceHistory, like: PriceProcess | None = None) -> Self:
        """Return what repeats a series that was loaded already, with the choices of another process."""
        inside = like.inside_bars if isinstance(like, Replay) else "drawn"
        return cls(kind="replay", file=history.source.name, inside_bars=inside)

    def draws_from(self, history: PriceHistory) -> bool:
        """Return whether something is drawn: the file has bars, and they are not walked straight."""
        return self.inside_bars == "drawn" and history.has_bars

    def describe(self) -> str:
        """Return it in words."""
        inside = "" if self.inside_bars == "drawn" else ", walked straight inside bars"
        return super().describe() + inside

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return the series on the clock.

        A volatility shock multiplies the recorded log returns while it lasts; without one the recorded prices
        come out unchanged to the last bit.
        """
        clock, history, shocks = draw.clock, draw.recorded, draw.shocks
        path = history.onto_clock(clock)
        prices = path.prices
        if self.draws_from(history):
            prices = path_through_bars(
                history,
                clock,
                prices,
                at_blocks=draw.series("bars"),
                at_points=draw.series("bar_points"),
            )
        multiples = shocks.volatility_multipliers(clock.blocks)
        if bool((multiples != 1.0).any()):
            extra = (multiples - 1.0) * portable_math.log(prices[1:] / prices[:-1])
            prices = prices.copy()
            prices[1:] *= portable_math.exp(portable_math.ordered_cumsum(extra))
        return PricePath(prices=prices * shocks.price_factors(clock.blocks), published_at=path.published_at)
