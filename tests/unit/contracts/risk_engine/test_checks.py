"""Who may ask for a check, and that many accounts at once are what each alone is."""

from __future__ import annotations

from dataclasses import astuple

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import deploy
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import RISK, Protocol, id_of, logs_of, merged
from tests.support.risk_parameters import ADAPTIVE, STATIC, VOLATILITY

LONE = f"""{FORMULA_HEAD}
@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    ratio: uint256 = 10**17 + min(inputs.account_notional, 10**24) // 10**7
    if inputs.side < 0:
        ratio += 10**15
    return MarginRatios(initial=ratio, maintenance=ratio // 2)
@view
@external
@reentrant
def collateral_haircut() -> uint256:
    return 0
"""
"""A designer's formula without a batch, which asks shorts and large accounts for more."""

POSITIONS = """
struct PositionInputs:
    notional: uint256
    side: int256
    account_notional: uint256
"""
BATCHES = {
    "reverts": 'raise "no batch"',
    "too few": "return []",
    "other answers": """answers: DynArray[MarginRatios, 512] = []
    for position: PositionInputs in positions:
        answers.append(MarginRatios(initial=2, maintenance=1))
    return answers""",
    "endless": """for i: uint256 in range(10**12):
        pass
    return []""",
}
"""Batches that a formula claims to have, and has not."""


def batched(body: str) -> str:
    return f"""{LONE}{POSITIONS}
@view
@external
@reentrant
def margin_ratios_batch(
    inputs: RiskInputs, positions: DynArray[PositionInputs, 512]
) -> DynArray[MarginRatios, 512]:
    {body}
"""


FADING = batched(
    """assert block.timestamp < BREAKS_AT, "faded"
    answers: DynArray[MarginRatios, 512] = []
    for position: PositionInputs in positions:
        ratio: uint256 = 10**17 + min(position.account_notional, 10**24) // 10**7
        if position.side < 0:
            ratio += 10**15
        answers.append(MarginRatios(initial=ratio, maintenance=ratio // 2))
    return answers"""
).replace(
    POSITIONS,
    f"""{POSITIONS}
BREAKS_AT: immutable(uint256)
@deploy
def __init__():
    BREAKS_AT = block.timestamp + 86_400
""",
)
"""A batch that answers for a day."""


def shipped(owner):
    return {
        "static": deploy("risk_models/StaticRiskModel", owner, STATIC),
        "volatility": deploy("risk_models/VolatilityRiskModel", owner, astuple(VOLATILITY)),
        "adaptive": deploy("risk_models/AdaptiveRiskModel", owner, astuple(ADAPTIVE)),
    }


