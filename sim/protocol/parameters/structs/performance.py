"""What margin is multiplied by for how it did: ``IVolatilityOracle.PerformanceParameters``."""

from typing import Final

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct, not_above

_BASEL: Final = "Basel Committee 1996, supervisory framework for backtesting"
_YEAR_SECONDS: Final = 31_536_000

STRUCTS.add(
    Struct(
        name="performance",
        order=76,
        section="markets.performance",
        meaning="What margin is multiplied by after exceptions, liquidations that ended in a deficit.",
        contract="volatility_oracle",
        checked_in="estimator_performance",
        setter=Setter(function="set_performance", view="performance_parameters", per_market=True),
        conditions=(
            not_above("yellow_count", "red_count"),
            not_above("yellow_multiplier", "red_multiplier"),
        ),
        parameters=(
            Parameter(
                name="window_seconds",
                unit="s",
                minimum=3_600,
                maximum=_YEAR_SECONDS,
                default=86_400,
                source="assumption: a day; Basel's is 250 of them, of which one stands for an hour of a coin",
                meaning="Rolling window in which exceptions count.",
                governed=Governed(step=3_600),
            ),
            Parameter(
                name="yellow_count",
                unit="count",
                minimum=1,
                maximum=1e6,
                default=5,
                source=_BASEL,
                meaning="Exceptions from which the zone is yellow; with fewer it is green.",
                governed=Governed(step=1, tighter="lower"),
            ),
            Parameter(
                name="red_count",
                unit="count",
                minimum=1,
                maximum=1e6,
                default=10,
                source=_BASEL,
                meaning="Exceptions from which the zone is red.",
                governed=Governed(step=1, tighter="lower"),
            ),
            Parameter(
                name="yellow_multiplier",
                unit="1",
                minimum=1,
                maximum=10,
                default=1.0,
                source=f"off; {_BASEL}: 3.4 / 3 at five exceptions",
                meaning="What margin is multiplied by in the yellow zone.",
                governed=Governed(step=0.1, tighter="higher"),
            ),
            Parameter(
                name="red_multiplier",
                unit="1",
                minimum=1,
                maximum=10,
                default=1.0,
                source=f"off; {_BASEL}: 4 / 3",
                meaning="What margin is multiplied by in the red zone.",
                governed=Governed(step=0.1, tighter="higher"),
            ),
            Parameter(
                name="decay_seconds",
                unit="s",
                minimum=60,
                maximum=_YEAR_SECONDS,
                default=604_800,
                source="assumption: a week",
                meaning="Time in which what is left of a multiplier above one falls to 1/e.",
                governed=Governed(step=3_600, tighter="higher"),
            ),
        ),
    )
)
