"""The gas profile in the repository must be what the contracts in the repository cost."""

from pathlib import Path

import pytest

from scripts.update_gas_profile import FLAT, POSITIONS, measure, refused
from sim.chain.chain import Chain, engines_here
from sim.chain.gas import GasProfile
from sim.engine.options import RunOptions
from sim.engine.run import execute
from sim.engine.scenario.load import load_scenario
from sim.protocol.actions import EntryPoint
from sim.protocol.contracts import compile_protocol
from tests.support.fields import PLEDGED
from tests.support.fields import SCENARIO as EVERY_FIELD
from tests.support.small_run import SCENARIO as SMALL

# What the simulator sends; `scripts/update_gas_profile.py` measures exactly these.
ENTRY_POINTS = {
    "insurance_fund.deposit",
    "insurance_fund.redeem",
    "insurance_fund.request_exit",
    "loss_waterfall.auto_deleverage",
    "liquidation_engine.liquidate",
    "loss_waterfall.socialize_loss",
    "liquidity_pool.deposit",
    "liquidity_pool.redeem",
    "liquidity_pool.request_exit",
    "trading_desk.decrease_position",
    "trading_desk.deposit",
    "trading_desk.increase_position",
    "market_registry.poke",
    "trading_desk.withdraw",
    "price_oracle.report",
    "collateral_oracle.report",
    "loss_waterfall.sell_collateral",
    "spot_pool.swap",
    "volatility_oracle.report_implied",
    "volatility_oracle.update",
    "volatility_oracle.update_pair",
}
VALUES_ACCOUNTS = {
    EntryPoint.WITHDRAW,
    EntryPoint.INCREASE_POSITION,
    EntryPoint.LIQUIDATE,
    EntryPoint.AUTO_DELEVERAGE,
}
EXACT = "native" if "native" in engines_here() else "pyevm"


@pytest.fixture(scope="module")
def measured():
    return measure(EXACT)


def test_profile_was_measured_on_these_contracts():
    artifacts = compile_protocol("adaptive").values()
    assert GasProfile.load().is_current(artifacts), "stale: run scripts/update_gas_profile.py"


def test_profile_knows_every_entry_point_and_its_figures_are_plausible():
    entries = GasProfile.load().entries
    assert set(entries) == ENTRY_POINTS
    for name, entry in entries.items():
        assert 21_000 < entry.revert < entry.success < 2_000_000, name
        assert entry.revert_per_position <= entry.per_position, name
        assert (entry.per_item > 0) == (name == "loss_waterfall.auto_deleverage"), name
        assert (entry.per_position > 0) == (name in VALUES_ACCOUNTS), name


def test_the_profile_is_what_a_measurement_gives(measured):
    _, _, profile = measured
    assert profile.entries == GasProfile.load().entries, "stale: run scripts/update_gas_profile.py"


ONCE = {EntryPoint.INCREASE_POSITION: 8_000, EntryPoint.LIQUIDATE: 75_000, EntryPoint.AUTO_DELEVERAGE: 30_000}
"""Gas of having further positions at all: an array of eight snapshots then crosses between contracts, a
liquidation weighs which of them to close, and what a bankrupt lost in several markets is charged to each."""


def test_gas_is_a_straight_line_in_the_number_of_positions(measured):
    _, lines, _ = measured
    assert set(lines) > VALUES_ACCOUNTS
    for name, line in lines.items():
        assert len(line.gas) == len(POSITIONS)
        # Amounts differ: bytes of calldata that are not zero, rounds of a root. Two thousandths hold them.
        assert line.residual <= line.gas[0] // 500 + ONCE.get(name, 0), (name, line)
    for name in (*FLAT, *map(refused, FLAT)):
        if name in lines:
            assert abs(lines[name].slope) <= 12, (name, lines[name])  # one byte of calldata


