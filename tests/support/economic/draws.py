"""The parameters of one history: clamps, caps, fees and floors bind, within the governor's bounds."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.core.units import WAD
from sim.engine.scenario.premium import is_carried, maintenance_ratio_at_rest
from sim.protocol.governance import rules
from sim.protocol.parameters.collateral import ASSET
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.parameters.values import AssetParameters, MarketParameters, ProtocolParameters
from sim.protocol.parameters.words import Number, to_chain
from sim.reference.margin_math import largest_premium
from sim.reference.portfolio_math import PAIRS
from tests.support.economic.drawn_assets import draw_assets, draw_clusters
from tests.support.economic.drawn_estimators import draw_estimators, is_chosen

MODELS = ("static", "volatility", "adaptive", "tiered")
SECONDS_A_BLOCK = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One world before anybody acts; plain numbers in people's units, so that a transcript can hold it."""

    model: str
    members: int
    """Coordinated accounts."""
    dishonest_reporters: int
    """Members, counted from the first, who also report prices."""
    pool: int
    """What outsiders put into the pool, quote."""
    fund: int
    """What outsiders put into the insurance fund, quote."""
    wallet: int
    """Tokens of every member, quote."""
    words: Mapping[str, Number]
    """Every parameter that is not a market's, by ``struct.name``."""
    markets: Sequence[Mapping[str, Any]]
    correlation: float = 0.0
    """That portfolio margin believes of every two markets."""
    estimated: bool = False
    """Whether it believes what is estimated, where that is less."""
    assets: Sequence[Mapping[str, Any]] = ()
    """Other collateral than the quote token: `AssetParameters`, and ``holding``, what every member has of it
    at the start, quote."""
    clusters: Sequence[Sequence[int]] = ()
    """Members whose accounts are declared to be of one hand."""
    implied_member: bool = False
    """Whether the first member reports what options imply; else somebody honest does."""

    def word(self, name: str) -> Number:
        """Return a parameter by its name alone."""
        return next(value for key, value in self.words.items() if key.endswith(f".{name}"))

    @property
    def chooses(self) -> bool:
        """Whether a market chooses its variance."""
        return any(map(is_chosen, self.markets))

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {name: getattr(self, name) for name in self.__slots__}

    def parameters(self) -> ProtocolParameters:
        """Return what the contracts are deployed with; a parameter that is younger has its default."""
        structs = {
            struct.name: {
                name: self.words.get(f"{struct.name}.{name}", default)
                for name, default in struct.defaults.items()
            }
            for struct in STRUCTS
            if not struct.per_market
        }
        own = {"pricing_terms": "pricing_terms", "market": "market", "risk_model": self.model}
        own |= {"estimator": "estimator", "performance": "performance"}
        markets = [
            {
                **market,
                **{key: {**STRUCTS[name].defaults, **market.get(key, {})} for key, name in own.items()},
            }
            for market in self.markets
        ]
        return ProtocolParameters(
            **structs,
            markets=[MarketParameters(**market) for market in markets],
            assets=[
                AssetParameters(**{name: value for name, value in asset.items() if name != "holding"})
                for asset in self.assets
            ],
            correlations=[self.correlation] * PAIRS,
            estimates_correlations=self.estimated,
        )


def _one(draw: random.Random, *choices: float) -> float:
    return draw.choice(choices)


def _log(draw: random.Random, low: float, high: float) -> float:
    """Return a number whose order of magnitude is uniform; four digits, so that transcripts are short."""
    return float(f"{low * (high / low) ** draw.random():.4g}")


