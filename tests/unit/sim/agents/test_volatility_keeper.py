import math

import numpy as np
import pytest

from sim.agents.base import Outage
from sim.agents.volatility_keeper import VolatilityKeeper, VolatilityKeepersSection
from sim.core.units import WAD
from sim.protocol.actions import EntryPoint
from sim.reference import estimator_math

UPDATE, IMPLIED = EntryPoint.UPDATE_ESTIMATOR, EntryPoint.REPORT_IMPLIED


def keeper(*, variance=0.64, outages=(), **changes):
    section = VolatilityKeepersSection(**{"implied_noise": 0.0, "implied_premium": 0.0, **changes})
    return VolatilityKeeper(
        section, [3], name="k", market=0, price=2_000.0, variance=variance, outages=outages
    )


def kinds(group, make_state, draws, block, settle=None, price=2_000.0):
    """Return what is sent in a block, settled at once if asked."""
    batches = group.decide(make_state(8, block=block, external_prices=np.array([price])), draws)
    if settle is not None:
        group.observe(settle(batches, block=block))
    return {batch.kind: batch.args for batch in batches}


def test_it_updates_and_reports_in_its_own_rhythm(make_state, draws, settle):
    group = keeper(update_blocks=2, implied_blocks=3)
    found = [set(kinds(group, make_state, draws, block, settle)) for block in range(1, 7)]
    assert found == [set(), {UPDATE}, {IMPLIED}, {UPDATE}, set(), {UPDATE, IMPLIED}]


def test_what_waits_is_not_sent_again_until_its_fate_is_known(make_state, draws, settle):
    group = keeper()
    batches = group.decide(make_state(8, block=1, external_prices=np.array([2_000.0])), draws)
    assert [batch.kind for batch in batches] == [UPDATE]
    assert kinds(group, make_state, draws, 2) == {}
    group.observe(settle(batches, status="evicted"))
    assert set(kinds(group, make_state, draws, 3)) == {UPDATE}


def test_it_reports_the_outside_variance_with_its_memory_and_a_premium(make_state, draws, settle):
    group = keeper(implied_blocks=1, implied_memory_seconds=3_600, implied_premium=0.25)
    first = kinds(group, make_state, draws, 1, settle)[IMPLIED]
    assert first == ([0], [pytest.approx(0.64 * 1.25**2 * WAD, rel=1e-12)])
    second = kinds(group, make_state, draws, 2, settle, price=1_900.0)[IMPLIED]
    elapsed = make_state(8, block=2).timestamp - make_state(8, block=1).timestamp
    kept = math.exp(-elapsed / 3_600)
    observed = math.log(0.95) ** 2 * 31_536_000 / elapsed
    assert second[1][0] / WAD == pytest.approx((kept * 0.64 + (1 - kept) * observed) * 1.25**2, rel=1e-9)


@pytest.mark.parametrize(
    ("variance", "bound"), [(0.0, estimator_math.MIN_VARIANCE), (1e12, estimator_math.MAX_VARIANCE)]
)
def test_what_it_reports_is_what_the_contract_takes(make_state, draws, settle, variance, bound):
    group = keeper(implied_blocks=1, variance=variance)
    assert kinds(group, make_state, draws, 1, settle)[IMPLIED] == ([0], [bound])


def test_an_outage_silences_it(make_state, draws, settle):
    outage = Outage(start_block=2, end_block=4, share=1.0, market=None)
    group = keeper(outages=[outage])
    found = [bool(kinds(group, make_state, draws, block, settle)) for block in range(1, 6)]
    assert found == [True, False, False, True, True]


def test_it_says_what_it_does():
    assert "every 25" in keeper().describe()
