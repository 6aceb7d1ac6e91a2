"""A formula that stopped answering could not be replaced: to change it, the old one was asked first.

It was asked twice, by the registry to accrue funding and by the governor to compare what the new one
asks. So a formula that reverts, leaves its range or does not end closed a market for ever, and with it
reductions, exits of providers and every parameter of the registry. Now who replaces it does not ask it,
and what it gave last stands for it in everything that adds no risk.
"""

from __future__ import annotations

from dataclasses import replace
from string import Template

import boa
import pytest

from sim.core.units import WAD
from tests.support.governed import DAY, Governed, parameters_of
from tests.support.own_formula import FORMULA_HEAD
from tests.support.protocol import Protocol, isolated

SOURCE = Template("""
BREAKS_AT: immutable(uint256)
@deploy
def __init__():
    BREAKS_AT = block.timestamp + 86_400
@view
@internal
def _is_broken() -> bool:
    return block.timestamp >= BREAKS_AT
@view
@external
@reentrant
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    if self._is_broken():
        $ratios
    return MarginRatios(initial=10**17, maintenance=5 * 10**16)
@view
@external
@reentrant
def collateral_haircut() -> uint256:
    if self._is_broken():
        $haircut
    return 0
""")
FAULTS = {
    "reverts": ('raise "off the table"', "pass"),
    "out of range": ("return MarginRatios(initial=2 * 10**18, maintenance=10**17)", "pass"),
    "endless": ("for i: uint256 in range(10**12):\n            pass", "pass"),
    "haircut reverts": ("pass", 'raise "no haircut"'),
}
FAULT = pytest.mark.parametrize("fault", FAULTS)
STATIC = [8 * WAD // 100, 4 * WAD // 100, 0]


@pytest.fixture
def source(fault, tmp_path):
    ratios, haircut = FAULTS[fault]
    file = tmp_path / "Breaks.vy"
    file.write_text(FORMULA_HEAD + SOURCE.substitute(ratios=ratios, haircut=haircut))
    return file


@FAULT
def test_the_owner_can_replace_it_and_change_parameters(source, fault):
    with isolated():
        protocol = Protocol(markets=2)
        model = boa.load_partial(str(source)).deploy()
        protocol.registry.set_market(1, model.address, 10**6 * WAD, sender=protocol.owner)
        trader = protocol.account("trader", 50_000)
        protocol.increase(trader, 100 * WAD, market=1)
        protocol.wait(86_400)
        protocol.set_price(1_990 * WAD, market=1)
        if fault == "haircut reverts":
            protocol.registry.poke(1)  # only what adds risk asks for it
        else:
            protocol.registry.poke(1)
            (event,) = [one for one in protocol.registry.get_logs() if type(one).__name__ == "FormulaFailed"]
            assert (event.market, event.risk_model) == (1, model.address)
            assert (event.initial_ratio, event.maintenance_ratio) == (10**17, 5 * 10**16)
        protocol.decrease(trader, WAD, market=1)
        reason = "formulas: no haircut" if fault == "haircut reverts" else "formulas: no good answer"
        with boa.reverts(reason):
            protocol.increase(trader, WAD, market=1)
        with boa.reverts(reason):
            protocol.withdraw(trader, 1)
        protocol.set_margin(min_position_notional=99 * WAD)
        assert protocol.registry.parameters().min_position_notional == 99 * WAD
        protocol.registry.set_market(1, protocol.risk_models[0].address, 10**6 * WAD, sender=protocol.owner)
        protocol.decrease(trader, market=1)
        assert protocol.position(trader, 1).size == 0
        protocol.check_books()


@FAULT
def test_the_governor_can_replace_it_within_bounds(source):
    parameters = parameters_of()
    market = replace(parameters.markets[0], risk_model={})
    governed = Governed("broken", custom=source, parameters=replace(parameters, markets=[market]))
    proposal = governed.propose("risk_governor", governed.set_model(STATIC, "static"))
    receipt = governed.execute(proposal, at=governed.now + 3 * DAY)
    assert receipt.status, receipt.revert_reason
    initial, maintenance = governed.read("market_registry", "market_snapshot", 0)[-3:-1]
    assert (initial, maintenance) == (STATIC[0], STATIC[1])