def draw_world(seed: str) -> Draw:
    """Return the world of a seed."""
    draw = random.Random(f"world {seed}")
    model = draw.choice(MODELS)
    fees = draw.choice(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.6, 0.2), (0.5, 0.5)))
    fee_base = _one(draw, 0.0, 0.005, 0.005, 0.02)
    impacts = sorted((_one(draw, 0.00001, 0.0009, 0.0009, 0.02, 1.0), _one(draw, 0.001, 0.01, 0.05, 1.0)))
    shares = sorted((_one(draw, 0.0, 0.3, 0.5), _one(draw, 0.5, 0.8, 1.0)))
    drawn: dict[str, Number] = {
        "trade_fee_rate": _one(draw, 0.0, 0.0, 0.0005, 0.01),
        "pool_fee_share": fees[0],
        "fund_fee_share": fees[1],
        "upnl_weight": _one(draw, 0.0, 0.5, 1.0, 1.0),
        "upnl_cap": _one(draw, 100.0, 1_000_000.0, 1_000_000.0),
        "withdraw_margin_ratio": _one(draw, 0.0, 0.1, 0.5),
        "depth_variance": _one(draw, 0.0, 0.0, 0.25, 4.0),
        "depth_reserves": _one(draw, 0.0, 0.0, 1e6, 1e9),
        "depth_share_min": _one(draw, 0.05, 0.5),
        "ramp_per_hour": _one(draw, 0.01, 0.25, 1_000.0),
        "funding_coefficient": _one(draw, 0.0, 0.125, 5.0),
        "funding_margin_coefficient": _one(draw, 0.01, 0.75, 100.0),
        "max_funding_rate_per_hour": _one(draw, 0.0, 0.001, 0.04),
        "min_position_notional": _one(draw, 0.0, 100.0, 1_000.0, 20_000.0),
        "buffer": _one(draw, 0.0, 0.15, 2.0),
        "fee_base": fee_base,
        "fee_volatility_coefficient": _one(draw, 0.0, 0.5, 10.0),
        "fee_shortfall_coefficient": _one(draw, 0.0, 1.0, 10.0),
        "fee_max": max(fee_base, _one(draw, 0.005, 0.05, 0.2)),
        "fee_maintenance_share": _one(draw, 0.0, 0.6, 0.6, 0.999),
        "fee_equity_share": _one(draw, 0.0, 0.95, 0.95, 1.0),
        "volatility_reference": _one(draw, 0.1, 0.6, 3.0),
        "bounty_share_base": _one(draw, 0.0, 0.5, 1.0),
        "bounty_volatility_coefficient": _one(draw, 0.0, 0.1, 5.0),
        "bounty_adequacy_coefficient": _one(draw, 0.0, 0.2, 5.0),
        "bounty_share_min": shares[0],
        "bounty_share_max": shares[1],
        "min_bounty": _one(draw, 0.0, 10.0, 500.0, 10_000.0),
        "throttle_share_per_hour": _one(draw, 0.0, 0.0, 0.5, 20.0),
        "backstop_ratio": _one(draw, 0.5, 0.6667, 1.0),
        "min_close_share": _one(draw, 0.0, 0.25, 0.25, 1.0),
        "max_close_impact": impacts[0],
        "backstop_close_impact": impacts[1],
        "average_price_band": _one(draw, 0.001, 0.02, 0.2, 0.2, 1.0),
        "adl_window_seconds": int(_one(draw, 0, 60, 3_600)),
        "target_reserves": _one(draw, 0.0, 100_000.0, 500_000.0),
        "cooldown_seconds": int(_one(draw, 3_600, 86_400)),
        "queue_seconds": int(_one(draw, 60, 600, 3_600)),
        "pool.exit_window_seconds": int(_one(draw, 600, 3_600)),
        "fund.exit_window_seconds": int(_one(draw, 3_600, 172_800)),
        "limiter_minimum": _one(draw, 0.01, 0.05, 0.5),
        "limiter_horizon_seconds": int(_one(draw, 60, 300, 3_600)),
        "max_confidence_ratio": _one(draw, 0.001, 0.02, 0.1),
        "tau_ema_seconds": int(_one(draw, 300, 3_600, 86_400)),
    }
    fee_rate = to_chain("trade_fee_rate", "uint256", drawn["trade_fee_rate"])
    markets = [_market(draw, model, index, fee_rate) for index in range(draw.choice((1, 1, 2, 3)))]
    # Of a stream of its own, so that worlds are in all else what they were before there were estimators.
    chosen = random.Random(f"estimators {seed}")
    markets = [
        {**market, **own} for market, own in zip(markets, draw_estimators(chosen, len(markets)), strict=True)
    ]
    # Likewise of the mode.
    joint = random.Random(f"portfolio {seed}")
    largest = max(market["pricing_terms"]["max_premium"] for market in markets)
    drawn |= {
        "far_multiple": _one(joint, 1.0, 3.0, 10.0),
        "far_weight": _one(joint, 0.0, 0.35, 1.0),
        "single_share": _one(joint, 0.0, 0.0, 0.5, 1.0),
        "floor_share": _one(joint, 0.1, 0.1, 0.3, 1.0),
        "correlation_break": _one(joint, 0.0, 0.0, 0.2, 2.0),
        "portfolio.confidence_coefficient": _one(joint, 0.0, 2.0),
        # No less than the fee of closing: the scenario's own check asks for it.
        "close_out_ratio": drawn["trade_fee_rate"] * (1.0 + largest) * _one(joint, 1.0, 1.0, 2.0),
    }
    sampled = random.Random(f"correlations {seed}")
    period = int(_one(sampled, 60, 300, 3_600))
    drawn |= {
        "sample_seconds": period,
        "tau_seconds": int(_one(sampled, 3_600, 864_000)),
        "least_sample_count": int(_one(sampled, 1, 1, 6)),
        "fall_per_hour": _one(sampled, 0.1, 1.0, 100.0),
        "expiry_seconds": int(_one(sampled, 7_200, 14_400, 864_000)),
    }
    members = draw.randint(2, 6)
    made = Draw(
        model=model,
        members=members,
        dishonest_reporters=draw.randint(0, 1),
        pool=int(_log(draw, 2e5, 2e7)),
        fund=int(_one(draw, 0, _log(draw, 1e3, 5e5), _log(draw, 1e3, 5e5))),
        wallet=int(_log(draw, 1e6, 1e7)),
        words=_all_words(drawn),
        markets=markets,
        correlation=_one(joint, 0.0, 0.5, 1.0, 1.0),
        estimated=len(markets) > 1 and sampled.random() < 0.7,
        # Of streams of their own too.
        assets=draw_assets(random.Random(f"collateral {seed}")),
        clusters=draw_clusters(random.Random(f"clusters {seed}"), members),
        implied_member=chosen.random() < 0.5,
    )
    problem = problem_of(made)
    assert problem is None, problem
    return made


