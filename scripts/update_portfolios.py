#!/usr/bin/env python3
"""Write tests/golden/portfolios.json: what accounts of every mode require, by exact fractions.

    update_portfolios.py             writes the file
    update_portfolios.py --check     writes nothing; exit 1 if the file is another one

Nothing here is imported from the project: prices, sizes and ratios are fractions, every scenario of the grid
is valued position by position, and amounts become whole wei where the contracts say that they do
(docs/formulas.md). `tests/differential/test_golden_portfolios.py` holds the contracts to it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from fractions import Fraction
from math import ceil, floor, isqrt
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "tests" / "golden" / "portfolios.json"
WAD = 10**18
MARKETS = 8
SEED = 20_261_130
STEPS = [Fraction(step, 3) for step in (-3, -2, -1, 0, 1, 2, 3)]
"""Moves of the grid, scans."""
LEAST_SHARE = Fraction(1, 10)
MODEL = {
    "far_multiple": Fraction(3),
    "far_weight": Fraction(35, 100),
    "single_share": Fraction(1, 2),
    "floor_share": Fraction(3, 10),
    "correlation_break": Fraction(1, 5),
    "confidence_coefficient": Fraction(2),
    "close_out_ratio": Fraction(1, 1000),
}
RISK = {"upnl_weight": Fraction(1, 2), "upnl_cap": Fraction(5_000), "withdraw_margin_ratio": Fraction(1, 10)}
CORRELATIONS = {(0, 1): 90, (0, 2): 80, (1, 2): 85, (3, 4): 60, (0, 3): -20, (5, 6): 100}
"""Of two markets, in per cent; of the others 0."""


def up(value: Fraction) -> Fraction:
    """Return an amount in whole wei, not below it."""
    return Fraction(ceil(value * WAD), WAD)


def down(value: Fraction) -> Fraction:
    """Return an amount in whole wei, not above it."""
    return Fraction(floor(value * WAD), WAD)


def root_up(square: Fraction) -> Fraction:
    """Return the least number of whole wei whose square is not below a number."""
    exact = square * WAD * WAD
    root = isqrt(exact.numerator // exact.denominator)
    while root * root < exact:
        root += 1
    return Fraction(root, WAD)


def correlation(one: int, other: int) -> Fraction:
    """Return the correlation of two markets."""
    return Fraction(CORRELATIONS.get((min(one, other), max(one, other)), 0), 100)


def ratio_of(market: dict[str, Fraction], notional: Fraction, kind: str) -> Fraction:
    """Return what a position must hold alone: what it says without size, and more by its notional."""
    initial = market["ratio"] + down(notional * market["slope"])
    return initial if kind != "maintenance" else down(initial * market["kept"])


def joint_requirement(legs: dict[int, dict[str, Fraction]], estimated: Fraction) -> Fraction:
    """Return what positions require together."""
    scans: dict[int, Fraction] = {}
    rest = Fraction(0)
    for number, leg in legs.items():
        firm = up(MODEL["confidence_coefficient"] * up(leg["confidence"] / leg["index"]))
        firm += leg["max_premium"] + MODEL["close_out_ratio"]
        scan_ratio = max(min(leg["own"], leg["base"]) - firm, Fraction(1, WAD))
        scan = up(leg["notional"] * scan_ratio)
        scans[number] = scan if leg["size"] > 0 else -scan
        rest += up(leg["notional"] * leg["own"]) - scan
    gross = sum(map(abs, scans.values()), Fraction(0))
    together = [scan for scan in scans.values() if scan > 0], [scan for scan in scans.values() if scan < 0]
    if not all(together):
        return rest + gross

    # All markets fall or rise by a step of their scan,
    losses = [-sum((scan * step for scan in scans.values()), Fraction(0)) for step in STEPS]
    for sign in (-1, 1):  # or far, at a weight, or one of them alone,
        far = -sum((scan * sign * MODEL["far_multiple"] for scan in scans.values()), Fraction(0))
        losses.append(up(far * MODEL["far_weight"]))
        losses += [up(-scan * sign * MODEL["single_share"]) for scan in scans.values()]
    # or a long and a short part as far as the least of their correlations, stated or estimated, lets them.
    longs, shorts = (abs(sum(side, Fraction(0))) for side in together)
    least = min(
        correlation(one, other)
        for one, first in scans.items()
        for other, second in scans.items()
        if first > 0 > second
    )
    broken = max(min(least, estimated) - MODEL["correlation_break"], Fraction(-1))
    losses.append(root_up(longs * longs + shorts * shorts - 2 * broken * longs * shorts))
    losses.append(up(gross * MODEL["floor_share"]))
    # No model is believed below what leaving costs at the largest premiums, or below a tenth of the sum.
    alone = sum((up(leg["notional"] * leg["own"]) for leg in legs.values()), Fraction(0))
    leaving = sum(
        (up(leg["notional"] * min(leg["max_premium"], leg["own"])) for leg in legs.values()), Fraction(0)
    )
    return max(rest + min(max(losses), gross), leaving, up(alone * LEAST_SHARE))


def judged(account: dict[str, Any], kind: str) -> tuple[Fraction, Fraction]:
    """Return what an account without collateral is worth to a check, and what it requires."""
    equity, gains, total, alone = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
    legs: dict[int, dict[str, Fraction]] = {}
    for number, market in account["markets"].items():
        size, prices = market["size"], [market["risk"]]
        if kind != "maintenance":
            prices.append(market["index"])
        if kind == "withdraw":
            prices.append(market["average"])
        price = min(prices) if size > 0 else max(prices)
        notional = up(abs(size) * price)
        gain = down(size * price) - market["entry"]
        if kind != "maintenance":
            worse = market["index"] - market["fill"] if size > 0 else market["fill"] - market["index"]
            gain -= up(abs(size) * max(worse, Fraction(0)))
        if kind == "maintenance" or gain < 0:
            equity += gain
        else:
            gains += gain
        total += notional
        own = ratio_of(market, notional, kind)
        alone += up(notional * own)
        legs[number] = {
            **market,
            "notional": notional,
            "own": own,
            "base": ratio_of(market, Fraction(0), kind),
        }
    is_together = account["mode"] == "portfolio"
    requirement = joint_requirement(legs, account["estimated"]) if is_together else alone
    if kind != "maintenance":
        equity += min(down(gains * RISK["upnl_weight"]), RISK["upnl_cap"])
    if kind == "withdraw":
        requirement = max(requirement, up(total * RISK["withdraw_margin_ratio"]))
    return equity, requirement


def drawn(draw: random.Random, mode: str) -> dict[str, Any]:
    """Return an account whose positions are drawn; all numbers are whole wei."""
    count = 1 if mode == "isolated" else draw.choice((1, 2, 2, 2, 3, 4, 8))
    style = draw.choice(("hedged", "balanced", "mixed", "one side"))
    numbers = sorted(draw.sample(range(MARKETS), count)) if draw.random() < 0.5 else list(range(count))
    markets: dict[int, dict[str, Fraction]] = {}
    notional = Fraction(draw.randint(1, 400_000))
    for place, number in enumerate(numbers):
        index = Fraction(draw.randint(10**16, 5 * 10**22), WAD)
        moved = Fraction(draw.randint(98_000, 102_000), 100_000)
        of_market = notional if style == "balanced" else Fraction(draw.randint(1_000, 400_000))
        size = down(of_market / index)
        side = {
            "hedged": 1 if place % 2 == 0 else -1,
            "balanced": 1 if place % 2 == 0 else -1,
            "mixed": draw.choice((1, -1)),
            "one side": 1,
        }[style] * draw.choice((1, 1, -1) if style == "mixed" else (1,))
        loss = Fraction(draw.randint(0, 3_000), 100_000)
        markets[number] = {
            "size": side * size,
            "entry": down(side * size * index * (1 + side * loss)),
            "index": index,
            "risk": down(index * moved),
            "average": down(index * Fraction(draw.randint(98_000, 102_000), 100_000)),
            "fill": down(index * (1 - side * Fraction(draw.randint(-5, 30), 10_000))),
            "confidence": down(index * Fraction(draw.choice((0, 0, 5, 50)), 10_000)),
            "max_premium": Fraction(draw.choice((0, 10, 30, 90)), 10_000),
            "ratio": Fraction(draw.choice((4, 6, 10, 20)), 100),
            "slope": Fraction(draw.choice((0, 0, 1, 20)), 10**8),
            "kept": Fraction(draw.choice((25, 50, 50, 98)), 100),
        }
    estimated = Fraction(draw.choice((100, 100, 50, 0, -60)), 100)
    return {"mode": mode, "style": style, "estimated": estimated, "markets": markets}


def named() -> list[tuple[str, dict[str, Any]]]:
    """Return the accounts: some that stand for a rule, and many that are drawn."""
    draw = random.Random(SEED)

    def leg(size: int, **changes: Fraction) -> dict[str, Fraction]:
        plain = {
            "entry": Fraction(size * 1_000),
            "index": Fraction(1_000),
            "risk": Fraction(1_000),
            "average": Fraction(1_000),
            "fill": Fraction(1_000),
            "confidence": Fraction(0),
            "max_premium": Fraction(1, 1_000),
            "ratio": Fraction(1, 10),
            "slope": Fraction(0),
            "kept": Fraction(1, 2),
        }
        return {"size": Fraction(size), **plain, **changes}

    wide = {"confidence": Fraction(10)}
    leaning = {0: leg(100, kept=Fraction(1, 4)), 1: leg(-150, kept=Fraction(49, 50))}
    portfolio = {
        "one long": {0: leg(100)},
        "one short": {0: leg(-100)},
        "two longs": {0: leg(100), 1: leg(50)},
        "perfect hedge": {0: leg(100), 1: leg(-100)},
        "hedge of markets that are one": {5: leg(100), 6: leg(-100)},
        "hedge of markets that know nothing of each other": {0: leg(100), 7: leg(-100)},
        "hedge of markets that part": {0: leg(100), 3: leg(-100)},
        "lopsided hedge": {0: leg(100), 1: leg(-30)},
        "a hedge wider than what it hedges": {0: leg(30), 1: leg(-100)},
        "unequal ratios": {0: leg(100, ratio=Fraction(1, 20)), 1: leg(-50)},
        "maintenance leans more": leaning,
        "maintenance leans more at a risk price that lags": {
            number: {**market, "risk": Fraction(lagging)}
            for (number, market), lagging in zip(leaning.items(), (1_010, 995), strict=True)
        },
        "maintenance leans more with size": {
            number: {**market, "slope": Fraction(1, 10**7)} for number, market in leaning.items()
        },
        "two against one": {0: leg(50), 2: leg(50), 1: leg(-100)},
        "the worst pair decides": {0: leg(100), 1: leg(-99), 7: leg(-1)},
        "eight markets, balanced": {n: leg(100 if n % 2 == 0 else -100) for n in range(8)},
        "unsure prices": {0: leg(100, **wide), 1: leg(-100, **wide)},
        "prices that nobody knows": {
            0: leg(100, confidence=Fraction(100)),
            1: leg(-100, confidence=Fraction(100)),
        },
        "premiums above the ratios": {
            0: leg(100, max_premium=Fraction(12, 100)),
            1: leg(-100, max_premium=Fraction(12, 100)),
        },
        "size": {0: leg(100, slope=Fraction(1, 10**6)), 1: leg(-100, slope=Fraction(1, 10**6))},
        "dust": {0: leg(100), 1: {**leg(-1), "size": Fraction(-1, WAD), "entry": Fraction(0)}},
    }
    estimates = {
        "an estimate below what is stated": Fraction(3, 10),
        "an estimate above it": Fraction(95, 100),
        "an estimate below what the break leaves": Fraction(-9, 10),
    }
    portfolio |= {key: {0: leg(100), 1: leg(-90)} for key in estimates}
    found = []
    for name, legs in portfolio.items():
        estimated = estimates.get(name, Fraction(1))
        found.append((name, {"mode": "portfolio", "style": "named", "estimated": estimated, "markets": legs}))
    for mode, count in (("isolated", 30), ("cross", 50), ("portfolio", 82)):
        found += [(f"{mode} {number}", drawn(draw, mode)) for number in range(count)]
    return found


def record() -> dict[str, Any]:
    """Return everything that the file holds."""
    rows = []
    for name, account in named():
        judgements = {kind: judged(account, kind) for kind in ("maintenance", "initial", "withdraw")}
        least = {kind: requirement - equity for kind, (equity, requirement) in judgements.items()}
        if account["mode"] == "portfolio":  # nobody may begin or leave with less than a hedge must keep
            least = {kind: max(collateral, least["maintenance"]) for kind, collateral in least.items()}
        rows.append(
            {
                "name": name,
                "mode": account["mode"],
                "estimated": int(account["estimated"] * WAD),
                "markets": {
                    str(number): {key: int(value * WAD) for key, value in market.items() if key != "slope"}
                    | {"slope": int(market["slope"] * WAD)}
                    for number, market in account["markets"].items()
                },
                "without_collateral": {
                    kind: {
                        "equity": int(equity * WAD),
                        "requirement": int(requirement * WAD),
                        "passes_from": int(least[kind] * WAD),
                    }
                    for kind, (equity, requirement) in judgements.items()
                },
            }
        )
    pairs = [int(correlation(i, j) * WAD) for j in range(MARKETS) for i in range(j)]
    return {
        "model": {name: int(value * WAD) for name, value in MODEL.items()},
        "risk": {name: int(value * WAD) for name, value in RISK.items()},
        "correlations": pairs,
        "portfolios": rows,
    }


def main() -> int:
    """Write the file, or compare it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is another one")
    check = parser.parse_args().check
    made = record()
    text = "{\n" + ",\n".join(f' "{key}": {json.dumps(made[key])}' for key in made if key != "portfolios")
    rows = ",\n".join(f"  {json.dumps(row)}" for row in made["portfolios"])
    text += f',\n "portfolios": [\n{rows}\n ]\n}}\n'
    if check:
        if not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
            print(f"{FILE} is out of date: scripts/update_portfolios.py", file=sys.stderr)
            return 1
        return 0
    FILE.write_text(text, encoding="utf-8")
    print(f"{FILE}: {len(made['portfolios'])} portfolios")
    return 0


if __name__ == "__main__":
    sys.exit(main())
