"""A small world on the fastest engine for tests of liquidations: prices, skews and bounds as stated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sim.core.units import TOKEN_UNIT, to_wad
from sim.protocol.parameters.table import STRUCTS
from tests.support.economic.draws import Draw
from tests.support.economic.verbs import KEEPER, LIQUIDATION, Result, World

WAIT_SECONDS: Final = 300
"""Between two prices: the limiter follows the index whole within it."""

# No fee of a trade, no tip and no bound that a test has not asked for; the limiter lets every price through.
_WORDS: Final[dict[str, float]] = {
    "fees.trade_fee_rate": 0.0,
    "registry.ramp_per_hour": 1_000.0,
    "registry.funding_coefficient": 0.0,
    "liquidation.fee_base": 0.0,
    "liquidation.min_bounty": 0.0,
    "liquidation.min_close_share": 0.0,
    "liquidation.max_close_impact": 0.1,
    "liquidation.backstop_close_impact": 0.1,
    "liquidation.average_price_band": 1.0,
    "oracle.limiter_minimum": 1.0,
}


class Forced(World):
    """A deployed protocol whose first accounts are traders; the keeper liquidates."""

    def trader(self, account: int, quote: float) -> int:
        """Give an account collateral."""
        assert self.deposit(account, account, round(quote * TOKEN_UNIT)).status
        return account

    def open(self, account: int, size: float, market: int = 0) -> None:
        """Open or add to a position, base units."""
        result = self.increase(account, market, to_wad(size))
        assert result.status, result.reason

    def move(self, *prices: float, wait: int = WAIT_SECONDS) -> None:
        """Let every honest reporter report new prices, market by market, after a while."""
        for market, price in enumerate(prices):
            self.prices[market] = to_wad(price)
        self.wait(wait)
        for market in range(len(self.prices)):
            assert all(report.status for report in self.honest_report(market))

    def force(self, account: int, market: int = 0, by: int = KEEPER) -> Result:
        """Liquidate an account."""
        return self.liquidate(by, account, market)

    def plan(self, account: int) -> Any:
        """Return `ILiquidationEngine.LiquidationPlan` as nested tuples of words."""
        return self._read(LIQUIDATION, "preview_liquidation", self._id(account))

    def fund_reserves(self) -> int:
        """Return what the fund has booked (WAD)."""
        return self.totals().fund_reserves

    def net(self, account: int) -> int:
        """Return an account's signed notional in all markets at risk prices (WAD)."""
        return sum(
            self.position(account, market).size * state.risk_price // 10**18
            for market, state in enumerate(self.markets())
        )

    def gross(self, account: int) -> int:
        """Return an account's notional in all markets at risk prices (WAD)."""
        return sum(
            abs(self.position(account, market).size) * state.risk_price // 10**18
            for market, state in enumerate(self.markets())
        )


def forced_world(
    prices: Sequence[float] = (2_000.0,),
    *,
    initial_ratio: float = 0.05,
    maintenance_ratio: float | Sequence[float] = 0.025,
    skew_scale: float = 1e9,
    max_premium: float = 0.01,
    pool: int = 50_000_000,
    fund: int = 1_000_000,
    wallet: int = 50_000_000,
    correlation: float = 0.0,
    estimated: bool = False,
    **words: float,
) -> Forced:
    """Return a world with one market a price; further words are parameters of any struct by their name."""
    owners = {name: struct.name for struct in STRUCTS if not struct.per_market for name in struct.defaults}
    unknown = words.keys() - owners.keys()
    if unknown:
        raise KeyError(f"no such parameters: {sorted(unknown)}")
    given: dict[str, float] = {
        f"{struct.name}.{name}": default
        for struct in STRUCTS
        if not struct.per_market
        for name, default in struct.defaults.items()
    }
    missing = _WORDS.keys() - given.keys()
    if missing:
        raise KeyError(f"no such parameters: {sorted(missing)}")
    given |= _WORDS | {f"{owners[name]}.{name}": value for name, value in words.items()}
    ratios = (
        maintenance_ratio if isinstance(maintenance_ratio, Sequence) else [maintenance_ratio] * len(prices)
    )
    return Forced(
        Draw(
            model="static",
            members=6,
            dishonest_reporters=0,
            pool=pool,
            fund=fund,
            wallet=wallet,
            words=given,
            markets=[
                {
                    "name": f"M{market}",
                    "initial_price": price,
                    "initial_variance_fast": 0.36,
                    "initial_variance_slow": 0.36,
                    "pricing_terms": {"skew_scale": skew_scale, "max_premium": max_premium},
                    "market": {"open_interest_cap": 1e9},
                    "risk_model": {
                        "initial_ratio": initial_ratio,
                        "maintenance_ratio": ratio,
                        "haircut": 0.0,
                    },
                }
                for market, (price, ratio) in enumerate(zip(prices, ratios, strict=True))
            ],
            correlation=correlation,
            estimated=estimated,
        )
    )