def _all_words(drawn: Mapping[str, Number]) -> dict[str, Number]:
    """Return every word by struct and name: as drawn, or the default."""
    return {
        f"{struct.name}.{name}": drawn.get(f"{struct.name}.{name}", drawn.get(name, default))
        for struct in STRUCTS
        if not struct.per_market
        for name, default in struct.defaults.items()
    }


def _market(draw: random.Random, model: str, index: int, fee_rate: int) -> dict[str, Any]:
    price = _log(draw, 0.5, 60_000.0)
    max_premium = _one(draw, 0.0, 0.0005, 0.005, 0.05, 0.05, 0.2)
    words = _model(draw, model, fee_rate)
    # Often the most that the ratio carries: where the bound is too loose, the attacker finds it.
    max_premium = min(max_premium, _carried(model, words, fee_rate) / WAD)
    # Where the clamp begins, in quote: within reach of a member's wallet and leverage, most of the time.
    clamp = _log(draw, 1e4, 1e7)
    return {
        "name": f"M{index}",
        "initial_price": price,
        "initial_variance_fast": _one(draw, 0.04, 0.36, 1.0),
        "initial_variance_slow": _one(draw, 0.04, 0.36, 1.0),
        "pricing_terms": {
            "skew_scale": float(f"{clamp / price / max(max_premium, 0.001):.4g}"),
            "max_premium": max_premium,
        },
        "market": {"open_interest_cap": float(f"{_log(draw, 1e5, 1e8) / price:.4g}")},
        "risk_model": words,
    }


