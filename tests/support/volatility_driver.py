"""A volatility oracle over a price oracle with reporters, and short words for what tests do to it."""

from __future__ import annotations

import boa

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy, harness

HOUR = 3_600
VARIANCE = 64 * WAD // 100

# In the order of `IVolatilityOracle.EstimatorParameters`: nothing is chosen, nothing limits.
ESTIMATOR = {
    "fast_weight": 0,
    "slow_weight": 0,
    "range_weight": 0,
    "true_range_weight": 0,
    "implied_weight": 0,
    "bucket_seconds": HOUR,
    "tau_range_seconds": 86_400,
    "max_range": WAD // 2,
    "implied_age_seconds": HOUR,
    "tau_long_seconds": 31_536_000,
    "floor_weight": 0,
    "buffer": 0,
    "rise_per_hour": 100_000 * WAD,
    "fall_per_hour": 100_000 * WAD,
    "expiry_seconds": HOUR,
}


# In the order of `IVolatilityOracle.PerformanceParameters`: nothing is multiplied.
PERFORMANCE = {
    "window_seconds": 86_400,
    "yellow_count": 5,
    "red_count": 10,
    "yellow_multiplier": WAD,
    "red_multiplier": WAD,
    "decay_seconds": 604_800,
}


class VolatilityDriver:
    """A volatility oracle with one market whose price three reporters say."""

    def __init__(self, prices, owner):
        self.prices = prices
        self.owner = owner
        self.implied_reporter = boa.env.generate_address("implied")
        self.ledger = harness("ExceptionCounter")
        self.contract = deploy("VolatilityOracle", owner, prices.contract.address, self.ledger.address)
        self.contract.add_market(VARIANCE, self.implied_reporter, sender=owner)

    def set(self, **changes):
        assert changes.keys() <= ESTIMATOR.keys()
        self.contract.set_estimator(0, tuple((ESTIMATOR | changes).values()), sender=self.owner)

    def judge(self, **changes):
        assert changes.keys() <= PERFORMANCE.keys()
        self.contract.set_performance(0, tuple((PERFORMANCE | changes).values()), sender=self.owner)

    def move(self, *prices, every=12, update=True):
        """Let every reporter say prices one after the other, and update after each."""
        for price in prices:
            self.prices.wait(every)
            self.prices.report_all(price, price // 1_000)
            if update:
                self.contract.update(0)

    def settle(self, seconds=12):
        """Let the last round be the last of its second, and take it in."""
        self.prices.wait(seconds)
        self.contract.update(0)

    def imply(self, variance):
        self.contract.report_implied(0, variance, sender=self.implied_reporter)

    @property
    def found(self):
        return self.contract.estimates(0)

    @property
    def told(self):
        return self.contract.variances(0)
