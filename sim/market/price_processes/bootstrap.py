"""New paths out of an old one: the stationary block bootstrap of a recorded price series."""

from typing import ClassVar, Literal

from sim.core import portable_math
from sim.core.arrays import FloatArray
from sim.core.documents.sections import number
from sim.core.errors import InputError
from sim.core.resampling import stationary_indices
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock, PricePath
from sim.market.price_process import PRICE_PROCESSES, PathDraw, RecordedProcess

_FEWEST_RETURNS = 2


@PRICE_PROCESSES.add
class StationaryBootstrap(RecordedProcess):
    """Blocks of recorded log returns, strung together at random (Politis and Romano 1994).

    A block begins at a return drawn evenly from the whole series and runs on, past the end to the beginning,
    for a geometric number of returns. Each return is then one of the file's, all equally likely, and
    volatility clusters and autocorrelation survive within a block. The whole file is used however short the
    run is.

    A volatility shock multiplies the drawn log returns. Every block is observed: a gap of the file is a
    stretch of zero returns here, not an old price.
    """

    order: ClassVar[int] = 70
    label: ClassVar[str] = "blocks drawn from the returns of"
    takes_jumps: ClassVar[bool] = True
    draws_moments: ClassVar[bool] = True

    kind: Literal["bootstrap"]
    mean_block_seconds: int = number(
        86_400, 1, 31_536_000, "s", "Mean length of a run of consecutive recorded returns.",
        source="quant notes 5.1: 1 to 3 days at 1 minute",
    )  # fmt: skip

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return a sampled path.

        Raises
        ------
        InputError
            The file is shorter than two blocks.
        """
        clock = draw.clock
        returns = recorded_returns(draw.recorded, clock.seconds_per_block)
        chosen = stationary_indices(
            draw.streams, f"{draw.shared.moments or draw.name}:bootstrap",
            length=clock.blocks, available=returns.size,
            restart_chance=min(1.0, clock.seconds_per_block / self.mean_block_seconds),
        )  # fmt: skip
        return draw.from_returns(returns[chosen] * draw.shocks.volatility_multipliers(clock.blocks))

    def describe(self) -> str:
        """Return it in words, with its numbers."""
        return f"{super().describe()}, {self.mean_block_seconds:,} s long on average"


def recorded_returns(history: PriceHistory, seconds_per_block: int) -> FloatArray:
    """Return a file's log returns from block to block of a clock that starts with the file."""
    covered = history.blocks_covered(seconds_per_block)
    if covered < _FEWEST_RETURNS:
        raise InputError(
            f"{history.source}: {covered} whole blocks of {seconds_per_block} s, a bootstrap needs "
            f"at least {_FEWEST_RETURNS}"
        )
    clock = BlockClock(start_time=history.start_time, seconds_per_block=seconds_per_block, blocks=covered)
    prices = history.onto_clock(clock).prices
    return portable_math.log(prices[1:] / prices[:-1])
