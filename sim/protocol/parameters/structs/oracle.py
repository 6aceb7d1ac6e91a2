"""Freshness, confidence, status ladder, estimators, limiter: ``IPriceOracle.OracleParameters``; reporters."""

from decimal import Decimal

from sim.protocol.parameters.table import STRUCTS, Parameter, Struct, below, not_above

_ORACLE = "mechanisms notes 9.1 and 9.14"
_LADDER = "Drift's validity table, via mechanisms notes 9.1"
_DECADE_SECONDS = 315_360_000
_PACKED_SECONDS = 2**24
"""Width of the packed field."""

STRUCTS.add(
    Struct(
        name="oracle",
        order=30,
        section="protocol.oracle",
        meaning="Freshness, confidence, status ladder, estimators and the risk-price limiter.",
        contract="price_oracle",
        checked_in="oracle_parameters",
        conditions=(
            below("min_price", "max_price"),
            not_above("tau_fast_seconds", "tau_slow_seconds"),
            not_above("minimum_sources", "valid_sources"),
        ),
        parameters=(
            Parameter(
                name="heartbeat_grace_seconds",
                unit="s",
                minimum=0,
                maximum=_PACKED_SECONDS,
                below=True,
                default=60,
                source="9.14: stale 60 s",
                meaning="Lateness forgiven.",
            ),
            Parameter(
                name="max_source_confidence_ratio",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.10,
                source=_ORACLE,
                meaning="A report less certain than this is refused.",
            ),
            Parameter(
                name="max_confidence_ratio",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.02,
                source=_ORACLE,
                meaning="Above it the status is UNCERTAIN.",
            ),
            Parameter(
                name="max_divergence",
                unit="1",
                minimum=1,
                maximum=1e6,
                default=5.0,
                source="Drift, 9.14",
                meaning="Index to EMA ratio that is TOO_VOLATILE.",
            ),
            Parameter(
                name="min_price",
                unit="quote",
                minimum=0,
                # 2**96 - 1: what packed storage holds, below the other bound.
                maximum=Decimal("79228162514.264337593543950335"),
                below=True,
                default=1e-6,
                source="Venus/LUNA 2022",
                meaning="A report at or below it is refused.",
            ),
            Parameter(
                name="max_price",
                unit="quote",
                minimum=0,
                above=True,
                maximum=Decimal("79228162514.264337593543950336"),  # 2**96
                below=True,
                default=1e9,
                source="Venus/LUNA 2022",
                meaning="A report at or above it is refused.",
            ),
            Parameter(
                name="tau_fast_seconds",
                unit="s",
                minimum=1,
                maximum=_DECADE_SECONDS,
                default=3_600,
                source=_ORACLE,
                meaning="Memory of the fast variance.",
            ),
            Parameter(
                name="tau_slow_seconds",
                unit="s",
                minimum=1,
                maximum=_DECADE_SECONDS,
                default=864_000,
                source="ten days, the longest memory whose calibration holds: scripts/walk_forward.py"
                " (docs/assumptions.md)",
                meaning="Memory of the slow variance.",
                checked="minimum",
            ),
            Parameter(
                name="tau_ema_seconds",
                unit="s",
                minimum=1,
                maximum=_DECADE_SECONDS,
                default=3_600,
                source=_ORACLE,
                meaning="Memory of the price average.",
                checked="minimum",
            ),
            Parameter(
                name="max_return",
                unit="log",
                minimum=0,
                above=True,
                maximum=1,
                default=0.5,
                source="design: 50 %",
                meaning="Cap of one log return in the variance.",
            ),
            Parameter(
                name="limiter_horizon_seconds",
                unit="s",
                minimum=1,
                maximum=86_400,
                default=300,
                source=_ORACLE,
                meaning="T of the risk-price limiter.",
            ),
            Parameter(
                name="limiter_minimum",
                unit="log",
                minimum=0,
                above=True,
                maximum=1,
                default=0.05,
                source=_ORACLE,
                meaning="Least log move allowed over T.",
            ),
            Parameter(
                name="limiter_coefficient",
                unit="1",
                minimum=0,
                maximum=100,
                default=4.0,
                source=_ORACLE,
                meaning="Standard deviations allowed over T.",
            ),
            Parameter(
                name="valid_sources",
                unit="sources",
                minimum=1,
                maximum=7,
                default=3,
                source=_ORACLE,
                meaning="Fresh sources needed for VALID.",
            ),
            Parameter(
                name="minimum_sources",
                unit="sources",
                minimum=1,
                maximum=7,
                default=2,
                source=_ORACLE,
                meaning="Fresh sources needed for a new round.",
            ),
            Parameter(
                name="open_status",
                unit="status",
                minimum=0,
                maximum=4,
                default=0,
                source=_LADDER,
                meaning="Worst status at which risk may be added.",
            ),
            Parameter(
                name="withdraw_status",
                unit="status",
                minimum=0,
                maximum=4,
                default=0,
                source=_LADDER,
                meaning="Worst status at which collateral may leave.",
            ),
            Parameter(
                name="liquidate_status",
                unit="status",
                minimum=0,
                maximum=4,
                default=1,
                source="UNCERTAIN: a pair of sources (INSUFFICIENT) cannot outvote a dishonest one",
                meaning="Worst status at which accounts are liquidated.",
            ),
            Parameter(
                name="settle_status",
                unit="status",
                minimum=0,
                maximum=4,
                default=1,
                source="as liquidate_status: beyond it, one dishonest source may hold the index",
                meaning="Worst status at which the oracle gives the index as the price of reductions;"
                " beyond it, the worst side of old and new price.",
            ),
        ),
    )
)

STRUCTS.add(
    Struct(
        name="reporter",
        order=40,
        section="protocol.oracle",
        meaning="What a reporter is added with. All weigh the same, so that weights do not matter.",
        contract="price_oracle",
        checked_in="oracle_sources",
        parameters=(
            Parameter(
                name="heartbeat_seconds",
                unit="s",
                minimum=1,
                maximum=_PACKED_SECONDS,
                below=True,
                default=3_600,
                source="Chainlink ETH/USD, one hour",
                meaning="Longest time between two reports of a source.",
            ),
        ),
    )
)
