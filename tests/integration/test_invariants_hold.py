"""Every invariant holds in runs far from the ordinary: empty pools, no fund, thin markets, long blocks."""

from __future__ import annotations

import pytest

from sim.core.rng import Streams
from sim.protocol.invariants import INVARIANTS
from tests.support.small_run import small_run

CHOICES: dict[str, tuple[object, ...]] = {
    "protocol.risk_model": ("static", "volatility", "adaptive"),
    "protocol.pool.deposit": (1.0, 5_000.0, 50_000.0, 2e6),
    "protocol.insurance_fund.deposit": (0.0, 50.0, 1_000.0, 1e6),
    "markets.0.pool.skew_scale": (2_000.0, 20_000.0, 1e9),
    "markets.0.pool.max_premium": (0.0, 0.005, 0.009),
    "protocol.margin.trade_fee_rate": (0.0, 0.0005, 0.004),
    "protocol.margin.funding_coefficient": (0.0, 0.125, 50.0),
    "protocol.margin.maintenance_ramp": ("true", "false"),
    "protocol.liquidation.buffer": (0.0, 0.15, 5.0),
    "protocol.liquidation.fee_base": (0.0, 0.005, 0.05),
    "protocol.liquidation.min_bounty": (0.0, 10.0, 1_000.0),
    "protocol.liquidation.throttle_share_per_hour": (0.0, 0.5, 50.0),
    "protocol.liquidation.adl_window_seconds": (0, 60, 600),
    "flow.hedge_share": (0.0, 0.5, 1.0),
    "liquidity_providers.run_rate_per_hour": (0.0, 20.0),
    "deleverager.active": ("true", "true", "false"),
    "traders.0.long_share": (0.0, 0.3, 0.7, 1.0),
    "shocks.0.size": (-0.5, -0.16, 0.16, 0.9),
    "arbitrageurs.count": (0, 2),
    "seconds_per_block": (1, 12, 60, 600),
}


def drawn(case: int) -> list[str]:
    """Return one random corner of the parameter space."""
    draw = Streams(case).draw("test:choices")
    picks = draw.integers(0, 12, len(CHOICES)).tolist()  # 12 is divisible by every number of choices
    overrides = [
        f"{key}={values[pick % len(values)]}"
        for pick, (key, values) in zip(picks, CHOICES.items(), strict=True)
    ]
    return [f"seed={case}", *overrides]


@pytest.mark.parametrize("case", range(20))
def test_invariants_hold(tmp_path, case):
    result = small_run(tmp_path / "run", *drawn(case))
    assert result.summary["invariants_checked"] >= 60 * len(INVARIANTS)
    assert result.summary["invariant_violations"] == 0
