"""The insurance fund's target: ``IInsuranceFund.FundParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="fund",
        order=50,
        section="protocol.insurance_fund",
        meaning="When the insurance fund counts as adequate.",
        contract="insurance_fund",
        checked_in="fund_draws",
        setter=Setter(function="set_parameters", view="target_reserves"),
        parameters=(
            Parameter(
                name="target_reserves",
                unit="quote",
                minimum=0,
                maximum=1e18,
                default=500_000.0,
                source="assumption: its start",
                meaning="Level at which the fund counts as adequate.",
                governed=Governed(step=10_000.0),
            ),
        ),
    )
)
