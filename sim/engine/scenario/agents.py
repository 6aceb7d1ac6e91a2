"""Participants of a scenario: trader cohorts, whales, liquidators, keepers, arbitrageurs and providers."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from sim.core.documents.sections import IDENTIFIER, Problem, Section, number, text

MAX_PARTICIPANTS = 200_000
"""Traders and whales of one scenario together; beyond it memory, not the schema, is the limit."""


class LognormalLeverage(Section):
    """Leverage at entry drawn from a lognormal, truncated to the bounds."""

    distribution: Literal["lognormal"]
    median: float = number(
        8.0, 0.01, 1_000.0, "1", "Median leverage.", source="assumption: below BitMEX's 22-30x mean"
    )
    deviation: float = number(
        0.7, 0.0, 5.0, "log", "Deviation of its log.", source="assumption: 16 % above twice the median"
    )
    minimum: float = number(1.0, 0.01, 1_000.0, "1", "Lower truncation.", source="spot is 1x")
    maximum: float = number(
        20.0, 0.01, 1_000.0, "1", "Upper truncation.", source="assumption: dYdX v4 mid-cap limit, 20x"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield truncation bounds that exclude the median."""
        if not self.minimum <= self.median <= self.maximum:
            yield ("median",), f"must lie in [{self.minimum:g}, {self.maximum:g}], was {self.median:g}"


class UniformLeverage(Section):
    """Leverage at entry drawn evenly between the bounds."""

    distribution: Literal["uniform"]
    minimum: float = number(
        3.0, 0.01, 1_000.0, "1", "Lower bound.", source="mechanisms notes 0.3: 4-30 % equity"
    )
    maximum: float = number(20.0, 0.01, 1_000.0, "1", "Upper bound.", source="mechanisms notes 0.3")

    def problems(self) -> Iterator[Problem]:
        """Yield bounds in the wrong order."""
        if self.minimum > self.maximum:
            yield ("minimum",), f"must be at most maximum {self.maximum:g}, was {self.minimum:g}"


class FixedLeverage(Section):
    """The same leverage for everybody."""

    distribution: Literal["fixed"]
    value: float = number(..., 0.01, 1_000.0, "1", "Leverage.", source="stated by the scenario")


