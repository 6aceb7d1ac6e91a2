"""Protocol sections of a scenario: the contracts' own parameters, capital, and where the oracle starts."""

from collections.abc import Iterator
from types import MappingProxyType

from pydantic import Field

from sim.core.documents.sections import Problem, Section, number
from sim.engine.scenario.composed import StructSection, composed_of
from sim.engine.scenario.portfolio import PortfolioParameters
from sim.engine.scenario.risk import BUILT_IN_MODELS
from sim.protocol.parameters.table import structs_of
from sim.protocol.parameters.values import Words


@composed_of(*structs_of("protocol.margin"))
class MarginParameters(StructSection):
    """Fees, unrealised profit, withdrawals, the maintenance ramp, funding and the dust bound."""

    renamed = MappingProxyType(
        {
            "fee_rate": "trade_fee_rate",
            "unrealized_profit_weight": "upnl_weight",
            "unrealized_profit_cap": "upnl_cap",
            "withdraw_floor_ratio": "withdraw_margin_ratio",
            "funding_margin_multiple": "funding_margin_coefficient, of an hour: an eighth of it",
            "funding_cap_per_hour": "max_funding_rate_per_hour",
        }
    )


@composed_of(*structs_of("protocol.liquidation"))
class LiquidationParameters(StructSection):
    """How much is closed, at what fee, for whom, how fast, and when losses go further down the waterfall."""

    renamed = MappingProxyType(
        {
            "min_position_notional": "protocol.margin.min_position_notional",
            "base_fee": "fee_base",
            "volatility_convexity": "fee_volatility_coefficient",
            "shortfall_convexity": "fee_shortfall_coefficient",
            "reference_volatility": "volatility_reference",
            "max_fee": "fee_max",
            "maintenance_fee_cap": "fee_maintenance_share",
            "equity_fee_cap": "fee_equity_share",
            "bounty_share": "bounty_share_base",
            "bounty_volatility_slope": "bounty_volatility_coefficient",
            "bounty_adequacy_slope": "bounty_adequacy_coefficient",
        }
    )


@composed_of(*structs_of("protocol.oracle"))
class OracleParameters(StructSection):
    """Freshness, confidence, status ladder, estimators and the risk-price limiter."""

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


@composed_of(*structs_of("protocol.pool"))
class PoolParameters(StructSection):
    """Capital of the liquidity pool and the waits of its queues."""

    deposit: float = number(
        20_000_000.0, 1.0, 1e15, "quote", "Deposited by the providers at the start, in equal parts.",
        source="assumption: several times the open interest's likely daily loss",
    )  # fmt: skip


@composed_of(*structs_of("protocol.insurance_fund"))
class InsuranceFundParameters(StructSection):
    """Capital of the insurance fund, its target and the waits of those who back it."""

    renamed = MappingProxyType({"target": "target_reserves"})

    deposit: float = number(
        500_000.0,
        0.0,
        1e15,
        "quote",
        "Staked at the start.",
        source="assumption: about 2 % of open interest, see docs",
    )


class ProtocolSection(Section):
    """The protocol under test."""

    risk_model: str = Field(
        "adaptive",
        description=f"{', '.join(BUILT_IN_MODELS)}, or a Vyper file inside the scenario's folder.",
        max_length=1_024,
        json_schema_extra={
            "unit": "",
            "source": "assumption: margin that follows the market is what is studied",
        },
    )
    risk_model_parameters: dict[str, float] = Field(
        {}, description="Parameters of the risk model by name, whole numbers or decimals.", max_length=64
    )
    margin: MarginParameters = MarginParameters()
    liquidation: LiquidationParameters = LiquidationParameters()
    oracle: OracleParameters = OracleParameters()
    pool: PoolParameters = PoolParameters()
    insurance_fund: InsuranceFundParameters = InsuranceFundParameters()
    portfolio: PortfolioParameters | None = Field(
        None, description="Joint scenarios for accounts in portfolio mode; none: there is no such mode."
    )

    @property
    def is_custom_model(self) -> bool:
        """Whether the risk model is a file rather than one that ships."""
        return self.risk_model not in BUILT_IN_MODELS

    @property
    def structs(self) -> dict[str, Words]:
        """What the contracts are deployed with, by struct and field, but for markets' own."""
        return {
            struct.name: section.values(struct.name)
            for section in (getattr(self, name) for name in type(self).model_fields)
            if isinstance(section, StructSection)
            for struct in section.structs
        }

    def problems(self) -> Iterator[Problem]:
        """Yield a risk model that is neither known nor a Vyper file."""
        if self.is_custom_model and not self.risk_model.endswith(".vy"):
            yield (
                ("risk_model",),
                f"must be one of {', '.join(BUILT_IN_MODELS)} or a .vy file, was {self.risk_model!r}",
            )
