"""A recorded price, repeated as it is."""

from typing import ClassVar, Literal, Self

from sim.core import portable_math
from sim.market.price_history import PriceHistory
from sim.market.price_paths import PricePath
from sim.market.price_process import PRICE_PROCESSES, PathDraw, RecordedProcess


@PRICE_PROCESSES.add
class Replay(RecordedProcess):
    """A recorded series on the block clock: nothing drawn, the first price is the file's own."""

    order: ClassVar[int] = 60
    label: ClassVar[str] = "recorded prices of"
    repeats_file: ClassVar[bool] = True

    kind: Literal["replay"]

    @classmethod
    def of(cls, history: PriceHistory) -> Self:
        """Return what repeats a series that was loaded already."""
        return cls(kind="replay", file=history.source.name)

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return the series on the clock.

        A volatility shock multiplies the recorded log returns while it lasts; without one the recorded prices
        come out unchanged to the last bit.
        """
        clock, history, shocks = draw.clock, draw.recorded, draw.shocks
        path = history.onto_clock(clock)
        prices = path.prices
        multiples = shocks.volatility_multipliers(clock.blocks)
        if bool((multiples != 1.0).any()):
            extra = (multiples - 1.0) * portable_math.log(prices[1:] / prices[:-1])
            prices = prices.copy()
            prices[1:] *= portable_math.exp(portable_math.ordered_cumsum(extra))
        return PricePath(prices=prices * shocks.price_factors(clock.blocks), published_at=path.published_at)
