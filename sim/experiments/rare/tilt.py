"""Importance sampling by drift: paths pushed towards the event, and how much too often each was drawn.

With the annual drift of market 0 raised by ``a``, block i has the log return ``(drift + a - s_i^2 / 2) dt +
s_i sqrt(dt) z_i``, as if its normal had been ``z_i + c_i`` with ``c_i = a sqrt(dt) / s_i``. The likelihood
ratio of the original to the tilted law is therefore ``exp(-sum(c_i z_i + c_i^2 / 2))`` in the path's own
normals: quant notes 7.3 block by block, which also holds where a volatility shock changes s_i. Its mean over
paths is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.core import portable_math
from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.core.units import YEAR_SECONDS
from sim.engine.paths import PathOptions, PathOutcome, WarmStarts, run_path
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.market.price_processes.gbm import GeometricBrownianMotion
from sim.market.shock import market_schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class TiltedOutcome:
    """A path with another drift, and what puts its frequency right."""

    outcome: PathOutcome
    weight: float
    """Likelihood ratio of the path under the scenario's own drift to the law it was drawn from."""


def run_tilted_path(
    scenario: Scenario, options: PathOptions, drift_tilt: float, warm: WarmStarts | None = None
) -> TiltedOutcome:
    """Run one path of a scenario with another annual drift of market 0, and weigh it.

    Raises
    ------
    InputError
        Prices are recorded, market 0 is no geometric Brownian motion, or the tilt is not finite.
    """
    if options.prices is not None:
        raise InputError("drift_tilt: recorded prices have no drift to tilt")
    chosen = PathChoice(path=options.path, populations=options.populations, antithetic=options.antithetic)
    weight = tilt_weight(scenario, chosen.streams(scenario.seed), drift_tilt)
    outcome = run_path(tilted_scenario(scenario, drift_tilt), options, warm)
    return TiltedOutcome(outcome=outcome, weight=weight)


def tilted_scenario(scenario: Scenario, drift_tilt: float) -> Scenario:
    """Return the scenario with another drift in market 0.

    Parameters
    ----------
    drift_tilt
        Added to the annual drift. Short runs need tilts far outside the range of a scenario file: log(B / S)
        / T moves the end of a path to B, -21 a year for a fall of a third in a week, -400 for one of a sixth
        in four hours.

    Raises
    ------
    InputError
        Market 0 is no geometric Brownian motion, or the tilt is not finite.
    """
    if not math.isfinite(drift_tilt):
        raise InputError(f"drift_tilt: must be finite, was {drift_tilt}")
    price = _gbm(scenario)
    drift = price.drift + drift_tilt
    market = scenario.markets[0].model_copy(update={"price": price.model_copy(update={"drift": drift})})
    return scenario.model_copy(update={"markets": (market, *scenario.markets[1:])}).with_files(
        {reference: scenario.file(reference) for reference, _ in scenario.file_references()}
    )


def tilt_weight(scenario: Scenario, streams: Streams, drift_tilt: float) -> float:
    """Return the likelihood ratio of a tilted path over all its blocks, 1 without a tilt.

    Parameters
    ----------
    scenario
        With or without the tilt: the drift does not matter.
    streams
        Of the path.
    """
    price = _gbm(scenario)
    market = scenario.markets[0]
    years = scenario.seconds_per_block / YEAR_SECONDS
    shocks = market_schedule(scenario.shocks, 0, scenario.seconds_per_block)
    deviations = price.volatility * shocks.volatility_multipliers(scenario.blocks)
    if drift_tilt == 0.0:
        return 1.0
    if not bool((deviations > 0.0).all()):
        raise InputError("drift_tilt: a block without volatility has no tilted law, use another volatility")
    moved = drift_tilt * portable_math.sqrt(years) / deviations
    normals = streams.series(f"price:{market.name}:diffusion").normal(0, scenario.blocks)
    return portable_math.exp(-portable_math.ordered_sum(moved * normals + 0.5 * (moved * moved)))


def _gbm(scenario: Scenario) -> GeometricBrownianMotion:
    if scenario.correlation is not None:
        raise InputError(
            "drift_tilt: weighs the draws of market 0 alone, and [correlation] makes others depend on them; "
            "leave [correlation] out"
        )
    price = scenario.markets[0].price
    if not isinstance(price, GeometricBrownianMotion):
        raise InputError(f"drift_tilt: needs markets.0.price.kind gbm, was {price.kind}")
    return price
