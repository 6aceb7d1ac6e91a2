"""Scripted disturbances do what they say: outages delay, gas prices out, whales pull their margin."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from sim.engine.options import RunOptions
from sim.engine.run import run_scenario
from sim.engine.scenario.load import load_scenario
from tests.support.small_run import SCENARIO, small_run

JUMP = '{ kind = "price_jump", at_block = 8, size = -0.16 }'


def table(result, name: str) -> dict[str, list]:
    return pq.read_table(result.folder / f"{name}.parquet").to_pydict()


def shocks(*described: str) -> str:
    return f"shocks=[{', '.join(described)}]"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("undisturbed") / "run", shocks(JUMP))


def test_liquidator_outage_delays_liquidations_and_costs_money(tmp_path):
    """A fall of 10 % that liquidators meet at once or after it has gone on to 20 %."""
    fall = (
        '{ kind = "price_jump", at_block = 8, size = -0.10 }',
        '{ kind = "price_drift", at_block = 12, duration_minutes = 3.0, size = -0.10 }',
    )
    outage = '{ kind = "liquidator_outage", at_block = 5, duration_minutes = 5.0, size = 1.0 }'
    calm = ("markets.0.price.volatility=0.2", "markets.0.price.jump_intensity=0.0")
    prompt = small_run(tmp_path / "prompt", shocks(*fall), *calm)
    delayed = small_run(tmp_path / "delayed", shocks(*fall, outage), *calm)
    assert min(table(prompt, "liquidations")["block"]) <= 12
    # 5 minutes are 25 blocks: nothing is liquidated before block 30.
    assert min(table(delayed, "liquidations")["block"]) >= 30
    waiting = liquidatable(delayed, range(12, 30))
    assert min(waiting) > 0
    assert sum(waiting) > sum(liquidatable(prompt, range(12, 30)))
    assert delayed.summary["bad_debt"] > prompt.summary["bad_debt"]


def liquidatable(result, blocks: range) -> list[int]:
    columns = table(result, "blocks")
    pairs = zip(columns["block"], columns["liquidatable_accounts"], strict=True)
    return [count for block, count in pairs if block in blocks]


def test_the_other_liquidators_go_on(undisturbed, tmp_path):
    outage = '{ kind = "liquidator_outage", at_block = 5, duration_minutes = 5.0, size = 0.34 }'
    disturbed = small_run(tmp_path / "run", shocks(JUMP, outage))
    assert min(table(disturbed, "liquidations")["block"]) <= 12
    active = {
        liquidator
        for block, liquidator in zip(
            *(table(disturbed, "liquidations")[column] for column in ("block", "liquidator")), strict=True
        )
        if block < 30
    }
    assert len(active) == 1  # two of three are silent
    assert disturbed.digest != undisturbed.digest


def test_keeper_outage_makes_the_oracle_stale_and_nobody_is_liquidated(tmp_path):
    outage = '{ kind = "keeper_outage", at_block = 5, duration_minutes = 6.0, size = 1.0 }'
    result = small_run(
        tmp_path / "run",
        shocks(JUMP, outage),
        "protocol.oracle.heartbeat_seconds=120",
        "protocol.oracle.heartbeat_grace_seconds=12",
    )
    blocks = table(result, "blocks")
    index = dict(zip(blocks["block"], blocks["index_price"], strict=True))
    assert index[30] == index[5]  # the fall of block 8 is not known on chain
    stale = [
        block for block, status in zip(blocks["block"], blocks["oracle_status"], strict=True) if status >= 3
    ]
    # 132 s after the last report, until reports return at block 35.
    assert stale
    assert 5 < min(stale) <= 18
    assert max(stale) in (34, 35)
    assert result.summary["oracle_staleness_max_seconds"] >= 300
    assert min(table(result, "liquidations")["block"]) > 34


@pytest.mark.parametrize("policy", ["static", "adaptive"])
def test_gas_surge_prices_keepers_with_static_fees_out(tmp_path, policy):
    """Black Thursday in small: a static bid under the base fee waits, an adaptive one pays.

    Ether is cheap, so that gas keeps no liquidator away from what one call may close: reports alone decide.
    """
    surge = '{ kind = "gas_demand", at_block = 5, duration_minutes = 8.0, size = 20.0, fee_size = 60.0 }'
    result = small_run(
        tmp_path / "run",
        shocks(JUMP, surge),
        "chain.native_price=100.0",
        f"keepers.static_fee_share={1.0 if policy == 'static' else 0.0}",
        "keepers.static_fee_gwei=15.0",
        "keepers.fees.max_fee_gwei=100_000.0",
        "keepers.fees.priority_fee_gwei=1_000.0",
        "keepers.heartbeat_seconds=60",
        "protocol.oracle.heartbeat_seconds=240",
        "protocol.oracle.heartbeat_grace_seconds=12",
    )
    blocks = table(result, "blocks")
    assert max(blocks["base_fee_gwei"]) > 150.0
    if policy == "static":
        assert max(blocks["oracle_status"]) >= 3
        assert result.summary["oracle_staleness_max_seconds"] > 300
        assert result.summary["liquidations"] == 0
    else:
        assert result.summary["oracle_staleness_max_seconds"] <= 120
        assert result.summary["liquidations"] > 0


def test_gas_spike_costs_whoever_sends(undisturbed, tmp_path):
    """Fees are really paid: same traffic rules, higher base fee, more ether gone from balances."""
    surge = '{ kind = "gas_demand", at_block = 5, duration_minutes = 8.0, size = 20.0, fee_size = 60.0 }'
    result = small_run(tmp_path / "run", shocks(JUMP, surge))
    paid = table(result, "transactions")
    total = sum(paid["fee_paid_eth"])
    assert total / len(paid["block"]) > sum(table(undisturbed, "transactions")["fee_paid_eth"]) / len(
        table(undisturbed, "transactions")["block"]
    )
    assert sum(table(result, "accounts")["gas_paid_eth"]) == pytest.approx(total, rel=1e-12)


def test_whale_withdraws_and_is_liquidated(tmp_path):
    """Hyperliquid, 12 March 2025: margin goes out first, the protocol is left with the position."""
    result = small_run(
        tmp_path / "run",
        shocks(
            '{ kind = "price_drift", at_block = 2, duration_minutes = 1.0, size = 0.03 }',
            '{ kind = "price_jump", at_block = 40, size = -0.18 }',
        ),
        "markets.0.price.volatility=0.2",
        "markets.0.price.jump_intensity=0.0",
        "whales.0.behavior=withdraw_margin",
        "whales.0.start_minute=1.0",
        "protocol.risk_model=static",
        "protocol.margin.withdraw_margin_ratio=0.0",
    )
    accounts = table(result, "accounts")
    whale = accounts["group"].index("whale:whale")
    assert accounts["wallet_end"][whale] > accounts["wallet_start"][whale] == 0.0
    liquidations = table(result, "liquidations")
    mine = [
        block
        for block, account in zip(liquidations["block"], liquidations["account"], strict=True)
        if account == whale
    ]
    assert mine
    assert min(mine) >= 40
    rows = table(result, "transactions")
    withdrawn = [
        block
        for block, kind, sender, status in zip(
            rows["block"], rows["kind"], rows["sender"], rows["status"], strict=True
        )
        if kind == "trading_desk.withdraw" and sender == whale and status
    ]
    assert withdrawn
    assert 5 <= min(withdrawn) < 40


def test_withdrawal_rule_keeps_the_floor(tmp_path):
    """The same whale under the rule: after each withdrawal equity covers 10 % of notional (B1 counts it)."""
    result = small_run(
        tmp_path / "run",
        shocks('{ kind = "price_jump", at_block = 2, size = 0.05 }'),
        "whales.0.behavior=withdraw_margin",
        "protocol.risk_model=static",
        "protocol.risk_model_parameters.initial_ratio=0.05",
        "protocol.risk_model_parameters.maintenance_ratio=0.025",
        "protocol.margin.withdraw_margin_ratio=0.10",
    )
    rows = table(result, "events")
    checks = [
        json.loads(data)
        for event, data in zip(rows["event"], rows["data"], strict=True)
        if event == "MarginChecked" and json.loads(data)["kind"] == 2
    ]
    assert checks
    for check in checks:
        assert check["equity"] >= check["requirement"] >= check["notional"] // 10


def test_forced_flow_off_in_the_scenario_leaves_the_price_alone(tmp_path):
    """Without any route outside, the outside price is its fundamental price."""
    result = small_run(tmp_path / "run", shocks(JUMP), "flow.hedge_share=0.0", "flow.arbitrage_share=0.0")
    blocks = table(result, "blocks")
    assert result.summary["liquidations"] > 0
    assert set(blocks["impact_log"]) == {0.0}
    assert blocks["external_price"] == blocks["fundamental_price"]


def test_more_hedging_falls_further(tmp_path):
    """Common random numbers: the more of the skew is hedged outside, the lower the price goes."""
    lows = [
        small_run(
            tmp_path / str(share), shocks(JUMP), f"flow.hedge_share={share}", "arbitrageurs.count=0"
        ).summary["price_min"]
        for share in (0.0, 0.5, 1.0)
    ]
    assert lows == sorted(lows, reverse=True)
    assert lows[0] > lows[-1]


def test_the_throttle_spreads_liquidations_out(tmp_path):
    """A tenth of the pool's depth an hour: the fall meets the same accounts, one bucket at a time.

    It is so small that nobody who waits goes under water, whom the throttle would let through.
    """
    fall = shocks('{ kind = "price_jump", at_block = 8, size = -0.05 }')
    calm = ("markets.0.price.volatility=0.2", "markets.0.price.jump_intensity=0.0")
    free = small_run(tmp_path / "free", fall, *calm)
    throttled = small_run(
        tmp_path / "throttled",
        fall,
        *calm,
        "protocol.liquidation.throttle_share_per_hour=0.1",
        "protocol.liquidation.backstop_ratio=0.0",
    )
    assert min(table(throttled, "liquidations")["equity"]) >= 0.0
    most = [max(table(result, "blocks")["liquidated_notional"]) for result in (throttled, free)]
    assert most[0] < most[1]
    assert "liquidation: throttled" in table(throttled, "transactions")["revert_reason"]
    assert throttled.summary["price_min"] >= free.summary["price_min"]


def test_crash_folder_and_results_never_mix(tmp_path):
    """A folder that is no run is not overwritten."""
    from sim.core.errors import InputError

    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "notes.txt").write_text("keep me")
    with pytest.raises(InputError, match="not a run, choose another folder"):
        run_scenario(load_scenario(SCENARIO), RunOptions(out=tmp_path / "precious"))
    assert (tmp_path / "precious" / "notes.txt").read_text() == "keep me"