class ParetoSize(Section):
    """Notional at entry drawn from a truncated Pareto law."""

    distribution: Literal["pareto"]
    minimum: float = number(5_000.0, 1.0, 1e12, "quote", "Smallest notional.", source="assumption")
    maximum: float = number(
        500_000.0, 1.0, 1e12, "quote", "Largest notional.", source="assumption: whales are listed apart"
    )
    shape: float = number(
        1.5, 0.1, 20.0, "1", "Tail exponent.", source="quant notes 5.4: zeta 1.5, range 1.1-2"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield bounds in the wrong order."""
        if self.minimum >= self.maximum:
            yield ("minimum",), f"must be below maximum {self.maximum:g}, was {self.minimum:g}"


class LognormalSize(Section):
    """Notional at entry drawn from a lognormal."""

    distribution: Literal["lognormal"]
    median: float = number(10_000.0, 1.0, 1e12, "quote", "Median notional.", source="assumption")
    deviation: float = number(
        1.2, 0.0, 5.0, "log", "Deviation of its log.", source="quant notes 5.4: wealth is lognormal"
    )
    maximum: float = number(
        1_000_000.0, 1.0, 1e12, "quote", "Upper truncation.", source="assumption: whales are listed apart"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a truncation below the median."""
        if self.median > self.maximum:
            yield ("median",), f"must be at most maximum {self.maximum:g}, was {self.median:g}"


class FixedSize(Section):
    """The same notional for everybody."""

    distribution: Literal["fixed"]
    value: float = number(..., 1.0, 1e12, "quote", "Notional.", source="stated by the scenario")


Leverage = Annotated[LognormalLeverage | UniformLeverage | FixedLeverage, Field(discriminator="distribution")]
Size = Annotated[ParetoSize | LognormalSize | FixedSize, Field(discriminator="distribution")]


class TopUpSection(Section):
    """Who adds collateral under margin pressure, how much, and how hard gas is a deterrent."""

    attentive_share: float = number(
        0.5,
        0.0,
        1.0,
        "1",
        "Share of the cohort that ever tops up.",
        source="assumption: BlockAnalitica splits in thirds",
    )
    automated_share: float = number(
        0.1, 0.0, 1.0, "1", "Share of the attentive that react in the next block and follow the base fee.",
        source="assumption: DeFi Saver automation protected a minority in March 2020",
    )  # fmt: skip
    trigger_ratio: float = number(
        1.25,
        1.0,
        100.0,
        "1",
        "Equity to maintenance requirement at which pressure starts.",
        source="9.6: call at 1.25 MM",
    )
    target_ratio: float = number(
        1.8, 1.0, 100.0, "1", "Ratio a top-up restores, if the wallet allows.", source="assumption"
    )
    mean_delay_seconds: int = number(
        600, 1, 604_800, "s", "Mean reaction time of a human.", source="9.6: cure window of ten minutes"
    )
    wallet_ratio: float = number(
        0.5,
        0.0,
        100.0,
        "1",
        "Quote held outside the protocol, as a multiple of collateral.",
        source="assumption",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a target below the trigger."""
        if self.target_ratio < self.trigger_ratio:
            yield (
                ("target_ratio",),
                f"must be at least trigger_ratio {self.trigger_ratio:g}, was {self.target_ratio:g}",
            )


class FeeSection(Section):
    """How a participant bids for block space."""

    policy: Literal["static", "adaptive"] = Field(
        "adaptive",
        description="static: always max_fee_gwei; adaptive: a multiple of the base fee, up to max_fee_gwei.",
    )
    max_fee_gwei: float = number(
        500.0, 1e-9, 1e6, "gwei", "Most it ever pays.", source="assumption: above March 2020's 200"
    )
    priority_fee_gwei: float = number(
        2.0, 0.0, 1e6, "gwei", "Tip.", source="assumption: a common wallet default"
    )
    base_fee_multiple: float = number(
        2.0, 1.0, 100.0, "1", "Multiple of the base fee bid.", source="common wallet default"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield a tip above the fee it is part of."""
        if self.priority_fee_gwei > self.max_fee_gwei:
            yield (
                ("priority_fee_gwei",),
                f"must be at most max_fee_gwei {self.max_fee_gwei:g}, was {self.priority_fee_gwei:g}",
            )


class TraderSection(Section):
    """One cohort of traders with positions at the start."""

    name: str = text(..., "Name of the cohort.", max_length=40, pattern=IDENTIFIER)
    count: int = number(..., 0, MAX_PARTICIPANTS, "accounts", "Accounts.", source="stated by the scenario")
    market: int = number(0, 0, 7, "id", "Market they trade.", source="the first")
    long_share: float = number(
        0.6, 0.0, 1.0, "1", "Share of accounts that are long.", source="quant notes 6: 60/40 to 84/16"
    )
    leverage: Leverage = Field(
        LognormalLeverage(distribution="lognormal"), description="Notional over collateral at entry."
    )
    size: Size = Field(ParetoSize(distribution="pareto"), description="Notional at entry.")
    top_up: TopUpSection = TopUpSection()
    fees: FeeSection = FeeSection()
    trades_per_day: float = number(
        0.0, 0.0, 10_000.0, "per account and day", "Rate of further reductions and increases.",
        source="off by default: positions are held, so that a liquidation is not mistaken for a trade",
    )  # fmt: skip
    reduce_share: float = number(
        0.5, 0.0, 1.0, "1", "Share of those trades that reduce.", source="assumption: no net direction"
    )


class WhaleSection(Section):
    """One large account, sized by its share of open interest, and what it does."""

    name: str = text(..., "Name of the whale.", max_length=40, pattern=IDENTIFIER)
    market: int = number(0, 0, 7, "id", "Market it trades.", source="the first")
    side: Literal["long", "short"] = Field("long", description="Side of its position.")
    open_interest_share: float = number(
        0.2,
        0.0,
        0.95,
        "1",
        "Share of its side's open interest, itself included.",
        source="stated by the scenario",
    )
    leverage: float = number(
        10.0, 0.01, 1_000.0, "1", "Notional over collateral at entry.", source="assumption"
    )
    behavior: Literal["hold", "close", "withdraw_margin", "withdraw_then_close"] = Field(
        "hold",
        description="Hold, close the position, withdraw free collateral, or withdraw first and close then.",
    )
    start_minute: float = number(
        0.0, 0.0, 1e7, "min", "When it starts to act.", source="stated by the scenario"
    )
    duration_minutes: float = number(
        30.0, 0.0, 1e7, "min", "Time its trade is spread over.", source="assumption"
    )
    slices: int = number(10, 1, 10_000, "orders", "Orders its trade is cut into.", source="assumption")
    withdraw_share: float = number(
        1.0,
        0.0,
        1.0,
        "1",
        "Share of the withdrawable collateral it takes.",
        source="Hyperliquid, 12 March 2025: nearly all",
    )
    fees: FeeSection = FeeSection()


class LiquidatorsSection(Section):
    """Competing liquidators."""

    count: int = number(
        6, 0, 1_000, "accounts", "Liquidators.", source="assumption: a handful won all in March 2020"
    )
    capital: float = number(
        2_000_000.0,
        0.0,
        1e15,
        "quote",
        "Inventory each can carry.",
        source="assumption: on Maker four addresses took 63k ETH",
    )
    latency_blocks_max: int = number(
        2,
        0,
        1_000,
        "blocks",
        "Latency of the slowest; they are spread from 0.",
        source="quant 5.4: 70 % in the same block",
    )
    min_profit: float = number(5.0, 0.0, 1e12, "quote", "Least expected profit to act.", source="assumption")
    bid_share: float = number(
        0.3,
        0.0,
        1.0,
        "1",
        "Share of the expected profit the best-informed bids as tip.",
        source="(n-1)/n v in theory (6)",
    )
    risk_aversion: float = number(
        1.0,
        0.0,
        100.0,
        "1",
        "Standard deviations of price over its latency it wants covered.",
        source="9.7, keeper check",
    )
    unwind_half_life_seconds: int = number(
        300, 0, 604_800, "s", "Half-life with which it sells what it took over.", source="assumption"
    )
    max_per_block: int = number(
        20, 1, 10_000, "actions", "Liquidations each sends a block, and has waiting.", source="assumption"
    )
    static_fee_share: float = number(
        0.0, 0.0, 1.0, "1", "Share of the liquidators, the slowest, that never raise their fee.",
        source="Maker's keepers on 12 March 2020",
    )  # fmt: skip
    static_fee_gwei: float = number(
        40.0, 1e-9, 1e6, "gwei", "What those pay at most.",
        source="DeFi Saver users' cap in March 2020, 40 gwei",
    )  # fmt: skip
    fees: FeeSection = FeeSection(max_fee_gwei=2_000.0)


class KeepersSection(Section):
    """Oracle reporters."""

    count: int = number(
        5,
        3,
        7,
        "accounts",
        "Reporters of each market; the oracle takes seven.",
        source="design: at least three",
    )
    deviation_threshold: float = number(
        0.005, 0.0, 1.0, "1", "Price move that triggers a report.", source="Chainlink ETH/USD, 0.5 %"
    )
    heartbeat_seconds: int = number(
        600, 1, 604_800, "s", "Longest silence.", source="assumption: well inside the oracle's heartbeat"
    )
    price_noise: float = number(
        0.0003, 0.0, 0.5, "log", "Deviation of a reporter's error.", source="assumption: 3 bp"
    )
    confidence_ratio: float = number(
        0.001,
        0.0,
        1.0,
        "1",
        "Half-width each reports, over price.",
        source="assumption: typical of Pyth, 10 bp",
    )
    latency_blocks: int = number(0, 0, 1_000, "blocks", "Age of the price reported.", source="assumption")
    static_fee_share: float = number(
        0.0,
        0.0,
        1.0,
        "1",
        "Share of the reporters that never raise their fee.",
        source="Maker, 12 March 2020",
    )
    static_fee_gwei: float = number(
        40.0,
        1e-9,
        1e6,
        "gwei",
        "What those pay at most.",
        source="DeFi Saver users' cap in March 2020, 40 gwei",
    )
    fees: FeeSection = FeeSection()


class ArbitrageursSection(Section):
    """Traders who carry the pool's gap to the external market."""

    count: int = number(2, 0, 1_000, "accounts", "Arbitrageurs.", source="assumption")
    capital: float = number(
        2_000_000.0, 0.0, 1e15, "quote", "Collateral and wallet of each.", source="assumption"
    )
    threshold: float = number(
        0.0015,
        0.0,
        1.0,
        "1",
        "Gap between mark and external price worth trading.",
        source="assumption: fees on both legs",
    )
    max_leverage: float = number(3.0, 0.01, 100.0, "1", "Most leverage used.", source="assumption")
    max_trade_notional: float = number(
        50_000.0, 1.0, 1e15, "quote", "Most traded a block by one.",
        source="assumption: a quarter of the thinnest depth; ten times as much overshoots",
    )  # fmt: skip
    latency_blocks: int = number(0, 0, 1_000, "blocks", "Age of the state it sees.", source="assumption")
    fees: FeeSection = FeeSection()


class LiquidityProvidersSection(Section):
    """Depositors of the pool and stakers of the fund, and when they run."""

    count: int = number(5, 1, 1_000, "accounts", "Providers.", source="assumption")
    run_loss_threshold: float = number(
        0.05,
        0.0,
        1.0,
        "1",
        "Loss of share price below which nobody runs.",
        source="assumption: HLP lost 1-3 % without a run",
    )
    run_rate_per_hour: float = number(
        0.0, 0.0, 100.0, "per hour", "Hazard of leaving once beyond it.",
        source="off by default; HLP lost $166m of $2.43bn in a day after 12 March 2025",
    )  # fmt: skip
    fees: FeeSection = FeeSection()


class DeleveragerSection(Section):
    """Who calls auto-deleveraging and loss socialisation."""

    active: bool = Field(default=True, description="Whether anybody does.")
    latency_blocks: int = number(
        1, 0, 10_000, "blocks", "Delay after a deficit appears.", source="61.7 s seen (quant 6)"
    )
    max_winners: int = number(32, 1, 32, "accounts", "Winners named in one call.", source="contract limit")
    fees: FeeSection = FeeSection(max_fee_gwei=2_000.0)
