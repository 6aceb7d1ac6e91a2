"""A plain model of the whole price oracle: no packing, no storage layout, twin formulas.

It keeps every observation and recomputes what the contract stores, so that a mistake in
packing, in the order of commits or in what counts as one observation shows as a difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.reference import oracle_math


@dataclass
class Source:
    weight: int
    heartbeat: int
    price: int = 0
    confidence: int = 0
    published_at: int = -(10**9)


@dataclass
class OracleModel:
    parameters: dict[str, int]
    listed_at: int
    initial_price: int
    variance_fast: int
    variance_slow: int
    sources: list[Source] = field(default_factory=list)
    rounds: list[tuple[int, int, int]] = field(default_factory=list)  # index, confidence, timestamp

    def report(self, source, price, confidence, published_at, now):
        source.price, source.confidence, source.published_at = price, confidence, published_at
        fresh = self.fresh(now)
        if len(fresh) >= self.parameters["minimum_sources"]:
            index, width = oracle_math.aggregate(
                [s.price for s in fresh], [s.weight for s in fresh], [s.confidence for s in fresh]
            )
            self.rounds.append((index, width, now))
            # Which sources made the newest round decides how long it stays good.
            self.ends = [
                s.published_at + s.heartbeat + self.parameters["heartbeat_grace_seconds"] for s in fresh
            ]

    def fresh(self, now):
        grace = self.parameters["heartbeat_grace_seconds"]
        return [s for s in self.sources if s.published_at + s.heartbeat + grace >= now]

    def observations(self):
        """Last round of each timestamp, oldest first."""
        last = {timestamp: index for index, _, timestamp in self.rounds}
        return sorted(last.items())

    def estimates(self):
        """Fast and slow variance, average price, and average before the newest observation."""
        p = self.parameters
        fast, slow, ema, before = (
            self.variance_fast,
            self.variance_slow,
            self.initial_price,
            self.initial_price,
        )
        price, at = self.initial_price, self.listed_at
        for timestamp, index in self.observations():
            before = ema
            elapsed = timestamp - at
            if elapsed:
                observed = oracle_math.observed_variance(index, price, elapsed, p["max_return"])
                fast = oracle_math.blend_up(fast, observed, oracle_math.decay(elapsed, p["tau_fast_seconds"]))
                slow = oracle_math.blend_up(slow, observed, oracle_math.decay(elapsed, p["tau_slow_seconds"]))
                ema = oracle_math.blend_down(ema, index, oracle_math.decay(elapsed, p["tau_ema_seconds"]))
            price, at = index, timestamp
        return fast, slow, ema, before

    def risk_price(self):
        """Limited price of the newest observation, rebuilt from the first one."""
        p = self.parameters
        base, at = self.initial_price, self.listed_at
        fast, slow, price = self.variance_fast, self.variance_slow, self.initial_price
        for timestamp, index in self.observations():
            elapsed = timestamp - at
            base = oracle_math.limit_price(
                index,
                base,
                elapsed,
                max(fast, slow),
                horizon=p["limiter_horizon_seconds"],
                minimum=p["limiter_minimum"],
                coefficient=p["limiter_coefficient"],
            )
            if elapsed:
                observed = oracle_math.observed_variance(index, price, elapsed, p["max_return"])
                fast = oracle_math.blend_up(fast, observed, oracle_math.decay(elapsed, p["tau_fast_seconds"]))
                slow = oracle_math.blend_up(slow, observed, oracle_math.decay(elapsed, p["tau_slow_seconds"]))
            price, at = index, timestamp
        return base

    def status(self, now):
        if not self.rounds:
            return oracle_math.STATUS_NONE
        index, confidence, _ = self.rounds[-1]
        fresh = sum(end >= now for end in self.ends)
        return oracle_math.status(
            index,
            self.estimates()[3],
            confidence,
            enough_valid=fresh >= self.parameters["valid_sources"],
            enough_minimum=fresh >= self.parameters["minimum_sources"],
            max_confidence_ratio=self.parameters["max_confidence_ratio"],
            max_divergence=self.parameters["max_divergence"],
        )

    def asset_price(self, now):
        """What `PriceOracle.asset_price` returns, in the order of its fields."""
        index, confidence, at = self.rounds[-1] if self.rounds else (self.initial_price, 0, self.listed_at)
        fast, slow, ema, _ = self.estimates()
        return (index, self.risk_price(), ema, confidence, fast, slow, at, len(self.rounds), self.status(now))
