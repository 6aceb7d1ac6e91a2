"""What accounts can do with estimates, and see of them: a part of ``verbs.World``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from tests.support.economic.verbs import Result

ORACLE: Final = "volatility_oracle"


class Correlation(NamedTuple):
    """What is estimated of two markets."""

    level: int
    """WAD."""
    sampled_at: int
    valid_until: int


class Chosen(NamedTuple):
    """What a market has chosen, WAD."""

    variance: int
    updated_at: int
    multiplier: int
    """Of margin, for how it did."""


class Estimates:
    """Calls of the volatility oracle, by a world that can call and read."""

    def _by(self, actor: int, key: str, function: str, *arguments: Any) -> Result:
        raise NotImplementedError

    def _would(self, actor: int, key: str, function: str, *arguments: Any) -> str | None:
        raise NotImplementedError

    def _read(self, key: str, function: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def update_pair(self, actor: int, first: int, second: int) -> Result:
        """Let two markets be sampled."""
        return self._by(actor, ORACLE, "update_pair", first, second)

    def would_update_pair(self, actor: int, first: int, second: int) -> str | None:
        """Return why `update_pair` would be refused."""
        return self._would(actor, ORACLE, "update_pair", first, second)

    def update(self, actor: int, market: int) -> Result:
        """Have a market choose its variance."""
        return self._by(actor, ORACLE, "update", market)

    def report_implied(self, actor: int, market: int, volatility: int) -> Result:
        """Report an implied volatility, basis points a year."""
        return self._by(actor, ORACLE, "report_implied", market, volatility**2 * 10**10)

    def chosen(self, market: int) -> Chosen:
        """Return what a market has chosen."""
        row = self._read(ORACLE, "estimates", market)
        _, multiplier = self._read(ORACLE, "performance", market)
        self._read(ORACLE, "variances", market)
        return Chosen(row[0], row[-1], multiplier)

    def correlation(self, first: int, second: int) -> Correlation:
        """Return what is estimated of two markets."""
        level, _, _, sampled_at, valid_until = self._read(ORACLE, "correlation", first, second)
        return Correlation(level, sampled_at, valid_until)

    def least_correlation(self, longs: int, shorts: int) -> int:
        """Return the least estimated correlation between markets of two sets of bits, WAD."""
        return int(self._read(ORACLE, "least_correlation", longs, shorts))
