"""A proposal comes into force on the accounts that exist, with the collateral they have (finding T13).

Openings that a higher initial margin refuses were topped up in the proposed arm alone: 7 -> 20 % kept the
notional and raised collateral by 45 %.
"""

from pathlib import Path

import numpy as np
import pytest

from sim.core.errors import InputError
from sim.core.units import TOKEN_UNIT, WAD
from sim.engine.blocks.observation import read_protocol
from sim.engine.blocks.standing import standing_at_start
from sim.engine.options import RunOptions
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.engine.replay import replay_run
from sim.engine.run import load_histories, run_scenario, summarise, world_builder
from sim.engine.worlds.enacting import WAIT_SECONDS
from sim.engine.worlds.feedback import Feedback
from sim.metrics.facts import Shortfall
from sim.protocol.governance.rules import SETTERS
from sim.protocol.governance.setup import GOVERNOR
from sim.protocol.governance.values import read_setter
from tests.support.small_run import small_execution, small_scenario

STATIC_7 = (
    'protocol.risk_model="static"',
    "protocol.risk_model_parameters={initial_ratio=0.07, maintenance_ratio=0.03}",
    'traders.0.leverage={ distribution = "uniform", minimum = 3.0, maximum = 14.0 }',
)
AT_20 = "protocol.risk_model_parameters={initial_ratio=0.2, maintenance_ratio=0.12}"
BEFORE = "protocol.risk_model_parameters={initial_ratio=0.07, maintenance_ratio=0.03}"
ENACTED = f'enactment={{in_block_0=true, values_before=["{BEFORE}"]}}'
UNCHANGED = "enactment={in_block_0=true}"


def world(*overrides: str, feedback: Feedback | None = None):
    scenario = small_scenario(*overrides)
    options = RunOptions(out=Path(), worlds="none")
    histories = load_histories(scenario, options)
    builder = world_builder(scenario, options, histories, feedback=feedback or Feedback())
    return builder.build()


def read(world, contract, view, *arguments):
    return world.client.read(contract, view, *arguments)


def test_both_arms_hold_the_same_positions_and_the_same_collateral_to_the_unit():
    current, proposed = world(*STATIC_7, UNCHANGED), world(*STATIC_7, AT_20, ENACTED)
    topped_up = world(*STATIC_7, AT_20)
    assert current.mirror.exact_collateral == proposed.mirror.exact_collateral
    assert current.mirror.exact_wallet == proposed.mirror.exact_wallet
    assert current.mirror.exact_size == proposed.mirror.exact_size
    assert current.mirror.exact_entry == proposed.mirror.exact_entry
    assert current.token_supply == proposed.token_supply
    assert current.raised_openings == proposed.raised_openings
    # The kind of world it was found in: more capital, and none of it the accounts' own.
    assert topped_up.raised_openings > proposed.raised_openings
    assert topped_up.mirror.total_collateral > proposed.mirror.total_collateral
    market = proposed.client.markets()[0]
    assert market.initial_ratio == 20 * WAD // 100
    assert market.maintenance_ratio == 12 * WAD // 100


def test_the_ramp_starts_in_block_0():
    proposed = world(*STATIC_7, AT_20, ENACTED, "protocol.margin.maintenance_ramp=true")
    market = proposed.client.markets()[0]
    assert market.ramped_maintenance_ratio == 3 * WAD // 100
    assert market.maintenance_ratio == 12 * WAD // 100
    at_once = world(*STATIC_7, AT_20, ENACTED, "protocol.margin.maintenance_ramp=false")
    assert at_once.client.markets()[0].ramped_maintenance_ratio == 12 * WAD // 100


def test_what_was_proposed_waited_its_time_lock():
    proposed = world(*STATIC_7, AT_20, ENACTED)
    queued = read(proposed, GOVERNOR, "proposal", 0)
    start = proposed.start_timestamp
    assert queued[3] == start == proposed.chain.timestamp
    assert queued[5] == 2  # executed
    assert read(proposed, GOVERNOR, "delay_seconds") == WAIT_SECONDS


