"""A price oracle with one asset and its reporters, and short words for what tests do to it."""

from __future__ import annotations

import boa

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy_oracle

START_PRICE = 2_000 * WAD
START_VARIANCE = 64 * WAD // 100
HEARTBEAT = 60


class OracleDriver:
    """An oracle with one asset and its reporters, and short words for what tests do to it."""

    def __init__(self, owner, reporters, *, count=3, weights=None, heartbeat=HEARTBEAT, **changes):
        self.owner = owner
        self.contract = deploy_oracle(owner, **changes)
        self.reporters = reporters[:count]
        with boa.env.prank(owner):
            self.asset = self.contract.add_asset(START_PRICE, START_VARIANCE, START_VARIANCE)
            for i, reporter in enumerate(self.reporters):
                weight = weights[i] if weights else 1
                self.contract.add_reporter(self.asset, reporter, weight, heartbeat)

    @property
    def now(self):
        return boa.env.timestamp

    def wait(self, seconds):
        boa.env.time_travel(seconds=seconds)

    def report(self, position, price, confidence=WAD, published_at=None):
        published_at = self.now if published_at is None else published_at
        self.contract.report(self.asset, price, confidence, published_at, sender=self.reporters[position])

    def report_all(self, price, confidence=WAD):
        for position in range(len(self.reporters)):
            self.report(position, price, confidence)

    def read(self):
        return self.contract.asset_price(self.asset)

    def settlement(self):
        return tuple(self.contract.settlement_prices(self.asset))

    def allowed(self):
        return [self.contract.is_allowed(self.asset, action) for action in range(4)]

    def events(self, name):
        return [event for event in self.contract.get_logs() if type(event).__name__ == name]
