"""The plain process: independent normal returns."""

from typing import ClassVar, Literal, Self

from sim.market.price_paths import PricePath
from sim.market.price_process import PRICE_PROCESSES, DiffusionProcess, PathDraw


@PRICE_PROCESSES.add
class GeometricBrownianMotion(DiffusionProcess):
    """Geometric Brownian motion: dS/S = drift dt + volatility dW, so that E S_t = S_0 exp(drift t)."""

    order: ClassVar[int] = 10
    label: ClassVar[str] = "geometric Brownian motion"
    has_independent_increments: ClassVar[bool] = True

    kind: Literal["gbm"]

    def drawn(self, draw: PathDraw) -> PricePath:
        """Return a sampled path."""
        return draw.from_returns(draw.diffusion(self.volatility, self.drift))

    @classmethod
    def matched(cls, *, volatility: float, drift: float, jump_share: float) -> Self:  # noqa: ARG003
        """Return it with a given volatility; it has no jumps."""
        return cls(kind="gbm", volatility=volatility, drift=drift)