FIRST_WRITE = 17_100
"""Gas that a write of a slot that was zero costs above one of a slot that was not (EIP-2929)."""
HELD_GAIN = 8
"""Slots of a gain that is held while a deficit pends: of the pot (2), the winner's part (5), the sum."""
MAY_BE_FIRST = {
    # Collateral of the account; if a debt is repaid, reserves, what is charged to a market and pends there.
    EntryPoint.DEPOSIT: 4,
    # Wallet.
    EntryPoint.WITHDRAW: 1,
    # Position (4), its bit among the account's markets, open interest, entry and funding sums, fees.
    EntryPoint.INCREASE_POSITION: 8,
    # Fees, reserves of fund and pool, the pool's position, funding; a deficit's record (4).
    EntryPoint.DECREASE_POSITION: 8 + HELD_GAIN,
    # The same with the throttle (2), two counters and a bounty's wallet.
    EntryPoint.LIQUIDATE: 13 + HELD_GAIN,
    # Per call: the record of haircuts, counters, the pool's position.
    EntryPoint.AUTO_DELEVERAGE: 4,
    # Two counters; the end of a deficit's record, of what is charged to a market and pends there; where the
    # account has other assets, their lien and who bears it.
    EntryPoint.SOCIALIZE_LOSS: 7,
    EntryPoint.POOL_REQUEST_EXIT: 3,  # the request
    EntryPoint.FUND_REQUEST_EXIT: 3,
    # A round that is completed: its price and its estimators; others store less.
    EntryPoint.REPORT: 4,
    EntryPoint.REPORT_COLLATERAL: 4,
    # Who is paid, what was sold at this time (2), reserves of the fund, what is secured (2), a deficit's end.
    EntryPoint.SELL_COLLATERAL: 9,
    EntryPoint.SWAP: 1,  # what comes out, in a wallet
}
"""Slots that a call may be the first to write, or the last to hold: state that the profile is blind to."""
NEVER_SENT_IN_A_RUN = {
    EntryPoint.POKE,
    EntryPoint.POOL_DEPOSIT,
    EntryPoint.FUND_DEPOSIT,
    # Shares wait for an hour and for days, which is longer than these runs.
    EntryPoint.POOL_REDEEM,
    EntryPoint.FUND_REDEEM,
    # Of a market with an estimator of its own.
    EntryPoint.REPORT_IMPLIED,
    EntryPoint.UPDATE_ESTIMATOR,
    # Where correlations are estimated.
    EntryPoint.UPDATE_PAIR,
}

WITH_ASSET = (*PLEDGED, "keepers.deviation_threshold=0.0007")
"""Accounts have another asset, whose price is reported too."""
GAS_OF_AN_ASSET = 60_000
"""What an asset adds to a look at an account (`test_gas.py` of collateral): not charged."""


@pytest.fixture(scope="module")
def sent():
    """Every call of short runs: entry point, success, gas by the profile, had it succeeded, exact, slack."""
    found, allowance = [], 0
    execute_on, profile = Chain.execute, GasProfile.load()

    def noting(chain, transaction, *positions):
        receipt = execute_on(chain, transaction, *positions)
        if transaction.entry_point:
            whole = profile.gas(
                transaction.entry_point, items=transaction.items, further_positions=sum(positions)
            )
            exact = chain.exact_gas
            found.append((transaction.entry_point, receipt.status, receipt.gas_used, whole, exact, allowance))
        return receipt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Chain, "execute", noting)
        for path, overrides in ((SMALL, ()), (EVERY_FIELD, ()), (EVERY_FIELD, WITH_ASSET)):
            allowance = GAS_OF_AN_ASSET if overrides else 0
            options = RunOptions(out=Path("unused"), engine=EXACT, worlds="none")
            execute(load_scenario(path, overrides=list(overrides)), options, {}).world.chain.close()
    return found


def test_short_runs_send_every_kind_of_call(sent):
    assert {kind for kind, *_ in sent} == set(EntryPoint) - NEVER_SENT_IN_A_RUN
    assert set(MAY_BE_FIRST) == set(EntryPoint) - NEVER_SENT_IN_A_RUN


def test_calls_of_a_run_are_charged_what_they_cost_but_for_first_writes(sent):
    for kind, status, charged, whole, exact, allowance in sent:
        # One more for the market: the first to touch it in a block accrues its funding, 15,400.
        bound = (MAY_BE_FIRST[kind] + 1) * FIRST_WRITE + allowance
        if not status:  # between refused at once, and after everything but the writes
            assert 21_000 < exact < whole + bound, (kind, whole, exact)
        elif kind == EntryPoint.AUTO_DELEVERAGE:  # charged for every winner listed; it stops when it is done
            assert 21_000 < exact < charged + bound, (kind, charged, exact)
        else:
            assert abs(exact - charged) < bound, (kind, charged, exact)
