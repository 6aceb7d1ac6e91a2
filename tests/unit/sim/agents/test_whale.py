import numpy as np
import pytest

from sim.agents.whale import Whale, WhaleSection, whale_notional
from sim.core.units import WAD
from sim.protocol.actions import CLOSE_ALL

ACTOR = 3


def whale_of(**changes):
    """A whale that acts from block 100 on, for 40 blocks of a minute, under a floor of a tenth."""
    values = {"name": "whale", "start_minute": 100.0, "duration_minutes": 40.0, "slices": 4}
    section = WhaleSection(**(values | changes))
    return Whale(section, ACTOR, notional=2_000_000.0, withdraw_margin_ratio=0.1, seconds_per_block=60)


def holding(make_state, size, block, **changes):
    sizes = np.zeros((1, 8))
    sizes[0, ACTOR] = size
    return make_state(8, block=block, sizes=sizes, **changes)


def rich(make_state, size=1_000.0, block=100):
    return holding(
        make_state,
        size,
        block,
        equity=np.full(8, 400_000.0),
        collateral=np.full(8, 390_000.0),
        notional=np.full(8, 2_000_000.0),
        initial_requirement=np.full(8, 150_000.0),
    )


def test_holder_never_acts(make_state, draws):
    whale = whale_of()
    assert all(whale.decide(holding(make_state, 1_000.0, block), draws) == [] for block in range(90, 200))


def test_close_runs_by_schedule_and_ends_whole(make_state, draws, settle):
    whale = whale_of(behavior="close")
    size, sold = -1_000.0, []
    for block in range(95, 160):
        batches = whale.decide(holding(make_state, size, block), draws)
        if batches:
            asked = batches[0].args[1][0]
            closed = abs(size) if asked == CLOSE_ALL else asked / WAD
            sold.append((block, closed))
            size += closed
            whale.observe(settle(batches, block=block))
    assert sold == [(100, 250.0), (110, 250.0), (120, 250.0), (130, 250.0)]
    assert size == 0.0


def test_close_catches_up_after_a_refused_order(make_state, draws, settle):
    whale = whale_of(behavior="close")
    first = whale.decide(holding(make_state, 1_000.0, 100), draws)
    assert whale.decide(holding(make_state, 1_000.0, 105), draws) == []  # still waiting
    whale.observe(settle(first, status="expired"))
    (late,) = whale.decide(holding(make_state, 1_000.0, 111), draws)
    assert late.args[1] == [500 * WAD]


def test_withdrawal_leaves_the_larger_of_requirement_and_floor(make_state, draws):
    (batch,) = whale_of(behavior="withdraw_margin").decide(rich(make_state), draws)
    assert batch.kind == "trading_desk.withdraw"
    assert batch.args[0] == [200_000 * 10**6]  # 400k less 10 % of 2m; the initial requirement is lower


def test_refused_withdrawal_is_retried_smaller_and_repeated(make_state, draws, settle):
    whale = whale_of(behavior="withdraw_margin")
    whale.observe(settle(whale.decide(rich(make_state), draws), status="reverted"))
    (smaller,) = whale.decide(rich(make_state, block=101), draws)
    assert smaller.args[0][0] == pytest.approx(200_000 * 10**6 * 0.8, abs=1)
    whale.observe(settle([smaller]))
    assert whale.withdrawn == pytest.approx(160_000.0)
    assert len(whale.decide(rich(make_state, block=102), draws)) == 1  # whatever becomes free again


def test_withdraw_then_close_starts_closing_after_the_withdrawal(make_state, draws, settle):
    whale = whale_of(behavior="withdraw_then_close")
    first = whale.decide(rich(make_state), draws)
    assert first[0].kind == "trading_desk.withdraw"
    whale.observe(settle(first, block=100))
    (close,) = whale.decide(rich(make_state, block=101), draws)
    assert close.kind == "trading_desk.decrease_position"
    assert close.args[1] == [250 * WAD]


def test_whale_without_position_is_done(make_state, draws):
    assert whale_of(behavior="close").decide(holding(make_state, 0.0, 120), draws) == []


def test_whale_notional_is_the_stated_share_of_its_side():
    others = 8_000_000.0
    own = whale_notional(others, 0.2)
    assert own / (own + others) == pytest.approx(0.2)
