"""A call that checks margin is charged for every position of the account, on every engine (finding S14)."""

import dataclasses

import pytest

from sim.chain.chain import engines_here
from sim.core.units import TOKEN_UNIT, WAD
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.build import BuildOptions, WorldBuilder
from sim.protocol import actions
from sim.protocol.actions import CLOSE_ALL, NO_LIMIT, EntryPoint, Fees
from tests.support.closed_form_world import SCENARIO

BID = Fees(100 * 10**9, 10**9)
TRADER, OTHER = 0, 1
TWO_MARKETS = (
    (
        'markets=[{ name = "ETH", initial_price = 2000.0, price = { kind = "gbm", volatility = 0.0 } }, '
        '{ name = "BTC", initial_price = 2000.0, price = { kind = "gbm", volatility = 0.0 } }]'
    ),
    (
        'traders=[{ name = "cohort", count = 2, long_share = 1.0, '
        'leverage = { distribution = "fixed", value = 2.0 }, '
        'size = { distribution = "fixed", value = 10000.0 }, '
        "top_up = { attentive_share = 0.0, wallet_ratio = 10.0 }, trades_per_day = 0.0 }]"
    ),
)


class Scripted:
    """Sends what a script says, block by block."""

    name = "scripted"
    latency_blocks = 0

    def __init__(self, *blocks):
        self.blocks = list(blocks)
        self.results = []

    def describe(self):
        return "Follows a script."

    def decide(self, state, draws):  # noqa: ARG002
        return self.blocks.pop(0) if self.blocks else []

    def observe(self, outcome):
        self.results.append([(result.kind, result.status, result.fee_paid_wei) for result in outcome.results])


def played(engine, *blocks):
    """Return the gas of each scripted call, as the run's table has it, and the profile."""
    options = BuildOptions(
        engine=engine, histories={}, replayed=frozenset(), custom_model=None, contracts=None
    )
    world = WorldBuilder(load_scenario(SCENARIO, overrides=list(TWO_MARKETS)), options).build()
    script = Scripted(*blocks)
    keepers = [agent for agent in world.agents if "keeper" in type(agent).__name__.lower()]
    world = dataclasses.replace(world, agents=(*keepers, script))
    recorder = Recorder(len(world.book))
    loop = BlockLoop(world, recorder)
    for block in range(1, len(blocks) + 1):
        loop.advance(block, len(blocks))
    world.chain.close()
    rows = recorder.tables.transactions.to_arrow().to_pylist()
    charged = [(row["kind"], row["status"], row["gas_used"]) for row in rows if row["agent"] == script.name]
    return charged, world.gas_profile


def deposit():
    return actions.deposit("scripted", TRADER, TRADER, 5_000 * TOKEN_UNIT, BID)


def withdraw(amount=TOKEN_UNIT):
    return actions.withdraw("scripted", TRADER, amount, BID)


def increase(market):
    return actions.increase_position("scripted", TRADER, market, WAD, NO_LIMIT, BID)


def close(market):
    return actions.decrease_position("scripted", TRADER, market, CLOSE_ALL, NO_LIMIT, BID)


@pytest.mark.parametrize("engine", engines_here())
def test_each_call_is_charged_for_the_positions_it_values(engine):
    charged, profile = played(
        engine,
        [withdraw(), deposit()],  # one position
        [increase(1)],  # beside that in market 0
        [withdraw(), increase(0), withdraw(10**12 * TOKEN_UNIT), deposit()],  # two
        [actions.liquidate("scripted", OTHER, [TRADER], 1, BID)],  # healthy, and one position beside
    )
    gas = profile.gas
    assert charged == [
        (EntryPoint.WITHDRAW, True, gas("trading_desk.withdraw")),
        (EntryPoint.DEPOSIT, True, gas("trading_desk.deposit")),
        (EntryPoint.INCREASE_POSITION, True, gas("trading_desk.increase_position", further_positions=1)),
        (EntryPoint.WITHDRAW, True, gas("trading_desk.withdraw", further_positions=1)),
        (EntryPoint.INCREASE_POSITION, True, gas("trading_desk.increase_position", further_positions=1)),
        (EntryPoint.WITHDRAW, False, gas("trading_desk.withdraw", success=False, further_positions=1)),
        (EntryPoint.DEPOSIT, True, gas("trading_desk.deposit")),
        (
            EntryPoint.LIQUIDATE,
            False,
            gas("liquidation_engine.liquidate", success=False, further_positions=1),
        ),
    ]
    assert gas("trading_desk.withdraw", further_positions=1) - gas("trading_desk.withdraw") > 80_000


def test_positions_are_those_at_the_calls_turn_in_its_block():
    charged, profile = played(
        engines_here()[0],
        [increase(1)],
        [close(1), withdraw()],  # sent with two positions, executed with one
        [close(0), withdraw()],  # and with none: cheaper than with one
        [increase(0), increase(1)],  # sent with none: the second is not charged for what came since
    )
    withdraws = [used for kind, _, used in charged if kind == EntryPoint.WITHDRAW]
    assert withdraws == [
        profile.gas("trading_desk.withdraw"),
        profile.gas("trading_desk.withdraw", further_positions=-1),
    ]
    assert [used for _, _, used in charged[-2:]] == [profile.gas("trading_desk.increase_position")] * 2