@pytest.mark.parametrize("tau", [1_800, 3_600, 30_000, 2_592_000])
def test_the_wait_forgets_no_volatility_and_accrues_no_funding(tau):
    oracle = (
        f"protocol.oracle.tau_fast_seconds={tau}",
        "protocol.oracle.tau_slow_seconds=2592000",
        "protocol.oracle.initial_volatility_fast=0.9",
        "protocol.oracle.initial_volatility_slow=0.5",
    )
    plain, waited = world(*oracle).client.markets()[0], world(*oracle, UNCHANGED).client.markets()[0]
    assert waited.variance_fast / WAD == pytest.approx(plain.variance_fast / WAD, rel=1e-9)
    assert waited.variance_slow / WAD == pytest.approx(plain.variance_slow / WAD, rel=1e-9)
    assert waited.index_price == waited.risk_price == plain.index_price
    assert waited.funding_index == plain.funding_index == 0
    assert waited.status == plain.status == 0


def standing(world):
    return standing_at_start(world, read_protocol(world))


def by_hand(world, requirement):
    """Who stands below a requirement, every account read."""
    held = [actor for actor in range(world.accounts) if world.mirror.open_positions[actor]]
    states = world.client.account_states(held)
    short = [state for state in states if state.equity < getattr(state, requirement)]
    return Shortfall(accounts=len(short), notional=sum(state.notional for state in short) / WAD)


def test_who_is_short_of_what_at_once_is_counted_exactly():
    ramped = world(*STATIC_7, AT_20, ENACTED, "protocol.margin.maintenance_ramp=true")
    at_once = world(*STATIC_7, AT_20, ENACTED, "protocol.margin.maintenance_ramp=false")
    current = world(*STATIC_7, UNCHANGED)
    assert standing(ramped).liquidatable.accounts == standing(current).liquidatable.accounts == 0
    assert standing(ramped).after_ramp == standing(at_once).liquidatable
    assert standing(at_once).liquidatable == by_hand(at_once, "maintenance_requirement")
    assert 5 < standing(at_once).liquidatable.accounts < standing(at_once).initial.accounts
    assert standing(ramped).initial == by_hand(ramped, "initial_requirement")
    assert standing(current).initial == by_hand(current, "initial_requirement")


def test_capital_that_is_added_is_counted():
    topped_up, proposed = world(*STATIC_7, AT_20), world(*STATIC_7, AT_20, ENACTED)
    more = (topped_up.mirror.total_collateral - proposed.mirror.total_collateral) / WAD
    assert topped_up.added_at_set_up - proposed.added_at_set_up == pytest.approx(more, rel=1e-9)
    assert proposed.added_at_set_up == world(*STATIC_7, UNCHANGED).added_at_set_up
    run = small_execution("blocks=30")
    assert summarise(run)["added_capital"] == sum(run.recorder.topped_up_of) / TOKEN_UNIT > 0


CHANGES = {
    "protocol.margin.upnl_weight": (1.0, 0.3),
    "protocol.liquidation.buffer": (0.1, 0.35),
    "protocol.insurance_fund.target_reserves": (20_000.0, 77_000.0),
    "markets.0.pool.skew_scale": (20_000.0, 21_000.0),
    "markets.0.pool.open_interest_cap_notional": (8_000_000.0, 9_000_000.0),
    "protocol.risk_model_parameters.z": (4.0, 3.9),
}
OWN = "scenarios/models/LinearRiskModel.vy"
OWN_PARAMETERS = (
    "protocol.risk_model_parameters={base_ratio=0.04, slope=0.03, initial_max=0.5, maintenance_share=0.5,"
    " haircut=0.0}"
)


def in_force(world):
    """What the chain has, read from every setter's own view."""
    chain, deployed = world.chain, world.client.deployment
    found = {
        (setter.contract, setter.function): read_setter(
            chain, deployed, setter, 0 if setter.per_market else None
        )
        for setter in SETTERS
    }
    curve = world.client.curves()[0]
    return found, curve.initial.tolist(), curve.maintenance.tolist()