def populated(build, model) -> tuple[Protocol, list[int]]:
    """Three markets with cross positions of both sides, some in debt, an idle and an unknown account."""
    protocol = build(
        markets=3,
        risk_model=model,
        skew_scale=10_000 * WAD,
        max_premium=WAD // 200,
        margin={"ramp_per_hour": WAD // 4},
    )
    accounts = []
    for i in range(6):
        account = protocol.account(f"trader {i}", 20_000 + i)
        accounts.append(id_of(account))
        for market in range(3):
            if (i + 1) >> market & 1:
                protocol.increase(account, (-1) ** (i + market) * (i + 1) * WAD, market=market)
    protocol.set_price(1_990 * WAD)
    protocol.set_price(2_020 * WAD, market=2)
    accounts += [id_of(protocol.account("idle", 5)), id_of(boa.env.generate_address())]
    return protocol, accounts


def assert_batch_is_single(protocol, accounts):
    """All at once, each alone, and the inputs of a liquidation agree to the last bit."""
    states = protocol.risk.account_states(accounts)
    for account, state in zip(accounts, states, strict=True):
        assert tuple(state) == tuple(protocol.risk.account_states([account])[0])
        inputs = protocol.risk.liquidation_inputs(account, 0)
        assert state.equity == inputs.equity
        assert state.maintenance_requirement == inputs.maintenance_requirement
        assert state.collateral == protocol.collateral(account)
        rows = [protocol.lens.positions(market, [account])[0] for market in range(3)]
        prices = [protocol.oracle.asset_price(market).risk_price for market in range(3)]
        notionals = [-(-abs(row.size) * price // WAD) for row, price in zip(rows, prices, strict=True)]
        assert state.notional == sum(notionals)
        assert state.maintenance_requirement == sum(
            -(-notional * row.effective_maintenance_ratio // WAD)
            for notional, row in zip(notionals, rows, strict=True)
        )


@pytest.mark.parametrize("kind", ["static", "volatility", "adaptive"])
def test_a_shipped_formula_is_batched_and_answers_alike(build, kind):
    model = shipped(boa.env.generate_address("owner"))[kind]
    protocol, accounts = populated(build, model)
    assert protocol.registry.market_info(0).is_batched
    assert_batch_is_single(protocol, accounts)


def test_a_formula_of_one_function_plugs_in(build):
    protocol, accounts = populated(build, boa.loads(LONE))
    assert not protocol.registry.market_info(0).is_batched
    assert_batch_is_single(protocol, accounts)


@pytest.mark.parametrize("fault", BATCHES)
def test_a_batch_that_is_none_is_found_out_when_the_formula_is_set(build, fault):
    protocol, accounts = populated(build, boa.loads(batched(BATCHES[fault])))
    assert not protocol.registry.market_info(0).is_batched
    (event,) = logs_of(protocol.registry, "MarketSet")[-1:] or [None]
    assert event is None or not event.is_batched
    assert_batch_is_single(protocol, accounts)


def test_a_batch_that_stops_answering_is_asked_one_by_one(build):
    protocol, accounts = populated(build, boa.loads(FADING))
    assert protocol.registry.market_info(0).is_batched
    assert_batch_is_single(protocol, accounts)
    protocol.wait(86_400)
    for market in range(3):
        protocol.set_price(1_990 * WAD, market=market)
    assert protocol.registry.market_info(0).is_batched
    assert_batch_is_single(protocol, accounts)


def test_formulas_see_side_account_and_market(build):
    """What was added to the inputs arrives: the same formula asks shorts and large accounts for more."""
    protocol = build(markets=2, risk_model=boa.loads(LONE))
    long, short, both = (protocol.account(name, 50_000) for name in ("long", "short", "both"))
    protocol.increase(long, WAD)
    protocol.increase(short, -WAD)
    protocol.increase(both, WAD)
    protocol.increase(both, WAD, market=1)
    alone, other, large = (
        protocol.lens.positions(0, [id_of(account)])[0].effective_maintenance_ratio
        for account in (long, short, both)
    )
    assert alone == (10**17 + 2_000 * WAD // 10**7) // 2
    assert other == (10**17 + 2_000 * WAD // 10**7 + 10**15) // 2
    assert large == (10**17 + 4_000 * WAD // 10**7) // 2
    # At entry as well: of the trade in the second market, the first one counts, as it was opened.
    assert protocol.position(both, 1).entry_maintenance_ratio == large
    assert protocol.position(both, 0).entry_maintenance_ratio == alone
    snapshot = protocol.registry.market_snapshot(0)
    assert snapshot.skew == 1 * 2_000 * WAD
    protocol.decrease(long)
    protocol.decrease(both)
    assert protocol.registry.market_snapshot(0).skew == -2_000 * WAD
    protocol.set_price(2_000 * WAD)
    protocol.wait(77)
    assert protocol.registry.market_snapshot(0).report_age_seconds == 77


def test_exceptions_are_counted_by_market(build):
    protocol = build(markets=2)
    for market in range(2):
        trader = protocol.account(f"trader {market}", 1_001)
        protocol.increase(trader, 10 * WAD, market=market)
        protocol.set_price(1_850 * WAD, market=market)
        assert protocol.registry.market_snapshot(market).exceptions == 0
        protocol.liquidate(trader, market=market)
        assert protocol.registry.market_snapshot(market).exceptions == protocol.exceptions(market) == 1
    assert protocol.lens.protocol_state().exceptions == 2
    assert [event.deficit > 0 for event in logs_of(protocol.liquidation, "Liquidated")] == [True]


def test_nobody_else_can_log_a_check(protocol):
    trader = protocol.account("trader", 1_000)
    snapshot = tuple(protocol.registry.market_snapshot(0))
    for caller in (trader, protocol.owner, protocol.desk.address, protocol.waterfall.address):
        for call, arguments in (
            (protocol.risk.check_initial, (id_of(trader), 0, snapshot)),
            (protocol.risk.check_withdraw, (id_of(trader), 1)),
            (protocol.risk.check_maintenance, (id_of(trader), 0)),
        ):
            with boa.reverts("margin_checks: not holder of the lock"):
                call(*arguments, sender=caller)
    with boa.reverts("loss_waterfall: not holder of the lock"):
        protocol.waterfall.resolve(id_of(trader), sender=protocol.desk.address)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("upnl_weight", WAD + 1),
        ("upnl_cap", 10**36 + 1),
        ("withdraw_margin_ratio", WAD + 1),
        ("depth_variance", 10**26 + 1),
        ("depth_reserves", 10**38 + 1),
        ("depth_share_min", WAD + 1),
    ],
)
def test_every_bound_holds_in_setter_and_constructor(protocol, field, value):
    with boa.reverts("risk_params: zero depth"):
        protocol.set_margin(depth_share_min=0)
    protocol.margin_changes.pop("depth_share_min")
    with boa.reverts("risk_params: out of bounds"):
        protocol.set_margin(**{field: value})
    around = [protocol.oracle, protocol.ledger, protocol.registry, protocol.pool, protocol.assets]
    with boa.reverts("risk_params: out of bounds"):
        deploy("RiskEngine", protocol.owner, *[c.address for c in around], merged(RISK, {field: value}))
    with boa.reverts("access: not owner"):
        protocol.risk.set_parameters(merged(RISK, {}), sender=protocol.liquidator)
