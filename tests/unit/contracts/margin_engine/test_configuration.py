from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import CONTRACTS, deploy, deployer
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import MARGIN, merged, units

ZERO = "0x" + "00" * 20
OURS = ["MarginEngine", "LiquidityPool", "InsuranceFund", "LiquidationEngine", "testing/ERC20Mock"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trade_fee_rate", WAD // 10 + 1),
        ("pool_fee_share", 8 * WAD // 10 + 1),
        ("fund_fee_share", 4 * WAD // 10 + 1),
        ("upnl_weight", WAD + 1),
        ("upnl_cap", 10**36 + 1),
        ("withdraw_margin_ratio", WAD + 1),
        ("ramp_per_hour", 10**24 + 1),
        ("funding_coefficient", 100 * WAD + 1),
        ("funding_margin_coefficient", 100 * WAD + 1),
        ("max_funding_rate_per_hour", WAD + 1),
        ("min_position_notional", 10**30 + 1),
    ],
)
def test_every_bound_holds_in_setter_and_constructor(protocol, field, value):
    with boa.reverts("margin_params: out of bounds"):
        protocol.set_margin(**{field: value})
    with boa.reverts("margin_params: out of bounds"):
        deploy(
            "MarginEngine",
            protocol.owner,
            protocol.token.address,
            protocol.oracle.address,
            merged(MARGIN, {field: value}),
        )


def test_only_the_owner_configures(protocol):
    engine, model = protocol.engine, protocol.risk_models[0].address
    for call, arguments in (
        (engine.set_parameters, (merged(MARGIN, {}),)),
        (engine.add_market, (model, WAD)),
        (engine.set_market, (0, model, WAD)),
        (engine.connect, (model, model, model)),
        (engine.collect_fees, (protocol.liquidator,)),
        (engine.pause, ()),
        (engine.unpause, ()),
        (engine.transfer_ownership, (protocol.liquidator,)),
    ):
        for caller in (protocol.liquidator, protocol.liquidation.address):
            with boa.reverts("access: not owner"):
                call(*arguments, sender=caller)


def test_contracts_are_connected_once(protocol):
    model = protocol.risk_models[0].address
    with boa.reverts("connections: connected"):
        protocol.engine.connect(model, model, model, sender=protocol.owner)
    assert protocol.engine.liquidity_pool() == protocol.pool.address
    assert protocol.engine.insurance_fund() == protocol.fund.address
    assert protocol.engine.liquidation_engine() == protocol.liquidation.address
    assert protocol.engine.quote_token() == protocol.token.address
    assert protocol.engine.price_oracle() == protocol.oracle.address


def test_zero_addresses_are_refused(protocol):
    for token, oracle in ((ZERO, protocol.oracle.address), (protocol.token.address, ZERO)):
        with boa.reverts("connections: zero address"):
            deploy("MarginEngine", protocol.owner, token, oracle, merged(MARGIN, {}))
    with boa.reverts("connections: zero address"):
        protocol.engine.set_market(0, ZERO, WAD, sender=protocol.owner)


def test_a_market_needs_an_asset_and_bounds(protocol):
    model = protocol.risk_models[0].address
    with boa.reverts():
        protocol.engine.add_market(model, WAD, sender=protocol.owner)  # the oracle has one asset
    with boa.reverts("market_state: cap out of bounds"):
        protocol.engine.set_market(0, model, 10**36 + 1, sender=protocol.owner)
    with boa.reverts("market_state: unknown market"):
        protocol.engine.set_market(1, model, WAD, sender=protocol.owner)
    with boa.reverts("market_state: unknown market"):
        protocol.engine.poke(1)


def test_eight_markets_fit_and_one_account_can_hold_them_all(build):
    protocol = build(markets=8)
    trader = protocol.account("trader", 100_000)
    for market in range(8):
        protocol.set_price(2_000 * WAD, market=market)
    for market in range(8):
        protocol.increase(trader, (-1) ** market * WAD, market=market)
    assert protocol.engine.open_markets_of(trader) == 255
    assert protocol.state(trader).notional == 16_000 * WAD
    assert len(protocol.lens.market_states()) == 8
    with boa.reverts("market_state: too many markets"):
        protocol.engine.add_market(protocol.risk_models[0].address, WAD, sender=protocol.owner)
    protocol.engine.withdraw(units(50_000), sender=trader)
    protocol.check_books()


def test_a_model_that_breaks_its_promise_is_refused(protocol):
    source = """
RATIOS: immutable(MarginRatios)
@deploy
def __init__(initial: uint256, maintenance: uint256):
    RATIOS = MarginRatios(initial=initial, maintenance=maintenance)
@view
@external
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    return RATIOS
"""
    for initial, maintenance in ((WAD // 10, WAD // 10), (WAD // 10, 0), (WAD + 1, WAD // 2)):
        model = boa.loads(FORMULA_HEAD + source, initial, maintenance)
        with boa.reverts("market_state: invalid ratios"):
            protocol.engine.set_market(0, model.address, WAD, sender=protocol.owner)


def test_fees_go_to_the_owners_choice_once(build):
    protocol = build(margin={"trade_fee_rate": WAD // 1_000})
    protocol.increase(protocol.account("trader", 10_000), 10 * WAD)
    accrued = protocol.engine.totals().accrued_fees
    assert accrued == pytest.approx(4 * WAD, abs=3 * 10**12)
    recipient = boa.env.generate_address("recipient")
    protocol.engine.collect_fees(recipient, sender=protocol.owner)
    protocol.engine.collect_fees(recipient, sender=protocol.owner)
    assert protocol.wallet(recipient) == accrued
    protocol.check_books()


@pytest.mark.parametrize("name", OURS)
def test_everything_that_changes_state_is_locked(name):
    functions = deployer(CONTRACTS / f"{name}.vy").compiler_data.global_ctx.exposed_functions
    unlocked = [f.name for f in functions if f.is_mutable and not f.nonreentrant]
    assert unlocked == []


def test_tokens_are_minted_to_many(protocol):
    receivers = [boa.env.generate_address() for _ in range(20)]
    protocol.token.mint_many(receivers, 7)
    assert all(protocol.token.balanceOf(receiver) == 7 for receiver in receivers)
