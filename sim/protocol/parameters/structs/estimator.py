"""How a market's variance is estimated and chosen: ``IVolatilityOracle.EstimatorParameters``."""

from typing import Final

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct, not_above

_DAY_SECONDS: Final = 86_400
_DECADE_SECONDS: Final = 315_360_000
_MONTH_SECONDS: Final = 30 * _DAY_SECONDS
_NONE_CHOSEN: Final = "off: the price oracle's own two variances stand for the market's"
_EMIR: Final = "off; EMIR RTS 153/2013 article 28(1)"
_UNLIMITED: Final = "off: faster than any variance moves; Aloe II limits both ways"


def _weight(name: str, of: str) -> Parameter:
    return Parameter(
        name=name,
        unit="1",
        minimum=0,
        maximum=10,
        default=0.0,
        source=_NONE_CHOSEN,
        meaning=f"Weight of {of} among those of which the largest is chosen; 0 leaves it out.",
        governed=Governed(step=0.25, tighter="higher"),
    )


STRUCTS.add(
    Struct(
        name="estimator",
        order=75,
        section="markets.estimator",
        meaning="Which estimates of variance count, and what holds the largest of them.",
        contract="volatility_oracle",
        checked_in="estimator_params",
        setter=Setter(function="set_estimator", view="parameters", per_market=True),
        conditions=(not_above("tau_range_seconds", "tau_long_seconds"),),
        parameters=(
            _weight("fast_weight", "the oracle's fast variance"),
            _weight("slow_weight", "the oracle's slow variance"),
            _weight("range_weight", "the variance of squared ranges (Parkinson)"),
            _weight("true_range_weight", "the variance of the average true range (ATR)"),
            _weight("implied_weight", "the implied variance that is reported"),
            Parameter(
                name="bucket_seconds",
                unit="s",
                minimum=60,
                maximum=_DAY_SECONDS,
                default=3_600,
                source="assumption: an hour, the horizon of maintenance margin",
                meaning="Length of a bucket of highs and lows.",
                governed=Governed(step=600),
            ),
            Parameter(
                name="tau_range_seconds",
                unit="s",
                minimum=60,
                maximum=_DECADE_SECONDS,
                default=_DAY_SECONDS,
                source="assumption: two dozen buckets, about fourteen of which an ATR usually averages",
                meaning="Memory of both range estimates.",
                governed=Governed(step=3_600),
            ),
            Parameter(
                name="max_range",
                unit="log",
                minimum=0,
                above=True,
                maximum=1,
                default=0.5,
                source="as max_return of the oracle",
                meaning="Cap of what one bucket adds, its log range.",
                governed=Governed(
                    minimum=0.01, step=0.05, tighter="higher", reason="assumption: 1 % at least"
                ),
            ),
            Parameter(
                name="implied_age_seconds",
                unit="s",
                minimum=1,
                maximum=_MONTH_SECONDS,
                default=3_600,
                source="assumption: as long as a price's heartbeat",
                meaning="Age from which a report of implied variance is forgotten.",
                governed=Governed(step=600),
            ),
            Parameter(
                name="tau_long_seconds",
                unit="s",
                minimum=60,
                maximum=_DECADE_SECONDS,
                default=31_536_000,
                source="assumption: a year; EMIR's floor looks back ten, which few coins have",
                meaning="Memory of the long-run variance.",
                checked="both",
                governed=Governed(step=_DAY_SECONDS),
            ),
            Parameter(
                name="floor_weight",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.0,
                source=f"{_EMIR}(c): a floor from the long run",
                meaning="Part of the long-run variance that the choice is never below.",
                governed=Governed(step=0.1, tighter="higher"),
            ),
            Parameter(
                name="buffer",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.0,
                source=f"{_EMIR}(a): 25 % of margin, which may be exhausted",
                meaning="Share of margin asked on top while variance is at or below its long run; used up as "
                "variance rises beyond.",
                governed=Governed(step=0.05, tighter="higher"),
            ),
            Parameter(
                name="rise_per_hour",
                unit="log per hour",
                minimum=0,
                above=True,
                maximum=100_000,
                default=100_000.0,
                source=_UNLIMITED,
                meaning="Fastest rise of the chosen variance.",
                governed=Governed(minimum=0.01, step=0.25, tighter="higher", reason="assumption: not frozen"),
            ),
            Parameter(
                name="fall_per_hour",
                unit="log per hour",
                minimum=0,
                above=True,
                maximum=100_000,
                default=100_000.0,
                source=_UNLIMITED,
                meaning="Fastest fall of the chosen variance.",
                governed=Governed(
                    minimum=0.0001, step=0.25, tighter="lower", reason="assumption: not frozen"
                ),
            ),
            Parameter(
                name="expiry_seconds",
                unit="s",
                minimum=60,
                maximum=_MONTH_SECONDS,
                default=3_600,
                source="assumption: as long as a price's heartbeat",
                meaning="Age from which a choice that nobody renews is forgotten.",
                governed=Governed(step=600),
            ),
        ),
    )
)
