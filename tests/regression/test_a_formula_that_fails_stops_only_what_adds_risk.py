"""S5: a formula that reverted, left its range or did not end locked every way out, of other markets too.

Drawn here: the fault, from which size on the formula has it, sizes and prices; a formula that fails for large
positions alone among them. The table of ways out is in `test_exits.py`.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.reference.fixed_point import WAD
from tests.support.deployers import harness
from tests.support.protocol import Protocol, id_of, isolated

FAULTS = {"reverts": 1, "out of range": 2, "endless": 3}


@pytest.fixture(scope="module")
def shared():
    with isolated():
        formula = harness("SwitchableRiskModel")
        protocol = Protocol(markets=2, risk_model=formula)
        yield protocol, formula, [protocol.account(f"trader {i}", 100_000) for i in range(3)]


@settings(max_examples=15, deadline=None)
@given(
    fault=st.sampled_from(sorted(FAULTS.values())),
    least=st.sampled_from((0, 1, 50_000 * WAD, 10**9 * WAD)),
    sizes=st.lists(st.integers(-100, 100).filter(bool), min_size=3, max_size=3),
    price=st.integers(1_900, 2_100),
)
def test_reads_agree_and_nobody_is_liquidated_by_silence(shared, fault, least, sizes, price):
    protocol, formula, traders = shared
    with boa.env.anchor():
        for trader, size in zip(traders, sizes, strict=True):
            protocol.increase(trader, size * WAD)
        protocol.set_price(price * WAD)
        before = protocol.risk.account_states([id_of(trader) for trader in traders])
        formula.set_fault(fault, least)
        after = protocol.risk.account_states([id_of(trader) for trader in traders])
        for trader, size, healthy, broken in zip(traders, sizes, before, after, strict=True):
            inputs = protocol.risk.liquidation_inputs(id_of(trader), 0)
            assert inputs.maintenance_requirement == broken.maintenance_requirement
            assert broken.maintenance_requirement <= healthy.maintenance_requirement
            is_silent = abs(size) * price * WAD >= least
            assert (broken.initial_requirement == broken.notional) == is_silent
            assert broken.equity == healthy.equity
            protocol.decrease(trader, WAD)
            protocol.decrease(trader)
        protocol.check_books()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("least", [0, 50_000 * WAD])
def test_what_adds_risk_is_refused_in_its_market_and_goes_on_in_others(shared, fault, least):
    protocol, formula, (large, small, _) = shared
    with boa.env.anchor():
        protocol.increase(large, 40 * WAD)
        other = harness("SwitchableRiskModel")
        protocol.registry.set_market(1, other.address, 10**6 * WAD, sender=protocol.owner)
        formula.set_fault(FAULTS[fault], least)
        for act in (lambda: protocol.increase(large, 1 * WAD), lambda: protocol.withdraw(large, 1)):
            with boa.reverts("formulas: no good answer"):
                act()
        with boa.reverts(
            "formulas: no good answer"
        ):  # its position in the first market is one nobody can judge
            protocol.increase(large, WAD, market=1)
        protocol.increase(small, WAD, market=1)
        protocol.withdraw(small, 1)


def test_a_formula_is_not_starved_into_failing(shared):
    """With too little gas for a formula that answers, the whole operation fails, not the formula alone."""
    protocol, _, (trader, _, _) = shared
    with boa.env.anchor():
        protocol.increase(trader, WAD)
        for gas in range(20_000, 400_000, 20_000):
            with boa.env.anchor():
                try:
                    protocol.desk.decrease_position(0, 0, WAD // 2, 0, sender=trader, gas=gas)
                except boa.BoaError:
                    continue
                names = [type(one).__name__ for one in protocol.desk.get_logs()]
                assert "PositionChanged" in names
                assert "FormulaFailed" not in names


def test_the_ratios_of_the_last_touch_hold_on(shared):
    protocol, formula, (trader, _, _) = shared
    with boa.env.anchor():
        protocol.increase(trader, WAD)
        formula.set_fault(1, 0)
        snapshot = protocol.registry.market_snapshot(0)
        assert (snapshot.risk_model, snapshot.is_batched) == (0, 0)
        assert (snapshot.initial_ratio, snapshot.maintenance_ratio) == (5 * WAD // 100, 25 * WAD // 1_000)
        formula.set_fault(0, 0)
        assert protocol.registry.market_snapshot(0).risk_model == int(formula.address, 16)


def test_a_formula_that_fails_for_every_position_still_answers_about_none(shared):
    """The ratios of a market at rest are asked for no notional, not for a small one."""
    protocol, formula, _ = shared
    with boa.env.anchor():
        formula.set_fault(1, 1)
        snapshot = protocol.registry.market_snapshot(0)
        assert snapshot.risk_model == int(formula.address, 16)
