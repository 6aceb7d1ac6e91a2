"""What worlds without feedback must give, with nothing estimated: one digest, the path bit for bit."""

import math

import pytest

from sim.chain.compile import contracts_root
from sim.core.errors import InputError
from sim.core.units import WAD
from sim.engine.blocks import observation
from sim.engine.blocks.loop import BlockLoop
from sim.engine.blocks.recorder import Recorder
from sim.engine.blocks.skew import TradeKind
from sim.engine.worlds import build
from sim.engine.worlds.feedback import FEEDBACK, WHOLE, Feedback
from sim.engine.worlds.flows import VOLUNTARY
from tests.support.closed_form_world import Account, build_listed_world
from tests.support.small_run import small_execution

SEEDS = (7, 8)
NO_PRICE_FEEDBACK = FEEDBACK["no_price_feedback"]
NO_MARGIN_FEEDBACK = FEEDBACK["no_margin_feedback"]
NO_FEEDBACK = FEEDBACK["no_feedback"]
CALM = (
    "shocks=[]",
    "markets.0.price.jump_intensity=0.0",
    "markets.0.price.volatility=0.2",
    "whales.0.leverage=1.2",
    'traders.0.leverage={ distribution = "fixed", value = 1.5 }',
)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_forced_close_the_worlds_are_one(seed):
    digests = set()
    for feedback in (WHOLE, NO_PRICE_FEEDBACK):
        run = small_execution(*CALM, f"seed={seed}", feedback=feedback)
        assert len(run.recorder.closes) == 0
        assert run.world.external[0].state.impact_log != 0.0  # flow there is, and all of it voluntary
        digests.add(run.digest)
    assert len(digests) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_forced_flow_off_in_the_scenario_is_the_world_without_price_feedback(seed):
    inside = small_execution(f"seed={seed}", "flow.forced_flow=false")
    assert len(inside.recorder.closes) > 0
    assert inside.digest == small_execution(f"seed={seed}", feedback=NO_PRICE_FEEDBACK).digest
    assert inside.digest != small_execution(f"seed={seed}").digest


class _Followed(BlockLoop):
    """A loop that keeps what arbitrageurs moved, by origin, and the outside prices."""

    def run_all(self, blocks: int) -> None:
        self.prices = [self.world.external[0].state.price]
        self.carried: dict[int, int] = {}
        book = self.skew.book

        def kept(events):
            trades = book(events)
            for trade in trades:
                if trade.kind is TradeKind.ARBITRAGE:
                    for origin, part in trade.parts.items():
                        self.carried[origin] = self.carried.get(origin, 0) + part
            return trades

        self.skew.book = kept
        for block in range(1, blocks + 1):
            self.advance(block, blocks)
            self.prices.append(self.world.external[0].state.price)


BLOCKS = 40
NEWS = -0.04


def forced_only(feedback: Feedback) -> _Followed:
    """Longs and shorts balance, nobody trades of himself, and a fall closes the longs by force.

    Fifteen of them leave a skew of 300 base units, a premium of -3 %, which arbitrageurs carry outside; their
    threshold lies above the gap that a late index leaves after the fall's last step (0.2 %).
    """
    long = Account(notional=40_000.0, collateral=40_000.0 * 0.07)
    short = Account(notional=-40_000.0, collateral=40_000.0)
    world = build_listed_world(
        [long, short] * 15,  # in turn, so that opening them costs no premium
        "protocol.risk_model_parameters.initial_ratio=0.06",
        "markets.0.pool.skew_scale=10_000.0",
        "markets.0.pool.max_premium=0.05",
        "markets.0.impact.law=linear",
        "markets.0.impact.depth_per_percent=2_000_000.0",
        "protocol.liquidation.fee_base=0.0001",  # or nobody is paid to close
        "flow.hedge_share=0.5",
        "arbitrageurs.count=2",
        "arbitrageurs.threshold=0.005",
        f'shocks=[{{ kind = "price_drift", at_block = 2, duration_minutes = 4.0, size = {NEWS} }}]',
        f"blocks={BLOCKS}",
        feedback=feedback,
    )
    loop = _Followed(world, Recorder(len(world.book)))
    loop.run_all(BLOCKS)
    world.chain.close()
    return loop


def test_with_only_forced_flow_the_outside_price_is_the_path_bit_for_bit():
    whole, without = forced_only(WHOLE), forced_only(NO_PRICE_FEEDBACK)
    for loop in (whole, without):
        assert len(loop.recorder.closes) >= 15  # some in parts
        # Arbitrageurs did carry a part of it outside, and nothing else.
        assert loop.carried.pop(VOLUNTARY, 0) == 0
        assert sum(loop.carried.values()) / WAD > 50.0
    path = without.world.external[0].path.prices.tolist()[: BLOCKS + 1]  # behind it, held for settling
    assert without.prices == path
    assert max(abs(math.log(a / b)) for a, b in zip(whole.prices, path, strict=True)) > 1e-3


# --- margin feedback ---


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stand_in_that_is_not_frozen_changes_nothing(seed, monkeypatch):
    monkeypatch.setattr(build, "freeze", lambda *_: None)
    monkeypatch.setattr(observation, "_refuse_moving_ratios", lambda *_: None)
    passed_on = small_execution(f"seed={seed}", feedback=NO_MARGIN_FEEDBACK)
    assert passed_on.digest == small_execution(f"seed={seed}").digest


STATIC = ("protocol.risk_model=static",)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("live", "frozen"), [(WHOLE, NO_MARGIN_FEEDBACK), (NO_PRICE_FEEDBACK, NO_FEEDBACK)], ids=["m", "fm"]
)
def test_a_static_formula_has_no_margin_feedback(seed, live, frozen):
    digests = [small_execution(*STATIC, f"seed={seed}", feedback=world).digest for world in (live, frozen)]
    assert digests[0] == digests[1]


def test_frozen_ratios_stay_and_live_ones_move():
    def targets(feedback):
        blocks = small_execution(feedback=feedback).recorder.tables.blocks
        return set(blocks.column("maintenance_margin_ratio"))

    assert len(targets(WHOLE)) > 10
    assert len(targets(NO_MARGIN_FEEDBACK)) == 1


def test_a_formula_that_reads_the_time_is_refused(tmp_path):
    model = tmp_path / "ClockRiskModel.vy"
    static = (contracts_root() / "risk_models" / "StaticRiskModel.vy").read_text()
    clock = static.replace("from ..interfaces", "from interfaces").replace("from ..lib", "from lib")
    clock = clock.replace(
        "initial=PARAMETERS.initial_ratio,", "initial=PARAMETERS.initial_ratio + block.timestamp % 97,"
    )
    model.write_text(clock)
    parameters = "{ initial_ratio = 0.1, maintenance_ratio = 0.05, haircut = 0.0 }"
    overrides = (f"protocol.risk_model={model}", f"protocol.risk_model_parameters={parameters}")
    assert small_execution(*overrides).digest
    with pytest.raises(InputError, match=r"markets\.0: margin ratios change though their inputs are frozen"):
        small_execution(*overrides, feedback=NO_MARGIN_FEEDBACK)
