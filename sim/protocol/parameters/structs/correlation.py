"""How correlations of two markets are estimated: ``IVolatilityOracle.CorrelationParameters``."""

from typing import Final

from sim.protocol.parameters.table import STRUCTS, Condition, Governed, Parameter, Setter, Struct, not_above

_DAY_SECONDS: Final = 86_400

STRUCTS.add(
    Struct(
        name="correlation",
        order=91,
        section="protocol.portfolio",
        meaning="How the correlation of two markets is estimated; it acts where `estimated` is set.",
        contract="volatility_oracle",
        checked_in="correlations",
        setter=Setter(function="set_correlation", view="correlation_parameters"),
        conditions=(
            not_above("sample_seconds", "tau_seconds"),
            Condition(low=("sample_seconds", "sample_seconds"), high="expiry_seconds"),
        ),
        parameters=(
            Parameter(
                name="sample_seconds",
                unit="s",
                minimum=60,
                maximum=_DAY_SECONDS,
                default=3_600,
                source="measured: feeds that wait for 0.5 % hide a third of it from samples of five minutes",
                meaning="Period at whose end both prices are taken.",
                governed=Governed(step=60),
            ),
            Parameter(
                name="tau_seconds",
                unit="s",
                minimum=60,
                maximum=315_360_000,
                default=10 * _DAY_SECONDS,
                source="assumption: ten days, 240 samples: a correlation of 0.9 is known to 0.01",
                meaning="Memory of the estimate.",
                governed=Governed(step=3_600),
            ),
            Parameter(
                name="max_return",
                unit="1",
                minimum=0,
                above=True,
                maximum=0.5,
                default=0.1,
                source="assumption: an hour that moves farther counts as one of 10 %",
                meaning="Cap of one sample's log return.",
                governed=Governed(minimum=0.01, step=0.05, reason="assumption: 1 % at least"),
            ),
            Parameter(
                name="least_sample_count",
                unit="count",
                minimum=1,
                maximum=10_000,
                default=24,
                source="assumption: a day; a correlation of 0.9 is then known to 0.04, less than the break",
                meaning="Samples before which nothing is estimated.",
                governed=Governed(step=12, tighter="lower"),
            ),
            Parameter(
                name="fall_per_hour",
                unit="1",
                minimum=0,
                above=True,
                maximum=100,
                default=0.1,
                source="assumption: an even hedge at 0.9 is asked 15 % more after an hour",
                meaning="Largest fall of an estimate in an hour; a rise is free.",
                governed=Governed(
                    minimum=0.001, step=0.05, tighter="higher", reason="assumption: slower is not to be seen"
                ),
            ),
            Parameter(
                name="expiry_seconds",
                unit="s",
                minimum=120,
                maximum=30 * _DAY_SECONDS,
                default=14_400,
                source="assumption: four samples that fail",
                meaning="Age from which an estimate is forgotten, and what is stated counts alone.",
                governed=Governed(step=600, tighter="higher"),
            ),
        ),
    )
)
