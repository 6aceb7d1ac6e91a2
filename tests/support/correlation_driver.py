"""A volatility oracle over markets of one price oracle, and short words for what tests do to their pairs."""

from __future__ import annotations

import boa

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy, deploy_oracle, harness

HOUR = 3_600
PERIOD = 300
START = 2_000 * WAD
VARIANCE = 64 * WAD // 100

# In the order of `IVolatilityOracle.CorrelationParameters`: estimated from the first sample on, unlimited.
CORRELATION = {
    "sample_seconds": PERIOD,
    "tau_seconds": 12 * HOUR,
    "max_return": WAD // 2,
    "least_sample_count": 1,
    "fall_per_hour": 100 * WAD,
    "expiry_seconds": 2 * HOUR,
}


class CorrelationDriver:
    """Markets whose prices three reporters say, once a period, in its middle."""

    def __init__(self, owner, markets=2):
        self.owner = owner
        self.prices = deploy_oracle(owner)
        self.reporters = [boa.env.generate_address(f"reporter {i}") for i in range(3)]
        self.contract = deploy(
            "VolatilityOracle", owner, self.prices.address, harness("ExceptionCounter").address
        )
        self.last = [START] * markets
        with boa.env.prank(owner):
            for market in range(markets):
                self.prices.add_asset(START, VARIANCE, VARIANCE)
                for reporter in self.reporters:
                    self.prices.add_reporter(market, reporter, 1, 10**6)
                self.contract.add_market(VARIANCE, boa.env.generate_address("implied"))
        self.to_period()

    def set(self, **changes):
        assert changes.keys() <= CORRELATION.keys()
        self.contract.set_correlation(tuple((CORRELATION | changes).values()), sender=self.owner)

    def to_period(self, past=0):
        """Wait until a period ends, and some seconds more."""
        boa.env.time_travel(seconds=PERIOD - boa.env.timestamp % PERIOD + past)

    def report(self, market, price):
        for reporter in self.reporters:
            self.prices.report(market, price, price // 1_000, boa.env.timestamp, sender=reporter)
        self.last[market] = price

    def period(self, *moves, update=True):
        """Let each market move by a factor in the middle of a period; sample the first pair at its end."""
        boa.env.time_travel(seconds=PERIOD // 2)
        for market, move in enumerate(moves):
            self.report(market, round(self.last[market] * move))
        self.to_period()
        if update:
            self.contract.update_pair(0, 1)

    @property
    def found(self):
        return self.contract.correlation(0, 1)

    def least(self, longs=0b01, shorts=0b10):
        return self.contract.least_correlation(longs, shorts)
