from __future__ import annotations

import boa
import pytest

from sim.reference.fixed_point import WAD
from tests.support.deployers import CONTRACTS, deploy, deployer
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import FEES, MARKET, NOBODY, RISK, WATERFALL, merged, units

OURS = [
    "Ledger",
    "MarketRegistry",
    "RiskEngine",
    "TradingDesk",
    "LossWaterfall",
    "LiquidationEngine",
    "LiquidityPool",
    "InsuranceFund",
    "testing/ERC20Mock",
]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ramp_per_hour", 10**24 + 1),
        ("funding_coefficient", 100 * WAD + 1),
        ("funding_margin_coefficient", 100 * WAD + 1),
        ("max_funding_rate_per_hour", WAD + 1),
        ("min_position_notional", 10**30 + 1),
    ],
)
def test_every_bound_of_a_market_holds_in_setter_and_constructor(protocol, field, value):
    with boa.reverts("market_params: out of bounds"):
        protocol.set_margin(**{field: value})
    around = [protocol.oracle.address, NOBODY, protocol.ledger.address, protocol.pool.address]
    with boa.reverts("market_params: out of bounds"):
        deploy("MarketRegistry", protocol.owner, *around, merged(MARKET, {field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trade_fee_rate", WAD // 10 + 1),
        ("pool_fee_share", 8 * WAD // 10 + 1),
        ("fund_fee_share", 4 * WAD // 10 + 1),
    ],
)
def test_every_bound_of_a_fee_holds_in_setter_and_constructor(protocol, field, value):
    with boa.reverts("fee_params: out of bounds"):
        protocol.set_margin(**{field: value})
    around = [protocol.ledger, protocol.registry, protocol.risk, protocol.waterfall, protocol.assets]
    with boa.reverts("fee_params: out of bounds"):
        deploy("TradingDesk", protocol.owner, *[c.address for c in around], merged(FEES, {field: value}))


def test_the_window_is_bounded_in_setter_and_constructor(protocol):
    with boa.reverts("waterfall_params: out of bounds"):
        protocol.set_liquidation(adl_window_seconds=604_801)
    around = [protocol.ledger, protocol.registry, protocol.risk, protocol.fund, protocol.assets]
    with boa.reverts("waterfall_params: out of bounds"):
        policy = protocol.waterfall.deleverage_policy()
        deploy("LossWaterfall", protocol.owner, *[c.address for c in around], policy, (604_801,))


def test_only_the_owner_configures(protocol):
    registry, desk, model = protocol.registry, protocol.desk, protocol.risk_models[0].address
    for call, arguments in (
        (registry.set_parameters, (merged(MARKET, {}),)),
        (registry.add_market, (model, WAD)),
        (registry.set_market, (0, model, WAD)),
        (desk.set_parameters, (merged(FEES, {}),)),
        (desk.collect_fees, (protocol.liquidator,)),
        (desk.pause, ()),
        (desk.unpause, ()),
        (protocol.waterfall.set_parameters, ((1,),)),
        *(
            (contract.transfer_ownership, (protocol.liquidator,))
            for contract in (registry, desk, protocol.waterfall, protocol.risk, protocol.ledger)
        ),
    ):
        for caller in (protocol.liquidator, protocol.liquidation.address):
            with boa.reverts("access: not owner"):
                call(*arguments, sender=caller)


AROUND = {
    "Ledger": ("connections", ("token",), ()),
    "MarketRegistry": ("markets", ("oracle", "ledger", "pool"), MARKET),
    "CollateralRegistry": ("collateral_assets", ("ledger",), ()),
    "RiskEngine": ("account_risk", ("oracle", "ledger", "registry", "pool", "assets"), RISK),
    "LossWaterfall": ("loss_waterfall", ("ledger", "registry", "risk", "fund", "assets"), WATERFALL),
    "TradingDesk": ("trading", ("ledger", "registry", "risk", "waterfall", "assets"), FEES),
}
"""Contract -> module that checks, the contracts around it, its parameters."""


@pytest.mark.parametrize(
    ("name", "position"), [(n, i) for n, (_, around, _) in AROUND.items() for i in range(len(around))]
)
def test_zero_addresses_are_refused(protocol, name, position):
    module, around, parameters = AROUND[name]
    arguments = [getattr(protocol, key).address for key in around]
    arguments[position] = NOBODY
    if name == "MarketRegistry":  # which need not have a volatility oracle
        arguments.insert(1, NOBODY)
    if name == "LossWaterfall":  # has a policy besides, which must be a contract
        arguments.append(protocol.waterfall.deleverage_policy())
    with boa.reverts(f"{module}: zero address"):
        deploy(name, protocol.owner, *arguments, *([merged(parameters, {})] if parameters else []))


def test_a_formula_is_no_zero_address(protocol):
    with boa.reverts("markets: zero address"):
        protocol.registry.set_market(0, NOBODY, WAD, sender=protocol.owner)


def test_a_market_needs_an_asset_and_bounds(protocol):
    model = protocol.risk_models[0].address
    with boa.reverts():
        protocol.registry.add_market(model, WAD, sender=protocol.owner)  # the oracle has one asset
    with boa.reverts("markets: cap out of bounds"):
        protocol.registry.set_market(0, model, 10**36 + 1, sender=protocol.owner)
    with boa.reverts("markets: unknown market"):
        protocol.registry.set_market(1, model, WAD, sender=protocol.owner)
    with boa.reverts("markets: unknown market"):
        protocol.registry.poke(1)


def test_eight_markets_fit_and_one_account_can_hold_them_all(build):
    protocol = build(markets=8)
    trader = protocol.account("trader", 100_000)
    for market in range(8):
        protocol.set_price(2_000 * WAD, market=market)
    for market in range(8):
        protocol.increase(trader, (-1) ** market * WAD, market=market)
    assert protocol.open_markets(trader) == 255
    assert protocol.state(trader).notional == 16_000 * WAD
    assert len(protocol.lens.market_states()) == 8
    with boa.reverts("markets: too many markets"):
        protocol.registry.add_market(protocol.risk_models[0].address, WAD, sender=protocol.owner)
    protocol.desk.withdraw(0, units(50_000), sender=trader)
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
        with boa.reverts("markets: formula has no good answer"):
            protocol.registry.set_market(0, model.address, WAD, sender=protocol.owner)


def test_fees_go_to_the_owners_choice_once(build):
    protocol = build(margin={"trade_fee_rate": WAD // 1_000})
    protocol.increase(protocol.account("trader", 10_000), 10 * WAD)
    accrued = protocol.ledger.totals().accrued_fees
    assert accrued == pytest.approx(4 * WAD, abs=3 * 10**12)
    recipient = boa.env.generate_address("recipient")
    protocol.desk.collect_fees(recipient, sender=protocol.owner)
    protocol.desk.collect_fees(recipient, sender=protocol.owner)
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