@pytest.mark.parametrize("key", CHANGES)
def test_every_parameter_that_a_proposal_can_change_is_in_force_in_block_0(key):
    before, after = (f"{key}={value}" for value in CHANGES[key])
    enacted = in_force(world(after, f'enactment={{in_block_0=true, values_before=["{before}"]}}'))
    assert enacted == in_force(world(after, UNCHANGED)) != in_force(world(before, UNCHANGED))


@pytest.mark.parametrize("margin", [True, False])
@pytest.mark.parametrize(
    ("after", "before"),
    [
        (('protocol.risk_model="static"',), 'risk_model_before="adaptive"'),
        ((f'protocol.risk_model="{OWN}"', OWN_PARAMETERS), 'risk_model_before="static"'),
        (
            ('protocol.risk_model="adaptive"',),
            f'risk_model_before="{OWN}", values_before=["{OWN_PARAMETERS}"]',
        ),
        (
            (f'protocol.risk_model="{OWN}"', OWN_PARAMETERS),
            f'values_before=["{OWN_PARAMETERS.replace("0.03", "0.02")}"]',
        ),
    ],
)
def test_another_formula_and_a_designers_own_come_into_force(after, before, margin):
    feedback = Feedback(margin=margin)
    enacted = world(*after, f"enactment={{in_block_0=true, {before}}}", feedback=feedback)
    always = world(*after, UNCHANGED, feedback=feedback)
    for name in ("initial", "maintenance"):
        assert np.array_equal(
            getattr(enacted.client.curves()[0], name), getattr(always.client.curves()[0], name)
        )


def test_frozen_ratios_are_those_of_the_change():
    proposed = world(*STATIC_7, AT_20, ENACTED, feedback=Feedback(margin=False))
    assert proposed.client.markets()[0].initial_ratio == 20 * WAD // 100
    curve = proposed.client.curves()[0]
    assert curve.maintenance[0] == pytest.approx(0.12)


def test_warm_paths_are_cold_paths_and_runs_replay(tmp_path):
    scenario = small_scenario(*STATIC_7, AT_20, ENACTED)
    warm = WarmStarts()
    warmed = [run_path(scenario, PathOptions(path=path), warm).digest for path in (0, 1)]
    assert warm.built == 1
    assert warmed == [run_path(scenario, PathOptions(path=path)).digest for path in (0, 1)]
    run_scenario(scenario, RunOptions(out=tmp_path / "run", worlds="all"))
    assert replay_run(tmp_path / "run", None).identical


def test_a_run_brings_the_formula_of_before_with_it(tmp_path):
    before = f'risk_model_before="{OWN}", values_before=["{OWN_PARAMETERS}"]'
    scenario = small_scenario("blocks=12", f"enactment={{in_block_0=true, {before}}}")
    run_scenario(scenario, RunOptions(out=tmp_path / "run", worlds="none"))
    copied = tmp_path / "run" / "inputs" / "enactment_risk_model_before" / "LinearRiskModel.vy"
    assert copied.read_bytes() == Path(OWN).read_bytes()
    assert replay_run(tmp_path / "run", None).identical


@pytest.mark.parametrize(
    ("enactment", "message"),
    [
        ('{values_before=["protocol.margin.upnl_weight=0.3"]}', "in_block_0 is false"),
        ('{in_block_0=true, values_before=["protocol.oracle.tau_fast_seconds=60"]}', "a proposal can change"),
        ('{in_block_0=true, values_before=["protocol.pool.deposit=6.0"]}', "a proposal can change"),
        ('{in_block_0=true, values_before=["protocol.margin.upnl_weigt=0.3"]}', "before it: .*upnl_weigt"),
        ('{in_block_0=true, values_before=["protocol.margin.upnl_weight=3.0"]}', "before it: .*upnl_weight"),
        ('{in_block_0=true, risk_model_before="mine"}', "must be one of"),
        ('{in_block_0=true, risk_model_before="nowhere.vy"}', "there is no file 'nowhere.vy'"),
    ],
)
def test_what_makes_no_sense_is_refused(enactment, message):
    with pytest.raises(InputError, match=message):
        small_scenario(f"enactment={enactment}")