def _carried(model: str, words: Mapping[str, Number], fee_rate: int) -> int:
    """Return the largest premium that a formula's initial ratio carries, in whole millionths (WAD)."""
    ratio = maintenance_ratio_at_rest(model, {row.name: row.word(words[row.name]) for row in STRUCTS[model]})
    assert ratio is not None
    return largest_premium(ratio, fee_rate) // 10**12 * 10**12


def _model(draw: random.Random, model: str, fee_rate: int) -> dict[str, Number]:
    # A fee above the ratio would leave a debt by itself.
    floors = [floor for floor in (0.005, 0.01, 0.02, 0.05, 0.2) if floor * WAD > 1.5 * fee_rate]
    floor = _one(draw, *floors)
    haircut = _one(draw, 0.0, 0.0, 0.1)
    words = dict(STRUCTS[model].defaults)
    if model == "static":
        return words | {"initial_ratio": floor, "maintenance_ratio": floor / 2, "haircut": haircut}
    if model == "tiered":
        first = _log(draw, 1e4, 1e6)
        for tier, begin in ((1, 0.0), (2, first), (3, 4 * first), (4, 20 * first)):
            rate = min(floor * 2 ** (tier - 1), 1.0)
            words |= {f"tier_{tier}_initial": rate, f"tier_{tier}_maintenance": rate / 2}
            words |= {f"tier_{tier}_notional": begin} if begin else {}
        # The tiers alone, as exchanges have them, or volatility where it asks for more.
        words |= {"z": _one(draw, 0.0, 2.5), "haircut": haircut}
        return words | {"open_interest_lower": _one(draw, 1e5, 2e7)}
    words |= {
        "z": _one(draw, 0.5, 2.5, 4.0),
        "initial_horizon_seconds": int(_one(draw, 3_600, 14_400)),
        "maintenance_horizon_seconds": int(_one(draw, 600, 3_600)),
        "haircut": haircut,
    }
    end = "min" if model == "volatility" else "floor"
    words |= {f"initial_{end}": floor, f"maintenance_{end}": floor / 2}
    if model == "adaptive":
        words |= {
            "fast_weight": _one(draw, 0.0, 0.25),
            "size_coefficient": _one(draw, 0.0, 1.0, 10.0),
            "size_root": int(_one(draw, 0, 1, 2, 3)),
            "liquidity_floor": _log(draw, 1e6, 1e9),
            "open_interest_lower": _one(draw, 1e5, 2e7),
            "confidence_coefficient": _one(draw, 0.0, 2.0),
        }
    return words


def problem_of(made: Draw) -> str | None:
    """Return why a world is none that governance could have made, None if it is one."""
    parameters = made.parameters()
    given: list[tuple[str, Mapping[str, Number]]] = [
        (struct.name, getattr(parameters, struct.name)) for struct in STRUCTS if not struct.per_market
    ]
    for market in made.markets:
        given += [("pricing_terms", market["pricing_terms"]), ("market", market["market"])]
        given.append((made.model, market["risk_model"]))
    for asset in made.assets:
        words = {row.name: to_chain(row.name, "uint256", asset["terms"][row.name]) for row in ASSET}
        if not all(condition.holds(words) for condition in ASSET.conditions):
            return f"{asset['name']}: the contract's conditions do not hold"
    for name, values in given:
        for field, rule in rules.GOVERNED.get(name, {}).items():
            word = to_chain(field, "uint256", values[field])
            if not rule.words(field).allows(word):
                return f"{name}.{field} = {values[field]} is outside the governor's bounds"
        words = {row.name: to_chain(row.name, "uint256", values[row.name]) for row in STRUCTS[name]}
        if not all(condition.holds(words) for condition in STRUCTS[name].conditions):
            return f"{name}: the contract's conditions do not hold"
    fee_rate = to_chain("trade_fee_rate", "uint256", parameters.fees["trade_fee_rate"])
    for market in made.markets:
        model = {row.name: row.word(market["risk_model"][row.name]) for row in STRUCTS[made.model]}
        cap = to_chain("max_premium", "uint256", market["pricing_terms"]["max_premium"])
        if not is_carried(made.model, model, cap, fee_rate):
            return "a maintenance ratio does not carry the premium of its market"
    return None
