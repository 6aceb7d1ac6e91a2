"""Protocol sections of a scenario: risk model, margin, liquidation, oracle, pool and insurance fund."""

from collections.abc import Iterator

from pydantic import Field

from sim.core.documents.sections import Problem, Section, number

_ALF = "mechanisms notes 9.7"
_ORACLE = "mechanisms notes 9.1 and 9.14"
_LADDER = "Drift's validity table, via mechanisms notes 9.1"


class MarginParameters(Section):
    """Fees, unrealised profit, withdrawals, the maintenance ramp and funding."""

    fee_rate: float = number(
        0.0005, 0.0, 0.1, "1", "Trading fee on notional.", source="dYdX v4 taker fee, 5 bp"
    )
    pool_fee_share: float = number(
        0.6, 0.0, 1.0, "1", "Share of the fee for the pool.", source="assumption: GMX pays LPs 63 %"
    )
    fund_fee_share: float = number(0.2, 0.0, 1.0, "1", "Share of the fee for the fund.", source="assumption")
    unrealized_profit_weight: float = number(
        1.0,
        0.0,
        1.0,
        "1",
        "Weight of unrealised profit in equity, up to the cap.",
        source="Drift's upper bound, 9.4",
    )
    unrealized_profit_cap: float = number(
        1_000_000.0, 0.0, 1e15, "quote", "Most unrealised profit credited to one account.",
        source="assumption: Drift credits 100, Hyperliquid everything",
    )  # fmt: skip
    withdraw_floor_ratio: float = number(
        0.10,
        0.0,
        1.0,
        "1",
        "Equity that must stay after a withdrawal, as a share of notional.",
        source="Hyperliquid, 9.4",
    )
    maintenance_ramp: bool = Field(
        default=True, description="Let the maintenance ratio of existing positions rise gradually."
    )
    ramp_per_hour: float = number(
        0.25,
        0.0,
        1_000.0,
        "per hour",
        "Fastest rise of that ratio.",
        source="mechanisms notes 9.14: 25 % an hour",
    )
    funding_coefficient: float = number(
        0.125,
        0.0,
        100.0,
        "per hour",
        "Hourly funding per unit of premium.",
        source="mechanisms notes 9.12: premium over 8 h",
    )
    funding_margin_multiple: float = number(
        6.0,
        0.0,
        800.0,
        "1",
        "c in the eight-hour funding cap c * (initial - maintenance).",
        source="dYdX, via 9.12",
    )
    funding_cap_per_hour: float = number(
        0.04, 0.0, 1.0, "per hour", "Absolute cap of funding.", source="Hyperliquid, 9.12"
    )

    def problems(self) -> Iterator[Problem]:
        """Yield fee shares above the whole."""
        total = self.pool_fee_share + self.fund_fee_share
        if total > 1:
            yield ("fund_fee_share",), f"pool_fee_share + fund_fee_share must be at most 1, was {total:g}"


