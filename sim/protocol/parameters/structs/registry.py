"""The ramp of maintenance margin, funding and the dust bound: ``IMarketRegistry.MarketParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="registry",
        order=12,
        section="protocol.margin",
        meaning="The maintenance ramp, funding and the dust bound, the same in every market.",
        contract="market_registry",
        checked_in="market_params",
        setter=Setter(function="set_parameters", view="parameters"),
        parameters=(
            Parameter(
                name="ramp_per_hour",
                unit="per hour",
                minimum=0,
                maximum=1e6,
                default=0.25,
                source="mechanisms notes 9.14: 25 % an hour",
                meaning="Fastest rise of the maintenance ratio of existing positions.",
                switch="maintenance_ramp",
                switch_meaning="Let the maintenance ratio of existing positions rise gradually.",
                governed=Governed(
                    minimum=0.01,
                    step=0.25,
                    reason="contract; assumption: not 0, which exempts positions for ever",
                ),
            ),
            Parameter(
                name="funding_coefficient",
                unit="per hour",
                minimum=0,
                maximum=100,
                default=0.125,
                source="mechanisms notes 9.12: premium over 8 h",
                meaning="Hourly funding per unit of premium.",
                governed=Governed(step=0.05),
            ),
            Parameter(
                name="funding_margin_coefficient",
                unit="per hour",
                minimum=0,
                maximum=100,
                default=0.75,
                source="dYdX, via 9.12: 6 over eight hours",
                meaning="c in the hourly funding cap c * (initial - maintenance).",
                governed=Governed(step=0.1),
            ),
            Parameter(
                name="max_funding_rate_per_hour",
                unit="per hour",
                minimum=0,
                maximum=1,
                default=0.04,
                source="Hyperliquid, 9.12",
                meaning="Absolute cap of funding.",
                governed=Governed(step=0.01),
            ),
            Parameter(
                name="min_position_notional",
                unit="quote",
                minimum=0,
                maximum=1e12,
                default=1_000.0,
                source="mechanisms notes 9.8: $1k",
                meaning="A remainder below it is closed too.",
                governed=Governed(step=100.0),
            ),
        ),
    )
)
