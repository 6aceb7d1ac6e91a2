"""V13: the tools against procyclicality, in the order of quant 3.3, through the contracts' own models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.engine.scenario.load import load_scenario
from sim.experiments.backtest.instrument import Feed, Instrument, as_ratio
from sim.metrics.margin_model.procyclicality import evaluate_procyclicality
from tests.support.own_formula import FORMULA_HEAD
from tests.unit.sim.experiments.backtest.conftest import PLAIN

STEP, PERIODS, SIGMA, DECAY = 60, 1_250, 0.004, 0.97
ANNUAL = SIGMA * math.sqrt(31_536_000 / STEP)
TAU = round(-STEP / math.log(DECAY))

BUFFER = """\
WAD: constant(uint256) = 10**18
Z: immutable(uint256)
CEILING: immutable(uint256)

@deploy
def __init__(z: uint256, ceiling: uint256):
    Z = z
    CEILING = ceiling

@view
@external
def margin_ratios(inputs: RiskInputs) -> MarginRatios:
    # EMIR RTS 153/2013, article 28(1)(a): 25 % more, used up as margin rises to the ceiling.
    plain: uint256 = Z * isqrt(inputs.variance_fast * 60 * WAD // 31_536_000) // WAD + 1
    margin: uint256 = max(plain, min(plain * 5 // 4, CEILING))
    return MarginRatios(initial=min(2 * margin, WAD), maintenance=min(margin, WAD - 1))

@view
@external
def collateral_haircut() -> uint256:
    return 0
"""


def _garch(seed: int) -> np.ndarray:
    """GARCH(0.10, 0.88), normal, as in the notes' table; a price of 2,000."""
    normal = np.random.default_rng(seed).standard_normal(PERIODS)
    variance, returns = SIGMA**2, np.empty(PERIODS)
    for step, value in enumerate(normal):
        returns[step] = math.sqrt(variance) * value
        variance = 0.02 * SIGMA**2 + 0.10 * returns[step] ** 2 + 0.88 * variance
    return 2_000.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns))))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Peak to trough, mean and five-period rise of each tool, averaged over paths."""
    folder = tmp_path_factory.mktemp("ordering")
    (folder / "plain.toml").write_text(PLAIN)
    (folder / "Buffer.vy").write_text(FORMULA_HEAD + BUFFER)
    plain = 2.326 * SIGMA  # margin at the long-run volatility
    memory = [f"protocol.oracle.tau_fast_seconds={TAU}", f"protocol.oracle.tau_slow_seconds={TAU}"]
    adaptive = {
        "z": 2.326, "initial_horizon_seconds": 240, "maintenance_horizon_seconds": 60,
        "initial_floor": 2e-6, "maintenance_floor": 1e-6, "variance_floor": 0.0, "variance_stress": 0.0,
        "stress_weight": 0.0, "size_coefficient": 0.0, "confidence_coefficient": 0.0,
    }  # fmt: skip
    raw = {"z": 2.326, "initial_horizon_seconds": 240, "maintenance_horizon_seconds": 60,
           "initial_min": 2e-6, "maintenance_min": 1e-6}  # fmt: skip
    tools = {
        "raw": ("volatility", raw),
        "stress weight": (
            "adaptive", {**adaptive, "stress_weight": 0.25, "variance_stress": (2.0 * ANNUAL) ** 2},
        ),
        "floor": ("adaptive", {**adaptive, "variance_floor": ANNUAL**2}),
        "buffer": (str(folder / "Buffer.vy"), {"z": 2.326, "ceiling": 1.5 * plain}),
    }  # fmt: skip
    times = 1_700_000_000 + STEP * np.arange(PERIODS + 1, dtype=np.int64)
    paths = [_garch(seed) for seed in (1, 2)]
    found = {}
    for name, (model, parameters) in tools.items():
        table = ", ".join(f"{key} = {value!r}" for key, value in parameters.items())
        scenario = load_scenario(
            folder / "plain.toml",
            overrides=[
                f"protocol.risk_model={model!r}", f"protocol.risk_model_parameters={{ {table} }}", *memory
            ],
        )  # fmt: skip
        instrument = Instrument(scenario, 0, notional=0.0)
        results = [
            evaluate_procyclicality(
                as_ratio(instrument.series(times, path, Feed(), initial_variance=ANNUAL**2).maintenance),
                17_280,
            )
            for path in paths
        ]
        found[name] = (
            np.mean([one.peak_to_trough for one in results]),
            np.mean([one.mean for one in results]),
        )
    return found


def test_stress_weight_and_floor_cut_peak_to_trough_most_and_a_buffer_least(measured):
    trough = {name: values[0] for name, values in measured.items()}
    assert trough["raw"] > trough["buffer"] > max(trough["stress weight"], trough["floor"])


def test_every_tool_costs_margin(measured):
    mean = {name: values[1] for name, values in measured.items()}
    assert all(mean[name] > 1.02 * mean["raw"] for name in ("stress weight", "floor", "buffer"))


def test_the_raw_rule_swings_far_beyond_its_noise_floor(measured):
    assert measured["raw"][0] > 1.77  # the notes' 95 % point of an EWMA of 0.97 under constant risk