class LiquidationParameters(Section):
    """How much is closed, at what fee, for whom, how fast, and when losses go further down the waterfall."""

    buffer: float = number(
        0.15, 0.0, 10.0, "1", "Margin restored above maintenance.", source="mechanisms notes 9.8, Derive"
    )
    min_position_notional: float = number(
        1_000.0, 0.0, 1e12, "quote", "A remainder below it is closed too.", source="mechanisms notes 9.8: $1k"
    )
    base_fee: float = number(0.005, 0.0, 0.5, "1", "f0, the fee in calm times.", source=_ALF)
    volatility_convexity: float = number(0.5, 0.0, 100.0, "1", "a of the fee's volatility term.", source=_ALF)
    shortfall_convexity: float = number(1.0, 0.0, 100.0, "1", "b of the fee's shortfall term.", source=_ALF)
    reference_volatility: float = number(
        0.60, 0.001, 10.0, "per year", "sigma_ref of fee and split.", source=_ALF
    )
    max_fee: float = number(0.05, 0.0, 0.5, "1", "f_max.", source=_ALF)
    maintenance_fee_cap: float = number(
        0.6, 0.0, 1.0, "1", "Fee cap as a share of the maintenance ratio.", source=_ALF
    )
    equity_fee_cap: float = number(
        0.95, 0.0, 1.0, "1", "Fee cap as a share of positive equity.", source="Drift, via 9.7"
    )
    bounty_share: float = number(0.5, 0.0, 1.0, "1", "beta0, the liquidator's share of the fee.", source=_ALF)
    bounty_volatility_slope: float = number(
        0.1, 0.0, 10.0, "1", "kS: share rises with volatility.", source=_ALF
    )
    bounty_adequacy_slope: float = number(
        0.2, 0.0, 10.0, "1", "kI: share falls when the fund is short.", source=_ALF
    )
    bounty_share_min: float = number(0.30, 0.0, 1.0, "1", "Least share of the liquidator.", source=_ALF)
    bounty_share_max: float = number(0.80, 0.0, 1.0, "1", "Largest share of the liquidator.", source=_ALF)
    min_bounty: float = number(
        10.0, 0.0, 10_000.0, "quote", "Least bounty; the fund tips the difference.",
        source="assumption: 1.3 times the gas of a liquidation at 60 gwei and $200 (9.7, Maker's tip)",
    )  # fmt: skip
    throttle_share_per_hour: float = number(
        0.0, 0.0, 1_000.0, "share of depth per hour", "Liquidation capacity refilled; 0 is no throttle.",
        source="off by default: it trades price stability for bad debt (mechanisms notes 0.3)",
    )  # fmt: skip
    backstop_ratio: float = number(
        2 / 3,
        0.0,
        1.0,
        "1",
        "Below this share of maintenance the throttle is bypassed.",
        source="Hyperliquid, via 9.6",
    )
    adl_window_seconds: int = number(
        60,
        0,
        86_400,
        "s",
        "Time left for auto-deleveraging before a loss is socialised.",
        source="61.7 s seen (quant 6)",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield bounds of fee and split in the wrong order, and a bounty the token cannot pay."""
        if round(self.min_bounty, 6) != self.min_bounty:
            yield ("min_bounty",), f"must have at most 6 decimals, as the token has, was {self.min_bounty!r}"
        if self.base_fee > self.max_fee:
            yield ("base_fee",), f"must be at most max_fee {self.max_fee:g}, was {self.base_fee:g}"
        if self.bounty_share_min > self.bounty_share_max:
            yield (
                ("bounty_share_min",),
                f"must be at most bounty_share_max {self.bounty_share_max:g}, was {self.bounty_share_min:g}",
            )


class OracleParameters(Section):
    """Freshness, confidence, status ladder, estimators and the risk-price limiter, named as on chain."""

    heartbeat_seconds: int = number(
        3_600,
        1,
        604_800,
        "s",
        "Longest time between two reports of a source.",
        source="Chainlink ETH/USD, one hour",
    )
    heartbeat_grace_seconds: int = number(60, 0, 86_400, "s", "Lateness forgiven.", source="9.14: stale 60 s")
    max_source_confidence_ratio: float = number(
        0.10, 0.001, 1.0, "1", "A report less certain than this is refused.", source=_ORACLE
    )
    max_confidence_ratio: float = number(
        0.02, 0.001, 1.0, "1", "Above it the status is UNCERTAIN.", source=_ORACLE
    )
    max_divergence: float = number(
        5.0, 1.01, 1_000.0, "1", "Index to EMA ratio that is TOO_VOLATILE.", source="Drift, 9.14"
    )
    min_price: float = number(
        1e-6, 1e-9, 1e12, "quote", "A report at or below it is refused.", source="Venus/LUNA 2022"
    )
    max_price: float = number(
        1e9, 1e-9, 7e10, "quote", "A report at or above it is refused.", source="Venus/LUNA 2022"
    )
    tau_fast_seconds: int = number(3_600, 1, 31_536_000, "s", "Memory of the fast variance.", source=_ORACLE)
    tau_slow_seconds: int = number(
        604_800, 1, 315_360_000, "s", "Memory of the slow variance.", source=_ORACLE
    )
    tau_ema_seconds: int = number(3_600, 1, 31_536_000, "s", "Memory of the price average.", source=_ORACLE)
    max_return: float = number(
        0.5, 0.001, 1.0, "log", "Cap of one log return in the variance.", source="design: 50 %"
    )
    limiter_horizon_seconds: int = number(300, 1, 86_400, "s", "T of the risk-price limiter.", source=_ORACLE)
    limiter_minimum: float = number(
        0.05, 0.0001, 1.0, "log", "Least log move allowed over T.", source=_ORACLE
    )
    limiter_coefficient: float = number(
        4.0, 0.0, 100.0, "1", "Standard deviations allowed over T.", source=_ORACLE
    )
    valid_sources: int = number(3, 1, 7, "sources", "Fresh sources needed for VALID.", source=_ORACLE)
    minimum_sources: int = number(2, 1, 7, "sources", "Fresh sources needed for a new round.", source=_ORACLE)
    open_status: int = number(0, 0, 4, "status", "Worst status at which risk may be added.", source=_LADDER)
    withdraw_status: int = number(
        0, 0, 4, "status", "Worst status at which collateral may leave.", source=_LADDER
    )
    liquidate_status: int = number(
        2, 0, 4, "status", "Worst status at which accounts are liquidated.", source=_LADDER
    )
    settle_status: int = number(
        4, 0, 4, "status", "Worst status at which positions may be reduced.", source=_LADDER
    )
    initial_volatility_fast: float = number(
        0.65,
        0.0,
        10.0,
        "per year",
        "Fast volatility at the start.",
        source="quant notes 5.4: calm ETH (assumption)",
    )
    initial_volatility_slow: float = number(
        0.65,
        0.0,
        10.0,
        "per year",
        "Slow volatility at the start.",
        source="quant notes 5.4: calm ETH (assumption)",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield price bounds, time constants or source counts in the wrong order."""
        if self.min_price >= self.max_price:
            yield ("min_price",), f"must be below max_price {self.max_price:g}, was {self.min_price:g}"
        for lower, upper in (("tau_fast_seconds", "tau_slow_seconds"), ("minimum_sources", "valid_sources")):
            low, high = getattr(self, lower), getattr(self, upper)
            if low > high:
                yield (lower,), f"must be at most {upper} {high}, was {low}"


class PoolParameters(Section):
    """Capital of the liquidity pool."""

    deposit: float = number(
        20_000_000.0, 1.0, 1e15, "quote", "Deposited by the providers at the start, in equal parts.",
        source="assumption: several times the open interest's likely daily loss",
    )  # fmt: skip


class InsuranceFundParameters(Section):
    """Capital of the insurance fund and its target."""

    deposit: float = number(
        500_000.0,
        0.0,
        1e15,
        "quote",
        "Staked at the start.",
        source="assumption: about 2 % of open interest, see docs",
    )
    target: float = number(
        500_000.0,
        1.0,
        1e15,
        "quote",
        "Level at which the fund counts as adequate.",
        source="assumption: its start",
    )


RISK_MODELS = ("static", "volatility", "adaptive")


class ProtocolSection(Section):
    """The protocol under test."""

    risk_model: str = Field(
        "adaptive",
        description="static, volatility, adaptive, or a Vyper file inside the scenario's folder.",
        max_length=1_024,
    )
    risk_model_parameters: dict[str, float] = Field(
        {}, description="Parameters of the risk model by name; *_seconds are whole seconds.", max_length=64
    )
    margin: MarginParameters = MarginParameters()
    liquidation: LiquidationParameters = LiquidationParameters()
    oracle: OracleParameters = OracleParameters()
    pool: PoolParameters = PoolParameters()
    insurance_fund: InsuranceFundParameters = InsuranceFundParameters()

    @property
    def is_custom_model(self) -> bool:
        """Whether the risk model is a file rather than one that ships."""
        return self.risk_model not in RISK_MODELS

    def problems(self) -> Iterator[Problem]:
        """Yield a risk model that is neither known nor a Vyper file."""
        if self.is_custom_model and not self.risk_model.endswith(".vy"):
            yield (
                ("risk_model",),
                f"must be one of {', '.join(RISK_MODELS)} or a .vy file, was {self.risk_model!r}",
            )
