"""What portfolio margin asks of hedged books, and how often the next hour takes more: the tables of its page.

Both legs of a book ask the maintenance ratio of the shipped margin, in the contracts' integers (their Python
twins), from the variance that an hourly feed leaves in the oracle. A book's margin is what
`PortfolioRiskModel` asks with the shipped parameters, or the sum of its legs; it is breached if the book
loses more in the next hour. Nothing is at work but the joint scenarios: no size, no confidence, no premium
and no cost of leaving, all of which are added to either margin alike.

    python scripts/portfolio_coverage.py [--print]     write the tables of docs/portfolio.md
    python scripts/portfolio_coverage.py --check       exit 1 if they are out of date

Recorded hours are of one market. The other one is made of the same record: r2 = c r1 + sqrt(1 - c^2) r1',
with r1' the returns of half a record later. Its tails and its quiet and wild weeks are real, its correlation
is the stated one, and nothing is drawn. Drawn paths are those of the engine: `[correlation]` with a t copula
over GARCH markets. Without the recorded prices, which are no part of the project, ``--check`` says so and
passes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import Final

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.page_marks import put_between  # noqa: E402  (the path must be set first)
from sim.core.arrays import BoolArray, FloatArray, IntArray  # noqa: E402
from sim.core.rng import Streams  # noqa: E402
from sim.core.units import to_wad  # noqa: E402
from sim.engine.market_draws import market_draws  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.market.joint_draws import drawn_paths  # noqa: E402
from sim.market.price_file import load_price_file  # noqa: E402
from sim.market.price_history import POINTS_OF_A_BAR  # noqa: E402
from sim.market.price_paths import BlockClock  # noqa: E402
from sim.metrics.statistics.clustered import clustered_proportion  # noqa: E402
from sim.protocol.parameters.table import STRUCTS  # noqa: E402
from sim.reference import oracle_math  # noqa: E402
from sim.reference.fixed_point import WAD  # noqa: E402
from sim.reference.margin_math import requirement  # noqa: E402
from sim.reference.portfolio_math import (  # noqa: E402
    PAIRS,
    PortfolioLeg,
    PortfolioParameters,
    portfolio_margin,
)
from sim.reference.risk_math import AdaptiveParameters, RiskInputs, adaptive_ratios  # noqa: E402

PAGE: Final = ROOT / "docs" / "portfolio.md"
PRICES: Final = ROOT.parent / "shared" / "data" / "prices" / "btc_usd_1h_2018-05_2022-03.csv.gz"
SCENARIO: Final = ROOT / "scenarios" / "correlation_break.toml"
COVERAGE: Final = ("<!-- coverage: made by scripts/portfolio_coverage.py -->", "<!-- coverage: end -->")
BREAK: Final = ("<!-- break: made by scripts/portfolio_coverage.py -->", "<!-- break: end -->")

HOUR: Final = 3_600
WEEK: Final = 7 * 24
WARM_UP: Final = 30 * 24
"""Hours left out: three memories of the variance."""
START: Final = to_wad(0.64)
"""Variance before the first hour, forgotten in the warm-up."""
BELIEVED: Final = 0.85
"""Correlation of BTC and ETH: quant notes 5.4 (assumption)."""
CLOSE: Final = 0.98
"""Correlation of two claims on one asset, believed where it breaks (assumption)."""
BROKEN: Final = 0.5
"""That of prices while margin goes on believing `CLOSE` (assumption)."""
SEEDS: Final = (1, 2, 3)
DRAWN_HOURS: Final = 11_000
"""Of each seed: together as many as are recorded."""
GROSS: Final = 1_000_000 * WAD
WIDTH: Final = 125


@dataclass(frozen=True)
class Book:
    """Shares of gross notional in the first and in the second market, shorts negative."""

    name: str
    first: float
    second: float


EVEN_BOOK: Final = Book("long one half, short one half", 0.5, -0.5)
BOOKS: Final = (
    Book("long the first alone", 1.0, 0.0),
    Book("short the second alone", 0.0, -1.0),
    Book("long both, one half each", 0.5, 0.5),
    Book("long two thirds, short one third", 2 / 3, -1 / 3),
    EVEN_BOOK,
)


@dataclass(frozen=True)
class Setting:
    """Joint scenarios: what differs from the shipped parameters; none for the sum of the legs."""

    name: str
    changes: dict[str, int] | None


LEGS: Final = Setting("the sum of its legs", None)
SHIPPED: Final = Setting("as shipped", {})
LETTER: Final = {"correlation_break": 0, "single_share": 0, "floor_share": WAD // 10}
"""The correlation believed to the letter; the contract takes no lower floor."""
SETTINGS: Final = (
    LEGS,
    SHIPPED,
    Setting("the correlation to the letter", LETTER),
    Setting("to the letter, and the floor", {**LETTER, "floor_share": to_wad(0.3)}),
    Setting("to the letter, and the broken correlation", {**LETTER, "correlation_break": to_wad(0.2)}),
    Setting("to the letter, and one market alone", {**LETTER, "single_share": to_wad(0.5)}),
)


@dataclass(frozen=True)
class Hours:
    """Two markets hour by hour, with what their legs ask at the beginning of each."""

    first: FloatArray
    """Simple return of the first market over the hour."""
    second: FloatArray
    ratios: tuple[Sequence[int], Sequence[int]]
    """Maintenance ratios of the markets (WAD)."""
    weeks: IntArray
    """Of each hour, the week it is in: weeks are what is taken for independent."""


@cache
def shipped() -> tuple[AdaptiveParameters, PortfolioParameters]:
    """Return the shipped parameters of a leg and of the joint scenarios, these without what none offsets."""
    leg = {parameter.name: parameter.word(parameter.default) for parameter in STRUCTS["adaptive"]}
    joint = {parameter.name: parameter.word(parameter.default) for parameter in STRUCTS["portfolio"]}
    return AdaptiveParameters(**leg), PortfolioParameters(
        **{**joint, "close_out_ratio": 0, "confidence_coefficient": 0}
    )


def hours_of(paths: Sequence[tuple[FloatArray, FloatArray]]) -> Hours:
    """Return the judged hours of price paths that do not hang together, a price an hour in each."""
    parts = [
        (*(prices[WARM_UP + 1 :] / prices[WARM_UP:-1] - 1.0 for prices in path), *map(ratios_of, path))
        for path in paths
    ]
    lengths = [part[0].size for part in parts]
    begun = np.cumsum([0, *(-(-length // WEEK) for length in lengths)])
    return Hours(
        first=np.concatenate([part[0] for part in parts]),
        second=np.concatenate([part[1] for part in parts]),
        ratios=([r for part in parts for r in part[2]], [r for part in parts for r in part[3]]),
        weeks=np.concatenate([begun[i] + np.arange(length) // WEEK for i, length in enumerate(lengths)]),
    )


def ratios_of(prices: FloatArray) -> list[int]:
    """Return the maintenance ratio at each judged hour's beginning, in the contracts' integers (WAD)."""
    oracle = STRUCTS["oracle"].defaults
    cap, parameters = to_wad(oracle["max_return"]), shipped()[0]
    keep_fast, keep_slow = (
        oracle_math.decay(HOUR, int(oracle[f"tau_{name}_seconds"])) for name in ("fast", "slow")
    )
    fast = slow = START
    words = [to_wad(price) for price in prices.tolist()]
    found: list[int] = []
    for before, price in pairwise(words):
        squared = oracle_math.observed_variance(price, before, HOUR, cap)
        fast = oracle_math.blend_up(fast, squared, keep_fast)
        slow = oracle_math.blend_up(slow, squared, keep_slow)
        inputs = RiskInputs(
            notional=0,
            price=price,
            confidence=0,
            variance_fast=fast,
            variance_slow=slow,
            open_interest=0,
            depth=0,
        )
        found.append(adaptive_ratios(inputs, parameters).maintenance)
    return found[WARM_UP - 1 : -1]


def recorded() -> Hours:
    """Return the record, and a second market made of it."""
    closes = load_price_file(PRICES).prices[POINTS_OF_A_BAR - 1 :: POINTS_OF_A_BAR]
    logs = np.diff(np.log(closes))
    other = BELIEVED * logs + (1.0 - BELIEVED**2) ** 0.5 * np.roll(logs, logs.size // 2)
    return hours_of([(closes, 1_000.0 * np.exp(np.concatenate(([0.0], np.cumsum(other)))))])


def drawn(correlation: float) -> Hours:
    """Return paths of the engine."""
    process = '{ kind = "garch_t", volatility = 0.8, degrees_of_freedom = 5 }'
    pair = f'{{ between = ["ETH", "BTC"], correlation = {correlation} }}'
    overrides = [
        f'correlation={{ copula = "t", degrees_of_freedom = 4, pairs = [{pair}] }}',
        f"markets.0.price={process}",
        f"markets.1.price={process}",
        "shocks=[]",
    ]
    scenario = load_scenario(SCENARIO, overrides=overrides)
    clock = BlockClock(
        start_time=int(scenario.start_time.timestamp()), seconds_per_block=HOUR, blocks=DRAWN_HOURS
    )
    paths = []
    for seed in SEEDS:
        draws = market_draws(scenario, clock, Streams(seed), {})
        first, second = drawn_paths(scenario.correlation, draws)
        paths.append((first.prices, second.prices))
    return hours_of(paths)


def margin_of(book: Book, hours: Hours, setting: Setting, believed: float = BELIEVED) -> FloatArray:
    """Return what a book is asked at the beginning of each hour, of gross notional, float64[n]."""
    notionals = [int(share * GROSS) for share in (book.first, book.second)]
    correlations = [0] * PAIRS
    correlations[0] = to_wad(believed)
    parameters = replace(shipped()[1], **(setting.changes or {}))
    found: list[int] = []
    for ratios in zip(*hours.ratios, strict=True):
        if setting.changes is None:
            found.append(sum(requirement(abs(n), ratio) for n, ratio in zip(notionals, ratios, strict=True)))
            continue
        legs = [
            PortfolioLeg(notional=n, ratio=ratio, base_ratio=ratio, price=WAD)
            for n, ratio in zip(notionals, ratios, strict=True)
        ]
        found.append(portfolio_margin(legs, correlations, parameters).requirement)
    return np.array([margin / GROSS for margin in found])


def loss_of(book: Book, hours: Hours) -> FloatArray:
    """Return the loss over each hour, of gross notional, float64[n]."""
    return -(book.first * hours.first + book.second * hours.second)


def breached(over: BoolArray, weeks: IntArray) -> str:
    """Return a share of hours with its interval."""
    found = clustered_proportion(over, weeks)
    if not over.any():
        return f"none of {over.size:,} (below {found.upper:.2%})"
    return f"{found.estimate:.2%} ({found.lower:.2%} to {found.upper:.2%})"


def coverage_table(sources: Mapping[str, Hours]) -> str:
    """Return books under both margins in Markdown."""
    counts = ", ".join(f"{hours.first.size:,} of the {name}" for name, hours in sources.items())
    made_of = (
        f"Hours judged: {counts}, after a warm-up of 30 days. The correlation believed, and that of the"
        f" markets, is {BELIEVED}. In brackets 95 % intervals that take weeks for independent, not hours"
        " (Korn and Graubard 1998)."
    )
    heads = ("book", *(f"{name}: {head}" for name in sources for head in (
        "margin of the legs", "saved", "hours beyond the legs' margin", "hours beyond the book's"
    )))  # fmt: skip
    lines = [*wrap(made_of, WIDTH), "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for book in BOOKS:
        cells = [book.name]
        for hours in sources.values():
            legs, joint = (margin_of(book, hours, setting) for setting in (LEGS, SHIPPED))
            loss = loss_of(book, hours)
            cells += [f"{legs.mean():.2%}", f"{1.0 - joint.mean() / legs.mean():.0%}"]
            cells += [breached(loss > margin, hours.weeks) for margin in (legs, joint)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def break_table(holds: Hours, breaks: Hours) -> str:
    """Return the even book under each setting, with prices that keep the correlation and that do not."""
    made_of = (
        f"{EVEN_BOOK.name.capitalize()}, drawn paths ({holds.first.size:,} hours each): margin believes"
        f" {CLOSE} in both, the prices of the right half have {BROKEN}. The largest loss is in margins."
    )
    heads = (
        "margin", "of the legs'", "holds: hours beyond it", "largest loss", "breaks: hours beyond it",
        "largest loss",
    )  # fmt: skip
    lines = [*wrap(made_of, WIDTH), "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    legs = margin_of(EVEN_BOOK, holds, LEGS, CLOSE).mean()
    for setting in SETTINGS:
        cells = [setting.name]
        for hours in (holds, breaks):
            margin = margin_of(EVEN_BOOK, hours, setting, CLOSE)
            over = loss_of(EVEN_BOOK, hours) / margin
            if hours is holds:
                cells.append(f"{margin.mean() / legs:.0%}")
            cells += [breached(over > 1.0, hours.weeks), f"{over.max():.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    parser.add_argument("--print", action="store_true", help="print the tables")
    chosen = parser.parse_args()
    if not PRICES.is_file():
        print(f"skipped: {PRICES.name} is not here; it is no part of the project")
        return 0 if chosen.check else 2
    made = {
        COVERAGE: coverage_table({"record": recorded(), "drawn paths": drawn(BELIEVED)}),
        BREAK: break_table(drawn(CLOSE), drawn(BROKEN)),
    }
    if chosen.print:
        print("\n\n".join(made.values()))
        return 0
    page = PAGE.read_text(encoding="utf-8")
    if chosen.check:
        for (begin, end), table in made.items():
            if page.partition(begin)[2].partition(end)[0].strip() != table:
                print("docs/portfolio.md is out of date: run scripts/portfolio_coverage.py", file=sys.stderr)
                return 1
        return 0
    for marks, table in made.items():
        put_between(PAGE, *marks, table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
