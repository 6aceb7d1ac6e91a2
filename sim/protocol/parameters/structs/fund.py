"""The insurance fund's target and its backers' waits: ``IInsuranceFund.FundParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="fund",
        order=50,
        section="protocol.insurance_fund",
        meaning="When the insurance fund counts as adequate, and how long those who back it are bound.",
        contract="insurance_fund",
        checked_in="fund_draws",
        setter=Setter(function="set_parameters", view="parameters"),
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
            Parameter(
                name="cooldown_seconds",
                unit="s",
                minimum=3_600,
                maximum=7_776_000,
                default=1_123_200,
                source="Drift's insurance fund: 13 days",
                meaning="From a request to leave until the shares may be redeemed; they bear losses.",
                governed=Governed(step=3_600, tighter="higher"),
            ),
            Parameter(
                name="exit_window_seconds",
                unit="s",
                minimum=3_600,
                maximum=2_592_000,
                default=172_800,
                source="Aave's Umbrella: 2 days after the cool-down",
                meaning="In which a backer's shares may be redeemed; then a new request is needed.",
                governed=Governed(step=3_600, tighter="lower"),
            ),
        ),
    )
)
