import numpy as np
import pytest

from sim.agents.base import Outage
from sim.agents.fees import FeePolicy
from sim.agents.oracle_keeper import KeepersSection, OracleKeepers
from sim.core.rng import Streams
from sim.core.units import GWEI, WAD

SECTION = KeepersSection(count=4, price_noise=0.0, threshold_spread=0.0)
START = 1_700_000_000


def keepers(price=2_000.0, outages=(), **changes):
    section = SECTION.model_copy(update=changes)
    group = OracleKeepers(section, range(section.count), name="keepers", market=0, outages=outages)
    if price:
        group.record_genesis(price, START + 12 * 99)
    return group


def at(make_state, price=2_000.0, block=100, **changes):
    return make_state(8, block=block, external_prices=np.array([price]), **changes)


def test_first_report_is_made_at_once(make_state, draws):
    (batch,) = keepers(price=None).decide(at(make_state), draws)
    assets, prices, confidences, published = batch.args
    assert assets == [0] * 4
    assert prices == [2_000 * WAD] * 4
    assert published == [START + 1_200] * 4
    assert len(set(confidences)) == 1


@pytest.mark.parametrize(
    ("price", "reports"),
    [(2_009.9, 0), (2_010.1, 4), (1_990.1, 0), (1_989.9, 4)],
)
def test_deviation_threshold_triggers_a_report(make_state, draws, price, reports):
    batches = keepers().decide(at(make_state, price), draws)
    assert sum(len(batch) for batch in batches) == reports


def test_heartbeat_triggers_a_report_of_an_unchanged_price(make_state, draws):
    assert keepers().decide(at(make_state, block=99 + 49), draws) == []
    assert len(keepers().decide(at(make_state, block=99 + 50), draws)[0]) == 4


def test_nothing_newer_outside_means_silence(make_state, draws):
    stale = np.array([START + 12 * 99])
    assert keepers().decide(at(make_state, 1_500.0, block=200, external_published_at=stale), draws) == []


def test_pending_report_is_not_repeated_before_patience_ends(make_state, draws):
    group = keepers(rebid_blocks=2)
    (first,) = group.decide(at(make_state, 1_900.0), draws)
    assert group.decide(at(make_state, 1_880.0, block=101), draws) == []
    (again,) = group.decide(at(make_state, 1_850.0, block=102), draws)
    assert again.replace
    assert again.args[1] == [1_850 * WAD] * 4  # fresher price
    assert all(new * 10 >= old * 11 for new, old in zip(again.max_fee_wei, first.max_fee_wei, strict=True))
    assert all(
        new * 10 >= old * 11 for new, old in zip(again.priority_fee_wei, first.priority_fee_wei, strict=True)
    )


def test_each_replacement_raises_the_tip_by_five_gwei_at_least(make_state, draws):
    group = keepers()
    tips = [
        group.decide(at(make_state, 1_900.0, block=block), draws)[0].priority_fee_wei[0]
        for block in range(100, 104)
    ]
    assert np.diff(tips).tolist() == [5 * GWEI] * 3


def test_adaptive_keeper_stops_raising_at_its_cap(make_state, draws):
    group = keepers(fees=FeePolicy(max_fee_gwei=45.0, priority_fee_gwei=1.0))
    assert len(group.decide(at(make_state, 1_900.0), draws)) == 1
    assert all(group.decide(at(make_state, 1_900.0, block=block), draws) == [] for block in range(102, 110))


def test_static_reporters_never_raise_and_stay_behind_in_a_spike(make_state, draws):
    group = keepers(static_fee_share=0.5)
    (first,) = group.decide(at(make_state, 1_900.0, base_fee_wei=300 * GWEI), draws)
    assert first.max_fee_wei[:2] == [40 * GWEI] * 2
    assert first.max_fee_wei[2:] == [500 * GWEI] * 2
    (again,) = group.decide(at(make_state, 1_900.0, block=102, base_fee_wei=150 * GWEI), draws) or [None]
    assert again is None  # the adaptive ones already bid their cap


def test_static_reporters_wait_while_adaptive_ones_replace(make_state, draws):
    group = keepers(static_fee_share=0.5)
    group.decide(at(make_state, 1_900.0, base_fee_wei=50 * GWEI), draws)
    (again,) = group.decide(at(make_state, 1_900.0, block=102, base_fee_wei=80 * GWEI), draws)
    assert again.actors.tolist() == [2, 3]


def test_included_report_is_the_new_reference(make_state, draws, settle):
    group = keepers()
    group.observe(settle(group.decide(at(make_state, 1_900.0), draws)))
    assert group.decide(at(make_state, 1_905.0, block=101), draws) == []
    assert len(group.decide(at(make_state, 1_890.0, block=102), draws)) == 1


@pytest.mark.parametrize("status", ["reverted", "dropped", "evicted", "expired"])
def test_lost_report_is_sent_anew(make_state, draws, settle, status):
    group = keepers()
    group.observe(settle(group.decide(at(make_state, 1_900.0), draws), status=status))
    (again,) = group.decide(at(make_state, 1_900.0, block=101), draws)
    assert not again.replace
    assert len(again) == 4


def test_outage_silences_all_then_ends(make_state, draws):
    group = keepers(outages=(Outage(start_block=100, end_block=110),))
    assert group.decide(at(make_state, 1_500.0, block=109), draws) == []
    assert len(group.decide(at(make_state, 1_500.0, block=110), draws)[0]) == 4


def test_noise_differs_between_reporters_and_is_small(make_state, draws):
    group = keepers(count=200, price_noise=0.0003, price=None)
    (batch,) = group.decide(make_state(200), draws)
    errors = np.log(np.array([price / WAD for price in batch.args[1]]) / 2_000.0)
    assert np.std(errors) == pytest.approx(0.0003, rel=4.5 / np.sqrt(400))
    assert len(set(batch.args[1])) == 200


def test_confidence_widens_with_volatility(make_state, make_market, draws):
    calm = keepers(price=None).decide(at(make_state), draws)[0].args[2][0]
    wild_market = (make_market(variance_fast=9 * WAD),)
    wild = keepers(price=None).decide(at(make_state, markets=wild_market), draws)[0].args[2][0]
    assert calm / WAD == pytest.approx(2_000.0 * (0.001 + 0.02 * 0.8 / np.sqrt(365)))
    assert wild / WAD == pytest.approx(2_000.0 * (0.001 + 0.02 * 3.0 / np.sqrt(365)))


def test_thresholds_differ_within_the_spread(make_state, draws):
    group = keepers(count=8, threshold_spread=0.2)
    counts = [
        sum(
            len(batch)
            for batch in keepers(count=8, threshold_spread=0.2).decide(at(make_state, price), draws)
        )
        for price in (2_007.9, 2_010.0, 2_012.1)
    ]
    assert counts[0] == 0
    assert 0 < counts[1] < 8
    assert counts[2] == 8
    assert group.describe().startswith("8 oracle keepers")


def test_reports_do_not_depend_on_other_groups(make_state):
    def prices(noise):
        draws, group = Streams(5), keepers(price=None, price_noise=0.001)
        if noise:
            draws.draw("agent:oracle_keeper:others:noise", 100).normal(30)
        return group.decide(at(make_state), draws)[0].args[1]

    assert prices(noise=False) == prices(noise=True)
