"""A plain model of the whole price oracle: no packing, no storage layout, twin formulas.

It keeps every observation and recomputes what the contract stores, so that a mistake in
packing, in the order of commits or in what counts as one observation shows as a difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.reference import oracle_math
from sim.reference.fixed_point import WAD


@dataclass(eq=False)
class Source:
    weight: int
    heartbeat: int
    price: int = 0
    confidence: int = 0
    published_at: int = -(10**9)
    heard_at: int = -(10**9)


@dataclass
class OracleModel:
    parameters: dict[str, int]
    listed_at: int
    initial_price: int
    variance_fast: int
    variance_slow: int
    sources: list[Source] = field(default_factory=list)
    rounds: list[tuple[int, int, int]] = field(default_factory=list)  # index, confidence, timestamp
    seen: dict[int, int] = field(default_factory=dict)  # timestamp -> index, of every observation
    good_price: int = 0
    is_good: bool = True
    ends: list[int] = field(default_factory=list)

    @property
    def index(self):
        return self.rounds[-1][0] if self.rounds else self.initial_price

    def accepts(self, source, price, confidence, published_at, now):
        """Whether the contract takes a report."""
        p = self.parameters
        return (
            p["min_price"] < price < p["max_price"]
            and confidence * WAD <= price * p["max_source_confidence_ratio"]
            and source.published_at < published_at <= now
            and published_at + source.heartbeat + p["heartbeat_grace_seconds"] >= now
            and not self.refuses(source, price, now)
        )

    def refuses(self, source, price, now):
        """Whether a price is off by a power of ten and enough others stand by the index."""
        if not oracle_math.unit_jump(price, self.index):
            return False
        others = [s for s in self.fresh(now) if s is not source]
        standing = [s for s in others if not oracle_math.unit_jump(s.price, self.index)]
        return len(standing) >= min(2, max(len(self.sources) - 1, 1))

    def report(self, source, price, confidence, published_at, now):
        source.price, source.confidence, source.published_at = price, confidence, published_at
        source.heard_at = now
        self.update(now)

    def remove(self, source, now):
        self.sources.remove(source)
        if not self.update(now):
            self.ends = []

    def change(self, source, weight, heartbeat, now):
        source.weight, source.heartbeat = weight, heartbeat
        if not self.update(now):
            self.ends = []

    def update(self, now):
        fresh = self.fresh(now)
        if len(fresh) < self.parameters["minimum_sources"]:
            return False
        index, width = oracle_math.aggregate(
            [s.price for s in fresh], [s.weight for s in fresh], [s.confidence for s in fresh], self.index
        )
        was_good, before = self.is_good, self.index
        self.rounds.append((index, width, now))
        # Which sources made the newest round decides how long it stays good.
        self.ends = [s.published_at + s.heartbeat + self.parameters["heartbeat_grace_seconds"] for s in fresh]
        # A round is an observation if two sources were heard since the last observation before now.
        last = max((at for at in self.seen if at < now), default=self.listed_at)
        if sum(s.heard_at > last for s in fresh) >= min(2, len(fresh)):
            self.seen[now] = index
        else:
            self.seen.pop(now, None)
        self.is_good = self.status(now) <= self.parameters["settle_status"]
        if was_good and not self.is_good:
            self.good_price = before
        return True

    def fresh(self, now):
        grace = self.parameters["heartbeat_grace_seconds"]
        return [s for s in self.sources if s.published_at + s.heartbeat + grace >= now]

    def observations(self):
        """Last round of each timestamp at which two sources were heard, oldest first."""
        return sorted(self.seen.items())

    def estimates(self):
        """Fast and slow variance, average price, and the average that the newest round is held against."""
        p = self.parameters
        fast, slow, ema, before = (
            self.variance_fast,
            self.variance_slow,
            self.initial_price,
            self.initial_price,
        )
        price, at = self.initial_price, self.listed_at
        newest = self.rounds[-1][2] if self.rounds else self.listed_at
        for timestamp, index in self.observations():
            before = ema
            elapsed = timestamp - at
            if elapsed:
                observed = oracle_math.observed_variance(index, price, elapsed, p["max_return"])
                fast = oracle_math.blend_up(fast, observed, oracle_math.decay(elapsed, p["tau_fast_seconds"]))
                slow = oracle_math.blend_up(slow, observed, oracle_math.decay(elapsed, p["tau_slow_seconds"]))
                ema = oracle_math.blend_down(ema, index, oracle_math.decay(elapsed, p["tau_ema_seconds"]))
            price, at = index, timestamp
            if timestamp < newest:
                before = ema
        return fast, slow, ema, before

    def risk_price(self):
        """Limited price of the newest round, rebuilt from the first observation."""
        p = self.parameters
        base, at = self.initial_price, self.listed_at
        fast, slow, price = self.variance_fast, self.variance_slow, self.initial_price
        newest = (self.rounds[-1][2], self.index) if self.rounds else (self.listed_at, self.initial_price)
        steps = [row for row in self.observations() if row[0] < newest[0]]
        for timestamp, index in [*steps, newest]:
            elapsed = timestamp - at
            base = oracle_math.limit_price(index, base, elapsed, max(fast, slow), **self.limits())
            if elapsed:
                observed = oracle_math.observed_variance(index, price, elapsed, p["max_return"])
                fast = oracle_math.blend_up(fast, observed, oracle_math.decay(elapsed, p["tau_fast_seconds"]))
                slow = oracle_math.blend_up(slow, observed, oracle_math.decay(elapsed, p["tau_slow_seconds"]))
            price, at = index, timestamp
        return base

    def limits(self):
        p = self.parameters
        return {
            "horizon": p["limiter_horizon_seconds"],
            "minimum": p["limiter_minimum"],
            "coefficient": p["limiter_coefficient"],
        }

    def settlement_prices(self, now):
        """What `PriceOracle.settlement_prices` returns."""
        if self.status(now) <= self.parameters["settle_status"]:
            return self.index, self.index
        _, confidence, at = self.rounds[-1] if self.rounds else (0, 0, self.listed_at)
        bound_squared = 0
        if sum(end >= now for end in self.ends) < self.parameters["minimum_sources"]:
            fast, slow, _, _ = self.estimates()
            bound_squared = oracle_math.squared_bound(now - at, max(fast, slow), **self.limits())
        return oracle_math.settlement_prices(
            self.index,
            self.index if self.is_good else self.good_price,
            confidence,
            bound_squared,
            min_price=self.parameters["min_price"],
            max_price=self.parameters["max_price"],
        )

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
